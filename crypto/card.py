"""Which card is in, and how often it can still be asked for its PIN, as gpg-agent says.

    S SERIALNO D2760001240103040006123456780000
    S CHV-STATUS +1+127+127+127+3+0+3      the fifth number after the first: tries of the user's PIN

Asking this takes no PIN and changes nothing.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NUMBER: Final = re.compile(r"[0-9A-F]{8,64}")
_SERIAL: Final = re.compile(r"^S SERIALNO ([0-9A-F]{8,64})\b", re.MULTILINE)
_TRIES: Final = re.compile(r"^S CHV-STATUS (?:\+| )?\d+(?:[+ ]\d+){3}[+ ](\d+)[+ ]", re.MULTILINE)
_SECONDS: Final = 30.0
_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Card:
    """The card that is in."""

    serial: str
    tries_left: int | None
    """None where it doesn't say."""


def card_in(home: Path, serial: str | None = None) -> Card | None:
    """Return the card that the gpg-agent of a GNUPGHOME sees, or the one of this number, if in."""
    demand = "SCD SERIALNO" if serial is None else f"SCD SERIALNO --demand={serial}"
    if serial is not None and not _NUMBER.fullmatch(serial):
        return None
    said = _agent(home, demand, "SCD GETATTR CHV-STATUS", start=True)
    found, tries = _SERIAL.search(said), _TRIES.search(said)
    if found is None or serial not in (None, found[1]):
        return None
    return Card(found[1], int(tries[1]) if tries else None)


def forget_pins(home: Path) -> None:
    """Have the gpg-agent of a GNUPGHOME, if one runs, and the card forget what they were told.

    The card is reset; `gpgconf --reload scdaemon` would end its driver, and for some seconds after
    that gpg-agent says that there is no card.
    """
    _run("gpgconf", "--homedir", str(home), "--reload", "gpg-agent")
    if _agent(home, "GETINFO scd_running").startswith("OK"):
        _agent(home, "SCD RESET")


def _agent(home: Path, *commands: str, start: bool = False) -> str:
    only_running = [] if start else ["--no-autostart"]
    return _run("gpg-connect-agent", "--homedir", str(home), *only_running, *commands, "/bye")


def _run(*words: str) -> str:
    try:
        done = subprocess.run(
            words,
            check=False,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("ascii", "replace")
