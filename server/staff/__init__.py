"""What security staff do with a drop, without a terminal; `cli/` has a file for each verb.

desks/       pairing, and the keys that desks sign for
sticks/      drops out, receipts and replies in
overview/    how the drop is: `status`
checks/      whether the drop and its machine are in order: `check`
canary/      a source of our own
mail/        a heartbeat each day, and alerts, and how they leave
moving/      a backup, and a drop made from it
emergency/   taking nothing any more, and being no drop any more

`days.py` keeps on which day staff's work was last done; most rooms ask it. `outbox.py` keeps
letters until they are carried away.
"""
