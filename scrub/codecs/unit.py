"""One NAL unit of H.264 or H.265: what it is by its type, and what of it is kept.

    AVC       one byte of header, type in its lowest 5 bits
    HEVC      two bytes of header, type in bits 1 to 6 of the first

ITU-T H.264 and H.265, 7.3.1 and 7.4.1. How containers use it: nal.py.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from scrub.codecs.bits import RunsOut
from scrub.codecs.hevc_sets import end_of
from scrub.codecs.sei import FILLER, Codec, Message, about, coded, kept, messages
from scrub.codecs.sps import Timing, ended, ended_pps, read_sps
from scrub.findings import Kind

LONGEST_STAYING, MOST_STAYING = 64, 4096
_NEEDS_PREVENTION = re.compile(b"\0\0(?=[\0-\3])")


class Part(Enum):
    """What becomes of a unit."""

    PICTURE = auto()
    DOLBY = auto()
    VPS = auto()
    SPS = auto()
    PPS = auto()
    SEI = auto()
    DELIMITER = auto()
    FILLER = auto()
    END = auto()  # of a sequence, of the stream: a header and nothing else
    OTHER = auto()


class _Rules(NamedTuple):
    header: int  # bytes
    parts_by_byte: tuple[Part, ...]  # by the first byte
    filler_header: bytes


def _rules(header: int, shift: int, mask: int, parts: dict[int, Part], filler: bytes) -> _Rules:
    by_byte = tuple(
        parts.get(byte >> shift & mask, Part.OTHER) if byte < 0x80 else Part.OTHER
        for byte in range(256)
    )
    return _Rules(header, by_byte, filler)


RULES = {
    Codec.AVC: _rules(
        1, 0, 31,
        dict.fromkeys((1, 2, 3, 4, 5, 13, 14, 15, 19, 20), Part.PICTURE)
        | dict.fromkeys((10, 11), Part.END)
        | {6: Part.SEI, 7: Part.SPS, 8: Part.PPS, 9: Part.DELIMITER, 12: Part.FILLER}
        | dict.fromkeys((28, 30), Part.DOLBY),
        b"\x0c",
    ),
    Codec.HEVC: _rules(
        2, 1, 63,
        dict.fromkeys((*range(10), *range(16, 22)), Part.PICTURE)
        | dict.fromkeys((36, 37), Part.END)
        | {32: Part.VPS, 33: Part.SPS, 34: Part.PPS}
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

    def is_plain(self, first_byte: int) -> bool:
        """Say whether a unit stays without a look."""
        part = RULES[self.codec].parts_by_byte[first_byte]
        return part is Part.PICTURE or (part is Part.DOLBY and self.dolby)

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


_REPEATED = frozenset({Part.SEI, Part.DELIMITER, Part.VPS, Part.SPS, Part.PPS})


def cleaned(unit: bytes, stream: Stream) -> bytes:
    """Return what is kept of a unit, or nothing."""
    if unit in stream.staying:
        return unit
    part = RULES[stream.codec].parts_by_byte[unit[0]]
    if part is Part.SEI:
        new = _cleaned_sei(unit, stream)
    elif part in (Part.VPS, Part.SPS, Part.PPS):
        is_avc = stream.codec is Codec.AVC
        new = _cleaned_set(unit, part, stream) if is_avc else _cleaned_hevc_set(unit, stream)
    else:
        new = _cleaned_other(unit, part, stream)
    learned_from = part is Part.SPS and stream.codec is Codec.AVC
    if new == unit and part in _REPEATED and not learned_from:
        stream.stays(unit)
    return new


def _cleaned_other(unit: bytes, part: Part, stream: Stream) -> bytes:
    """Return what is kept of a unit that is neither SEI nor a parameter set."""
    header = RULES[stream.codec].header
    match part:
        case Part.PICTURE:
            return unit
        case Part.DOLBY if stream.dolby:
            new = unit
        case Part.DELIMITER if len(unit) > header:
            new = unit[:header] + bytes([unit[header] & 0xE0 | 0x10])
        case Part.END:
            new = unit[:header]
        case Part.FILLER if not unit[header:].rstrip(b"\x80").strip(b"\xff"):
            new = unit
        case _:
            new = b""
    if new != unit:
        stream.found[Kind.SLACK if new else Kind.UNKNOWN_CHUNK] += 1
    return new


def _cleaned_set(unit: bytes, part: Part, stream: Stream) -> bytes:
    """Return a parameter set of H.264 without what stands behind its end."""
    rbsp = unprevented(unit[1:])
    if part is Part.SPS:
        stream.learn(rbsp)
        whole = ended(rbsp)
    else:
        whole = ended_pps(rbsp, stream.timing)
    if len(whole) >= len(rbsp.rstrip(b"\0")):
        return unit
    stream.found[Kind.SLACK] += 1
    return unit[:1] + _prevented(whole)


def _cleaned_hevc_set(unit: bytes, stream: Stream) -> bytes:
    """Return a parameter set of H.265 without what stands behind its end, where that is sure."""
    is_of_base = unit[1:2] and not unit[0] & 1 and not unit[1] >> 3
    rbsp = unprevented(unit[2:])
    end = end_of(rbsp, unit[0] >> 1) if is_of_base else None
    if end is None or not rbsp[end:].strip(b"\0"):
        return unit
    whole = unit[:2] + _prevented(rbsp[:end])
    if not unit.startswith(whole):  # bytes inside that look like a start code
        return unit
    stream.found[Kind.SLACK] += 1
    return whole


def _kept_messages(unit: bytes, stream: Stream, *, filler: bool) -> Iterator[bytes]:
    """Yield the messages that stay; `filler` of FF is no finding where it fills up a unit."""
    header = RULES[stream.codec].header
    for message in messages(unprevented(unit[header:])):
        new = kept(message, stream.codec, stream.timing)
        ours = filler and message.type == FILLER and not message.payload.strip(b"\xff")
        if new != message and not ours:
            stream.found[about(message, new)] += 1
        if new is not None:
            yield coded(new)


def _cleaned_sei(unit: bytes, stream: Stream) -> bytes:
    header = RULES[stream.codec].header
    body = b"".join(_kept_messages(unit, stream, filler=False))
    return unit[:header] + _prevented(body + b"\x80") if body else b""


def filled_sei(unit: bytes, stream: Stream) -> bytes:
    """Return an SEI unit of the same size, with a filler message where others were."""
    header = RULES[stream.codec].header
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


def unprevented(coded_bytes: bytes) -> bytes:
    """Return a unit's bytes without those that keep start codes out of it."""
    return coded_bytes.replace(b"\0\0\3", b"\0\0")


def _prevented(rbsp: bytes) -> bytes:
    """Put a 3 wherever two zeros are followed by what could be read as a start code."""
    return _NEEDS_PREVENTION.sub(b"\0\0\3", rbsp)
