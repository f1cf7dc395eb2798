"""Tars as an envelope holds them, and every way in which one can be a little wrong."""

import json
import tarfile
from collections.abc import Callable
from hashlib import sha256

from crypto.manifest import Condition, Manifest, Source
from crypto.padding import padme

CONTENT = b"RIFF" + bytes(range(256)) * 5
END = bytes(1024)
SOURCE = Source("ozone fiber", "0f" * 16, "ab" * 1216)


def manifest_of(content: bytes, name: str = "recording.wav") -> Manifest:
    """Return a manifest as sealing would complete it."""
    return Manifest(
        name=name,
        size=len(content),
        condition=Condition.CLEANED,
        format="WAV",
        day="2026-11-20",
        source=SOURCE,
        newsroom_digest="cd" * 32,
        recipients=2,
        removed={"location": 1},
        sha256=sha256(content).hexdigest(),
    )


def header(name: str, size: int, **fields: object) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    tar_format = fields.pop("tar_format", tarfile.USTAR_FORMAT)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry.tobuf(tar_format)  # type: ignore[arg-type]


def entry(name: str, content: bytes, **fields: object) -> bytes:
    return header(name, len(content), **fields) + content + bytes(-len(content) % 512)


def padding_for(before: bytes) -> int:
    bare = len(before) + 512 + len(END)
    return padme(bare) - bare


def padded(before: bytes, *, change: int = 0, fill: bytes = b"\x00") -> bytes:
    """Return the whole tar around these entries; `change` makes the padding longer or shorter."""
    return before + entry("padding", fill * (padding_for(before) + change)) + END


def whole(content: bytes = CONTENT, name: str = "recording.wav", **fields: object) -> bytes:
    """Return the tar that sealing makes."""
    manifest = manifest_of(content, name).encoded()
    return padded(entry(name, content, **fields) + entry("manifest.json", manifest))


def named(name: str, **fields: object) -> bytes:
    return whole(name=name, **fields)


MANIFEST = entry("manifest.json", manifest_of(CONTENT).encoded())
RECORDING = entry("recording.wav", CONTENT)


def _saying(**members: object) -> bytes:
    said = json.loads(manifest_of(CONTENT).encoded()) | members
    return padded(RECORDING + entry("manifest.json", json.dumps(said).encode()))


def _flipped(tar: bytes, place: int) -> bytes:
    return tar[:place] + bytes([tar[place] ^ 1]) + tar[place + 1 :]


def _negative_size() -> bytes:
    changed = bytearray(header("recording.wav", 0))
    changed[124:136] = b"\xff" * 12
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\x00 " % sum(changed)
    return bytes(changed) + whole()[512:]


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no tar": lambda: b"not a tar" * 10_000,
    "zeros": lambda: bytes(65_536),
    "a path upwards": lambda: named("../recording.wav"),
    "an absolute path": lambda: named("/recording.wav"),
    "a folder": lambda: named("folder/recording.wav"),
    "another name": lambda: named("notes.txt"),
    "capitals in the name": lambda: named("recording.WAV"),
    "two extensions": lambda: named("recording.wav.exe"),
    "no extension": lambda: named("recording."),
    "an extension of nine letters": lambda: named("recording.abcdefghi"),
    "a line feed in the name": lambda: named("recording.wav\n"),
    "a letter that is not ascii": lambda: named("recording.wäv"),
    "an owner": lambda: whole(uid=1000),
    "an owner's name": lambda: whole(uname="user"),
    "a time": lambda: whole(mtime=1_700_000_000),
    "other rights": lambda: whole(mode=0o755),
    "a symbolic link": lambda: whole(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": lambda: whole(type=tarfile.LNKTYPE, linkname="manifest.json"),
    "a folder's type": lambda: whole(type=tarfile.DIRTYPE),
    "a device": lambda: whole(type=tarfile.CHRTYPE),
    "a pax header": lambda: (
        tarfile.TarInfo.create_pax_global_header({"path": "../x"}) + whole()
    ),
    "a pax header for the recording": lambda: whole(
        tar_format=tarfile.PAX_FORMAT, pax_headers={"path": "../x"}
    ),
    "a gnu long name": lambda: entry("././@LongLink", b"../x\x00", type=b"L") + whole(),
    "a gnu header where ustar will do": lambda: whole(tar_format=tarfile.GNU_FORMAT),
    "a size of eight exbibytes": lambda: (
        header("recording.wav", 2**63, tar_format=tarfile.GNU_FORMAT) + whole()[512:]
    ),
    "a size below nothing": _negative_size,
    "a size one too large": lambda: header("recording.wav", len(CONTENT) + 1) + whole()[512:],
    "a size one too small": lambda: header("recording.wav", len(CONTENT) - 1) + whole()[512:],
    "a wrong checksum": lambda: _flipped(whole(), 150),
    "a second recording": lambda: padded(RECORDING * 2 + MANIFEST),
    "something between": lambda: padded(RECORDING + entry("x", b"x") + MANIFEST),
    "something after the manifest": lambda: padded(RECORDING + MANIFEST + entry("x", b"x")),
    "two manifests": lambda: padded(RECORDING + MANIFEST * 2),
    "the manifest first": lambda: padded(MANIFEST + RECORDING),
    "no manifest": lambda: padded(RECORDING),
    "no recording": lambda: padded(MANIFEST),
    "an empty manifest": lambda: padded(RECORDING + entry("manifest.json", b"")),
    "a manifest of a mebibyte and a byte": lambda: padded(
        RECORDING + entry("manifest.json", b" " * (2**20 + 1))
    ),
    "a manifest of another recording": lambda: padded(
        RECORDING + entry("manifest.json", manifest_of(CONTENT[:-1] + b"x").encoded())
    ),
    "a manifest of another size": lambda: _saying(size=1),
    "a manifest of another name": lambda: _saying(name="recording.mp3"),
    "a manifest that is no json": lambda: padded(RECORDING + entry("manifest.json", b"{")),
    "a manifest with one member more": lambda: _saying(more=1),
    "no padding": lambda: RECORDING + MANIFEST + END,
    "padding one block short": lambda: padded(RECORDING + MANIFEST, change=-512),
    "padding one block long": lambda: padded(RECORDING + MANIFEST, change=512),
    "padding that is not zero": lambda: padded(RECORDING + MANIFEST, fill=b"x"),
    "padding with one bit set": lambda: _flipped(whole(), 60_000),
    "a bit set between recording and manifest": lambda: _flipped(
        whole(), len(RECORDING) - 1
    ),
    "a bit set between manifest and padding": lambda: _flipped(
        whole(), len(RECORDING + MANIFEST) - 1
    ),
    "a bit set in the end": lambda: _flipped(whole(), 65_535),
    "no end": lambda: whole()[:-1024],
    "half an end": lambda: whole()[:-512],
    "one byte missing": lambda: whole()[:-1],
    "one byte behind the end": lambda: whole() + b"\x00",
    "a tar behind the end": lambda: whole() + whole(),
    "a message named as a recording's manifest": lambda: padded(
        entry("message.txt", CONTENT) + MANIFEST
    ),
}  # fmt: skip


def later_version() -> bytes:
    """Return a tar whose manifest a later Tapedrop wrote."""
    return padded(RECORDING + entry("manifest.json", b'{"version": "tapedrop envelope 3"}'))
