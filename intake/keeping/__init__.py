"""How long things stay: backups on disks, restoring from them, retention, and destroying drops.

snapshot     the signed lists of one backup (docs/vault-backup.md)
medium       the disk that backups lie on
backup       desk → disk
envelopes    what of the evidence it copies there
restore      disk → desk
finding      which snapshot it takes, and who vouches for that
retention    how long a drop is kept, and what is on hold
purging      drops destroyed for good
"""
