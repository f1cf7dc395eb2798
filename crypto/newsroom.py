"""The newsroom's public keys: adding one, and which of them can be sealed to right now.

A key counts when its primary key is neither expired, revoked, disabled nor invalid, and it has a
subkey (or primary) for encryption of which the same is true. The newest such subkey is named
exactly, so that gpg never chooses for itself. The list's digest, by which a desk notices a reader
it doesn't know, is SHA-256 over "tapedrop newsroom 1", a line feed, and every primary fingerprint
of the keyring in order, upper case, each with a line feed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from hashlib import sha256
from typing import Any, Final

from crypto.errors import KeyRefused, NoUsableKey
from crypto.gpg import Gpg

_WRONG: Final = {"e": "expired", "r": "revoked", "i": "invalid"}


@dataclass(frozen=True, slots=True)
class NewsroomKey:
    """One key of the newsroom's. `problem` is empty when it can be sealed to."""

    fingerprint: str
    subkey: str
    name: str
    expires: int | None
    """Seconds since 1970 when the first of primary and subkey expires; None when neither does."""
    problem: str


@dataclass(frozen=True, slots=True)
class Newsroom:
    """Everyone whom the newsroom's drops are sealed to."""

    keys: tuple[NewsroomKey, ...]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Primary fingerprints of all keys, usable or not, in order."""
        return tuple(sorted(key.fingerprint for key in self.keys))

    @property
    def digest(self) -> bytes:
        """What a desk compares with its own, 32 bytes."""
        return list_digest(self.fingerprints)

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for each key that can't be sealed to."""
        return tuple(f"{key.fingerprint}: {key.problem}" for key in self.keys if key.problem)

    def recipients(self) -> tuple[str, ...]:
        """Return the subkeys to seal to. Raises NoUsableKey when there is none."""
        subkeys = tuple(key.subkey for key in self.keys if not key.problem)
        if not subkeys:
            raise NoUsableKey(self.problems)
        return subkeys


def list_digest(fingerprints: Iterable[str]) -> bytes:
    """Return the digest of a key list, given its primary fingerprints."""
    lines = "".join(f"{fingerprint}\n" for fingerprint in sorted(fingerprints))
    return sha256(b"tapedrop newsroom 1\n" + lines.encode()).digest()


def read_newsroom(gpg: Gpg, *, now: datetime) -> Newsroom:
    """Return the keyring's keys, judged at `now` (an aware datetime).

    A key that ends before the day does can't be sealed to any more: an envelope is dated with the
    last second of its day.
    """
    return Newsroom(tuple(_key(listed, now) for listed in gpg.public_keys()))


def add_keys(gpg: Gpg, exported: bytes, *, now: datetime) -> tuple[NewsroomKey, ...]:
    """Add the public keys in `exported` (armoured or binary) to the keyring; return them.

    Raises KeyRefused, and adds none, when one is secret, can't encrypt, or has ended.
    """
    listed = gpg.look_at_keys(exported)
    if not listed:
        raise KeyRefused("there is no OpenPGP key in it")
    for key in listed:
        if key["type"] != "pub":
            raise KeyRefused("it holds a secret key", fingerprint=key["fingerprint"])
    keys = tuple(_key(key, now) for key in listed)
    for new in keys:
        if new.problem:
            raise KeyRefused(new.problem, fingerprint=new.fingerprint)
    gpg.add_keys(exported)
    return keys


def _key(listed: dict[str, Any], now: datetime) -> NewsroomKey:
    day_ends = int(datetime.combine(now.astimezone(UTC).date(), time.max, UTC).timestamp())
    usable: tuple[int, str, int | None] | None = None
    reasons = []
    for created, fingerprint, trust, expires in _encryption_keys(listed):
        problem = _problem(trust, expires, day_ends)
        if problem:
            reasons.append(problem)
        elif usable is None or created > usable[0]:
            usable = (created, fingerprint, expires)
    primary_expires = _seconds(listed["expires"])
    problem = _problem(listed["trust"], primary_expires, day_ends)
    if "D" in listed["cap"]:
        problem = "disabled"
    if not problem and usable is None:
        problem = f"its encryption key is {reasons[0]}" if reasons else "it can't encrypt"
    subkey, subkey_expires = (usable[1], usable[2]) if usable else ("", None)
    ends = [end for end in (primary_expires, subkey_expires) if end is not None]
    return NewsroomKey(
        fingerprint=listed["fingerprint"],
        subkey=subkey,
        name=listed["uids"][0] if listed["uids"] else "",
        expires=min(ends, default=None),
        problem=problem,
    )


def _encryption_keys(listed: dict[str, Any]) -> Iterator[tuple[int, str, str, int | None]]:
    """Yield creation second, fingerprint, validity letter and expiry of each that can encrypt."""
    for key_id, _, fingerprint, *_ in listed["subkeys"]:
        info = listed["subkey_info"][key_id]
        if "e" in info["cap"]:
            yield int(info["date"]), fingerprint, info["trust"], _seconds(info["expires"])
    if "e" in listed["cap"]:
        created = int(listed["date"])
        yield created, listed["fingerprint"], listed["trust"], _seconds(listed["expires"])


def _problem(trust: str, expires: int | None, day_ends: int) -> str:
    if trust in _WRONG:
        return _WRONG[trust]
    return "expired, or expires today" if expires is not None and expires <= day_ends else ""


def _seconds(field: str) -> int | None:
    return int(field) if field else None
