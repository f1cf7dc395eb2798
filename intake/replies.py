"""Seal answers to sources, and keep them until a stick carries them to the server.

    outbox/<mailbox id>-<answer's name>.reply    32 hex digits each; sealed as `crypto.reply` says

Replies are what reporters write; states are what the desk says by itself of drops it has opened.
Only the source's codename opens either; the desk itself can't read them again.
"""

import re
import secrets
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from crypto.manifest import Source
from crypto.reply import (
    LONGEST_BYTES,
    PUBLIC_KEY_SIZE,
    Reply,
    Stage,
    State,
    seal_reply,
    seal_state,
)
from intake.catalogue import Catalogue
from intake.durable import write
from intake.errors import BadReply

_MAILBOX_ID: Final = re.compile(r"[0-9a-f]{32}")
_REPLY_KEY: Final = re.compile(rf"[0-9a-f]{{{2 * PUBLIC_KEY_SIZE}}}")
_NAME: Final = re.compile(r"[0-9a-f]{32}-[0-9a-f]{32}\.reply")


def put_reply(text: str, source: Source, outbox: Path, *, day: date) -> None:
    """Seal `text` to the source and keep it in the outbox. Raises BadReply."""
    if not text.strip():
        raise BadReply("it is empty")
    if len(text.encode("utf-8", "replace")) > LONGEST_BYTES:
        raise BadReply(f"it is longer than {LONGEST_BYTES // 1024} KiB")
    _put(partial(seal_reply, Reply(day.isoformat(), text)), source, outbox)


def put_states(catalogue: Catalogue, outbox: Path, *, day: date) -> int:
    """Tell each source whose drops were opened since it was last told; return how many are told.

    What a source was told before says less, so it leaves the outbox.
    """
    told = 0
    for source_number, source, opened, before in catalogue.untold():
        state = State(Stage.OPENED, day.isoformat(), opened)
        try:
            file_name = _put(partial(seal_state, state), source, outbox)
        except BadReply:
            # The manifest is as the server wrote it; nobody could answer this one by hand either.
            continue
        catalogue.told(source_number, opened, file_name)
        if before is not None:
            (outbox / before).unlink(missing_ok=True)
        told += 1
    return told


def waiting(outbox: Path) -> dict[str, bytes]:
    """Return every sealed answer of the outbox, by name."""
    files = sorted(outbox.iterdir())
    return {file.name: file.read_bytes() for file in files if _NAME.fullmatch(file.name)}


def _put(seal: Callable[..., bytes], source: Source, outbox: Path) -> str:
    """Keep what `seal` makes for the source; return the file's name. Raises BadReply."""
    # The manifest is as the server wrote it.
    if not (_MAILBOX_ID.fullmatch(source.mailbox_id) and _REPLY_KEY.fullmatch(source.reply_key)):
        raise BadReply("the drop names no mailbox that can be answered")
    name = secrets.token_hex(16)
    to, mailbox_id = bytes.fromhex(source.reply_key), bytes.fromhex(source.mailbox_id)
    try:
        sealed = seal(to=to, mailbox_id=mailbox_id, name=name)
    except ValueError:
        raise BadReply("the drop's reply key is not a key") from None
    file_name = f"{source.mailbox_id}-{name}.reply"
    write(outbox / file_name, sealed)
    return file_name
