"""The signed lists of every bag that was taken in: where each envelope came from, and what didn't.

    bags/<32 hex digits>/    the five tag files, as they were on the stick; `signer`: the key they
                             were checked against, 64 hex digits; and `taken`: the day on which
                             the bag was imported, YYYY-MM-DD, or `passed-on`, the day on which
                             another desk passed the lists on with a case, without the envelopes

The folder is named for the signed list itself (the first half of its SHA-256), because the name
that a bag's folder has on a stick is not signed. It appears when all that could be kept of the
bag has been kept, so a bag without one was interrupted, and importing it again finishes it.
"""

import re
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.bag import CASE_FILE, TAG_FILES, TAGMANIFEST, Bag, Kind, verified
from crypto.errors import CryptoError
from intake.durable import PRIVATE_FOLDER, sync_folder, write
from intake.errors import VaultDamaged

_SIGNER: Final = "signer"
_TAKEN: Final = "taken"
_PASSED_ON: Final = "passed-on"
_NAME: Final = re.compile(r"[0-9a-f]{32}")


def bag_name(tag_files: Mapping[str, bytes]) -> str:
    """Return what a bag is called here, whatever its folder was called on the stick."""
    return sha256(tag_files[TAGMANIFEST]).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Brought:
    """A bag that brought an envelope: its name here, the public key that signed it, and days."""

    bag: str
    signer: bytes
    signed_on: str
    taken_on: str | None
    """None of bags that were taken in by Tapedrop 0.2."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The accepted bags of one desk."""

    folder: Path
    signer: Ed25519PublicKey

    def keep(self, tag_files: Mapping[str, bytes], day: date) -> None:
        """Keep the tag files of a bag imported on `day`; changes nothing when they are here."""
        name = bag_name(tag_files)
        if (self.folder / name / _PASSED_ON).exists():
            # Its own stick came after all: what it lists is promised from now on.
            if not (self.folder / name / _TAKEN).exists():
                write(self.folder / name / _TAKEN, f"{day.isoformat()}\n".encode())
            (self.folder / name / _PASSED_ON).unlink()
        elif not (self.folder / name).exists():
            self._write(name, tag_files, _TAKEN, day)

    def pass_on(self, tag_files: Mapping[str, bytes], day: date) -> None:
        """Keep the lists of a bag that another desk imported; they prove, and promise nothing.

        Raises CryptoError, and keeps nothing, unless the signature over them holds.
        """
        verified(tag_files, self.signer)
        name = bag_name(tag_files)
        if not (self.folder / name).exists():
            self._write(name, tag_files, _PASSED_ON, day)

    def tag_files(self, name: str) -> dict[str, bytes]:
        """Return the five lists of the bag that is called `name` here."""
        return {each: (self.folder / name / each).read_bytes() for each in TAG_FILES}

    def _write(self, name: str, tag_files: Mapping[str, bytes], how: str, day: date) -> None:
        part = self.folder / f"part-{secrets.token_hex(8)}"
        part.mkdir(mode=PRIVATE_FOLDER)
        try:
            for file_name, content in tag_files.items():
                write(part / file_name, content)
            write(part / _SIGNER, self.signer.public_bytes_raw().hex().encode() + b"\n")
            write(part / how, f"{day.isoformat()}\n".encode())
            part.rename(self.folder / name)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        sync_folder(self.folder)

    def bags(self) -> Iterator[tuple[str, Bag]]:
        """Yield each bag's name here and what it said. Raises VaultDamaged."""
        for bag in sorted(self.folder.iterdir()):
            if _NAME.fullmatch(bag.name):
                yield bag.name, self._read(bag)

    def brought(self, digests: Collection[bytes]) -> dict[bytes, list[Brought]]:
        """Return which bags brought each of these envelopes. Raises VaultDamaged."""
        found: dict[bytes, list[Brought]] = {}
        for name, bag in self.bags():
            folder = self.folder / name
            taken = self._taken_on(folder)
            said = Brought(
                bag=name,
                signer=bytes.fromhex((folder / _SIGNER).read_text("ascii")),
                signed_on=bag.day.isoformat(),
                taken_on=taken.isoformat() if taken else None,
            )
            for digest in sorted(set(bag.digests.values()) & set(digests)):
                found.setdefault(digest, []).append(said)
        return found

    def vouched(self) -> frozenset[bytes]:
        """Return every envelope that a server of this desk's has signed for. Raises VaultDamaged.

        What only a colleague's desk has shared may be of another newsroom's server.
        """
        bags = (bag for _, bag in self.bags() if bag.kind is Kind.DROPS)
        return frozenset(digest for bag in bags for digest in bag.digests.values())

    def promised(self) -> dict[bytes, date | None]:
        """Return every envelope that any bag listed, and when it was first imported, if known.

        Bags that were taken in by Tapedrop 0.2 say no day.
        """
        found: dict[bytes, date | None] = {}
        for name, bag in self.bags():
            if (self.folder / name / _PASSED_ON).exists():
                continue
            day = self._taken_on(self.folder / name)
            for file, digest in bag.digests.items():
                if bag.kind is Kind.CASE and file == CASE_FILE:
                    continue
                known = found.get(digest)
                found[digest] = min(day, known) if day and known else day or known
        return found

    def sealed_for(self, digest: bytes) -> Bag | None:
        """Return the newest bag that listed an envelope: it names the newsroom of its day."""
        listing = [bag for _, bag in self.bags() if digest in bag.digests.values()]
        return max(listing, key=lambda bag: bag.day, default=None)

    def _taken_on(self, bag: Path) -> date | None:
        try:
            return date.fromisoformat((bag / _TAKEN).read_text("ascii").strip())
        except FileNotFoundError:
            return None
        except ValueError:
            raise VaultDamaged(f"bags/{bag.name}") from None

    def _read(self, folder: Path) -> Bag:
        try:
            files = {name: (folder / name).read_bytes() for name in TAG_FILES}
            # Not this desk's present signer: the two may have been paired anew since.
            signer = bytes.fromhex((folder / _SIGNER).read_text("ascii"))
            return verified(files, Ed25519PublicKey.from_public_bytes(signer))
        except (CryptoError, OSError, ValueError):
            raise VaultDamaged(f"bags/{folder.name}") from None
