"""NAL units of H.264 and H.265: picture data stays byte for byte, user data in SEI units goes.

    AVC       one byte of header, type in its lowest 5 bits
    HEVC      two bytes of header, type in bits 1 to 6 of the first
    sample    MP4, Matroska, FLV: units, each behind its length in 1 to 4 bytes
    stream    Annex B (MPEG-TS, AVI): units, each behind 00 00 01; zeros may stand between

How a container uses it, with one Stream for a track, which sees every unit in order:

    stream, config = configured(avcc, Codec.AVC)      the cleaned avcC, hvcC, CodecPrivate
    cuts = cleaned_sample(reader, start, end, stream) None: keep start to end as it is
    same = blanked_units(access_unit, stream)         Annex B: of the same size; None: as it is
    same = blanked(unit, stream)                      the same for one unit without its start code
    stream.found                                      kinds that went, for the report

Slices, parameter sets, delimiters and ends stay; filler stays where it is all FF. Units of reserved
and unspecified types go; those that describe Dolby Vision's colours only where `stream.dolby` says
that the container names it. Where sizes can't change, an SEI unit is filled up with an SEI filler
message, any other with filler data, and what ends too late with zeros.
ITU-T H.264 and H.265, 7.3.1, 7.4.1, Annex B; ISO/IEC 14496-15, 5.3.3 and 8.3.3.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from scrub.codecs.bits import RunsOut
from scrub.codecs.sei import FILLER, Codec, Message, about, coded, kept, messages
from scrub.codecs.sps import Timing, ended, read_sps
from scrub.errors import Malformed
from scrub.findings import Kind
from scrub.plan import Cut, Literal, Span
from scrub.reading import Reader

__all__ = [
    "Codec",
    "Stream",
    "blanked",
    "blanked_units",
    "cleaned_sample",
    "configured",
    "is_bare",
    "pictures",
]

LONGEST_READ = 1 << 16  # of SEI and the like: what is longer only carries user data
LONGEST_FILLER = 1 << 22
LONGEST_STAYING, MOST_STAYING = 64, 4096
START_CODE = re.compile(b"\0\0\1")
_NEEDS_PREVENTION = re.compile(b"\0\0(?=[\0-\3])")


class Part(Enum):
    """What becomes of a unit."""

    PICTURE = auto()
    DOLBY = auto()
    SPS = auto()
    SEI = auto()
    DELIMITER = auto()
    FILLER = auto()
    OTHER = auto()


class _Rules(NamedTuple):
    header: int  # bytes
    parts: dict[int, Part]  # by type
    parts_by_byte: tuple[Part, ...]  # by the first byte
    filler_header: bytes


def _rules(header: int, shift: int, mask: int, parts: dict[int, Part], filler: bytes) -> _Rules:
    by_byte = tuple(
        parts.get(byte >> shift & mask, Part.OTHER) if byte < 0x80 else Part.OTHER
        for byte in range(256)
    )
    return _Rules(header, parts, by_byte, filler)


_RULES = {
    Codec.AVC: _rules(
        1, 0, 31,
        dict.fromkeys((1, 2, 3, 4, 5, 8, 10, 11, 13, 14, 15, 16, 19, 20, 21), Part.PICTURE)
        | {6: Part.SEI, 7: Part.SPS, 9: Part.DELIMITER, 12: Part.FILLER}
        | dict.fromkeys((28, 30), Part.DOLBY),
        b"\x0c",
    ),
    Codec.HEVC: _rules(
        2, 1, 63,
        dict.fromkeys((*range(10), *range(16, 22), 32, 33, 34, 36, 37), Part.PICTURE)
        | {39: Part.SEI, 40: Part.SEI, 35: Part.DELIMITER, 38: Part.FILLER}
        | dict.fromkeys((62, 63), Part.DOLBY),
        b"\x4c\x01",
    ),
}  # fmt: skip


@dataclass(slots=True)
class Stream:
    """A track's units: how they are told apart, and what was learned of them on the way."""

    codec: Codec
    length_size: int = 4
    dolby: bool = False
    found: Counter[Kind] = field(default_factory=Counter)
    timing: Timing | None = None  # None: there is none yet, or sets disagree
    staying: set[bytes] = field(default_factory=set)  # SEI units and delimiters without findings
    _timings: dict[int, Timing] = field(default_factory=dict)

    def stays(self, unit: bytes) -> None:
        """Remember a short unit that is no picture and stays: the same ones come again."""
        if len(unit) <= LONGEST_STAYING and len(self.staying) < MOST_STAYING:
            self.staying.add(unit)

    def learn(self, sps: bytes) -> None:
        """Take from a parameter set of H.264, without its header, how messages count time."""
        try:
            timing, _ = read_sps(sps)
        except RunsOut:
            return
        before = self.timing
        self._timings[timing.id] = timing
        layouts = {each._replace(id=0) for each in self._timings.values()}
        self.timing = timing if len(layouts) == 1 else None
        if self.timing != before:
            self.staying.clear()


def pictures(codec: Codec) -> frozenset[int]:
    """Return the first bytes of units that always stay as they are."""
    parts = _RULES[codec].parts_by_byte
    return frozenset(byte for byte, part in enumerate(parts) if part is Part.PICTURE)


def configured(config: bytes, codec: Codec, *, dolby: bool = False) -> tuple[Stream, bytes]:
    """Return a stream as avcC or hvcC describes it, and the description cleaned.

    Parameter sets stay, and of H.265's SEI units what decoding needs; trailing bytes go.
    Raises Malformed.
    """
    lengths_at = 4 if codec is Codec.AVC else 21
    if len(config) < lengths_at + 2 or config[0] > 1:
        raise Malformed("the decoder's settings are damaged", offset=0)
    stream = Stream(codec, (config[lengths_at] & 3) + 1, dolby)
    cleaned = _avcc(config, stream) if codec is Codec.AVC else _hvcc(config, stream)
    return stream, cleaned


def cleaned_sample(reader: Reader, start: int, end: int, stream: Stream) -> list[Cut] | None:
    """Return what is kept of a sample of units behind their lengths; None when all of it is.

    Raises Malformed when a unit runs past the sample.
    """
    width, parts = stream.length_size, _RULES[stream.codec].parts_by_byte
    at = start
    while end - at > width:
        head = reader.upto(at, width + 1)
        if len(head) <= width or parts[head[width]] is not Part.PICTURE:
            return _cut_sample(reader, start, end, stream)
        at += width + int.from_bytes(head[:width], "big")
    return None if at == end else _cut_sample(reader, start, end, stream)


def is_bare(block: bytes, start: int, end: int, stream: Stream) -> bool:
    """Say whether all of a sample inside a block of bytes is known to stay: a quick look.

    No doesn't mean that something goes: the sample may reach beyond the block.
    """
    if end > len(block):
        return False
    width, parts = stream.length_size, _RULES[stream.codec].parts_by_byte
    at = start
    while at + width < end:
        begin = at + width
        behind = begin + int.from_bytes(block[at:begin], "big")
        if parts[block[begin]] is not Part.PICTURE and block[begin:behind] not in stream.staying:
            return False
        at = behind
    return at == end


def blanked_units(access_unit: bytes, stream: Stream) -> bytes | None:
    """Return Annex B units with what goes overwritten, in as many bytes; None for no change."""
    changed = bytearray(access_unit)
    starts = [found.end() for found in START_CODE.finditer(access_unit)]
    for start, behind in zip(starts, [*(s - 3 for s in starts[1:]), len(changed)], strict=True):
        unit = blanked(access_unit[start:behind], stream)
        if unit is not None:
            changed[start:behind] = unit
    if starts and any(access_unit[: starts[0] - 3]):
        changed[: starts[0] - 3] = bytes(starts[0] - 3)
    return None if changed == access_unit else bytes(changed)


def blanked(unit: bytes, stream: Stream) -> bytes | None:
    """Return a unit with what goes overwritten, in as many bytes; None when all of it stays.

    `unit` has its header, but no start code; zeros behind it are no part of it.
    """
    rules = _RULES[stream.codec]
    body = unit.rstrip(b"\0")
    part = rules.parts_by_byte[body[0]] if body else Part.PICTURE
    if part is Part.PICTURE:
        return None
    if part is Part.SEI:
        new = _filled_sei(body, stream)
    else:
        new = _cleaned(body, stream)
        if not new and len(body) > rules.header:
            new = (rules.filler_header + b"\xff" * len(body))[: len(body) - 1] + b"\x80"
        elif not new:
            new = rules.filler_header[: len(body)]
    return None if new == body else new.ljust(len(unit), b"\0")


def _cut_sample(reader: Reader, start: int, end: int, stream: Stream) -> list[Cut] | None:
    width, parts = stream.length_size, _RULES[stream.codec].parts_by_byte
    cuts: list[Cut] = []
    at = begun = start
    while end - at > width:
        length = reader.number(at, width, "big")
        behind = at + width + length
        if behind > end:
            raise Malformed("a unit runs past its sample", offset=at)
        if not length or parts[reader.number(at + width, 1, "big")] is not Part.PICTURE:
            unit = _unit(reader, at + width, length, stream)
            new = b"" if unit is None else _cleaned(unit, stream)
            if new != unit:
                cuts += [Span(begun, at)] if begun < at else []
                cuts += [Literal(len(new).to_bytes(width, "big") + new)] if new else []
                begun = behind
            elif parts[unit[0]] in (Part.SEI, Part.DELIMITER):
                stream.stays(unit)
        at = behind
    if begun == start and at == end:
        return None
    return [*cuts, Span(begun, at)] if begun < at else cuts


def _unit(reader: Reader, start: int, length: int, stream: Stream) -> bytes | None:
    """Return a unit that is no picture; None for one so long that it only carries user data."""
    part = _RULES[stream.codec].parts_by_byte[reader.number(start, 1, "big")] if length else None
    longest = LONGEST_FILLER if part in (Part.FILLER, Part.DOLBY) else LONGEST_READ
    if part is None or length > longest:
        if length:
            stream.found[Kind.UNKNOWN_CHUNK] += 1
        return None
    return reader.exactly(start, length)


def _cleaned(unit: bytes, stream: Stream) -> bytes:
    """Return what is kept of a unit, or nothing."""
    rules = _RULES[stream.codec]
    match rules.parts_by_byte[unit[0]]:
        case Part.PICTURE:
            return unit
        case Part.SEI:
            return _cleaned_sei(unit, stream)
        case Part.SPS:
            return _cleaned_sps(unit, stream)
        case Part.DOLBY if stream.dolby:
            return unit
        case Part.DELIMITER if len(unit) > rules.header:
            new = unit[: rules.header] + bytes([unit[rules.header] & 0xE0 | 0x10])
        case Part.FILLER if not unit[rules.header :].rstrip(b"\x80").strip(b"\xff"):
            return unit
        case _:
            new = b""
    if new != unit:
        stream.found[Kind.SLACK if new else Kind.UNKNOWN_CHUNK] += 1
    return new


def _cleaned_sps(unit: bytes, stream: Stream) -> bytes:
    rbsp = _unprevented(unit[1:])
    stream.learn(rbsp)
    whole = ended(rbsp)
    if len(whole) >= len(rbsp.rstrip(b"\0")):
        return unit
    stream.found[Kind.SLACK] += 1
    return unit[:1] + _prevented(whole)


def _kept_messages(unit: bytes, stream: Stream, *, filler: bool) -> Iterator[bytes]:
    """Yield the messages that stay; `filler` of FF is no finding where it fills up a unit."""
    header = _RULES[stream.codec].header
    for message in messages(_unprevented(unit[header:])):
        new = kept(message, stream.codec, stream.timing)
        ours = filler and message.type == FILLER and not message.payload.strip(b"\xff")
        if new != message and not ours:
            stream.found[about(message, new)] += 1
        if new is not None:
            yield coded(new)


def _cleaned_sei(unit: bytes, stream: Stream) -> bytes:
    header = _RULES[stream.codec].header
    body = b"".join(_kept_messages(unit, stream, filler=False))
    return unit[:header] + _prevented(body + b"\x80") if body else b""


def _filled_sei(unit: bytes, stream: Stream) -> bytes:
    """Return an SEI unit of the same size, with a filler message where others were."""
    header = _RULES[stream.codec].header
    if len(unit) <= header:
        return unit
    body = b"".join(_kept_messages(unit, stream, filler=True))
    # What follows may be the filler's type, 3, which must not look like a prevention byte.
    front = unit[:header] + _prevented(body + bytes([FILLER]))[:-1]
    if len(front) >= len(unit):
        front = unit[:header]
    return front + _filling(len(unit) - len(front))


def _filling(room: int) -> bytes:
    """Return a filler message and a stop bit of this size; a zero behind where none fits."""
    size = room - 3
    while size > 0 and 3 + size + size // 255 > room:
        size -= 1
    message = coded(Message(FILLER, b"\xff" * size)) if size >= 0 else b""
    return (message + b"\x80").ljust(room, b"\0")


def _unprevented(coded_bytes: bytes) -> bytes:
    return coded_bytes.replace(b"\0\0\3", b"\0\0")


def _prevented(rbsp: bytes) -> bytes:
    """Put a 3 wherever two zeros are followed by what could be read as a start code."""
    return _NEEDS_PREVENTION.sub(b"\0\0\3", rbsp)


class _Fields:
    """The counted lists of avcC and hvcC."""

    def __init__(self, config: bytes, at: int) -> None:
        self.config = config
        self.at = at

    def number(self, length: int) -> int:
        self.at += length
        if self.at > len(self.config):
            raise Malformed("the decoder's settings are damaged", offset=0)
        return int.from_bytes(self.config[self.at - length : self.at], "big")

    def units(self, count: int) -> list[bytes]:
        found = []
        for _ in range(count):
            length = self.number(2)
            self.number(length)
            found.append(self.config[self.at - length : self.at])
        return found


def _avcc(config: bytes, stream: Stream) -> bytes:
    fields = _Fields(config, 5)
    sets = _listed(fields.units(fields.number(1) & 31), (7, 15), stream)
    pictures = _listed(fields.units(fields.number(1)), (8,), stream)
    new = config[:4] + bytes([config[4] | 0xFC, 0xE0 | sets[0]]) + sets[1:]
    new += pictures
    profile_has_more = config[1] not in (66, 77, 88)
    if profile_has_more and len(config) - fields.at >= 4:
        chroma, luma_depth, chroma_depth, count = (fields.number(1) for _ in range(4))
        new += bytes([chroma | 0xFC, luma_depth | 0xF8, chroma_depth | 0xF8])
        new += _listed(fields.units(count), (13,), stream)
    if len(new) < len(config):
        stream.found[Kind.SLACK] += 1
    return new


def _listed(units: list[bytes], types: tuple[int, ...], stream: Stream) -> bytes:
    """Return how many units of these types there are, in a byte, and each behind its length."""
    same = [_cleaned(unit, stream) for unit in units if unit and unit[0] & 0x9F in types]
    return bytes([len(same)]) + b"".join(len(u).to_bytes(2, "big") + u for u in same)


def _hvcc(config: bytes, stream: Stream) -> bytes:
    ones = {13: 0xF0, 15: 0xFC, 16: 0xFC, 17: 0xF8, 18: 0xF8}  # reserved bits
    head = bytes(byte | ones.get(at, 0) for at, byte in enumerate(config[:22]))
    fields = _Fields(config, 22)
    arrays = []
    for _ in range(fields.number(1)):
        kind = fields.number(1)
        units = fields.units(fields.number(2))
        if kind & 63 not in (32, 33, 34, 39, 40):
            continue
        matching = [unit for unit in units if unit and unit[0] >> 1 == kind & 63]
        same = [new for new in (_cleaned(unit, stream) for unit in matching) if new]
        if same:
            body = b"".join(len(u).to_bytes(2, "big") + u for u in same)
            arrays.append(bytes([kind & 0xBF]) + len(same).to_bytes(2, "big") + body)
    new = head + bytes([len(arrays)]) + b"".join(arrays)
    if len(new) < len(config) and not stream.found:
        stream.found[Kind.SLACK] += 1
    return new
