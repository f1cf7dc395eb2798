"""MKA, MKV and WebM: elements, with Voids and strings at every level."""

import struct
import zlib
from collections.abc import Iterator

from canary.blocks import comments, jpeg
from canary.plants import FROM_2001, Planter
from canary.xiph import flac_blocks, flac_of

EBML, SEGMENT, SEEK_HEAD, VOID, CRC = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0xEC, 0xBF
INFO, TRACKS, CLUSTER, CUES, TAGS = 0x1549A966, 0x1654AE6B, 0x1F43B675, 0x1C53BB6B, 0x1254C367
TRACK, CODEC_ID, PRIVATE = 0xAE, 0x86, 0x63A2
TRACK_TEXTS = {"Name": 0x536E, "CodecName": 0x258688, "CodecSettings": 0x3A9697, "Void": VOID}
UNKNOWN_SIZE = b"\x01" + b"\xff" * 7


def element(number: int, *parts: bytes) -> bytes:
    """Return an element with a size of eight bytes."""
    body = b"".join(parts)
    name = number.to_bytes(-(-number.bit_length() // 8), "big")
    return name + (1 << 56 | len(body)).to_bytes(8, "big") + body


def elements_of(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (id, payload); a payload of unknown size is all the rest."""
    at = 0
    while at < len(body):
        width = 9 - body[at].bit_length()
        number = int.from_bytes(body[at : at + width], "big")
        at += width
        width = 9 - body[at].bit_length()
        length = int.from_bytes(body[at : at + width], "big") & (1 << 7 * width) - 1
        at += width
        if length == (1 << 7 * width) - 1:
            length = len(body) - at
        yield number, body[at : at + length]
        at += length


def matroska(planter: Planter, bare: bytes) -> bytes:
    """Plant in every master element; Cues keep pointing at their clusters."""
    (_, head), (_, segment) = list(elements_of(bare))[:2]
    level1 = [each for each in elements_of(segment) if each[0] not in (SEEK_HEAD, VOID, TAGS)]
    front = cues = b""
    clusters: list[bytes] = []
    for number, payload in level1:
        if number == INFO:
            front += _info(planter, payload)
        elif number == TRACKS:
            front += _tracks(planter, payload)
        elif number == CLUSTER:
            void = b"" if clusters else element(VOID, planter.text("Void in a cluster"))
            clusters.append(element(CLUSTER, payload, void))
        elif number == CUES:
            cues = payload
    front += element(VOID, planter.text("Void in the segment"))
    places = [len(front) + sum(map(len, clusters[:index])) for index in range(len(clusters))]
    own = front + b"".join(clusters) + (element(CUES, _moved(cues, places)) if cues else b"")
    header = element(EBML, head, element(VOID, planter.text("Void in the header")))
    return header + element(SEGMENT, own, _extras(planter)) + planter.text("behind the end")


def live(planter: Planter, bare: bytes) -> bytes:
    """Plant in a live stream, where neither the segment nor its clusters know their size."""
    (_, head), (_, segment) = list(elements_of(bare))[:2]
    out = b""
    for number, payload in elements_of(segment):
        if number == INFO:
            out += _info(planter, payload)
        elif number == TRACKS:
            out += _tracks(planter, payload)
        elif number == CLUSTER:
            out += element(TAGS, _tag(planter, f"live tag {len(out)}"))
            out += CLUSTER.to_bytes(4, "big") + UNKNOWN_SIZE + payload
    return element(EBML, head) + SEGMENT.to_bytes(4, "big") + UNKNOWN_SIZE + out


def _info(planter: Planter, payload: bytes) -> bytes:
    numbers = {"DateUTC": 0x4461, "Title": 0x7BA9, "MuxingApp": 0x4D80, "WritingApp": 0x5741}
    drop = (*numbers.values(), VOID, 0x73A4, CRC)
    own = b"".join(
        element(number, each) for number, each in elements_of(payload) if number not in drop
    )
    date = (planter.moment("DateUTC") + FROM_2001) * 10**9
    own += element(0x4461, struct.pack(">q", date))
    for place in ("Title", "MuxingApp", "WritingApp"):
        own += element(numbers[place], planter.text(place))
    own += element(0x7384, planter.text("SegmentFilename")) + element(
        0x3C83AB, planter.text("PrevFilename")
    )
    for place, number in {
        "SegmentUID": 0x73A4,
        "PrevUID": 0x3CB923,
        "SegmentFamily": 0x4444,
    }.items():
        own += element(number, planter.raw(place, 16))
    own += element(VOID, planter.text("Void in Info"))
    checksum = struct.pack("<I", zlib.crc32(own))
    return element(INFO, b"\xbf\x84" + checksum, own)


def _tracks(planter: Planter, payload: bytes) -> bytes:
    out = b""
    for index, (number, track) in enumerate(elements_of(payload)):
        if number != TRACK:
            continue
        place = f"track {index} "
        own = {
            each: value for each, value in elements_of(track) if each not in (0x73C5, 0x536E, VOID)
        }
        own[PRIVATE] = _private(planter, place, own.get(CODEC_ID, b""), own.get(PRIVATE, b""))
        own[0x73C5] = planter.raw(f"{place}UID", 8)
        for name, each in TRACK_TEXTS.items():
            own[each] = planter.text(place + name)
        out += element(TRACK, *(element(each, value) for each, value in own.items() if value))
    return element(TRACKS, out)


def _private(planter: Planter, place: str, codec: bytes, private: bytes) -> bytes:
    """Plant in what a codec keeps in front of its packets."""
    if codec == b"A_VORBIS":
        sizes, at = [], 1
        for _ in range(private[0]):
            size = 0
            while private[at] == 255:
                size, at = size + 255, at + 1
            sizes.append(size + private[at])
            at += 1
        first, setup = private[at : at + sizes[0]], private[at + sum(sizes) :]
        about = b"\3vorbis" + comments(planter, f"{place}vorbis ") + b"\1"
        lacing = b"".join(
            b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in (first, about)
        )
        return b"\2" + lacing + first + about + setup
    if codec == b"A_FLAC":
        info = flac_blocks(private)[0][0][1]
        digest = planter.raw(f"{place}digest", 16)
        return flac_of([(0, info[:18] + digest), (4, comments(planter, f"{place}flac "))])
    return private


def _moved(cues: bytes, places: list[int]) -> bytes:
    """Return Cues whose points name the clusters at `places`, in order of time."""
    old = sorted({_position(each) for each in _positions(cues)})
    new = dict(zip(old, places, strict=False))
    return b"".join(
        element(number, *(_moved_point(each, payload, new) for each, payload in elements_of(point)))
        for number, point in elements_of(cues)
        if number == 0xBB
    )


def _moved_point(number: int, payload: bytes, new: dict[int, int]) -> bytes:
    if number != 0xB7:
        return element(number, payload)
    parts = {each: value for each, value in elements_of(payload) if each != 0xF0}
    parts[0xF1] = struct.pack(">Q", new[_position(payload)])
    return element(number, *(element(each, value) for each, value in parts.items()))


def _positions(cues: bytes) -> Iterator[bytes]:
    for number, point in elements_of(cues):
        if number == 0xBB:
            yield from (payload for each, payload in elements_of(point) if each == 0xB7)


def _position(payload: bytes) -> int:
    return int.from_bytes(dict(elements_of(payload))[0xF1], "big")


def _tag(planter: Planter, place: str) -> bytes:
    simple = element(0x45A3, b"ARTIST") + element(0x4487, planter.text(place))
    return element(0x7373, element(0x63C0, element(0x68CA, b"\x32")), element(0x67C8, simple))


def _extras(planter: Planter) -> bytes:
    """Return the elements behind the clusters: tags, chapters, attachments, unknown ones."""
    nested = element(0x67C8, element(0x45A3, b"EMAIL"), element(0x4487, planter.text("nested tag")))
    binary = element(0x67C8, element(0x45A3, b"ID"), element(0x4485, planter.raw("binary tag", 16)))
    date = element(
        0x67C8, element(0x45A3, b"DATE_RECORDED"), element(0x4487, planter.date("tag date"))
    )
    artist = element(
        0x67C8, element(0x45A3, b"ARTIST"), element(0x4487, planter.text("tag")), nested
    )
    chapter = element(
        0xB6,
        element(0x73C4, planter.raw("ChapterUID", 8)),
        element(0x91, b"\0"),
        element(0x80, element(0x85, planter.text("ChapString")), element(0x437C, b"eng")),
    )
    attached = element(
        0x61A7,
        element(0x467E, planter.text("FileDescription")),
        element(0x466E, planter.text("FileName")),
        element(0x4660, b"image/jpeg"),
        element(0x465C, jpeg(planter, "FileData")),
        element(0x46AE, planter.raw("FileUID", 8)),
    )
    tag = element(0x7373, element(0x63C0, element(0x68CA, b"\x32")), artist, date, binary)
    edition = element(0x45B9, element(0x45BC, planter.raw("EditionUID", 8)), chapter)
    return (
        element(TAGS, tag)
        + element(0x1043A770, edition)
        + element(0x1941A469, attached)
        + element(0x4FA1, planter.text("unknown element"))
    )
