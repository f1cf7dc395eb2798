"""DSF and DSDIFF, one bit a sample: written here, for nothing encodes them."""

import struct

from canary.blocks import id3v2
from canary.plants import Planter

RATE = 2_822_400
SILENCE = b"\x69" * 4096 * 40


def dsf_bare(_made: bytes) -> bytes:
    """Return a DSF (DSF File Format Specification 1.01)."""
    form = struct.pack("<IIIIIIQII", 1, 0, 1, 1, RATE, 1, 8 * len(SILENCE), 4096, 0)
    fmt = b"fmt " + struct.pack("<Q", 12 + len(form)) + form
    data = b"data" + struct.pack("<Q", 12 + len(SILENCE)) + SILENCE
    return b"DSD " + struct.pack("<QQQ", 28, 28 + len(fmt) + len(data), 0) + fmt + data


def dsf(planter: Planter, bare: bytes) -> bytes:
    """Plant in the tag that the header points to, and behind it."""
    tag = id3v2(planter, "at the end")
    head = struct.pack("<QQQ", 28, len(bare) + len(tag), len(bare))
    return b"DSD " + head + bare[28:] + tag + planter.text("behind the end")


def dsdiff_bare(_made: bytes) -> bytes:
    """Return a DSDIFF (Direct Stream Digital Interchange File Format 1.5)."""
    return _form(_properties(b"not compressed"), _chunk(b"DSD ", SILENCE))


def dsdiff(planter: Planter, _bare: bytes) -> bytes:
    """Plant in its comments, its master's names, tags, and unknown chunks."""
    comment = planter.text("comment")
    stamp = struct.pack(">HBBBB", 2019, 5, 17, 11, 30)
    comments = b"\0\1" + stamp + bytes(4) + struct.pack(">I", len(comment)) + comment
    master = b"".join(
        _chunk(name, struct.pack(">I", 16) + planter.text(name.decode()))
        for name in (b"DIAR", b"DITI")
    )
    return _form(
        _properties(planter.text("name of the codec", 15)),
        _chunk(b"COMT", comments),
        _chunk(b"DSD ", SILENCE),
        _chunk(b"DIIN", _chunk(b"EMID", planter.text("EMID")) + master),
        _chunk(b"MANF", b"ABCD" + planter.text("MANF")),
        _chunk(b"ID3 ", id3v2(planter, "ID3")),
        _chunk(b"ZZZ9", planter.text("unknown chunk")),
    ) + planter.text("behind the end")


def _properties(codec: bytes) -> bytes:
    name = bytes([len(codec)]) + codec
    return _chunk(
        b"PROP",
        b"SND "
        + _chunk(b"FS  ", struct.pack(">I", RATE))
        + _chunk(b"CHNL", b"\0\1C   ")
        + _chunk(b"CMPR", b"DSD " + name),
    )


def _form(*chunks: bytes) -> bytes:
    body = b"DSD " + _chunk(b"FVER", b"\1\5\0\0") + b"".join(chunks)
    return b"FRM8" + struct.pack(">Q", len(body)) + body


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack(">Q", len(payload)) + payload + bytes(len(payload) % 2)
