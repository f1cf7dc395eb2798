"""A case goes to a colleague's desk on a stick, and comes back (docs/share.md).

giving     what travels with some drops, in a signed bag sealed to one colleague
taking     what may be taken in of it, and what that changes
casefile   how it is written down
outgoing   the bag on its way onto the stick
"""
