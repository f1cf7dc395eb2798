"""Seal what a newsroom answers so that only the source's codename opens it.

There are two kinds of answer, alike from outside: a *reply*, which a reporter wrote, and a
*state*, by which the desk says how far the source's drops have come.

    magic     "TDR1", 4 bytes
    sealed    HPKE (RFC 9180), single shot, base mode: KEM X-Wing (ML-KEM-768 with X25519,
              draft-connolly-cfrg-xwing-kem), KDF HKDF-SHA256, AEAD AES-256-GCM
    info      "tapedrop reply 1" or "tapedrop state 1", a zero byte, the 16-byte mailbox id,
              the answer's name
    inside    length of what follows (u32 big-endian); then of a reply its day, 10 bytes
              (YYYY-MM-DD), and the text in UTF-8, of a state JSON {"state", "day", "count"};
              zeros to a multiple of 4 KiB

The kind is in `info` alone: neither opens as the other, and whoever stores them can't tell a
short reply from a state.

The X-Wing key pair comes from the codename's 32-byte reply seed: SHAKE256 to 96 bytes, 64 for
ML-KEM and 32 for X25519, as the draft says. Stored answers thus hold against someone who records
now and decrypts later.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from hashlib import shake_256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from crypto.errors import NewerVersion, Tampered

PUBLIC_KEY_SIZE: Final = 1184 + 32
LONGEST_BYTES: Final = 256 * 1024
"""Of a reply's text."""
MOST_COUNTED: Final = 10**9
_MAGIC: Final = b"TDR1"
_BLOCK: Final = 4096
_DAY_SIZE: Final = len("2026-11-20")
_ENCAPSULATED_SIZE: Final = 1088 + 32
_TAG_SIZE: Final = 16
_LONGEST_INSIDE: Final = -(-(4 + _DAY_SIZE + LONGEST_BYTES) // _BLOCK) * _BLOCK
LARGEST_SEALED: Final = len(_MAGIC) + _ENCAPSULATED_SIZE + _LONGEST_INSIDE + _TAG_SIZE
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_REPLY: Final = b"tapedrop reply 1\x00"
_STATE: Final = b"tapedrop state 1\x00"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reporter wrote, on which day by the desk's clock (YYYY-MM-DD)."""

    day: str
    text: str


class Stage(StrEnum):
    """How far a source's drops can have come. A later version may know more."""

    OPENED = "opened"
    """Decrypted and read on the desk's offline computer."""


@dataclass(frozen=True, slots=True)
class State:
    """How many of the source's drops had come so far by `day` (YYYY-MM-DD), at one desk."""

    state: Stage
    day: str
    count: int


def public_key_of(reply_seed: bytes) -> bytes:
    """Return the 1,216-byte X-Wing public key that answers to this source are sealed to."""
    mlkem, x25519 = _key_pair(reply_seed)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def seal_reply(reply: Reply, *, to: bytes, mailbox_id: bytes, name: str) -> bytes:
    """Return a reply sealed to the public key `to`; `name` is what the store will call it.

    Raises ValueError when the text is over 256 KiB, the day is none, or `to` is no public key.
    """
    text = reply.text.encode()
    if len(text) > LONGEST_BYTES:
        raise ValueError("reply too long")
    if not _is_day(reply.day):
        raise ValueError("not a day")
    return _seal(reply.day.encode() + text, to, _REPLY + mailbox_id + name.encode())


def seal_state(state: State, *, to: bytes, mailbox_id: bytes, name: str) -> bytes:
    """Return a state, sealed alike. Raises ValueError when `to` is no public key."""
    return _seal(json.dumps(asdict(state)).encode(), to, _STATE + mailbox_id + name.encode())


def open_answer(
    sealed: bytes, *, reply_seed: bytes, mailbox_id: bytes, name: str
) -> Reply | State | None:
    """Return the reply, or the state, or None for a state that only later versions know.

    Raises Tampered, or NewerVersion.
    """
    if not sealed.startswith(_MAGIC):
        if sealed.startswith(b"TDR"):
            raise NewerVersion(sealed[:4].decode("ascii", "replace"))
        raise Tampered("not a reply")
    if len(sealed) > LARGEST_SEALED:
        raise Tampered("longer than a reply can be")
    private_key = MLKEM768X25519PrivateKey(*_key_pair(reply_seed))
    place = mailbox_id + name.encode()
    for label, read in ((_REPLY, _read_reply), (_STATE, _read_state)):
        try:
            inside = _SUITE.decrypt(sealed[len(_MAGIC) :], private_key, label + place)
        except (InvalidTag, ValueError):
            continue
        return read(_unpadded(inside))
    raise Tampered("the answer is not what was sealed")


def _seal(inside: bytes, to: bytes, info: bytes) -> bytes:
    if len(to) != PUBLIC_KEY_SIZE:
        raise ValueError("not an X-Wing public key")
    public_key = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(to[:-32]), X25519PublicKey.from_public_bytes(to[-32:])
    )
    padded = len(inside).to_bytes(4, "big") + inside
    padded += bytes(-len(padded) % _BLOCK)
    return _MAGIC + _SUITE.encrypt(padded, public_key, info)


def _unpadded(padded: bytes) -> bytes:
    length = int.from_bytes(padded[:4], "big")
    if length > len(padded) - 4:
        raise Tampered("the answer's length is wrong")
    return padded[4 : 4 + length]


def _read_reply(inside: bytes) -> Reply:
    try:
        day, text = inside[:_DAY_SIZE].decode(), inside[_DAY_SIZE:].decode()
    except UnicodeDecodeError:
        raise Tampered("the reply is not text") from None
    if not _is_day(day):
        raise Tampered("the reply says no day")
    return Reply(day, text)


def _read_state(inside: bytes) -> State | None:
    try:
        said = json.loads(inside)
        state, day, count = said["state"], said["day"], said["count"]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise Tampered("the state is not laid out as one") from None
    if type(count) is not int or not 0 < count <= MOST_COUNTED or not _is_day(day):
        raise Tampered("the state says no day, or no number")
    if not isinstance(state, str):
        raise Tampered("the state says no word")
    return State(Stage(state), day, count) if state in set(Stage) else None


def _is_day(said: object) -> bool:
    try:
        return isinstance(said, str) and date.fromisoformat(said).isoformat() == said
    except ValueError:
        return False


def _key_pair(reply_seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    expanded = shake_256(reply_seed).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
        X25519PrivateKey.from_private_bytes(expanded[64:]),
    )
