"""What this desk says and signs, in files that a court can check with openssl or Python alone.

    line 1    canonical JSON, one object; `version` says which (docs/custody.md)
    line 2    {"key": the desk's Ed25519 public key in hex, "signature": …}; the signature is over
              "tapedrop signed 1", a zero byte, and line 1 with its line feed

A reader that knows the desk's key from elsewhere (pairing.json) believes that one, not line 2's.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.bag import DATA, FOLDER
from intake.errors import NotOurWord
from intake.proving.custody import Head

HEAD_FILE: Final = "custody.json"
"""Under a bag of answers' data/: how far the log reached."""
_VERSION: Final = "tapedrop custody head 1"
_LABEL: Final = b"tapedrop signed 1\x00"
_LARGEST_BYTES: Final = 64 * 1024 * 1024


def signed(said: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """Return the two lines that say this."""
    line = _line(said)
    by = key.public_key().public_bytes_raw().hex()
    return line + _line({"key": by, "signature": key.sign(_LABEL + line).hex()})


def signed_head(head: Head, *, desk: str, day: str, key: Ed25519PrivateKey) -> bytes:
    """Return the file that carries out how far the custody log reaches."""
    return signed({"version": _VERSION, "desk": desk, "day": day, **facts_of(head)}, key)


def facts_of(head: Head) -> dict[str, Any]:
    """Return a head as every signed file says it."""
    return {"log": {"entries": head.number, "head": head.hash.hex()}}


class _Log(msgspec.Struct, frozen=True):
    entries: int
    head: str


class _Said(msgspec.Struct, frozen=True):
    log: _Log


class _By(msgspec.Struct, frozen=True):
    signature: str


def carried_heads(path: Path, signer: Ed25519PublicKey) -> list[Head]:
    """Return the heads that `path` carried out: a signed file, a bag, or a stick with bags.

    Bags of other desks on the stick are passed over. Raises NotOurWord.
    """
    if not path.is_dir():
        return [_head(path, signer)]
    bags = [path, *sorted((path / FOLDER).glob("*"))]
    files = [file for bag in bags if (file := bag / DATA / HEAD_FILE).is_file()]
    ours = [file for file in files if _claims(file, signer)]
    if not ours:
        raise NotOurWord(path)
    return [_head(file, signer) for file in ours]


def _claims(path: Path, signer: Ed25519PublicKey) -> bool:
    """Say whether a file names this desk's key; whether it is true is another question."""
    return signer.public_bytes_raw().hex().encode() in _read(path)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST_BYTES)


def _head(path: Path, signer: Ed25519PublicKey) -> Head:
    line, separator, rest = _read(path).partition(b"\n")
    try:
        by = msgspec.json.decode(rest, type=_By)
        signer.verify(bytes.fromhex(by.signature), _LABEL + line + separator)
        log = msgspec.json.decode(line, type=_Said).log
        return Head(log.entries, bytes.fromhex(log.head))
    except (InvalidSignature, msgspec.DecodeError, ValueError, RecursionError):
        raise NotOurWord(path) from None


def _line(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode() + b"\n"
