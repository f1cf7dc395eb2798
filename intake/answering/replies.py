"""Seal answers to sources, and keep them until a stick carries them to the server.

Replies are what reporters write: what one says is a record, and what was sealed lies beside it in
the catalogue, both or neither. States are what the desk says by itself of drops it has opened:

    outbox/<mailbox id>-<answer's name>.reply    32 hex digits each; sealed as `crypto.reply` says

Only the source's codename opens what was sealed. Tapedrop 0.2 kept its replies in the outbox too,
and no record of them.
"""

import re
import secrets
from collections.abc import Callable, Collection
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from crypto.manifest import Source
from crypto.reply import PUBLIC_KEY_SIZE, Reply, Stage, State, seal_reply, seal_state
from intake import records
from intake.catalogue import Catalogue
from intake.drop import Drop
from intake.durable import write
from intake.errors import BadReply, NotOpenYet
from intake.records import LONGEST_TEXT, Kind, Record

_MAILBOX_ID: Final = re.compile(r"[0-9a-f]{32}")
_REPLY_KEY: Final = re.compile(rf"[0-9a-f]{{{2 * PUBLIC_KEY_SIZE}}}")
_NAME: Final = re.compile(r"[0-9a-f]{32}-[0-9a-f]{32}\.reply")


def put_reply(text: str, drop: Drop, catalogue: Catalogue, *, by: str, day: date) -> Record:
    """Seal `text` to the source of a drop and keep it; return the record of what it says.

    Raises NotOpenYet, BadReply.
    """
    if drop.manifest is None:
        raise NotOpenYet(drop.id)
    if not text.strip():
        raise BadReply("it is empty")
    if len(text) > LONGEST_TEXT:
        raise BadReply(f"it is longer than {LONGEST_TEXT} letters")
    reply = Reply(day.isoformat(), text)
    file_name, sealed = _sealed(partial(seal_reply, reply), drop.manifest.source)
    with catalogue.whole():
        record = catalogue.records.put(
            Kind.REPLY, records.Reply(text), by=by, day=day, about=drop.digest
        )
        catalogue.replies.keep(record.id, file_name, sealed)
    return record


def take_back(record: Record, catalogue: Catalogue, *, by: str, day: date) -> None:
    """Have a reply that still waits go nowhere. Raises BadReply when it is too late."""
    # Asked in the same transaction: a receipt may be under way beside this.
    with catalogue.whole():
        sealed = catalogue.replies.of(record.id)
        if sealed is None:
            raise BadReply("it can't be taken back: it was not written at this desk")
        if sealed.carried is not None:
            raise BadReply(f"it can't be taken back: a receipt of {sealed.carried} carried it out")
        catalogue.replies.forget(record.id)
        catalogue.records.remove(record, by=by, day=day)


def put_states(catalogue: Catalogue, outbox: Path, *, ours: Collection[bytes], day: date) -> int:
    """Tell each source whose drops were opened since it was last told; return how many are told.

    `ours` are the digests of the drops that this desk's server has; sources of others have no
    mailbox there. What a source was told before says less, so it leaves the outbox.
    """
    told = 0
    for source_number, source, opened, before in catalogue.drops.untold(ours):
        state = State(Stage.OPENED, day.isoformat(), opened)
        try:
            file_name, sealed = _sealed(partial(seal_state, state), source)
        except BadReply:
            # The manifest is as the server wrote it; nobody could answer this one by hand either.
            continue
        write(outbox / file_name, sealed)
        catalogue.drops.told(source_number, opened, file_name)
        if before is not None:
            (outbox / before).unlink(missing_ok=True)
        told += 1
    return told


def answers_of(catalogue: Catalogue, outbox: Path) -> dict[str, bytes]:
    """Return every sealed answer of the desk, by its name in a bag."""
    files = sorted(outbox.iterdir())
    states = {file.name: file.read_bytes() for file in files if _NAME.fullmatch(file.name)}
    return states | catalogue.replies.sealed()


def _sealed(seal: Callable[..., bytes], source: Source) -> tuple[str, bytes]:
    """Return an answer's name in a bag, and what `seal` makes for the source. Raises BadReply."""
    # The manifest is as the server wrote it.
    if not (_MAILBOX_ID.fullmatch(source.mailbox_id) and _REPLY_KEY.fullmatch(source.reply_key)):
        raise BadReply("the drop names no mailbox that can be answered")
    name = secrets.token_hex(16)
    to, mailbox_id = bytes.fromhex(source.reply_key), bytes.fromhex(source.mailbox_id)
    try:
        sealed = seal(to=to, mailbox_id=mailbox_id, name=name)
    except ValueError:
        raise BadReply("the drop's reply key is not a key") from None
    return f"{source.mailbox_id}-{name}.reply", sealed
