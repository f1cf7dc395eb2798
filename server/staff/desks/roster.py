"""Whose keys are signed for: after the first pairing, nobody reads whom no desk has named.

    desks/roster    {"version": 1, "signers": {signing key: desk}, "readers": [fingerprints],
                     "signed_at": seconds, "taken": SHA-256 of the last list, in hex,
                     "retired": {fingerprint: seconds}}

It begins with the first desk: the keys that this desk was made with, and the desk as the one that
may sign. From then on it changes by a list that one of `signers` signed (`crypto/keylist.py`), and
by retiring, which needs nobody: it only ever lets fewer read.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from crypto.errors import NewerVersion
from crypto.keylist import KeyList
from server.errors import NotFit
from server.files import replace
from server.staff.desks.desk import Desk, paired

VERSION: Final = 1
_BEFORE: Final = 1
"""The version of desks' files when there was no roster yet."""

_Fingerprint = Annotated[str, msgspec.Meta(pattern=r"\A([0-9A-F]{40}|[0-9A-F]{64})\Z")]
_SigningKey = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class _Version(msgspec.Struct):
    version: int


class Roster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the desks have signed for, so far."""

    version: int
    signers: dict[_SigningKey, str]
    """The desks that may sign the next list: signing key, and name."""
    readers: frozenset[_Fingerprint]
    """Primary fingerprints, without those that were retired since."""
    signed_at: int = 0
    """When the last list was signed, in seconds since 1970 by the desk's clock."""
    taken: str = ""
    retired: dict[_Fingerprint, int] = {}


def roster_of(desks: Path) -> Roster | None:
    """Return the roster; None while no desk is paired. Raises NotFit, NewerVersion, NotPaired."""
    known = paired(desks)
    if not known:
        return None
    try:
        written = _path(desks).read_bytes()
    except FileNotFoundError:
        return _from_before(known, desks)
    try:
        version = msgspec.json.decode(written, type=_Version).version
        if version > VERSION:
            raise NewerVersion(str(version))
        return msgspec.json.decode(written, type=Roster)
    except msgspec.DecodeError:
        raise NotFit([f"{_path(desks)} can't be read; take it from a backup"]) from None


def signed_for(desks: Path) -> frozenset[str] | None:
    """Return the primary fingerprints that a paired desk has signed for.

    None while no desk is paired. Raises NotFit, NewerVersion, NotPaired when a file is spoilt.
    """
    roster = roster_of(desks)
    return roster.readers if roster is not None else None


def begin(desks: Path, desk: Desk) -> None:
    """Begin with the first desk: what it was made with, and nobody else to sign.

    Called before the desk's own file is written, so a desk is never paired without a roster.
    """
    _keep(desks, _of_desks([desk]))


def settle(desks: Path) -> None:
    """Have a roster where the desks were paired before there was one.

    Called before a further desk's file is written: it must not have a say in what is made of them.
    """
    roster = roster_of(desks)
    if roster is not None and not _path(desks).exists():
        _keep(desks, roster)


def retired(desks: Path, fingerprint: str, *, now: datetime) -> None:
    """Note that a key was retired, so that no list signed before brings it back.

    Call it before the key leaves the keyring: from here on nothing is sealed to it.
    """
    roster = roster_of(desks)
    if roster is None:
        return
    said: dict[str, Any] = {
        "readers": roster.readers - {fingerprint},
        # By a desk's clock that is ahead, the list that was taken last is of later than now.
        "retired": roster.retired | {fingerprint: max(int(now.timestamp()), roster.signed_at)},
    }
    _keep(desks, msgspec.structs.replace(roster, **said))


def replaced(desks: Path, keys: KeyList) -> None:
    """Make this list the one that holds, in one step. Raises NotFit where no desk is paired."""
    roster = roster_of(desks)
    if roster is None:
        raise NotFit([f"{desks} has no desk any more"])
    said: dict[str, Any] = {
        "signers": dict(keys.desks),
        # Should one have been retired while this list was looked at, it stays so.
        "readers": frozenset(
            name for name in keys.fingerprints if roster.retired.get(name, 0) < keys.signed_at
        ),
        "signed_at": keys.signed_at,
        "taken": keys.digest.hex(),
    }
    _keep(desks, msgspec.structs.replace(roster, **said))


def _from_before(known: list[Desk], desks: Path) -> Roster:
    """Return the roster of desks that were paired before there was one. Raises NotFit.

    Whoever could do away with a roster would have every desk sign, retired keys back, and old lists
    taken again: where a desk's file is of a time when there was one, it is missing.
    """
    if any(desk.version > _BEFORE for desk in known):
        raise NotFit([f"{_path(desks)} is gone; take it from a backup"])
    return _of_desks(known)


def _of_desks(known: list[Desk]) -> Roster:
    """Return the roster that these desks begin: what all of them know."""
    readers = frozenset.intersection(*(frozenset(desk.newsroom) for desk in known))
    return Roster(VERSION, {desk.signing_key: desk.desk for desk in known}, readers)


def _keep(desks: Path, roster: Roster) -> None:
    replace(_path(desks), msgspec.json.format(msgspec.json.encode(roster)) + b"\n")


def _path(desks: Path) -> Path:
    return desks / "roster"
