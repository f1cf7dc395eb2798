"""Take a key list that a desk has signed: who reads changes in one step, or not at all.

    keys that it names are imported    nobody reads by that: the roster doesn't name them yet
    the roster is replaced             from here on the new list holds
    keys it doesn't name are deleted   nothing was sealed to them any more

A crash between leaves keys in the keyring that nothing is sealed to; the same list once more
tidies up. `docs/keylist.md` has the rules.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from crypto.errors import BadKeyList, KeyRefused, NoUsableKey
from crypto.keylist import KeyList, verified
from crypto.newsroom import UNSIGNED, NewsroomKey, look_at, remove_keys
from server.errors import NotPaired
from server.newsroom import Keyring
from server.staff.desks.roster import Roster, replaced, roster_of

_CLOCKS_APART: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Change:
    """What taking a signed list comes to."""

    keys: KeyList
    again: bool
    """It is the list that was taken last: what was interrupted then is finished."""
    added: tuple[NewsroomKey, ...]
    renewed: tuple[str, ...]
    """Fingerprints of keys that stay, and whose newer signatures (a later end) come along."""
    removed: tuple[str, ...]
    """Fingerprints of keys that leave the keyring."""


def planned(untrusted: bytes, *, keyring: Keyring, desks: Path, drop: str, now: datetime) -> Change:
    """Return what taking this list would do; change nothing.

    `drop` is our own export key in hex. Raises BadKeyList, WrongSignature, NewerVersion,
    KeyRefused, NoUsableKey, NotPaired, NotFit, GpgFailed.
    """
    roster = roster_of(desks)
    if roster is None:
        raise NotPaired("no desk is paired yet, so there is none whose list could be believed")
    keys = verified(untrusted, roster.signers)
    again = keys.digest.hex() == roster.taken
    _belongs(keys, roster, again=again, drop=drop, now=now)
    # A key that no list has named yet is as good as none.
    here = {key.fingerprint: key for key in keyring.read(now=now).keys if key.problem != UNSIGNED}
    added, renewed = [], []
    for fingerprint, block in keys.readers.items():
        if fingerprint not in here:
            added.append(_new(keyring, fingerprint, block, now))
        elif block and _renews(keyring, here[fingerprint], block, now):
            renewed.append(fingerprint)
    staying = [here[fingerprint] for fingerprint in keys.readers if fingerprint in here]
    if not (added or renewed or any(not key.problem for key in staying)):
        raise NoUsableKey([f"{key.fingerprint}: {key.problem}" for key in staying])
    present = {listed.primary.fingerprint for listed in keyring.gpg.public_keys()}
    removed = tuple(sorted(present - keys.fingerprints))
    return Change(keys, again, tuple(added), tuple(renewed), removed)


def take(untrusted: bytes, *, keyring: Keyring, desks: Path, drop: str, now: datetime) -> Change:
    """Take the list; return what it changed. Raises as `planned` does, and then changes nothing.

    Imported keys are sealed to from the moment the roster names them, and those that it no longer
    names from then on never again, so a crash before or after leaves nobody reading who should not.
    """
    with keyring.changing():
        change = planned(untrusted, keyring=keyring, desks=desks, drop=drop, now=now)
        coming = [*(key.fingerprint for key in change.added), *change.renewed]
        if coming:
            blocks = "\n".join(change.keys.readers[fingerprint] for fingerprint in coming)
            keyring.gpg.add_keys(blocks.encode())
        replaced(desks, change.keys)
        remove_keys(keyring.gpg, change.removed)
    return change


def _belongs(keys: KeyList, roster: Roster, *, again: bool, drop: str, now: datetime) -> None:
    if keys.drop != drop:
        raise BadKeyList("it is for another drop")
    if not again and keys.signed_at <= roster.signed_at:
        raise BadKeyList("it was signed before the list that was taken last")
    if keys.signed_at > (now + _CLOCKS_APART).timestamp():
        raise BadKeyList("it was signed on a day to come: this clock, or the desk's, is wrong")
    for fingerprint in keys.readers:
        if roster.retired.get(fingerprint, 0) >= keys.signed_at:
            raise BadKeyList(f"it was signed before {fingerprint} was retired here")


def _new(keyring: Keyring, fingerprint: str, block: str, now: datetime) -> NewsroomKey:
    if not block:
        raise BadKeyList(f"it names {fingerprint}, but the key is neither in it nor here")
    found = look_at(keyring.gpg, block.encode(), now=now)
    if [key.fingerprint for key in found] != [fingerprint]:
        raise BadKeyList(f"what it gives as {fingerprint} is another key")
    return found[0]


def _renews(keyring: Keyring, here: NewsroomKey, block: str, now: datetime) -> bool:
    """Say whether the block makes the key that is here last longer, or otherwise usable."""
    try:
        found = _new(keyring, here.fingerprint, block, now)
    except KeyRefused:
        return False  # it has ended on its way
    return (found.subkey, found.expires, found.problem) != (here.subkey, here.expires, here.problem)
