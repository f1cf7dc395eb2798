"""WMA and WMV, FLV, MPEG-TS: objects, tags and packets."""

import struct

from canary.blocks import jpeg, xmp
from canary.made import remade
from canary.plants import FROM_1601, Planter, float_of


def guid(text: str) -> bytes:
    """Return a GUID as ASF writes it: the first three parts little-endian."""
    parts = text.split("-")
    return b"".join(bytes.fromhex(each)[::-1] for each in parts[:3]) + bytes.fromhex(
        "".join(parts[3:])
    )


HEADER, DATA = (
    guid("75B22630-668E-11CF-A6D9-00AA0062CE6C"),
    guid("75B22636-668E-11CF-A6D9-00AA0062CE6C"),
)
FILE, EXTENSION = (
    guid("8CABDCA1-A947-11CF-8EE4-00C00C205365"),
    guid("5FBF03B5-A92E-11CF-8EE3-00C00C205365"),
)
CONTENT, EXTENDED = (
    guid("75B22633-668E-11CF-A6D9-00AA0062CE6C"),
    guid("D2D0A440-E307-11D2-97F0-00A0C95EA850"),
)
CODECS, PADDING = (
    guid("86D15240-311D-11D0-A3A4-00A0C90348F6"),
    guid("1806D474-CADF-4509-A4BA-9AABCB96AAE8"),
)
MARKER, SCRIPT = (
    guid("F487CD01-A951-11CF-8EE6-00C00C205365"),
    guid("1EFB1A30-0B62-11D0-A39B-00A0C90348F6"),
)
METADATA, XMP = (
    guid("C5F8CBEA-5BAF-4877-8467-AA8C44FA4CCA"),
    guid("BE7ACFCB-97A9-42E8-9C71-999491E3AFAC"),
)


def asf(planter: Planter, bare: bytes) -> bytes:
    """Plant in every object of an ASF header, in packets' padding, behind the data."""
    header_size = struct.unpack_from("<Q", bare, 16)[0]
    file_id = planter.raw("file id", 16)
    out, at = [], 30
    while at < header_size:
        kind, length = struct.unpack_from("<16sQ", bare, at)
        payload = bare[at + 24 : at + length]
        at += length
        if kind == FILE:
            made = (planter.moment("creation") + FROM_1601) * 10**7
            payload = file_id + payload[16:24] + struct.pack("<Q", made) + payload[32:]
        elif kind == EXTENSION:
            inner = (
                payload[22:]
                + _object(METADATA, _metadata(planter))
                + _object(PADDING, planter.text("inner padding"))
            )
            payload = payload[:18] + struct.pack("<I", len(inner)) + inner
        if kind not in (CODECS, CONTENT, EXTENDED):
            out.append(_object(kind, payload))
    out += _asf_extras(planter)
    head = struct.pack("<16sQIBB", HEADER, 30 + sum(map(len, out)), len(out), 1, 2) + b"".join(out)
    data = bytearray(bare[header_size:])
    assert data[:16] == DATA
    data[24:40] = file_id
    idle = data.rindex(bytes(40))  # the fill at the end of a packet
    data[idle + 20 : idle + 36] = planter.text("packet padding")
    return head + bytes(data) + _object(XMP, xmp(planter, "XMP")) + planter.text("behind the end")


def _object(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("<Q", 24 + len(payload)) + payload


def _wide(text: bytes) -> bytes:
    return text.decode().encode("utf-16-le") + b"\0\0"


def _metadata(planter: Planter) -> bytes:
    name, value = _wide(b"WM/Notes"), _wide(planter.text("metadata"))
    return struct.pack("<HHHHHI", 1, 0, 0, len(name), 0, len(value)) + name + value


def _asf_extras(planter: Planter) -> list[bytes]:
    texts = [
        _wide(planter.text(f"content {each}"))
        for each in ("title", "author", "rights", "about", "rating")
    ]
    content = struct.pack("<5H", *map(len, texts)) + b"".join(texts)
    picture = jpeg(planter, "WM/Picture")
    shown = b"\3" + struct.pack("<I", len(picture)) + _wide(b"image/jpeg") + _wide(b"") + picture
    pairs = [
        (b"WM/Lyrics", 0, _wide(planter.text("lyrics"))),
        (b"WM/Picture", 1, shown),
        (b"WM/UniqueFileIdentifier", 1, planter.raw("unique id", 16)),
    ]
    extended = struct.pack("<H", len(pairs)) + b"".join(
        struct.pack("<H", len(_wide(name)))
        + _wide(name)
        + struct.pack("<HH", kind, len(value))
        + value
        for name, kind, value in pairs
    )
    name = planter.utf16("codec")
    codecs = bytes(16) + struct.pack("<IHH", 1, 2, len(name) // 2) + name + struct.pack("<HH", 0, 0)
    mark = _wide(planter.text("marker"))
    marker = bytes(16) + struct.pack(
        "<IHHQQHIII", 1, 0, 0, 0, 0, 12 + len(mark), 0, 0, len(mark) // 2
    )
    kind, command = planter.utf16("script kind"), planter.utf16("script command")
    script = bytes(16) + struct.pack("<HHH", 1, 1, len(kind) // 2) + kind
    script += struct.pack("<IHH", 0, 0, len(command) // 2) + command
    return [
        _object(CONTENT, content),
        _object(EXTENDED, extended),
        _object(CODECS, codecs),
        _object(MARKER, marker + mark),
        _object(SCRIPT, script),
        _object(PADDING, bytes(8) + planter.text("padding")),
        _object(planter.raw("unknown GUID", 16), planter.text("unknown object")),
    ]


def flv(planter: Planter, bare: bytes) -> bytes:
    """Plant in the script tags of an FLV, and behind its last tag."""

    def string(text: bytes) -> bytes:
        return struct.pack(">H", len(text)) + text

    moment = planter.moment("creationdate")
    pairs = string(b"creator") + b"\2" + string(planter.text("creator"))
    pairs += string(b"creationdate") + b"\x0b" + float_of(moment * 1000.0) + b"\0\0"
    pairs += string(planter.text("own key")) + b"\2" + string(planter.text("own value"))
    script = b"\2" + string(b"onXMPData") + b"\x08" + struct.pack(">I", 3) + pairs + b"\0\0\x09"
    tag = b"\x12" + len(script).to_bytes(3, "big") + bytes(7) + script
    tag += struct.pack(">I", len(tag))
    tagged = remade(bare, "flv", "-metadata", f"title={planter.string('title')}")
    first = 13 + 11 + int.from_bytes(tagged[14:17], "big") + 4
    return tagged[:first] + tag + tagged[first:] + planter.text("behind the end")


def mpegts(planter: Planter, bare: bytes) -> bytes:
    """Plant in service names, null packets, unlisted PIDs and adaptation fields."""
    names = [f"service_{each}={planter.string(each)}" for each in ("name", "provider")]
    return _among_packets(
        planter, remade(bare, "ts", "-metadata", names[0], "-metadata", names[1]), 0
    )


def m2ts(planter: Planter, bare: bytes) -> bytes:
    """Plant in the form that camcorders write, four bytes in front of each packet."""
    return _among_packets(planter, bare, 4)


def _among_packets(planter: Planter, stream: bytes, front: int) -> bytes:
    step = 188 + front
    packets = [bytearray(stream[at : at + step]) for at in range(0, len(stream), step)]
    _private_data(planter, packets, front)
    clock = struct.pack(">I", planter.moment("table time"))
    extra = [
        _packet(0x1FFF, planter.text("null packet")),
        _packet(0x14, b"\0\x70\x70\x05" + clock + planter.text("time table")),
        _packet(0x1ABC, b"\0\0\1\xbf\0\x20" + planter.text("PID of nobody")),
    ]
    middle = len(packets) // 2
    arrived = bytes(packets[middle][:front])
    planted = [arrived + each for each in extra]
    return b"".join(
        [*packets[:middle], *planted, *packets[middle:], planter.text("behind the end")]
    )


def _packet(pid: int, payload: bytes) -> bytes:
    return (b"G" + struct.pack(">HB", 0x4000 | pid, 0x10) + payload).ljust(188, b"\xff")


def _private_data(planter: Planter, packets: list[bytearray], front: int) -> None:
    """Turn the stuffing of one adaptation field into private data, and fill another's."""
    control, length, flags = front + 3, front + 4, front + 5
    roomy = [
        packet
        for packet in packets
        if packet[control] & 0x20 and packet[length] >= 40 and not packet[flags] & 0x0F
    ]
    for index, packet in enumerate(roomy[:2]):
        at = flags + 1 + (6 if packet[flags] & 0x10 else 0)
        text = planter.text(f"adaptation field {index}")
        if index == 0:
            packet[flags] |= 0x02
            text = bytes([len(text)]) + text
        packet[at : at + len(text)] = text
