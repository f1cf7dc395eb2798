"""A reporter with a home, a temporary and a runtime folder of their own, and a search of all that.

What is searched for, in every byte: a phrase, as text, UTF-16, base64 and hexadecimal; pieces of a
recording as they are.
"""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from desk import words
from unit.intake.desks import Person, Server

from faults.killing import Command

START = "from intake.cli import main; main()"
_PIECE, _EACH = 48, 4_000


@dataclass(frozen=True)
class Whereabouts:
    """Where a reporter's programs may leave something: the desk, gpg's home, and three folders."""

    folder: Path
    person: Person

    @property
    def desk(self) -> Path:
        return self.folder / "desk"

    @property
    def environment(self) -> Mapping[str, str]:
        """What programs are told of where they are, and nothing more."""
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return kept | {
            "LANG": "C.UTF-8",
            "HOME": str(self._made("home")),
            "TMPDIR": str(self._made("tmp")),
            "XDG_RUNTIME_DIR": str(self._made("run")),
        }

    def found_in(self, needles: Sequence[bytes], *more: Path) -> list[str]:
        """Return the files here, and in `more` folders, that hold any of these bytes."""
        return sorted({
            str(path)
            for folder in (self.folder, self.person.home, *more)
            for path in folder.rglob("*")
            if path.is_file() and not path.is_symlink()
            for content in [path.read_bytes()]
            if any(needle in content for needle in needles)
        })  # fmt: skip

    def command(self, *told: str | Path) -> Command:
        """Return the words that tell this desk something."""
        desk: Command = [] if told[0] in {"init", "restore"} else ["--desk", self.desk]
        return [sys.executable, "-c", START, *desk, *told]

    def run(self, *told: str | Path, say: str = "") -> subprocess.CompletedProcess[str]:
        """Run a verb, and say something to it; return how it ended."""
        return subprocess.run(
            self.command(*told), capture_output=True, text=True, input=say, env=self.environment
        )

    def found(self, server: Server, *more: str) -> None:
        """Make the desk, paired with a server."""
        pairing = server.pairing(self.folder.with_name(f"{self.folder.name}-server.json"))
        made = self.run(
            "init", self.desk, "--server", pairing, "--key", self.person.fingerprint,
            "--gnupg", self.person.home, *words(pairing), *more,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr

    def _made(self, name: str) -> Path:
        (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.folder / name


def ways_to_write(phrase: str) -> list[bytes]:
    """Return a phrase in the ways that a program may have written it."""
    text = phrase.encode()
    return [
        text,
        text.lower(),
        phrase.encode("utf-16-le"),
        phrase.encode("utf-16-be"),
        text.hex().encode(),
        text.hex().upper().encode(),
        *_in_base64(text),
    ]


def _in_base64(text: bytes) -> Iterator[bytes]:
    """Yield what is the same of it whatever came before: it may begin at any of three places."""
    for before in range(3):
        held = base64.b64encode(bytes(before) + text)
        yield held[4 if before else 0 : len(held) - 4]


def pieces(recording: bytes) -> list[bytes]:
    """Return short pieces from all over a recording, but for those where nobody speaks."""
    places = range(100, len(recording) - _PIECE, _EACH)
    return [piece for at in places if len(set(piece := recording[at : at + _PIECE])) > _PIECE // 2]
