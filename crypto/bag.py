"""The lists and the signature of a bag that crosses the air gap; copying is done elsewhere.

    bagit.txt                        BagIt version and encoding (RFC 8493, section 2.1.1)
    bag-info.txt                     kind, day, and the newsroom key fingerprints of that day
    manifest-sha256.txt              SHA-256 and name of every file under data/
    tagmanifest-sha256.txt           SHA-256 and name of the three files above
    tagmanifest-sha256.txt.ed25519   signature (RFC 8032) in hex over "tapedrop bag 1", a zero
                                     byte, and the tagmanifest

Every name is flat, lower case and ours, so nothing on a stick can point elsewhere.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.errors import BadBag, NewerVersion, WrongSignature

FOLDER: Final = "TAPEDROP"
DATA: Final = "data"
MANIFEST: Final = "manifest-sha256.txt"
TAGMANIFEST: Final = "tagmanifest-sha256.txt"
SIGNATURE: Final = "tagmanifest-sha256.txt.ed25519"
BAG_INFO: Final = "bag-info.txt"
CASE_FILE: Final = f"{DATA}/case.gpg"
"""What a bag of a case holds beside envelopes."""
UNFINISHED: Final = ".part"
"""What a bag's folder ends in until it is whole; such a folder is passed over."""
TAG_FILES: Final = ("bagit.txt", BAG_INFO, MANIFEST, TAGMANIFEST, SIGNATURE)
LARGEST_TAG_FILE_BYTES: Final = 16 * 1024 * 1024
"""A manifest of 100,000 files; nothing larger is read."""

_BAGIT: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_SIGNED: Final = b"tapedrop bag 1\x00"
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([a-z0-9./-]{1,120})")
_DATA_NAME: Final = re.compile(r"data/[a-z0-9-]{1,80}\.(gpg|json|reply)")
_INFO_LINE: Final = re.compile(r"([A-Z][A-Za-z-]{1,40}): ([ -~]{1,200})")


class Kind(StrEnum):
    """Which way a bag travels."""

    DROPS = "drops"
    """Server to desk: sealed envelopes."""
    ANSWERS = "answers"
    """Desk to server: receipts and replies."""
    CASE = "case"
    """Desk to desk: envelopes, and what reporters added to them, sealed to a colleague."""


@dataclass(frozen=True, slots=True)
class Bag:
    """What a bag says it holds. `digests` maps names under data/ to SHA-256, 32 bytes each."""

    kind: Kind
    day: date
    newsroom: tuple[str, ...]
    digests: Mapping[str, bytes]


def tag_files(bag: Bag, signing_key: Ed25519PrivateKey) -> dict[str, bytes]:
    """Return every file of the bag but those under data/, by name.

    Raises BadBag when a payload name is not one of ours.
    """
    for name in bag.digests:
        if not _DATA_NAME.fullmatch(name):
            raise BadBag("not a name of ours", name=name)
    info = [f"Bagging-Date: {bag.day.isoformat()}", f"Tapedrop-Bag: 1 {bag.kind}"]
    info += [f"Tapedrop-Newsroom: {fingerprint}" for fingerprint in bag.newsroom]
    files = {
        "bagit.txt": _BAGIT,
        BAG_INFO: "".join(f"{line}\n" for line in info).encode(),
        MANIFEST: _lines(bag.digests),
    }
    files[TAGMANIFEST] = _lines({name: sha256(text).digest() for name, text in files.items()})
    signature = signing_key.sign(_SIGNED + files[TAGMANIFEST])
    return files | {SIGNATURE: signature.hex().encode() + b"\n"}


def verified(files: Mapping[str, bytes], signer: Ed25519PublicKey) -> Bag:
    """Return what the tag files say, once the signature over them holds.

    Raises WrongSignature, BadBag, NewerVersion. The files under data/ are the caller's to hash.
    """
    for name in TAG_FILES:
        if name not in files:
            raise BadBag("missing", name=name)
    try:
        signature = bytes.fromhex(files[SIGNATURE].decode("ascii"))
        signer.verify(signature, _SIGNED + files[TAGMANIFEST])
    except (InvalidSignature, ValueError):
        raise WrongSignature("the bag is not signed by the key it should be") from None
    listed = _parsed(TAGMANIFEST, files[TAGMANIFEST])
    if listed.keys() != {"bagit.txt", BAG_INFO, MANIFEST}:
        raise BadBag("lists other files than a bag has", name=TAGMANIFEST)
    for name, digest in listed.items():
        if sha256(files[name]).digest() != digest:
            raise BadBag("is not the file that was signed", name=name)
    if files["bagit.txt"] != _BAGIT:
        raise BadBag("is not the BagIt we know", name="bagit.txt")
    digests = _parsed(MANIFEST, files[MANIFEST])
    for name in digests:
        if not _DATA_NAME.fullmatch(name):
            raise BadBag("not a name of ours", name=name)
    info = _info(files[BAG_INFO])
    return Bag(_kind(info), _day(info), tuple(info.get("Tapedrop-Newsroom", ())), digests)


def _lines(digests: Mapping[str, bytes]) -> bytes:
    return "".join(f"{digests[name].hex()}  {name}\n" for name in sorted(digests)).encode()


def _split(name: str, text: bytes) -> list[str]:
    """Return the lines, each of which ends in a line feed and in nothing else that might be one."""
    *lines, rest = text.decode("ascii", "replace").split("\n")
    if rest:
        raise BadBag("its last line does not end", name=name)
    return lines


def _parsed(list_name: str, text: bytes) -> dict[str, bytes]:
    digests: dict[str, bytes] = {}
    for line in _split(list_name, text):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in digests:
            raise BadBag("a line is malformed or said twice", name=list_name)
        digests[match[2]] = bytes.fromhex(match[1])
    return digests


def _info(text: bytes) -> dict[str, list[str]]:
    info: dict[str, list[str]] = {}
    for line in _split(BAG_INFO, text):
        match = _INFO_LINE.fullmatch(line)
        if match is None:
            raise BadBag("a line is malformed", name=BAG_INFO)
        info.setdefault(match[1], []).append(match[2])
    return info


def _kind(info: Mapping[str, Sequence[str]]) -> Kind:
    match info.get("Tapedrop-Bag", ()):
        case [said]:
            version, _, kind = said.partition(" ")
        case _:
            raise BadBag("says no kind, or several", name=BAG_INFO)
    if version != "1":
        raise NewerVersion(said)
    try:
        return Kind(kind)
    except ValueError:
        raise BadBag("unknown kind of bag", name=BAG_INFO) from None


def _day(info: Mapping[str, Sequence[str]]) -> date:
    try:
        (said,) = info.get("Bagging-Date", ())
        day = date.fromisoformat(said)
        if day.isoformat() == said:
            return day
    except ValueError:
        pass
    raise BadBag("says no day", name=BAG_INFO)
