"""Pair the drop with desks, by two small files that people carry by hand and compare by words.

    from the server   {"version": 2, "kind": "tapedrop server 2", "export_key",
                       "newsroom": [fingerprints], "desks": {signing key: name},
                       "canary": {"pseudonym", "mailbox_id"}}
    from a desk       {"version": 2, "kind": "tapedrop desk 2", "desk", "signing_key",
                       "newsroom": [fingerprints], "key": armoured}

Keys are Ed25519 public keys in hex (RFC 8032); `newsroom` lists primary key fingerprints, `desks`
those that may sign key lists. Whoever could swap a file would be believed from then on: the eight
words (`crypto/comparing.py`) cover all of it, and each side asks for those that the other shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from crypto.newsroom import NewsroomKey, add_keys, look_at
from server.errors import NotFit, NotPaired
from server.files import replace
from server.newsroom import Keyring
from server.staff.canary.identity import Canary
from server.staff.desks import roster
from server.staff.desks.desk import Desk, introduced, paired


def new_export_key() -> bytes:
    """Return a fresh private key as PEM (PKCS #8)."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_export_key(path: Path) -> Ed25519PrivateKey:
    """Return the key that this drop's bags are signed with. Raises NotFit."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise NotFit([f"can't read the export key {path}: {error.strerror}"]) from None
    except ValueError:
        raise NotFit([f"the export key {path} is damaged"]) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NotFit([f"{path} is not an Ed25519 key"])
    return key


def introduction(
    export_key: Ed25519PrivateKey, newsroom: Sequence[str], *, desks: Path, canary: Canary
) -> dict[str, Any]:
    """Return what the file says that a desk is made with. Raises what reading `desks` raises."""
    known = roster.roster_of(desks)
    return {
        "version": 2,
        "kind": "tapedrop server 2",
        "export_key": export_key.public_key().public_bytes_raw().hex(),
        "newsroom": list(newsroom),
        "desks": known.signers if known is not None else {},
        "canary": {"pseudonym": canary.pseudonym, "mailbox_id": canary.mailbox_id.hex()},
    }


@dataclass(frozen=True, slots=True)
class Meeting:
    """What pairing with a desk would come to."""

    desk: Desk
    words: str
    """What the desk shows, if this is its file."""
    first: bool
    """No desk is paired yet: this one's list is the newsroom's from now on, and it may sign."""
    again: bool
    """It is paired already."""
    adds: tuple[NewsroomKey, ...]
    """Its reporter's key, where the keyring lacks it and may have it."""
    lacks: tuple[str, ...]
    """Fingerprints that it reckons with and nobody has added here yet."""
    unsigned: tuple[NewsroomKey, ...]
    """Keys that are here and that nobody signed for: nothing will be sealed to them."""
    differs: bool
    """It reckons with other keys than those that are signed for, and will raise alarms."""


def planned(untrusted: bytes, *, keyring: Keyring, desks: Path, now: datetime) -> Meeting:
    """Return what pairing with the desk whose file this is would do; change nothing.

    Raises NotPaired, KeyRefused, NewerVersion, NotFit, GpgFailed.
    """
    desk, words = introduced(untrusted)
    others = paired(desks)
    for known in others:
        if known.desk == desk.desk and known.signing_key != desk.signing_key:
            raise NotPaired(f"another desk called {desk.desk} is paired already")
        if known.desk != desk.desk and known.signing_key == desk.signing_key:
            raise NotPaired(f"this desk is paired already, and was called {known.desk}")
    signed = frozenset(desk.newsroom) if not others else roster.signed_for(desks) or frozenset()
    here = {key.fingerprint: key for key in keyring.read(now=now).keys}
    offered = look_at(keyring.gpg, desk.key.encode(), now=now) if desk.key else ()
    if len(offered) > 1:
        # All of them would come into the keyring, also those that it doesn't reckon with.
        raise NotPaired("it brings more than its reporter's own key")
    adds = tuple(
        key for key in offered if key.fingerprint in signed and key.fingerprint not in here
    )
    added = {key.fingerprint for key in adds}
    if not others and not (adds or any(here[name].problem == "" for name in signed & here.keys())):
        raise NotPaired("it reckons with other keys than are here, and nothing could be sealed")
    return Meeting(
        desk=desk,
        words=words,
        first=not others,
        again=any(known.signing_key == desk.signing_key for known in others),
        adds=adds,
        lacks=tuple(sorted(signed - here.keys() - added)),
        unsigned=tuple(key for name, key in here.items() if name not in signed),
        differs=frozenset(desk.newsroom) != signed,
    )


def pair(meeting: Meeting, *, keyring: Keyring, desks: Path, now: datetime) -> None:
    """Take the desk on. Once more changes nothing. Raises KeyRefused, GpgFailed, NotPaired.

    The desk's own file comes last, so that whatever breaks off can be begun anew.
    """
    desk = meeting.desk
    with keyring.changing():
        if meeting.first and paired(desks):
            raise NotPaired("another desk was paired meanwhile; begin again")
        if meeting.adds:
            add_keys(keyring.gpg, desk.key.encode(), now=now)
        if meeting.first:
            roster.begin(desks, desk)
        else:
            roster.settle(desks)
        replace(desks / f"{desk.signing_key[:32]}.json", msgspec.json.encode(desk) + b"\n")
