"""Seal replies to sources, and keep them until a stick carries them to the server.

    outbox/<mailbox id>-<reply name>.reply    32 hex digits each; sealed as `crypto.reply` says

Only the source's codename opens a reply; the desk itself can't read it again.
"""

import re
import secrets
from pathlib import Path
from typing import Final

from crypto.manifest import Source
from crypto.reply import LONGEST_BYTES, PUBLIC_KEY_SIZE, seal_reply
from intake.durable import write
from intake.errors import BadReply

_MAILBOX_ID: Final = re.compile(r"[0-9a-f]{32}")
_REPLY_KEY: Final = re.compile(rf"[0-9a-f]{{{2 * PUBLIC_KEY_SIZE}}}")
_NAME: Final = re.compile(r"[0-9a-f]{32}-[0-9a-f]{32}\.reply")


def put_reply(text: str, source: Source, outbox: Path) -> None:
    """Seal `text` to the source and keep it in the outbox. Raises BadReply."""
    if not text.strip():
        raise BadReply("it is empty")
    if len(text.encode("utf-8", "replace")) > LONGEST_BYTES:
        raise BadReply(f"it is longer than {LONGEST_BYTES // 1024} KiB")
    # The manifest is as the server wrote it.
    if not (_MAILBOX_ID.fullmatch(source.mailbox_id) and _REPLY_KEY.fullmatch(source.reply_key)):
        raise BadReply("the drop names no mailbox that can be answered")
    name = secrets.token_hex(16)
    try:
        sealed = seal_reply(
            text,
            to=bytes.fromhex(source.reply_key),
            mailbox_id=bytes.fromhex(source.mailbox_id),
            name=name,
        )
    except ValueError:
        raise BadReply("the drop's reply key is not a key") from None
    write(outbox / f"{source.mailbox_id}-{name}.reply", sealed)


def waiting(outbox: Path) -> dict[str, bytes]:
    """Return every sealed reply of the outbox, by name."""
    files = sorted(outbox.iterdir())
    return {file.name: file.read_bytes() for file in files if _NAME.fullmatch(file.name)}
