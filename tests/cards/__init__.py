"""A smartcard made of software: gpg-agent talks to it as it would to a card in a reader.

No card that runs in software is packaged for Debian, so this stands in for `scdaemon` itself, at
the end where gpg-agent speaks to it. What a real card and its reader do beyond that, it can't show.
"""
