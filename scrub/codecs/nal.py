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

Slices, delimiters and ends stay, parameter sets up to their stop bits, filler where it is all FF.
Units of reserved and unspecified types go; those that describe Dolby Vision's colours only where
`stream.dolby` says that the container names it. Where sizes can't change, an SEI unit is filled up
with an SEI filler message, any other with filler data, and what ends too late with zeros.
ITU-T H.264 and H.265, 7.3.1, 7.4.1, Annex B; ISO/IEC 14496-15, 5.3.3 and 8.3.3.
"""

import re

from scrub.codecs.decoder_settings import configured
from scrub.codecs.sei import Codec
from scrub.codecs.unit import RULES, Part, Stream, cleaned, filled_sei
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

LONGEST_LOOK = 1 << 16  # at SEI and the like: what is longer only carries user data
LONGEST_FILLER = 1 << 22
DELIMITED = frozenset(bytes([slices << 5 | 0x10]) for slices in range(8))
START_CODE = re.compile(b"\0\0\1")


def pictures(codec: Codec) -> frozenset[int]:
    """Return the first bytes of units that always stay as they are."""
    parts = RULES[codec].parts_by_byte
    return frozenset(byte for byte, part in enumerate(parts) if part is Part.PICTURE)


def cleaned_sample(reader: Reader, start: int, end: int, stream: Stream) -> list[Cut] | None:
    """Return what is kept of a sample of units behind their lengths; None when all of it is.

    Raises Malformed when a unit runs past the sample.
    """
    width, parts = stream.length_size, RULES[stream.codec].parts_by_byte
    delimiter = RULES[stream.codec].header + 1  # its size
    at = start
    while end - at > width:
        head = reader.upto(at, width + 3)
        if len(head) <= width:
            break
        length = int.from_bytes(head[:width], "big")
        part = parts[head[width]]
        if part is Part.DELIMITER:
            if length != delimiter or head[width + length - 1 :][:1] not in DELIMITED:
                break
        elif part is not Part.PICTURE and not (part is Part.DOLBY and stream.dolby):
            break
        at += width + length
    return None if at == end else _cut_sample(reader, start, end, stream)


def is_bare(block: bytes, start: int, end: int, stream: Stream) -> bool:
    """Say whether all of a sample inside a block of bytes is known to stay: a quick look.

    No doesn't mean that something goes: the sample may reach beyond the block.
    """
    if end > len(block):
        return False
    width, parts = stream.length_size, RULES[stream.codec].parts_by_byte
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
    if not starts:
        return None
    for start, behind in zip(starts, [*(s - 3 for s in starts[1:]), len(changed)], strict=True):
        unit = blanked(access_unit[start:behind], stream)
        if unit is not None:
            changed[start:behind] = unit
    if any(access_unit[: starts[0] - 3]):
        changed[: starts[0] - 3] = bytes(starts[0] - 3)
    return None if changed == access_unit else bytes(changed)


def blanked(unit: bytes, stream: Stream) -> bytes | None:
    """Return a unit with what goes overwritten, in as many bytes; None when all of it stays.

    `unit` has its header, but no start code; zeros behind it are no part of it.
    """
    rules = RULES[stream.codec]
    body = unit.rstrip(b"\0")
    part = rules.parts_by_byte[body[0]] if body else Part.PICTURE
    if part is Part.PICTURE:
        return None
    if part is Part.SEI:
        new = filled_sei(body, stream)
    else:
        new = cleaned(body, stream)
        if not new and len(body) > rules.header:
            new = (rules.filler_header + b"\xff" * len(body))[: len(body) - 1] + b"\x80"
        elif not new:
            new = rules.filler_header[: len(body)]
    return None if new == body else new.ljust(len(unit), b"\0")


def _cut_sample(reader: Reader, start: int, end: int, stream: Stream) -> list[Cut] | None:
    width = stream.length_size
    cuts: list[Cut] = []
    at = begun = start
    while end - at > width:
        head = reader.exactly(at, width + 1)
        length = int.from_bytes(head[:width], "big")
        behind = at + width + length
        if behind > end:
            raise Malformed("a unit runs past its sample", offset=at)
        if not length or not stream.is_plain(head[width]):
            unit = _unit(reader, at + width, length, stream)
            new = b"" if unit is None else cleaned(unit, stream)
            if new != unit:
                cuts += [Span(begun, at)] if begun < at else []
                cuts += [Literal(len(new).to_bytes(width, "big") + new)] if new else []
                begun = behind
        at = behind
    if begun == start and at == end:
        return None
    return [*cuts, Span(begun, at)] if begun < at else cuts


def _unit(reader: Reader, start: int, length: int, stream: Stream) -> bytes | None:
    """Return a unit that is no picture; None for one so long that it only carries user data."""
    part = RULES[stream.codec].parts_by_byte[reader.number(start, 1, "big")] if length else None
    is_hevc_set = stream.codec is Codec.HEVC and part in (Part.VPS, Part.SPS, Part.PPS)
    may_be_long = is_hevc_set or part in (Part.FILLER, Part.DOLBY)
    longest = LONGEST_FILLER if may_be_long else LONGEST_LOOK
    if part is None or length > longest:
        if length:
            stream.found[Kind.UNKNOWN_CHUNK] += 1
        return None
    return reader.exactly(start, length)
