"""FLAC, and the streams of Ogg: headers with vendors and comments, pages, chains."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from canary.blocks import ape, comments, flac_picture, id3v1, id3v2
from canary.plants import Planter

HEADERS = {
    b"\x01vorbis": 3,
    b"OpusHead": 2,
    b"Speex   ": 2,
    b"\x7fFLAC": 2,
    b"\x80theora": 3,
    b"OVP80": 2,
}


def flac(planter: Planter, bare: bytes) -> bytes:
    """Plant in every kind of FLAC block, and around the stream."""
    blocks, frames = flac_blocks(bare)
    track = struct.pack(">QB", 0, 1) + planter.text("ISRC", 12) + bytes(14) + b"\1" + bytes(12)
    track += struct.pack(">QB", 44100, 170) + bytes(26)
    catalogue = planter.text("catalogue").ljust(128, b"\0")
    reserved = planter.text("reserved of the cue sheet").ljust(258, b"\0")
    digest = planter.raw("digest", 16)
    planted = [
        (0, blocks[0][1][:18] + digest),
        (2, b"riff" + planter.text("application")),
        (3, bytes(18) + b"\xff" * 8 + planter.text("placeholder", 10)),
        (4, comments(planter, "comments")),
        (5, catalogue + struct.pack(">QB", 88200, 0) + reserved + b"\2" + track),
        (6, flac_picture(planter, "picture")),
        (77, planter.text("reserved block")),
        (1, bytes(32) + planter.text("padding") + bytes(32)),
    ]
    ends = planter.text("behind the end") + ape(planter) + id3v1(planter)
    return id3v2(planter, "in front") + flac_of(planted, frames) + ends


def flac_blocks(stream: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return (type, payload) of each block, and the frames."""
    blocks, at, last = [], 4, False
    while not last:
        kind, length = stream[at], int.from_bytes(stream[at + 1 : at + 4], "big")
        last = kind > 127
        blocks.append((kind & 127, stream[at + 4 : at + 4 + length]))
        at += 4 + length
    return blocks, stream[at:]


def flac_of(blocks: list[tuple[int, bytes]], frames: bytes = b"") -> bytes:
    """Return a FLAC of these blocks and frames."""
    head = b"".join(
        bytes([kind | (128 if index == len(blocks) - 1 else 0)])
        + len(payload).to_bytes(3, "big")
        + payload
        for index, (kind, payload) in enumerate(blocks)
    )
    return b"fLaC" + head + frames


@dataclass(frozen=True)
class Page:
    """An Ogg page without its number."""

    flags: int
    granule: int
    serial: bytes
    lengths: bytes
    body: bytes

    def written(self, number: int) -> bytes:
        """Return its bytes."""
        head = b"OggS\0" + struct.pack("<Bq", self.flags, self.granule) + self.serial
        head += struct.pack("<IIB", number, 0, len(self.lengths)) + self.lengths
        return head[:22] + struct.pack("<I", _crc(head + self.body)) + head[26:] + self.body


def pages_of(stream: bytes) -> Iterator[Page]:
    """Yield the pages of a stream without damage."""
    at = 0
    while at < len(stream):
        flags, granule, serial = struct.unpack_from("<Bq4s", stream, at + 5)
        body = at + 27 + stream[at + 26]
        lengths = stream[at + 27 : body]
        at = body + sum(lengths)
        yield Page(flags, granule, serial, lengths, stream[body:at])


def checksummed(stream: bytes) -> bytes:
    """Return bytes in which every page that is whole has its right checksum."""
    fixed, at = bytearray(stream), stream.find(b"OggS")
    while 0 <= at <= len(stream) - 27:
        body = at + 27 + stream[at + 26]
        end = body + sum(stream[at + 27 : body])
        fixed[at + 22 : at + 26] = bytes(4)
        fixed[at + 22 : at + 26] = struct.pack("<I", _crc(bytes(fixed[at:end])))
        at = stream.find(b"OggS", max(end, at + 4))
    return bytes(fixed)


def ogg(planter: Planter, bare: bytes) -> bytes:
    """Plant in one link of Ogg: serials, vendors, comments, streams that aren't sound, junk."""
    trailing = planter.text("behind the end")
    return _planted_link(planter, bare, "") + trailing


def chain(planter: Planter, bare: bytes) -> bytes:
    """Plant in both links of a chain, and between them."""
    second = bare.rindex(b"OggS\0\2")
    first = _planted_link(planter, bare[:second], "link 1, ")
    junk = planter.text("between links")
    return first + junk + _planted_link(planter, bare[second:], "link 2, ")


def bare_chain(bare: bytes) -> bytes:
    """Return what `chain` plants in: two links of different serials."""
    second = [
        replace(page, serial=bytes([page.serial[0] ^ 1]) + page.serial[1:])
        for page in pages_of(bare)
    ]
    return bare + _numbered(second)


def _planted_link(planter: Planter, bare: bytes, link: str) -> bytes:
    """Plant in one link; in a chain without a second stream, which ffmpeg can't follow there."""
    pages = list(pages_of(bare))
    serials = list(dict.fromkeys(page.serial for page in pages))
    first_pages = [page for page in pages if page.flags & 2]
    new_serial = {
        serial: planter.raw(f"{link}serial {index}", 4) for index, serial in enumerate(serials)
    }
    starts: list[Page] = []
    headers: list[Page] = []
    if not link:
        skeleton, data = _stranger(planter, "skeleton", b"fishead\0\3\0\0\0")
        starts.append(skeleton)
        headers.append(data)
    for first in first_pages:
        own = [page for page in pages if page.serial == first.serial]
        kind = next(kind for kind in HEADERS if first.body.startswith(kind))
        start, planted = _planted_headers(planter, own, kind, link)
        starts.append(start)
        headers += planted
    rest = [page for page in pages if not page.flags & 2 and page.granule != 0]
    renamed = [
        replace(page, serial=new_serial.get(page.serial, page.serial))
        for page in [*starts, *headers, *rest]
    ]
    return _numbered(renamed)


def _planted_headers(
    planter: Planter, own: list[Page], kind: bytes, link: str
) -> tuple[Page, list[Page]]:
    """Return the first page, and new pages for the other headers."""
    place = f"{link}{kind[1:5].decode()} "
    first, *others = own
    headers = list(_packets(page for page in others if page.granule == 0))
    assert len(headers) == HEADERS[kind] - 1 or kind == b"\x7fFLAC", (kind, len(headers))
    about = comments(planter, f"{place}comments", picture=not link)
    if kind == b"OpusHead":
        headers[0] = b"OpusTags" + about + b"\0" + planter.text(f"{place}binary suffix")
    elif kind == b"Speex   ":
        headers[0] = about
        version = planter.text(f"{place}version")
        first = replace(first, body=first.body[:8] + version.ljust(20, b"\0") + first.body[28:])
    elif kind == b"\x7fFLAC":
        extra = [
            b"\x04" + _sized(about),
            b"\x82" + _sized(b"abcd" + planter.text(f"{place}application")),
        ]
        headers = extra
        body = first.body[:7] + b"\0\2" + first.body[9:]
        first = replace(first, body=body[:-16] + planter.raw(f"{place}digest", 16))
    elif kind == b"OVP80":
        headers[0] = headers[0][:7] + about
    else:
        headers[0] = headers[0][:7] + about
        if kind == b"\x01vorbis":
            headers[0] += b"\1" + planter.text(f"{place}behind the framing bit")
    return first, list(_paged(headers, first.serial))


def _sized(payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + payload


def _stranger(planter: Planter, place: str, magic: bytes) -> tuple[Page, Page]:
    """Return the first and last page of a stream that is no sound."""
    serial = planter.raw(f"{place} serial", 4)
    first, second = magic.ljust(64, b"\0"), planter.text(f"{place} data")
    return (
        Page(2, 0, serial, bytes([len(first)]), first),
        Page(4, 0, serial, bytes([len(second)]), second),
    )


def _packets(pages: Iterator[Page]) -> Iterator[bytes]:
    packet = b""
    for page in pages:
        at = 0
        for length in page.lengths:
            packet += page.body[at : at + length]
            at += length
            if length < 255:
                yield packet
                packet = b""


def _paged(packets: list[bytes], serial: bytes) -> Iterator[Page]:
    """Yield each packet on pages of its own."""
    for packet in packets:
        lengths = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
        for at in range(0, len(lengths), 255):
            part = lengths[at : at + 255]
            ends = at + 255 >= len(lengths)
            body = packet[at * 255 : (at + len(part)) * 255]
            yield Page(1 if at else 0, 0 if ends else -1, serial, part, body)


def _numbered(pages: list[Page]) -> bytes:
    numbers: dict[bytes, int] = {}
    out = []
    for page in pages:
        number = numbers.get(page.serial, 0)
        numbers[page.serial] = number + 1
        out.append(page.written(number))
    return b"".join(out)


_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _crc(data: bytes) -> int:
    """Return the checksum of RFC 3533: zlib's, with every bit the other way round, from zero."""
    mirrored = zlib.crc32(data.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
