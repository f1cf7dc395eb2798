"""The newsroom's public keys: adding one, and which of them can be sealed to right now.

A key counts when its primary key is neither expired, revoked, disabled, invalid nor weak, and it
has a subkey (or primary) for encryption of which the same is true. The newest such subkey is named
exactly, so that gpg never chooses for itself. What is too weak, `strength.py` says. The list's
digest, by which a desk notices a reader it doesn't know, is SHA-256 over "tapedrop newsroom 1", a
line feed, and every primary fingerprint of the newsroom's in order, upper case, each with a line
feed.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from hashlib import sha256
from typing import Final

from crypto.errors import KeyRefused, NoUsableKey
from crypto.gpg import Gpg
from crypto.listing import Half, ListedKey
from crypto.strength import algorithm_text, weakness

UNSIGNED: Final = "no paired desk has signed for it"
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
    algorithm: str = ""
    """Of primary and subkey, as people say it."""

    def days_left(self, now: datetime) -> int | None:
        """Return how many days it can be sealed to, today among them; None when it never ends.

        The day on which it ends is none of them: see `read_newsroom`.
        """
        if self.expires is None:
            return None
        last = datetime.fromtimestamp(self.expires, UTC).date()
        return (last - now.astimezone(UTC).date()).days


@dataclass(frozen=True, slots=True)
class Newsroom:
    """Everyone whom the newsroom's drops are sealed to."""

    keys: tuple[NewsroomKey, ...]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Primary fingerprints of its keys, usable or not, in order.

        A key that no desk has signed for was put there by somebody, and is none of the newsroom's.
        """
        return tuple(sorted(key.fingerprint for key in self.keys if key.problem != UNSIGNED))

    @property
    def digest(self) -> bytes:
        """What a desk compares with its own, 32 bytes."""
        return list_digest(self.fingerprints)

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for each key that can't be sealed to."""
        return tuple(f"{key.fingerprint}: {key.problem}" for key in self.keys if key.problem)

    @property
    def usable(self) -> tuple[NewsroomKey, ...]:
        """The keys that can be sealed to."""
        return tuple(key for key in self.keys if not key.problem)

    def recipients(self) -> tuple[str, ...]:
        """Return the subkeys to seal to. Raises NoUsableKey when there is none."""
        if not self.usable:
            raise NoUsableKey(self.problems)
        return tuple(key.subkey for key in self.usable)

    def ends_within(self, days: int, now: datetime) -> tuple[NewsroomKey, ...]:
        """Return the usable keys that end within so many days from `now`."""
        left = ((key, key.days_left(now)) for key in self.usable)
        return tuple(key for key, still in left if still is not None and still <= days)

    def none_left_within(self, days: int, now: datetime) -> bool:
        """Say whether no key that is here can be sealed to so many days from `now`."""
        return len(self.ends_within(days, now)) == len(self.usable)


def list_digest(fingerprints: Iterable[str]) -> bytes:
    """Return the digest of a key list, given its primary fingerprints."""
    lines = "".join(f"{fingerprint}\n" for fingerprint in sorted(fingerprints))
    return sha256(b"tapedrop newsroom 1\n" + lines.encode()).digest()


def read_newsroom(gpg: Gpg, *, now: datetime, signed: Collection[str] | None = None) -> Newsroom:
    """Return the keyring's keys, judged at `now` (an aware datetime).

    A key that ends before the day does can't be sealed to any more: an envelope is dated with the
    last second of its day. Where `signed` names primary fingerprints, no other key counts.
    """
    return Newsroom(tuple(_key(listed, now, signed) for listed in gpg.public_keys()))


def look_at(gpg: Gpg, exported: bytes, *, now: datetime) -> tuple[NewsroomKey, ...]:
    """Return the public keys in `exported` (armoured or binary), and add none.

    Raises KeyRefused when one is secret, weak, can't encrypt, or has ended.
    """
    listed = gpg.look_at_keys(exported)
    if not listed:
        raise KeyRefused("there is no OpenPGP key in it, or not only that")
    for found in listed:
        if found.secret:
            fingerprint = found.primary.fingerprint
            raise KeyRefused("it holds a secret key", fingerprint=fingerprint, secret=True)
    keys = tuple(_key(key, now, None) for key in listed)
    for key in keys:
        if key.problem:
            raise KeyRefused(key.problem, fingerprint=key.fingerprint)
    return keys


def add_keys(gpg: Gpg, exported: bytes, *, now: datetime) -> tuple[NewsroomKey, ...]:
    """Add the public keys in `exported` to the keyring; return them as they are in it then.

    Raises KeyRefused as `look_at` does, and adds none.
    """
    added = {key.fingerprint for key in look_at(gpg, exported, now=now)}
    gpg.add_keys(exported)
    return tuple(key for key in read_newsroom(gpg, now=now).keys if key.fingerprint in added)


def remove_keys(gpg: Gpg, fingerprints: Iterable[str]) -> None:
    """Delete public keys from the keyring, by their whole fingerprints. Raises GpgFailed."""
    for fingerprint in fingerprints:
        gpg.delete_key(fingerprint)


def _key(listed: ListedKey, now: datetime, signed: Collection[str] | None) -> NewsroomKey:
    primary = listed.primary
    usable: Half | None = None
    reasons = []
    for half in _encryption_keys(listed):
        # A primary key that encrypts is judged below.
        problem = "" if half is primary else _problem(half, now)
        if problem:
            reasons.append(problem)
        elif usable is None or half.created > usable.created:
            usable = half
    if signed is not None and primary.fingerprint not in signed:
        problem = UNSIGNED
    else:
        problem = "disabled" if "D" in primary.can else _problem(primary, now)
    if not problem and usable is None:
        problem = f"its encryption key is {reasons[0]}" if reasons else "it can't encrypt"
    halves = (primary, *((usable,) if usable is not None and usable is not primary else ()))
    return NewsroomKey(
        fingerprint=primary.fingerprint,
        subkey=usable.fingerprint if usable else "",
        name=listed.name,
        expires=min((half.expires for half in halves if half.expires is not None), default=None),
        problem=problem,
        algorithm=", ".join(dict.fromkeys(algorithm_text(half) for half in halves)),
    )


def _encryption_keys(listed: ListedKey) -> Iterator[Half]:
    """Yield each that can encrypt, newest first."""
    halves = (listed.primary, *listed.subkeys)
    yield from sorted(
        (half for half in halves if "e" in half.can), key=lambda half: half.created, reverse=True
    )


def _problem(half: Half, now: datetime) -> str:
    if half.validity == "i" and half.created > now.timestamp():
        return "made later than now, by the clocks of its maker and this machine"
    if half.validity in _WRONG:
        return _WRONG[half.validity]
    day_ends = datetime.combine(now.astimezone(UTC).date(), time.max, UTC).timestamp()
    if half.expires is not None and half.expires <= int(day_ends):
        return "expired, or expires today"
    return weakness(half)
