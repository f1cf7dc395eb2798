"""Sealed letters to security staff that wait to be carried away: a file each.

    outbox/<32 hex digits>.asc    an armoured OpenPGP message (RFC 9580), 64 KiB at most

Whatever sees the store has no network, and puts letters here; what has a network sees nothing but
them. A name is random and tells no kind; a letter's place in the queue is its file's time. There
are 64 at most, the oldest goes. A name that begins with a dot is a letter that is being written.

Whoever takes the running drop over can write here, so what is here is no letter before it was
looked at: nothing but the letters and digits of OpenPGP's armour reaches staff's command.
"""

import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, NamedTuple

from server.errors import NotALetter
from server.files import read_regular, replace

MOST: Final = 64
_LARGEST_BYTES: Final = 64 * 1024
_LETTER: Final = re.compile(
    rb"-----BEGIN PGP MESSAGE-----\n\n"
    rb"(?:[A-Za-z0-9+/]{1,76}={0,2}\n)+(?:=[A-Za-z0-9+/]{4}\n)?"
    rb"-----END PGP MESSAGE-----\n"
)
_SUFFIX: Final = ".asc"
_BROKEN_OFF_NS: Final = 3600 * 10**9


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many letters wait, and since which day the oldest does."""

    number: int
    oldest: date | None


def put(outbox: Path, letter: bytes) -> None:
    """Add a sealed letter; the oldest goes where there are too many. Raises OSError."""
    outbox.mkdir(mode=0o700, exist_ok=True)  # a drop may be older than its outbox
    path = outbox / f"{secrets.token_hex(16)}{_SUFFIX}"
    replace(path, letter)
    with suppress(OSError):  # the letter is there, or was even carried away already
        _tidy(outbox, newest=path)


def letters_in(outbox: Path) -> list[Path]:
    """Return what waits, oldest first; nothing where there is no outbox. Raises OSError."""
    return [each.path for each in _entries(outbox) if not each.is_begun]


def read_letter(path: Path) -> bytes:
    """Return a letter. Raises NotALetter, and FileNotFoundError when it went meanwhile."""
    try:
        letter = read_regular(path, _LARGEST_BYTES)
    except FileNotFoundError:
        raise
    except (OSError, ValueError):
        raise NotALetter("something in the outbox can't be read as a letter") from None
    if not _LETTER.fullmatch(letter):
        raise NotALetter("something in the outbox is no armoured OpenPGP message")
    return letter


def waiting_in(outbox: Path) -> Waiting:
    """Return how much waits, and since when. Raises OSError."""
    written = [each.written_ns for each in _entries(outbox) if not each.is_begun]
    oldest = datetime.fromtimestamp(written[0] // 10**9, UTC).date() if written else None
    return Waiting(len(written), oldest)


class _Entry(NamedTuple):
    written_ns: int
    path: Path

    @property
    def is_begun(self) -> bool:
        """Whether it is only being written, or was when we crashed (`server/files.py`)."""
        return self.path.name.startswith(".")


def _entries(outbox: Path) -> list[_Entry]:
    """Return everything that is there, oldest first."""
    found = []
    with suppress(FileNotFoundError):
        for path in outbox.iterdir():
            with suppress(FileNotFoundError):  # it was carried away just now
                found.append(_Entry(path.lstat().st_mtime_ns, path))
    return sorted(found)


def _tidy(outbox: Path, *, newest: Path) -> None:
    """Keep the number of letters bounded, and take away what a crash left half written."""
    entries = _entries(outbox)
    # Whatever the clock said when the others were written, the newest stays.
    letters = [each for each in entries if not each.is_begun and each.path != newest]
    stale_ns = time.time_ns() - _BROKEN_OFF_NS
    broken_off = [each for each in entries if each.is_begun and each.written_ns < stale_ns]
    for each in (*letters[: max(len(letters) + 1 - MOST, 0)], *broken_off):
        with suppress(OSError):  # another process was quicker, or it is none of ours
            each.path.unlink()
