"""WAV, RF64, Wave64, AIFF, CAF, AU and AVI: chunks, each with something to hide."""

import struct

from canary.blocks import ape, be32, id3v1, id3v2, le32, xmp
from canary.plants import FROM_1904, Planter

AIFF_TEXTS = (b"NAME", b"AUTH", b"(c) ", b"ANNO", b"ZZZ9")
WAVE64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")


def chunk(name: bytes, payload: bytes, pad: bytes = b"\0") -> bytes:
    """Return a RIFF chunk."""
    return name + le32(len(payload)) + payload + pad[: len(payload) % 2]


def riff(form: bytes, *chunks: bytes, name: bytes = b"RIFF") -> bytes:
    """Return a RIFF file of these chunks."""
    body = form + b"".join(chunks)
    size = 0xFFFFFFFF if name != b"RIFF" else len(body)
    return name + le32(size) + body


def chunks_of(body: bytes, order: str = "<") -> list[tuple[bytes, bytes]]:
    """Return (name, payload) of the chunks in `body`."""
    found, at = [], 0
    while at + 8 <= len(body):
        name, length = struct.unpack_from(order + "4sI", body, at)
        found.append((name, body[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def _info(planter: Planter, place: str = "INFO") -> bytes:
    names = ("INAM", "IART", "ICMT", "ISFT", "IENG", "ZZZ9")
    texts = (chunk(name.encode(), planter.text(f"{place} {name}") + b"\0") for name in names)
    date = chunk(b"ICRD", planter.date(f"{place} date", "%Y-%m-%d %H:%M:%S"))
    return b"INFO" + b"".join(texts) + date


def _bext(planter: Planter, place: str = "bext") -> bytes:
    return (
        planter.text(f"{place} description").ljust(256, b"\0")
        + planter.text(f"{place} originator").ljust(32, b"\0")
        + planter.text(f"{place} reference").ljust(32, b"\0")
        + planter.date(f"{place} date", "%Y-%m-%d%H:%M:%S")
        + struct.pack("<QH", 1234567, 2)
        + planter.raw(f"{place} UMID", 32).ljust(64, b"\0")
        + bytes(10)
        + planter.text(f"{place} reserved").ljust(180, b"\0")
        + planter.text(f"{place} coding history")
    )


def _around(planter: Planter) -> tuple[list[bytes], list[bytes]]:
    """Return what may stand in front of the sound of a WAV, and what behind it."""
    labels = chunk(b"labl", le32(1) + planter.text("adtl labl") + b"\0")
    labels += chunk(b"ltxt", le32(1) + bytes(16) + planter.text("adtl ltxt"))
    front = [
        chunk(b"JUNK", planter.text("JUNK in front")),
        chunk(b"bext", _bext(planter)),
        chunk(b"iXML", b"<BWFXML><USER>" + planter.text("iXML") + b"</USER></BWFXML>"),
        chunk(b"LIST", _info(planter)),
        chunk(b"axml", b"<a>" + planter.text("axml") + b"</a>"),
        chunk(b"cart", b"0101" + planter.text("cart").ljust(64, b"\0") + bytes(1980)),
    ]
    back = [
        chunk(b"cue ", struct.pack("<IIIIIII", 1, 1, 5, 0x61746164, 0, 0, 5)),
        chunk(b"LIST", b"adtl" + labels),
        chunk(b"LIST", b"exif" + chunk(b"ecor", planter.text("exif"))),
        chunk(b"id3 ", id3v2(planter, "id3 chunk")),
        chunk(b"_PMX", xmp(planter, "_PMX")),
        chunk(b"smpl", bytes(32) + le32(16) + planter.text("smpl")),
        chunk(b"afsp", planter.text("afsp")),
        chunk(b"odd!", planter.text("odd chunk", 15), pad=b"Z"),
    ]
    return front, back


def wav(planter: Planter, bare: bytes) -> bytes:
    """Plant in a WAV whose chunks are `fmt `, perhaps `fact`, and `data`."""
    front, back = _around(planter)
    own = [
        chunk(name, payload + (planter.text("behind fact") if name == b"fact" else b""), pad=b"!")
        for name, payload in chunks_of(bare[12:])
        if name != b"LIST"
    ]
    ends = planter.text("behind the end") + ape(planter) + id3v1(planter)
    return id3v2(planter, "in front") + riff(b"WAVE", *front, *own, *back) + ends


def rf64(planter: Planter, bare: bytes) -> bytes:
    """Plant in an RF64 or BW64, whose sizes are in its first chunk."""
    front, back = _around(planter)
    (ds64, *others) = chunks_of(bare[12:28] + bare[28:])
    size = struct.unpack_from("<Q", ds64[1], 8)[0]
    own = [chunk(name, payload) for name, payload in others if name not in (b"data", b"LIST")]
    data = bare[bare.index(b"data") + 8 :][:size]
    behind = planter.text("behind ds64")
    chunks = [*front, *own, b"data\xff\xff\xff\xff" + data, *back]
    body_size = 4 + 8 + 28 + len(behind) + sum(map(len, chunks))
    sizes = struct.pack("<Q", body_size) + ds64[1][8:28].ljust(20, b"\0") + behind
    trailing = planter.text("behind the end")
    return riff(b"WAVE", chunk(b"ds64", sizes), *chunks, name=bare[:4]) + trailing


def bw64(rf64_bare: bytes) -> bytes:
    """Return an RF64 under the name that ITU-R BS.2088 gives it."""
    return b"BW64" + rf64_bare[4:]


def wave64(planter: Planter, bare: bytes) -> bytes:
    """Plant in a Sony Wave64: GUIDs, 64-bit sizes that count themselves, steps of eight."""

    def part(guid: bytes, payload: bytes) -> bytes:
        length = 24 + len(payload)
        return guid + struct.pack("<Q", length) + payload + b"#" * (-length % 8)

    fmt_end = 40 + (struct.unpack_from("<Q", bare, 56)[0] + 7) // 8 * 8
    extra = part(b"bext" + WAVE64_TAIL, _bext(planter)) + part(
        b"junk" + WAVE64_TAIL, planter.text("junk")
    )
    extra += part(planter.raw("unknown GUID", 16), planter.text("unknown chunk"))
    extra += part(b"list" + WAVE64_TAIL, _info(planter))
    body = bare[24:fmt_end] + extra + bare[fmt_end:]
    return bare[:16] + struct.pack("<Q", 24 + len(body)) + body + planter.text("behind the end", 15)


def aiff(planter: Planter, bare: bytes) -> bytes:
    """Plant in an AIFF or AIFC; the compression's name is a place too."""

    def part(name: bytes, payload: bytes) -> bytes:
        return name + be32(len(payload)) + payload + b"!"[: len(payload) % 2]

    text = planter.text("COMT text")
    stamp = be32(planter.moment("COMT time") + FROM_1904)
    mark = planter.text("MARK name", 15)
    extra = [
        part(b"COMT", b"\0\1" + stamp + b"\0\0" + struct.pack(">H", len(text)) + text),
        part(b"MARK", b"\0\1\0\1" + bytes(4) + bytes([len(mark)]) + mark),
        part(b"APPL", b"stoc" + planter.text("APPL")),
        part(b"MIDI", planter.text("MIDI")),
        part(b"ID3 ", id3v2(planter, "ID3 chunk")),
        *(part(name, planter.text(name.decode())) for name in AIFF_TEXTS),
    ]
    own = []
    for name, payload in chunks_of(bare[12:], ">"):
        if name == b"SSND":
            slack = planter.text("SSND offset")
            planted = be32(len(slack)) + payload[4:8] + slack + payload[8:]
        elif name == b"COMM" and bare[8:12] == b"AIFC":
            planted = payload[:22] + b"\x0f" + planter.text("compression name", 15)
        else:
            planted = payload
        own.append(part(name, planted))
    body = bare[8:12] + own[0] + b"".join(extra[:6]) + b"".join(own[1:]) + b"".join(extra[6:])
    return b"FORM" + be32(len(body)) + body + planter.text("behind the end")


def caf(planter: Planter, bare: bytes) -> bytes:
    """Plant in a Core Audio file."""

    def part(name: bytes, payload: bytes) -> bytes:
        return name + struct.pack(">Q", len(payload)) + payload

    pairs = [b"title", planter.text("info title"), b"recorded date", planter.date("info date")]
    strings = be32(1) + be32(1) + bytes(8) + planter.text("strg") + b"\0"
    front = [
        part(b"info", be32(2) + b"\0".join(pairs) + b"\0"),
        part(b"strg", strings),
        part(b"uuid", planter.raw("uuid", 16) + planter.text("uuid data")),
        part(b"free", planter.text("free")),
    ]
    back = [
        part(name, planter.text(name.decode())) for name in (b"umid", b"midi", b"ovvw", b"ZZZ9")
    ]
    out, at = bare[:8], 8
    while at < len(bare):
        name, length = struct.unpack_from(">4sq", bare, at)
        payload = bare[at + 12 :] if length < 0 else bare[at + 12 : at + 12 + length]
        if name == b"data":
            out += b"".join(front) + part(name, planter.raw("edit count", 4) + payload[4:])
        elif name != b"info":
            out += part(name, payload)
        at += 12 + len(payload)
    return out + b"".join(back) + planter.text("behind the end")


def au(planter: Planter, bare: bytes) -> bytes:
    """Plant in the annotation of a Sun AU."""
    offset = struct.unpack_from(">I", bare, 4)[0]
    about = planter.text("annotation").ljust(64, b"\0")
    sound = bare[offset:]
    head = be32(24 + len(about)) + be32(len(sound)) + bare[12:24]
    return b".snd" + head + about + sound + planter.text("behind the end")


def avi(planter: Planter, bare: bytes) -> bytes:
    """Plant in an AVI: in its headers, among its packets, around them."""
    out = []
    for name, payload in chunks_of(bare[12:]):
        kind = payload[:4]
        if name == b"LIST" and kind == b"hdrl":
            out += [
                chunk(name, kind + _avi_headers(planter, payload[4:])),
                chunk(b"LIST", _info(planter)),
            ]
            out.append(chunk(b"LIST", b"ncdt" + chunk(b"nctg", planter.text("camera data"))))
        elif name == b"LIST" and kind == b"movi":
            more = chunk(b"JUNK", planter.text("JUNK in movi")) + chunk(
                b"07tx", planter.text("unknown stream")
            )
            out.append(chunk(name, payload + more))
        elif name == b"JUNK":
            out.append(chunk(name, planter.text("JUNK").ljust(len(payload), b"\0")))
        elif name == b"idx1":
            out.append(chunk(name, payload))
    out.append(chunk(b"_PMX", xmp(planter, "_PMX")))
    return riff(b"AVI ", *out) + planter.text("behind the end")


def _avi_headers(planter: Planter, headers: bytes) -> bytes:
    out = b""
    for index, (name, payload) in enumerate(chunks_of(headers)):
        extra = b""
        if payload[:4] == b"strl":
            kinds = (b"strn", b"strd", b"JUNK")
            extra = b"".join(
                chunk(kind, planter.text(f"{kind.decode()} of {index}")) for kind in kinds
            )
        if payload[:4] != b"odml":
            out += chunk(name, payload + extra)
    return out + chunk(b"IDIT", planter.date("IDIT", "%a %b %d %H:%M:%S %Y") + b"\n\0")
