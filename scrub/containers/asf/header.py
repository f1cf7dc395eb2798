"""The Header object: read for what playing needs, written anew without anything else.

    header     object of GUID and u64 size; u32 objects, u8 1, u8 2; then the objects
    file       16-byte id, u64 size, u64 creation date, u64 packets, u64 play and u64 send duration
               (100 ns), u64 preroll (ms), u32 flags, u32 shortest and u32 longest packet, u32 bit/s
    extension  GUID, u16 6, u32 size; then more objects: Extended Stream Properties, Metadata
    bitrates   u16 records of u16 stream, u32 bit/s
    metadata   u16 records of u16 0, u16 stream, u16 size of name, u16 type, u32 size of value

Advanced Systems Format specification 1.20.03, 3.1, 3.2, 3.4, 3.12, 4.1, 4.7.
"""

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from scrub.containers.asf import guids
from scrub.containers.asf.objects import HEAD, Object, objects, written
from scrub.containers.asf.streams import (
    NUMBER,
    Extended,
    Stream,
    embedded_stream,
    read_extended,
    read_stream,
    stream_object,
)
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.moments import moment
from scrub.plan import Draft
from scrub.reading import Reader

COUNT = struct.Struct("<IBB")
FILE = struct.Struct("<16s6Q4I")
EXTENSION = struct.Struct("<16sHI")
BITRATE = struct.Struct("<HI")
RECORD = struct.Struct("<4HI")
NO_DATE = 116_444_736 * 10**9  # 1970, which readers show as no date; a zero they show as 1601
BROADCAST, SEEKABLE = 1, 2
DWORD = 3
MOST_RECORDS = 4096
LONGEST_PROPERTIES = 1 << 18
LONGEST_PACKET = 1 << 20
LONGEST_DURATION, LONGEST_PREROLL = 1 << 53, 1 << 24  # 28 years, 4 hours: what is more is text
WIDEST_RATIO = 10_000
# Pictures that aren't of square points are told by two records of the Metadata object.
ASPECT = {name.encode("utf-16-le") + b"\0\0": name for name in ("AspectRatioX", "AspectRatioY")}

KINDS = {
    guids.PADDING: Kind.PADDING,
    guids.MARKERS: Kind.CHAPTERS,
    guids.CODEC_LIST: Kind.ENCODER,
    guids.SCRIPT_COMMANDS: Kind.OTHER_STREAM,
    guids.DIGITAL_SIGNATURE: Kind.IDENTIFIER,
    guids.CONTENT_DESCRIPTION: Kind.TAG_BLOCK,
    guids.EXTENDED_CONTENT_DESCRIPTION: Kind.TAG_BLOCK,
    guids.CONTENT_BRANDING: Kind.TAG_BLOCK,
    guids.METADATA: Kind.TAG_BLOCK,
    guids.METADATA_LIBRARY: Kind.TAG_BLOCK,
}


class File(NamedTuple):
    """File Properties, as far as they stay."""

    packets: int
    play_duration: int
    send_duration: int
    preroll: int
    flags: int
    packet_size: int
    bitrate: int


NO_FILE = File(0, 0, 0, 0, 0, 0, 0)


@dataclass(slots=True)
class Header:
    """What of a header stays, and where its object ends."""

    end: int
    file: File = NO_FILE
    streams: dict[int, Stream] = field(default_factory=dict)
    extended: dict[int, Extended] = field(default_factory=dict)
    bitrates: dict[int, int] = field(default_factory=dict)
    aspects: dict[tuple[int, bytes], int] = field(default_factory=dict)

    def written(self, *, packets: int, play_duration: int, data_size: int) -> bytes:
        """Return the header of a file with so many packets, in `data_size` bytes behind it."""
        file = self.file
        inside = [written(guids.FILE_PROPERTIES, bytes(FILE.size)), self._extension()]
        inside += [stream_object(stream) for stream in self.streams.values()]
        rates = {n: rate for n, rate in self.bitrates.items() if n in self.streams}
        if rates:
            records = b"".join(BITRATE.pack(number, rate) for number, rate in rates.items())
            inside.append(written(guids.BITRATES, struct.pack("<H", len(rates)) + records))
        body = COUNT.pack(len(inside), 1, 2) + b"".join(inside)
        properties = FILE.pack(
            bytes(16),
            HEAD.size + len(body) + data_size,
            NO_DATE,
            packets,
            play_duration,
            file.send_duration,
            file.preroll,
            file.flags,
            file.packet_size,
            file.packet_size,
            file.bitrate,
        )
        inside[0] = written(guids.FILE_PROPERTIES, properties)
        return written(guids.HEADER, COUNT.pack(len(inside), 1, 2) + b"".join(inside))

    def _extension(self) -> bytes:
        inside = [
            written(guids.EXTENDED_STREAM, extended.payload)
            for number, extended in self.extended.items()
            if number in self.streams
        ]
        aspects = {
            key: value
            for key, value in self.aspects.items()
            if key[0] in self.streams and self.streams[key[0]].is_video
        }
        if aspects:
            records = b"".join(
                RECORD.pack(0, number, len(name), DWORD, 4) + name + struct.pack("<I", value)
                for (number, name), value in aspects.items()
            )
            inside.append(written(guids.METADATA, struct.pack("<H", len(aspects)) + records))
        body = b"".join(inside)
        head = EXTENSION.pack(guids.EXTENSION_CLOCK, 6, len(body))
        return written(guids.HEADER_EXTENSION, head + body)


def header_end(reader: Reader, start: int) -> int:
    """Return where the Header object ends; Malformed when it runs past the end."""
    size = reader.number(start + 16, 8, "little")
    if not HEAD.size + COUNT.size <= size <= reader.size - start:
        raise Malformed("the header runs past the end", offset=start)
    return start + size


def read_header(reader: Reader, start: int, draft: Draft) -> Header:
    """Return what of the header stays; count the rest in `draft`.

    Raises Malformed when there is nothing to play, Unsupported when it is encrypted.
    """
    header = Header(header_end(reader, start))
    for each in objects(reader, start + HEAD.size + COUNT.size, header.end):
        if each.guid == guids.HEADER_EXTENSION:
            _read_extension(reader, each, header, draft)
        else:
            _read_object(reader, each, header, draft)
    for extended in header.extended.values():  # a stream may hide in what extends it
        inside = embedded_stream(extended)
        if inside:
            _add_stream(inside, start, header, draft)
    if header.file is NO_FILE or not header.streams:
        raise Malformed("there is no sound", offset=start)
    return header


def _read_extension(reader: Reader, extension: Object, header: Header, draft: Draft) -> None:
    start = extension.start + EXTENSION.size
    for each in objects(reader, start, extension.end):
        if each.guid == guids.EXTENDED_STREAM:
            extended = read_extended(_payload(reader, each), each.start)
            header.extended.setdefault(extended.number, extended)
        elif each.guid == guids.METADATA:
            _read_metadata(reader, each, header, draft)
        else:
            _read_object(reader, each, header, draft)


def _read_object(reader: Reader, each: Object, header: Header, draft: Draft) -> None:
    if each.guid in guids.ENCRYPTION:
        raise Unsupported("ASF", "an encrypted stream")
    if each.guid == guids.FILE_PROPERTIES and header.file is NO_FILE:
        header.file = _read_file(_payload(reader, each), each.start, draft)
    elif each.guid == guids.STREAM_PROPERTIES:
        _add_stream(_payload(reader, each), each.start, header, draft)
    elif each.guid == guids.BITRATES:
        _read_bitrates(_payload(reader, each), header)
    else:
        draft.found(KINDS.get(each.guid, Kind.UNKNOWN_CHUNK))


def _payload(reader: Reader, each: Object) -> bytes:
    if each.end - each.start > LONGEST_PROPERTIES:
        raise Malformed("a stream's properties are too long", offset=each.start)
    return reader.exactly(each.start, each.end - each.start)


def _read_file(payload: bytes, offset: int, draft: Draft) -> File:
    if len(payload) < FILE.size:
        raise Malformed("the file's properties are too short", offset=offset)
    identifier, _, created, packets, play, send, preroll, *rest = FILE.unpack_from(payload)
    flags, shortest, longest, bitrate = rest
    if shortest != longest or not 0 < longest <= LONGEST_PACKET:
        raise Malformed("packets have no one size", offset=offset)
    draft.found(Kind.IDENTIFIER, any(identifier))
    if created != NO_DATE:
        draft.found(Kind.TIME, name="created", value=moment(1601, created / 10**7))
    draft.found(Kind.SLACK, len(payload) > FILE.size)
    if flags & BROADCAST:  # nothing was filled in that is known at the end only
        packets = play = send = 0
    play, send = (time if time < LONGEST_DURATION else 0 for time in (play, send))
    preroll = preroll if preroll < LONGEST_PREROLL else 0
    return File(packets, play, send, preroll, flags & (BROADCAST | SEEKABLE), longest, bitrate)


def _add_stream(payload: bytes, offset: int, header: Header, draft: Draft) -> None:
    stream = read_stream(payload, offset)
    if stream is None:
        draft.found(Kind.OTHER_STREAM)
        return
    if header.streams.get(stream.number, stream) != stream:
        raise Malformed("two streams have one number", offset=offset)
    header.streams[stream.number] = stream
    draft.found(Kind.SLACK, stream.payload != payload)
    if stream.opaque:
        draft.tally.remains(Kind.CODEC_DATA)


def _read_bitrates(payload: bytes, header: Header) -> None:
    count = min(int.from_bytes(payload[:2], "little"), (len(payload) - 2) // BITRATE.size)
    for number, rate in BITRATE.iter_unpack(payload[2 : 2 + max(0, count) * BITRATE.size]):
        header.bitrates.setdefault(number & NUMBER, rate)


def _read_metadata(reader: Reader, each: Object, header: Header, draft: Draft) -> None:
    """Take the shape of a stream's points from among the tags; the others only count."""
    at, others = each.start + 2, 0
    for _ in range(min(reader.number(each.start, 2, "little"), MOST_RECORDS)):
        _, number, name_size, kind, size = RECORD.unpack(reader.exactly(at, RECORD.size))
        name = reader.upto(at + RECORD.size, min(name_size, 64))
        at += RECORD.size + name_size
        value = reader.upto(at, min(size, 8))
        at += size
        if at > each.end:
            break
        ratio = int.from_bytes(value, "little")
        if (
            name in ASPECT
            and kind == DWORD
            and size == len(value) == 4
            and 0 < ratio < WIDEST_RATIO
        ):
            header.aspects.setdefault((number, name), ratio)
        else:
            others += 1
    draft.found(Kind.TAG_BLOCK, others > 0)
