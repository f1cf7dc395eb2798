"""JPEG, as the frames of Motion JPEG are: where its notes are, so that they can be left out.

    picture   FF D8, segments, FF D9; where fields are interlaced a second one behind it
    segment   FF, a byte of type, u16 length with these two, payload
    scan      behind the segment FF DA, coded data up to the next FF that no 00 or D0 to D7 follows

Kept are the segments that decoding reads: tables, frame and scan headers, and of the application's
own (FF E0 to FF EF) those that say how fields lie, JFIF without a thumbnail, and Adobe's colours.
Of a picture that breaks off what can be read is kept. A table with more behind it than it defines
goes.
ITU-T T.81, B.1; JFIF 1.02; AVI1: Open DML, 1996; mjpg: QuickTime File Format.
"""

import re
from collections import Counter
from typing import NamedTuple

from scrub.errors import Malformed
from scrub.findings import Kind

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
SCAN, COMMENT, FIRST_APP, LAST_APP = 0xDA, 0xFE, 0xE0, 0xEF
HUFFMAN, ARITHMETIC, QUANTIZATION, LINES, RESTART = 0xC4, 0xCC, 0xDB, 0xDC, 0xDD
LOSSLESS, PARAMETERS = 0xF7, 0xF8  # of JPEG-LS
FRAMES = frozenset({*range(0xC0, 0xD0), LOSSLESS}) - {HUFFMAN, 0xC8, ARITHMETIC}
TABLES = {LINES: 2, RESTART: 2, PARAMETERS: 11}  # those of one length
DECODING = FRAMES | TABLES.keys() | {SCAN, HUFFMAN, ARITHMETIC, QUANTIZATION}
ALONE = 0x01  # a marker without a segment; restarts stand in scans
ENCODER = b"Lavc"  # the comment that ffmpeg puts into every frame
LONGEST_ENCODER = 24
MOST_CONDITIONS = 2 * 2 * 4  # a table and its value, for DC and AC
# Without a + behind the FF, so that searching begins with a quick look for that byte.
_MARKER = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")
_LOSSLESS_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")  # its scans stuff a bit, not a byte
_SOI_BEHIND_PADDING = re.compile(rb"[\0\xff]*?\xff\xd8")


class Frame(NamedTuple):
    """What is kept of a frame, in order, what was found in the rest, and whether a name stays."""

    kept: list[tuple[int, int]]
    found: Counter[Kind]
    names_encoder: bool


def cleaned_frame(frame: bytes, offset: int) -> Frame:
    """Return what is kept of a frame of one or two pictures.

    Raises Malformed when it isn't one; `offset` is where it lies in the recording.
    """
    walk = _Walk(frame, offset)
    at = 0
    while True:
        at = walk.picture(at)
        again = _SOI_BEHIND_PADDING.match(frame, at)
        if not again:
            break
        walk.keep(at, again.end() - 2)
        at = again.end() - 2
    if frame[at:].strip(b"\0\xff"):
        walk.found[Kind.TRAILING] += 1
    else:
        walk.keep(at, len(frame))
    return Frame(walk.kept, walk.found, walk.names_encoder)


class _Walk:
    def __init__(self, frame: bytes, offset: int) -> None:
        self.kept: list[tuple[int, int]] = []
        self.found: Counter[Kind] = Counter()
        self.names_encoder = False
        self._frame = frame
        self._offset = offset
        self._lossless = False

    def keep(self, start: int, end: int) -> None:
        if self.kept and self.kept[-1][1] == start:
            self.kept[-1] = (self.kept[-1][0], end)
        elif start < end:
            self.kept.append((start, end))

    def picture(self, at: int) -> int:
        """Walk one picture; return its end."""
        frame = self._frame
        if not frame.startswith(SOI, at):
            raise Malformed("a picture is no JPEG", offset=self._offset + at)
        self.keep(at, at + 2)
        at += 2
        while marker := _MARKER.search(frame, at):
            self._between(at, marker.start())
            begin, at = marker.span()
            kind = frame[at - 1]
            if kind == EOI[1] or kind == ALONE:
                self.keep(begin, at)
            else:
                at = self._segment(kind, begin, at)
            if kind == EOI[1]:
                return at
        self._between(at, len(frame))
        return len(frame)

    def _between(self, start: int, end: int) -> None:
        """Keep zeros between segments, and nothing else."""
        if self._frame[start:end].strip(b"\0\xff"):
            self.found[Kind.SLACK] += 1
        else:
            self.keep(start, end)

    def _segment(self, kind: int, begin: int, at: int) -> int:
        """Keep or leave out a segment, and the scan behind it; return where they end."""
        frame = self._frame
        length = int.from_bytes(frame[at : at + 2], "big")
        end = at + length
        if length < 2 or end > len(frame):
            self.found[Kind.SLACK] += 1
            return len(frame)
        payload = frame[at + 2 : end]
        if not self._is_kept(kind, payload):
            return end
        self._lossless |= kind == LOSSLESS
        if kind == SCAN:
            marker = (_LOSSLESS_MARKER if self._lossless else _MARKER).search(frame, end)
            end = marker.start() if marker else len(frame)
        self.keep(begin, end)
        return end

    def _is_kept(self, kind: int, payload: bytes) -> bool:
        if kind in DECODING:
            if _is_whole(kind, payload):
                return True
            self.found[Kind.SLACK] += 1
            return False
        if FIRST_APP <= kind <= LAST_APP and _is_needed(kind, payload):
            return True
        if kind == COMMENT:
            if payload.startswith(ENCODER) and len(payload) <= LONGEST_ENCODER:
                self.names_encoder = True
                return True
            self.found[Kind.COMMENT] += 1
        else:
            known = FIRST_APP <= kind <= LAST_APP
            self.found[Kind.TAG_BLOCK if known else Kind.UNKNOWN_CHUNK] += 1
        return False


def _is_whole(kind: int, payload: bytes) -> bool:
    """Say whether a segment holds what it defines, and behind that nothing but zeros."""
    defined = _defined(kind, payload)
    return defined <= len(payload) and not payload[defined:].strip(b"\0")


def _defined(kind: int, payload: bytes) -> int:
    """Return how much of a segment decoding defines: what stands behind it can be anything."""
    if kind in TABLES:
        return TABLES[kind]
    if kind in FRAMES:
        return 6 + 3 * payload[5] if len(payload) > 5 else 0
    if kind == SCAN:
        return 4 + 2 * payload[0] if payload else 0
    if kind == ARITHMETIC:
        return len(payload) if len(payload) <= MOST_CONDITIONS else 0
    at = 0
    while at < len(payload):
        kind_of_table, which = divmod(payload[at], 16)
        if kind_of_table > 1 or which > 3:
            break
        if kind == QUANTIZATION:
            at += 1 + (64 << kind_of_table)
        else:
            at += 17 + sum(payload[at + 1 : at + 17])
    return at


def _is_needed(kind: int, payload: bytes) -> bool:
    """Say whether an application's segment tells a decoder something, and nothing else."""
    if kind == FIRST_APP:
        jfif = payload.startswith(b"JFIF\0") and len(payload) == 14 and payload[12:] == b"\0\0"
        # The field, a byte, and the sizes of both fields.
        fields = payload.startswith(b"AVI1") and not any(payload[14:])
        return jfif or fields
    if kind == FIRST_APP + 1:
        return payload[4:8] == b"mjpg" and len(payload) == 40
    return kind == 0xEE and payload.startswith(b"Adobe") and len(payload) == 12
