"""FLAC: keep STREAMINFO without its MD5, the seek points that are true, and the frames.

    stream    "fLaC", metadata blocks, frames
    block     1 bit last, 7 bits type, 24 bits length, payload
    0         STREAMINFO, 34 bytes: block sizes 2+2, frame sizes 3+3, rate 20 bits, channels-1 3,
              bits-1 5, samples 36, MD5 of the samples 16
    3         SEEKTABLE, 18 bytes a point: sample 8, offset from the first frame 8, samples 2

The MD5 names the original to whoever holds it; zero means unknown. A seek point is kept when a
frame with its number begins where it says. Where the frames end is found by decoding the lengths
in the last one (flac_frame.py). That nothing lies between two of them the CRC-16 says, taken over
all frames at once: zero for each frame, so zero for their row. It costs a look at every byte, so
only the proof takes it. RFC 9639.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.codecs.flac_frame import (
    CRC16_PERIOD,
    LONGEST_HEADER,
    ROWS,
    FrameHeader,
    NotAFrame,
    crc16_is_zero,
    frame_header,
    frame_length,
)
from scrub.containers.tagblocks import start_of_back_tags
from scrub.errors import Malformed, TooComplex
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

STREAMINFO, PADDING, APPLICATION, SEEKTABLE, VORBIS_COMMENT, CUESHEET, PICTURE = range(7)
STREAMINFO_LENGTH = 34
MD5_LENGTH = 16
SEEK_POINT = struct.Struct(">QQH")
MOST_BLOCKS = 4096
MOST_SEEK_POINTS = 3640  # 64 KiB of them: one each second for an hour
LONGEST_FRAME = 1 << 22
MOST_GUESSES = 256
SYNC = re.compile(rb"\xff[\xf8\xf9]")

KINDS = {
    PADDING: Kind.PADDING,
    APPLICATION: Kind.IDENTIFIER,
    VORBIS_COMMENT: Kind.TAG_BLOCK,
    CUESHEET: Kind.CHAPTERS,
    PICTURE: Kind.PICTURE,
}


class Block(NamedTuple):
    """Where a metadata block's payload lies."""

    type: int
    start: int
    end: int


def is_flac(reader: Reader, start: int) -> bool:
    """Say whether a FLAC stream begins here."""
    return reader.upto(start, 4) == b"fLaC"


def plan_flac(reader: Reader, start: int, draft: Draft) -> None:
    """Write STREAMINFO and SEEKTABLE anew in front of the frames.

    Raises Malformed when STREAMINFO isn't the first block, there is no whole frame, or (looking
    thoroughly) something stands between two.
    """
    info, seektable, after = _metadata(reader, start, draft)
    stop = start_of_back_tags(reader, after, reader.size)
    if stop < reader.size:
        draft.found(Kind.TAG_BLOCK)
    first = _first_frame(reader, after, stop, info)
    if first > after:
        draft.found(Kind.SLACK)
    end = _end_of_frames(reader, first, stop, info)
    if end < stop:
        draft.found(Kind.TRAILING)
    if draft.thorough:
        _only_frames(reader, first, end)
    points = _true_points(reader, seektable, first, end, info, draft) if seektable else b""

    if any(info[-MD5_LENGTH:]):
        draft.found(Kind.CHECKSUM)
    kept = info[:-MD5_LENGTH] + bytes(MD5_LENGTH)
    draft.write(b"fLaC" + _block(STREAMINFO, kept, last=not points))
    if points:
        draft.write(_block(SEEKTABLE, points, last=True))
    draft.copy(first, end)
    draft.sound(end - first, _samples(info))


def _metadata(reader: Reader, start: int, draft: Draft) -> tuple[bytes, Block | None, int]:
    """Return STREAMINFO, the first SEEKTABLE, and where the blocks end."""
    info, seektable, after = b"", None, start + 4
    for block in blocks(reader, start):
        if (block.type == STREAMINFO) != (not info):
            raise Malformed("STREAMINFO is not the first and only one", offset=block.start)
        if block.type == STREAMINFO:
            if block.end - block.start != STREAMINFO_LENGTH:
                raise Malformed("STREAMINFO has another length", offset=block.start)
            info = reader.exactly(block.start, STREAMINFO_LENGTH)
        elif block.type == SEEKTABLE and seektable is None:
            seektable = block
        else:
            draft.found(KINDS.get(block.type, Kind.UNKNOWN_CHUNK))
        after = block.end
    return info, seektable, after


def blocks(reader: Reader, start: int) -> Iterator[Block]:
    """Yield where the metadata blocks lie; reads four bytes a block."""
    at = start + 4
    for _ in range(MOST_BLOCKS):
        head = reader.exactly(at, 4)
        block = Block(head[0] & 0x7F, at + 4, at + 4 + int.from_bytes(head[1:], "big"))
        if block.end > reader.size:
            raise Malformed("a metadata block runs past the end", offset=at)
        yield block
        if head[0] & 0x80:
            return
        at = block.end
    raise TooComplex("too many metadata blocks")


def _first_frame(reader: Reader, after: int, stop: int, info: bytes) -> int:
    """Return where the first frame begins: at once, or behind a block whose length was wrong."""
    window = reader.upto(after, min(LONGEST_FRAME, stop - after))
    guesses = 0
    for match in SYNC.finditer(window):
        guess = match.start()
        try:
            header = frame_header(window[guess : guess + LONGEST_HEADER], info)
            if guess:  # not where it should be: believe only a whole frame
                guesses += 1
                frame_length(window[guess:], header)
        except NotAFrame:
            if guesses > MOST_GUESSES:
                break
            continue
        return after + guess
    raise Malformed("there is no frame", offset=after)


def _end_of_frames(reader: Reader, first: int, stop: int, info: bytes) -> int:
    """Return where the last whole frame ends: sync codes are tried from the back."""
    largest = int.from_bytes(info[7:10], "big") or 1 << 16
    guesses = 0
    for length in (min(2 * largest + (1 << 16), LONGEST_FRAME), LONGEST_FRAME):
        begin = max(first, stop - length)
        window = reader.upto(begin, stop - begin)
        for guess in reversed([match.start() for match in SYNC.finditer(window)]):
            try:
                header = frame_header(window[guess : guess + LONGEST_HEADER], info)
                guesses += 1
                return begin + guess + frame_length(window[guess:], header)
            except NotAFrame:
                if guesses > MOST_GUESSES:
                    raise Malformed("the last frame cannot be found", offset=begin) from None
        if begin == first:
            break
    raise Malformed("there is no whole frame", offset=first)


def _only_frames(reader: Reader, first: int, end: int) -> None:
    """Refuse what stands between two frames: a second recording's tags, or a damaged frame."""
    blocks = reader.blocks(first, end, CRC16_PERIOD * ROWS)
    if not crc16_is_zero(block for _, block in blocks):
        raise Malformed("something stands between the frames, or one is damaged", offset=first)


def _true_points(
    reader: Reader, table: Block, first: int, end: int, info: bytes, draft: Draft
) -> bytes:
    """Return the seek points at which the frame they name begins; nothing for a table too long."""
    count = (table.end - table.start) // SEEK_POINT.size
    stored = reader.exactly(table.start, min(count, MOST_SEEK_POINTS) * SEEK_POINT.size)
    points = bytearray()
    before = -1
    for sample, offset, _ in SEEK_POINT.iter_unpack(stored):
        header = _header_at(reader, first + offset, end, info) if sample > before else None
        if header is not None and header.first_sample == sample:
            points += SEEK_POINT.pack(sample, offset, header.samples)
            before = sample
    if len(points) != table.end - table.start:
        draft.found(Kind.PADDING)
    return bytes(points)


def _header_at(reader: Reader, at: int, end: int, info: bytes) -> FrameHeader | None:
    if at + LONGEST_HEADER > end:
        return None
    try:
        return frame_header(reader.upto(at, LONGEST_HEADER), info)
    except NotAFrame:
        return None


def _samples(info: bytes) -> int:
    return int.from_bytes(info[13:18], "big") & (1 << 36) - 1


def _block(kind: int, payload: bytes, *, last: bool) -> bytes:
    return bytes([kind | (0x80 if last else 0)]) + len(payload).to_bytes(3, "big") + payload
