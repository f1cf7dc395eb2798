"""The headers of an AVI: read what playing needs of each stream, and write that anew.

    avih      u32 µs a picture, bytes a second, padding, flags, pictures, first pictures, streams,
              buffer, width, height, 16 reserved bytes
    strh      type 4, handler 4, u32 flags, u16 priority, u16 language, u32 first pictures, scale,
              rate, start, length, buffer, quality, bytes a sample, 4 × i16 where it is shown
    strf      BITMAPINFOHEADER or WAVEFORMATEX
    vprp      u32 format, standard, refresh rate, width and height with blanking, aspect ratio,
              width, height, number of fields, and for each 8 × u32

Streams are what they were but numbered anew; names, dates and handlers that we don't know are
blank. Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions 1.02, 1996.
"""

import struct
from dataclasses import dataclass

from scrub.codecs.bitmapinfo import Bitmap, read_bitmap
from scrub.codecs.waveformat import PACKETS, WaveFormat
from scrub.codecs.waveformat import rebuilt as wave_format
from scrub.containers.avi.chunks import HEADER, children
from scrub.containers.avi.pictures import FOURCCS, Pictures, pictures
from scrub.containers.riff_report import report
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

AVIH = struct.Struct("<10I16x")
STRH = struct.Struct("<4s4sIHHIIIIIIII8x")
VPRP = struct.Struct("<9I")
HAS_INDEX, INTERLEAVED = 0x10, 0x100
UNKNOWN_QUALITY = 0xFFFFFFFF
LARGEST = 0xFFFF  # width or height of a picture
MOST_STREAMS = 99  # two digits
LONGEST_FORMAT = 1 << 16
INDEXES = (b"indx",)  # written anew, so no finding
NO_PICTURES = (b"DXSB", b"DXSA")  # subtitles that call themselves pictures


@dataclass(slots=True)
class Stream:
    """A stream that is kept: its number, what its headers say, what was seen of its chunks."""

    number: int
    scale: int
    rate: int
    start: int
    length: int
    sample_size: int
    handler: bytes
    sound: WaveFormat | None = None
    bitmap: Bitmap | None = None
    pictures: Pictures | None = None
    aspect: tuple[int, int, int] = (0, 0, 0)  # ratio, and the picture's part that has it
    fields: int = 1
    chunks: int = 0
    looked_at: int = 0
    longest: int = 0

    def strl(self) -> bytes:
        """Return the list of this stream's headers."""
        kind, payload, vprp = b"auds", b"", b""
        frame = bytes(8)
        if self.sound:
            payload = self.sound.payload
        elif self.bitmap:
            kind, payload = b"vids", self.bitmap.payload()
            width, height = abs(self.bitmap.width) & 0xFFFF, abs(self.bitmap.height) & 0xFFFF
            frame = struct.pack("<4H", 0, 0, width, height)
            vprp = self._vprp()
        head = STRH.pack(
            kind, self.handler, 0, 0, 0, 0, self.scale, self.rate, self.start, self.length,
            self.longest, UNKNOWN_QUALITY, self.sample_size,
        )  # fmt: skip
        return in_list(b"strl", whole(b"strh", head[:48] + frame) + whole(b"strf", payload) + vprp)

    def _vprp(self) -> bytes:
        ratio, width, height = self.aspect
        if not ratio or not 0 < width <= LARGEST or not 0 < height <= LARGEST:
            return b""
        lines = height // self.fields
        field = struct.pack("<8I", lines, width, lines, width, 0, 0, 0, 0)
        head = VPRP.pack(0, 0, 0, width, height, ratio, width, height, self.fields)
        return whole(b"vprp", head + field * self.fields)


@dataclass(slots=True)
class Headers:
    """What an hdrl says: of the whole, and of each stream; None for one that goes."""

    picture_us: int
    interleaved: bool
    streams: list[Stream | None]

    def hdrl(self, *, indexed: bool, pictures: int, long: bool) -> bytes:
        """Return the list of all headers; `long`: there are several RIFFs."""
        kept = [stream for stream in self.streams if stream]
        shown = next((each.bitmap for each in kept if each.bitmap), None)
        width, height = (abs(shown.width), abs(shown.height)) if shown else (0, 0)
        flags = (HAS_INDEX if indexed else 0) | (INTERLEAVED if self.interleaved else 0)
        longest = max((stream.longest for stream in kept), default=0)
        fixed = (self.picture_us, 0, 0, flags, pictures, 0, len(kept), longest, width, height)
        body = whole(b"avih", AVIH.pack(*fixed)) + b"".join(stream.strl() for stream in kept)
        if long:
            body += in_list(b"odml", whole(b"dmlh", struct.pack("<I", pictures)))
        return in_list(b"hdrl", body)


def read_headers(reader: Reader, start: int, end: int, draft: Draft) -> Headers:
    """Read a LIST hdrl from behind its type on.

    Raises Unsupported for a codec that we don't know, Malformed for broken headers.
    """
    found: Headers | None = None
    for chunk_id, begin, stop in children(reader, start, end):
        if chunk_id == b"avih" and not found:
            fixed = AVIH.unpack(
                reader.exactly(begin, min(AVIH.size, stop - begin)).ljust(56, b"\0")
            )
            found = Headers(fixed[0], bool(fixed[3] & INTERLEAVED), [])
            if any(reader.upto(begin + 40, stop - begin - 40)):
                draft.found(Kind.SLACK)
        elif chunk_id == b"LIST" and reader.upto(begin, 4) == b"strl" and found:
            number = sum(stream is not None for stream in found.streams)
            found.streams.append(_stream(reader, begin + 4, stop, number, draft))
            if len(found.streams) > MOST_STREAMS:
                raise Unsupported("AVI", "a recording of so many streams")
        elif chunk_id != b"LIST" or reader.upto(begin, 4) != b"odml":
            report(reader, chunk_id, begin, stop, draft)
    if not found or not any(found.streams):
        raise Malformed("there is no sound and no picture", offset=start)
    return found


def _stream(reader: Reader, start: int, end: int, number: int, draft: Draft) -> Stream | None:
    parts: dict[bytes, bytes] = {}
    for chunk_id, begin, stop in children(reader, start, end):
        if chunk_id in (b"strh", b"strf", b"vprp") and chunk_id not in parts:
            parts[chunk_id] = reader.exactly(begin, min(stop - begin, LONGEST_FORMAT))
        elif chunk_id not in INDEXES:
            report(reader, chunk_id, begin, stop, draft)
    if b"strf" not in parts or len(parts.get(b"strh", b"")) < 48:
        raise Malformed("a stream has no headers", offset=start)
    head = STRH.unpack(parts[b"strh"].ljust(STRH.size, b"\0")[: STRH.size])
    kind, handler, _, _, language, _, scale, rate, begins, length, _, _, sample_size = head
    if language:
        draft.found(Kind.TEXT)
    if kind == b"iavs":
        raise Unsupported("AVI", "DV with sound inside")
    if kind not in (b"auds", b"vids"):
        draft.found(Kind.OTHER_STREAM)
        return None
    handler = handler if handler.upper() in FOURCCS else bytes(4)
    stream = Stream(number, scale, rate, begins, length, sample_size, handler)
    if kind == b"auds":
        stream.handler = bytes(4)
        stream.sound = wave_format(parts[b"strf"], PACKETS, "AVI", start)
        if stream.sound.slack:
            draft.found(Kind.SLACK)
        return stream
    return _shown(stream, parts, start, draft)


def _shown(stream: Stream, parts: dict[bytes, bytes], start: int, draft: Draft) -> Stream | None:
    """Read what a stream of pictures says of them."""
    bitmap = read_bitmap(parts[b"strf"], start)
    if bitmap.codec in NO_PICTURES:
        draft.found(Kind.OTHER_STREAM)
        return None
    stream.pictures = pictures(bitmap)
    behind = stream.pictures.settings(bitmap, draft)
    stream.bitmap = bitmap._replace(behind=behind)
    vprp = parts.get(b"vprp", b"")
    if len(vprp) >= VPRP.size:
        numbers = VPRP.unpack(vprp[: VPRP.size])
        stream.aspect, stream.fields = numbers[5:8], 2 if numbers[8] == 2 else 1
    return stream


def whole(chunk_id: bytes, payload: bytes) -> bytes:
    """Return a chunk."""
    return HEADER.pack(chunk_id, len(payload)) + payload + bytes(len(payload) % 2)


def in_list(kind: bytes, body: bytes) -> bytes:
    """Return a LIST."""
    return whole(b"LIST", kind + body)
