"""The canary: a source of our own, by which staff know that the drop works.

    credentials/canary    {"version": 1, "codename": 22 hex digits}

It has a codename like any other, and nobody but the desks can tell its recordings from a source's:
they learn its pseudonym and mailbox at pairing. Whoever opens this file can read the canary's
mailbox, and no other.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from crypto.codename import SIZE, derive, new_codename
from crypto.errors import NewerVersion
from server.config import Config
from server.deriving import read_salt
from server.errors import NotFit
from server.files import read_regular, write_new

_VERSION: Final = 1
_LARGEST: Final = 4096
_SPOILT: Final = "{} is not a canary's codename; remove it, and the canary begins anew"
_CODENAME: Final = re.compile(rf"[0-9a-f]{{{2 * SIZE}}}")


@dataclass(frozen=True, slots=True)
class Canary:
    """What a desk knows the canary by, as it stands in the manifests of what it sent."""

    pseudonym: str
    mailbox_id: bytes


class _Kept(msgspec.Struct, frozen=True):
    version: int
    codename: str


def new_canary() -> bytes:
    """Return the file of a canary that nobody has met yet."""
    return msgspec.json.encode(_Kept(_VERSION, new_codename().hex())) + b"\n"


def canary_of(folder: Path, config: Config) -> Canary:
    """Return what this drop's canary is known by; it is made where there was none.

    Costs what reading a codename costs: 64 MiB, about 200 ms. Raises NotFit, NewerVersion.
    """
    salt = read_salt(folder / config.credentials.salt)
    keys = derive(codename_of(folder / config.credentials.canary), salt)
    return Canary(keys.pseudonym, keys.mailbox_id)


def codename_of(path: Path) -> bytes:
    """Return the canary's codename, made where there was none. Raises NotFit, NewerVersion."""
    try:
        with suppress(FileExistsError):
            write_new(path, new_canary())
        kept = msgspec.json.decode(read_regular(path, _LARGEST), type=_Kept)
    except OSError as error:
        raise NotFit([f"can't read the canary's codename {path}: {error.strerror}"]) from None
    except (msgspec.DecodeError, ValueError):
        # Without a word of what is in it.
        raise NotFit([_SPOILT.format(path)]) from None
    if kept.version > _VERSION:
        raise NewerVersion(f"tapedrop canary {kept.version}")
    if kept.version < 1 or not _CODENAME.fullmatch(kept.codename):
        raise NotFit([_SPOILT.format(path)])
    return bytes.fromhex(kept.codename)
