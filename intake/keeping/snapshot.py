"""The lists and the signature of one snapshot of a desk; copying is done elsewhere.

    bagit.txt  bag-info.txt  manifest-sha256.txt    as in any BagIt bag (RFC 8493)
    evidence-sha256.txt                             the envelopes beside it: ../../evidence/…
    tagmanifest-sha256.txt                          of the four files above
    tagmanifest-sha256.txt.ed25519                  signature (RFC 8032) in hex over "tapedrop vault
                                                    backup 1", a zero byte, and the tagmanifest

docs/vault-backup.md has the layout around it. The disk was in others' hands: until the signature
holds, nothing that it says is believed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.comparing import words_of
from crypto.errors import NewerVersion
from intake.errors import BackupRefused
from intake.keeping.medium import content
from intake.proving.custody import Head

DATA: Final = "data"
TAGMANIFEST: Final = "tagmanifest-sha256.txt"
SIGNATURE: Final = "tagmanifest-sha256.txt.ed25519"
BAG_INFO: Final = "bag-info.txt"
MANIFEST: Final = "manifest-sha256.txt"
ENVELOPES: Final = "evidence-sha256.txt"
LISTED: Final = ("bagit.txt", BAG_INFO, MANIFEST, ENVELOPES)
LISTS: Final = (*LISTED, TAGMANIFEST, SIGNATURE)
LARGEST_LIST_BYTES: Final = 64 * 1024 * 1024
VERSION: Final = "1"

_BAGIT: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_SIGNED: Final = b"tapedrop vault backup 1\x00"
_KIND: Final = "tapedrop vault backup 1"
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._/-]{1,300})")
_DATA_NAME: Final = re.compile(rf"{DATA}(/[A-Za-z0-9][A-Za-z0-9._-]{{0,119}}){{1,4}}")
_ENVELOPE_NAME: Final = re.compile(r"\.\./\.\./evidence/([0-9a-f]{64})\.gpg")
_HEAD: Final = re.compile(r"(0|[1-9][0-9]{0,17}) ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot says it holds."""

    day: date
    desk: str
    head: Head
    """How far the custody log reaches in its catalogue."""
    files: Mapping[str, bytes]
    """Names under data/, and the SHA-256 of each."""
    envelopes: frozenset[bytes]
    """The digests of the envelopes that belong to it."""


def words(signer: Ed25519PublicKey) -> str:
    """Return the eight words that tell whose backup it is."""
    return words_of({"kind": _KIND, "signing_key": signer.public_bytes_raw().hex()})


def is_name(name: str) -> bool:
    """Say whether a file under data/ may be called this: nothing that points elsewhere."""
    return _DATA_NAME.fullmatch(name) is not None


def read_lists(snapshot: Path) -> dict[str, bytes]:
    """Return the lists of a snapshot, untrusted. Raises BackupRefused."""
    untrusted = {}
    for name in LISTS:
        try:
            untrusted[name] = content(snapshot / name, most=LARGEST_LIST_BYTES)
        except OSError:
            raise BackupRefused(f"{name} can't be read") from None
    return untrusted


def lists(snapshot: Snapshot, signing_key: Ed25519PrivateKey) -> dict[str, bytes]:
    """Return every file of the snapshot but those under data/, by name."""
    head = snapshot.head
    info = (
        f"Bagging-Date: {snapshot.day.isoformat()}\n"
        f"Tapedrop-Backup: {VERSION}\n"
        f"Tapedrop-Desk: {snapshot.desk}\n"
        f"Tapedrop-Custody-Head: {head.number} {head.hash.hex()}\n"
    )
    files = {
        "bagit.txt": _BAGIT,
        BAG_INFO: info.encode(),
        MANIFEST: _lines(snapshot.files),
        ENVELOPES: _lines({_envelope_name(digest): digest for digest in snapshot.envelopes}),
    }
    files[TAGMANIFEST] = _lines({name: sha256(text).digest() for name, text in files.items()})
    signature = signing_key.sign(_SIGNED + files[TAGMANIFEST])
    return files | {SIGNATURE: signature.hex().encode() + b"\n"}


def verified(untrusted: Mapping[str, bytes], signer: Ed25519PublicKey) -> Snapshot:
    """Return what the lists say, once the signature over them holds.

    Raises BackupRefused, NewerVersion. The files themselves are the caller's to hash.
    """
    for name in LISTS:
        if name not in untrusted:
            raise BackupRefused(f"{name} is missing")
    try:
        signature = bytes.fromhex(untrusted[SIGNATURE].decode("ascii"))
        signer.verify(signature, _SIGNED + untrusted[TAGMANIFEST])
    except (InvalidSignature, ValueError):
        raise BackupRefused("it is not signed by the desk whose vault it holds") from None
    listed = _parsed(TAGMANIFEST, untrusted[TAGMANIFEST])
    if listed.keys() != set(LISTED):
        raise BackupRefused(f"{TAGMANIFEST} lists other files than a snapshot has")
    for name, digest in listed.items():
        if sha256(untrusted[name]).digest() != digest:
            raise BackupRefused(f"{name} is not the file that was signed")
    info = _info(untrusted[BAG_INFO])
    files = _parsed(MANIFEST, untrusted[MANIFEST])
    for name in files:
        if not is_name(name):
            raise BackupRefused(f"{MANIFEST} has a name that is none of ours")
    return Snapshot(
        day=_day(info["Bagging-Date"]),
        desk=info["Tapedrop-Desk"],
        head=_head(info["Tapedrop-Custody-Head"]),
        files=files,
        envelopes=_envelopes(untrusted[ENVELOPES]),
    )


def _envelope_name(digest: bytes) -> str:
    return f"../../evidence/{digest.hex()}.gpg"


def _lines(digests: Mapping[str, bytes]) -> bytes:
    return "".join(f"{digests[name].hex()}  {name}\n" for name in sorted(digests)).encode()


def _split(name: str, text: bytes) -> list[str]:
    *whole, rest = text.decode("ascii", "replace").split("\n")
    if rest:
        raise BackupRefused(f"the last line of {name} does not end")
    return whole


def _parsed(list_name: str, text: bytes) -> dict[str, bytes]:
    digests: dict[str, bytes] = {}
    for line in _split(list_name, text):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in digests:
            raise BackupRefused(f"a line of {list_name} is malformed or said twice")
        digests[match[2]] = bytes.fromhex(match[1])
    return digests


def _envelopes(text: bytes) -> frozenset[bytes]:
    listed = _parsed(ENVELOPES, text)
    for name, digest in listed.items():
        match = _ENVELOPE_NAME.fullmatch(name)
        if match is None or bytes.fromhex(match[1]) != digest:
            raise BackupRefused(f"{ENVELOPES} has a name that is none of ours")
    return frozenset(listed.values())


def _info(text: bytes) -> dict[str, str]:
    info: dict[str, str] = {}
    for line in _split(BAG_INFO, text):
        name, colon, said = line.partition(": ")
        if not colon or name in info:
            raise BackupRefused(f"a line of {BAG_INFO} is malformed or said twice")
        info[name] = said
    version = info.get("Tapedrop-Backup")
    if version is not None and version != VERSION:
        raise NewerVersion(f"a backup, version {version}")
    known: Collection[str] = {
        "Bagging-Date", "Tapedrop-Backup", "Tapedrop-Desk", "Tapedrop-Custody-Head",
    }  # fmt: skip
    if info.keys() != known:
        raise BackupRefused(f"{BAG_INFO} says other things than a snapshot's does")
    return info


def _day(said: str) -> date:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        raise BackupRefused(f"{BAG_INFO} says no day") from None
    if day.isoformat() != said:
        raise BackupRefused(f"{BAG_INFO} says no day")
    return day


def _head(said: str) -> Head:
    match = _HEAD.fullmatch(said)
    if match is None:
        raise BackupRefused(f"{BAG_INFO} says no head of the custody log")
    return Head(int(match[1]), bytes.fromhex(match[2]))
