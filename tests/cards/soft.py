"""A reporter whose key lies on a card of software, and a hand that puts it in and takes it out."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyrings import Keyring

SERIAL = "D2760001240103040006123456780000"
PIN = "123456"
_HERE = Path(__file__).parent
_STUB = (
    "Key: (shadowed-private-key (ecc (curve Curve25519)(flags djb-tweak)(q #{q}#)\n"
    " (shadowed t1-v1 (#{serial}# OPENPGP.2))))\n"
)


@dataclass(frozen=True)
class SoftCard:
    """A card, the reader that it is in, and somebody who knows its PIN, or doesn't."""

    folder: Path
    home: Path

    @classmethod
    def with_subkey(cls, ring: Keyring, fingerprint: str, folder: Path) -> "SoftCard":
        """Move the secret half of a subkey (cv25519) of a home to a new card."""
        folder.mkdir()
        path = ring.home / "private-keys-v1.d" / f"{_keygrip(ring, fingerprint)}.key"
        said = re.sub(r"\n ", "", path.read_text())
        point, scalar = (re.search(rf"\({part} #([0-9A-F]+)#\)", said) for part in "qd")
        assert point, said
        assert scalar, said
        path.write_text(_STUB.format(q=point[1], serial=SERIAL))
        # libgcrypt keeps the scalar as a number, highest byte first.
        little_endian = bytes.fromhex(scalar[1]).rjust(32, b"\0")[::-1].hex()
        card = {"serial": SERIAL, "scalar": little_endian, "pin": PIN, "tries": 3, "in": True}
        (folder / "card.json").write_text(json.dumps(card | {"operations": 0}))
        made = cls(folder, ring.home)
        made.will_type()
        conf = "".join(
            f"{option} {made._program(name)}\n"
            for option, name in (("scdaemon-program", "scdaemon"), ("pinentry-program", "pinentry"))
        )
        (ring.home / "gpg-agent.conf").write_text(conf)
        made.restart()
        return made

    @property
    def operations(self) -> int:
        """How often it was asked to decrypt, with its PIN given."""
        return int(self._card()["operations"])

    @property
    def tries_left(self) -> int:
        return int(self._card()["tries"])

    @property
    def times_asked(self) -> int:
        """How often somebody was asked for a PIN."""
        return int(json.loads((self.folder / "pins.json").read_text())["asked"])

    def will_type(self, *pins: str | None) -> None:
        """Let somebody type these, one after the other; None is the button that cancels."""
        (self.folder / "pins.json").write_text(json.dumps({"types": pins, "asked": 0}))

    def put_in(self, *, present: bool = True) -> None:
        (self.folder / "card.json").write_text(json.dumps(self._card() | {"in": present}))

    def forget_operations(self) -> None:
        (self.folder / "card.json").write_text(json.dumps(self._card() | {"operations": 0}))

    def restart(self) -> None:
        """Begin anew: the agent forgets, and the card is asked for its PIN again."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=True)

    def _card(self) -> dict[str, Any]:
        card: dict[str, Any] = json.loads((self.folder / "card.json").read_text())
        return card

    def _program(self, name: str) -> Path:
        program = self.folder / name
        # A socket's path is at most 108 bytes, so it lies in gpg's home.
        words = f'"{sys.executable}" "{_HERE / name}.py" "{self.folder}" "{self.home}/S.card"'
        program.write_text(f"#!/bin/sh\nexec {words}\n")
        program.chmod(0o700)
        return program


def _keygrip(ring: Keyring, fingerprint: str) -> str:
    listed = ring.run("--list-secret-keys", "--with-keygrip", "--with-colons").decode().splitlines()
    place = next(at for at, line in enumerate(listed) if line.split(":")[9:10] == [fingerprint])
    return next(line.split(":")[9] for line in listed[place:] if line.startswith("grp"))
