"""Read the bag that a desk sends back, receipts and replies, signed by a desk that is paired."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from crypto.bag import (
    BAG_INFO,
    DATA,
    FOLDER,
    LARGEST_TAG_FILE_BYTES,
    TAG_FILES,
    UNFINISHED,
    Kind,
    verified,
)
from crypto.errors import BadBag, WrongSignature
from server.errors import NotFit, NotPaired
from server.files import read_regular
from server.staff.desks.desk import Desk

_LARGEST_ANSWER: Final = 16 * 1024 * 1024
_MOST_ANSWERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Answers:
    """What a paired desk said on a day. Each file under data/ is checked when it is read."""

    desk: Desk
    folder: Path
    digests: dict[str, bytes]
    day: date

    def read(self, name: str) -> bytes:
        """Return one file that the signature covers. Raises BadBag."""
        try:
            content = read_regular(self.folder / name, _LARGEST_ANSWER)
        except (OSError, ValueError):
            raise BadBag("missing, or not a plain file", name=name) from None
        if sha256(content).digest() != self.digests[name]:
            raise BadBag("is not the file that was signed", name=name)
        return content


def bags_at(place: Path) -> list[Path]:
    """Return the bag at `place`, or the answers below its TAPEDROP folder.

    A stick may travel both ways: our own bags of drops, and bags that are not finished, are passed
    over. Raises BadBag when there is none.
    """
    if (place / TAG_FILES[0]).is_file():
        return [place]
    folder = place if place.name == FOLDER else place / FOLDER
    bags = [path for path in sorted(folder.glob("*")) if _may_be_answers(path)]
    if not bags:
        none = BadBag(f"there is no bag of answers at {place}")
        none.hint = (
            "is the stick mounted there? a desk writes them: tapedrop-intake receipt --to STICK"
        )
        raise none
    return bags


def _may_be_answers(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir() or path.suffix == UNFINISHED:
        return False
    try:
        untrusted_info = read_regular(path / BAG_INFO, LARGEST_TAG_FILE_BYTES)
    except (OSError, ValueError):
        return True  # not a whole bag: reading it says what is wrong
    return f"Tapedrop-Bag: 1 {Kind.DROPS}\n".encode() not in untrusted_info


def kept(path: Path, kind: Any) -> Any:
    """Return what an earlier import kept as JSON of this `kind`; None where there was none.

    Raises NotFit where it is spoilt: what it said must not be forgotten silently.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        raise NotFit([f"{path} can't be read; take it from a backup"]) from None


def read_answers(folder: Path, desks: Sequence[Desk]) -> Answers:
    """Return what the bag in `folder` answers. Raises BadBag, WrongSignature, NotPaired."""
    if not desks:
        raise NotPaired("this drop is not paired with any desk yet")
    tags = {}
    for name in TAG_FILES:
        try:
            tags[name] = read_regular(folder / name, LARGEST_TAG_FILE_BYTES)
        except (OSError, ValueError):
            raise BadBag("missing, or not a plain file", name=name) from None
    for desk in desks:
        try:
            bag = verified(tags, desk.public_key())
        except WrongSignature:
            continue
        if bag.kind is not Kind.ANSWERS:
            raise BadBag("this bag goes to a desk, not to the server")
        if len(bag.digests) > _MOST_ANSWERS:
            raise BadBag("it holds more files than a bag may")
        _nothing_else(folder, set(bag.digests))
        return Answers(desk, folder, dict(bag.digests), bag.day)
    raise WrongSignature("the bag is not signed by a desk that this drop is paired with")


def _nothing_else(folder: Path, listed: set[str]) -> None:
    try:
        found = {f"{DATA}/{entry.name}" for entry in os.scandir(folder / DATA)}
    except OSError:
        raise BadBag("missing, or not a folder", name=DATA) from None
    found |= {entry.name for entry in os.scandir(folder)} - {DATA}
    expected = listed | set(TAG_FILES)
    for name in sorted(found ^ expected):
        why = "missing" if name in expected else "not in the bag's list"
        raise BadBag(why, name=name)
