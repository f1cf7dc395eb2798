"""Who sends: as much of a codename as sending needs. It can't read a reply, nor name the words."""

from dataclasses import dataclass

from crypto.codename import SourceKeys
from crypto.reply import public_key_of


@dataclass(frozen=True, slots=True)
class Sender:
    """What goes into a manifest of a source's, and what notes an event in their mailbox."""

    mailbox_id: bytes
    mailbox_key: bytes
    reply_key: bytes
    pseudonym: str


def sender_of(keys: SourceKeys) -> Sender:
    """Return what the codename's keys can send with."""
    reply_key = public_key_of(keys.reply_seed)
    return Sender(keys.mailbox_id, keys.mailbox_key, reply_key, keys.pseudonym)
