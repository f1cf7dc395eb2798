"""Clusters: walk every block at the speed of its head, and write what is kept into a body.

    Cluster       1F43B675: Timestamp E7, then blocks (blocks.py)
    SimpleBlock   A3: track 1 byte, i16 time, flags, a frame: an ordinary one

A block that stands as we would write it is copied, head and all, so blocks in a row are one span.
Clusters get a size when they have none; what is no element is left out up to the next cluster.
RFC 9559, 5.1.3.
"""

import re
from collections.abc import Sequence

from scrub.containers.damage import refuse_where_much_is_lost
from scrub.containers.matroska.blocks import (
    BLOCK_GROUP,
    KEY_FRAME,
    SIMPLE_BLOCK,
    Blocks,
    Kept,
    Part,
)
from scrub.containers.matroska.codec import QuickLook
from scrub.containers.matroska.ebml import (
    CRC,
    VOID,
    Element,
    id_bytes,
    read_head,
    unsigned,
    unsigned_element,
    wide_head,
)
from scrub.containers.matroska.index import Cues
from scrub.containers.matroska.report import report
from scrub.containers.matroska.tracks import Track
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Aside, Draft, Span, stands
from scrub.reading import WINDOW, Reader

CLUSTER, TIMESTAMP, ENCRYPTED, POSITION, PREVIOUS_SIZE = 0x1F43B675, 0xE7, 0xAF, 0xA7, 0xAB
CLUSTER_ID = id_bytes(CLUSTER)
ANY_CLUSTER = re.compile(re.escape(CLUSTER_ID))
ANOTHER_RECORDING = frozenset({0x1A45DFA3, 0x18538067})  # EBML, Segment
# Of a segment, not of a cluster: where one begins, a cluster of unknown size is over.
SEGMENT_PARTS = frozenset({
    0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1043A770, 0x1254C367, 0x1941A469,
})  # fmt: skip
UNUSUAL = 0x76  # flags of a block that needs a closer look: reserved ones and lacing
ANY_FRAME, LOOK = 1, 2  # what is kept of a track: every frame, or those that a look finds bare
HEAD_ROOM = 16
MOST_ELEMENTS = 1 << 22  # that are no ordinary blocks
MOST_PIECES = 1 << 13  # of a cluster; the next ones go into another one of the same time
MOST_DAMAGED = 8  # blocks that may be left out, and one of each eight
ENCODER_TRACES = (b"Lavc", b"LAME", b"libfaac", b"Nero", b"XviD", b"x264", b"x265")
FRONT = 1 << 15


class Clusters:
    """The walk: what was seen of the cluster it is in, and the body so far."""

    def __init__(
        self, reader: Reader, tracks: Sequence[Track], draft: Draft, *, latest_start: int
    ) -> None:
        first = next((each for each in tracks if each.picture), tracks[0])
        self.cues = Cues(first.new_number)
        self._reader = reader
        self._draft = draft
        self.body = Aside()  # all clusters, one behind the other
        self._latest_start = latest_start
        self._begins: int | None = None  # where time is counted from
        self._blocks = Blocks(reader, tracks, draft)
        # By the first byte of a block: whether its frames can be judged quickly, and how.
        self._plain = bytearray(256)
        self._looks: dict[int, QuickLook] = {}
        for track in tracks:
            if track.number == track.new_number:
                first_byte = 0x80 | track.number
                if track.settings.clean_frame is None:
                    self._plain[first_byte] = ANY_FRAME
                elif track.settings.is_bare:
                    self._plain[first_byte] = LOOK
                    self._looks[first_byte] = track.settings.is_bare
        self._has_picture = first.picture
        self._damaged = self._lost_bytes = self._elements = 0
        self._end = 0  # of the cluster; 0 between clusters
        self._time = 0
        self._key_time: int | None = None  # of its first key frame
        self._pieces: list[Part] = []
        self._piece_sizes = 0

    def read(self, start: int, end: int) -> None:
        """Walk from the first cluster to the end of the segment."""
        at = start
        while at < end:
            block = self._reader.upto(at, min(WINDOW - 1, end - at))
            at = self._window(block, at, end)
        self._close()
        refuse_where_much_is_lost(
            self._lost_bytes, self.body.size, has_picture=self._has_picture, start=start
        )
        if self._damaged > MOST_DAMAGED + self._draft.essence.units // 8:
            raise Malformed("most of its blocks are damaged", offset=start)

    def _window(self, block: bytes, at: int, end: int) -> int:
        """Walk over what begins in a block of bytes that lies at `at`; return where to go on."""
        i, size = 0, len(block)
        room = size - HEAD_ROOM if at + size < end else size
        while i < room:
            if block[i] == SIMPLE_BLOCK:
                behind = self._plain_blocks(block, i, self._end - at)
                if behind > i:
                    self._copy(at + i, at + behind)
                    i = behind
                    continue
            self._elements += 1
            if self._elements > MOST_ELEMENTS:
                raise TooComplex("too many elements")
            i = self._element(block, i, at, end) - at
        return at + i

    def _plain_blocks(self, block: bytes, i: int, stop: int) -> int:
        """Return where the ordinary blocks in a row that begin at `i` end, and count them."""
        plain, looks, begin, room = self._plain, self._looks, i, len(block) - HEAD_ROOM
        wanted = self.cues.track | 0x80 if self._key_time is None else 0
        units = heads = 0
        while i < room and block[i] == SIMPLE_BLOCK:
            size = block[i + 1]
            if size >= 0x40:
                j = i + 2
                if size >= 0x80:
                    size &= 0x7F
                    if size < 4 or size == 0x7F:
                        break
                else:
                    size = (size & 0x3F) << 8 | block[j]
                    j += 1
                    if size < 0x7F or size == 0x3FFF:
                        break
            elif size >= 0x20:
                j = i + 4
                size = (size & 0x1F) << 16 | block[i + 2] << 8 | block[i + 3]
                if size < 0x3FFF or size == 0x1FFFFF:
                    break
            else:
                break
            judged = plain[block[j]]
            if (
                j + size > stop
                or not judged
                or block[j + 3] & UNUSUAL
                or (judged == LOOK and not looks[block[j]](block, j + 4, j + size))
            ):
                break
            if block[j] == wanted and block[j + 3] & KEY_FRAME:
                self._key_time = int.from_bytes(block[j + 1 : j + 3], "big", signed=True)
                wanted = 0
            units += 1
            heads += j - i + 4
            i = j + size
        self._draft.sound(i - begin - heads, units)
        return i

    def _element(self, block: bytes, i: int, at: int, end: int) -> int:
        """Deal with the element at `i`; return where to go on."""
        here = at + i
        if here >= self._end:
            self._end = 0
        found = read_head(block, i)
        if found is None:
            return self._lost(block, i, at, end)
        name, length, size = found
        payload = here + length
        if name == CLUSTER:
            self._close()
            self._end = min(payload + size, end) if size >= 0 else end
            return payload
        if name in SEGMENT_PARTS:
            self._end = 0
        behind = payload + size
        if name in ANOTHER_RECORDING:
            raise Unsupported("Matroska", "a second recording behind the first")
        if size < 0 or behind > (self._end or end):
            return self._lost(block, i, at, end)
        element = Element(name, here, payload, behind)
        if self._end:
            self._child(element)
        else:
            report(self._reader, element, self._draft)
        return behind

    def _lost(self, block: bytes, i: int, at: int, end: int) -> int:
        """Return where the next cluster may begin: what is at `i` is no element, or a cut one."""
        self._end = 0
        found = block.find(CLUSTER_ID, i + 1)
        if found >= 0:
            after = at + found
        else:
            begin = max(at + i + 1, at + len(block) - 3)
            after = next_part(self._reader, begin, end, ANY_CLUSTER)
        self._lost_bytes += after - at - i
        self._draft.found(Kind.SLACK if after < end else Kind.TRAILING)
        return after

    def _child(self, element: Element) -> None:
        """Deal with an element of a cluster that is no ordinary block."""
        if element.id in (SIMPLE_BLOCK, BLOCK_GROUP):
            try:
                kept = self._blocks.kept(element)
            except Malformed:
                self._damaged += 1
                self._draft.found(Kind.SLACK)
                return
            if kept:
                self._put(element, kept)
        elif element.id == TIMESTAMP:
            self._time = unsigned(self._reader, element)
        elif element.id == ENCRYPTED:
            raise Unsupported("Matroska", "an encrypted track")
        elif element.id not in (CRC, POSITION, PREVIOUS_SIZE):
            self._draft.found(Kind.PADDING if element.id == VOID else Kind.UNKNOWN_CHUNK)

    def _put(self, element: Element, kept: Kept) -> None:
        """Add a block to the cluster: as one span where its parts are what stands there."""
        track = kept.track
        track.has_additions |= kept.has_addition
        self._draft.sound(kept.size, kept.units)
        if kept.is_key and self._key_time is None and track.new_number == self.cues.track:
            self._key_time = kept.time
        if stands(self._reader, element.start, element.end, kept.parts):
            self._copy(element.start, element.end)
            return
        for part in kept.parts:
            if isinstance(part, Span):
                self._copy(part.start, part.end)
            elif part:
                self._pieces.append(part)
                self._piece_sizes += len(part)
        if len(self._pieces) > MOST_PIECES:
            self._write_cluster()

    def _copy(self, start: int, end: int) -> None:
        self._piece_sizes += end - start
        last = self._pieces[-1] if self._pieces else b""
        if isinstance(last, Span) and last.end == start:
            self._pieces[-1] = Span(last.start, end)
        else:
            self._pieces.append(Span(start, end))

    def _name_remains(self) -> None:
        """Look for an encoder's name where encoders write it: in the first frames."""
        for piece in self._pieces:
            if isinstance(piece, Span):
                front = self._reader.upto(piece.start, min(FRONT, piece.end - piece.start))
                if any(trace in front for trace in ENCODER_TRACES):
                    self._draft.tally.remains(Kind.ENCODER)
                return

    def _close(self) -> None:
        """Write the cluster that was walked, if it holds anything."""
        if self._pieces:
            self._write_cluster()
        self._time = 0

    def _write_cluster(self) -> None:
        if self._begins is None:
            self._begins = self._time if self._time > self._latest_start else 0
            self._draft.found(Kind.TIME, int(self._begins > 0))
            self._name_remains()
        time = max(0, self._time - self._begins)
        if self._key_time is not None:
            self.cues.add(max(0, time + self._key_time), self.body.size)
        timestamp = unsigned_element(TIMESTAMP, time)
        self.body.write(wide_head(CLUSTER, len(timestamp) + self._piece_sizes) + timestamp)
        for piece in self._pieces:
            if isinstance(piece, Span):
                self.body.copy(piece.start, piece.end)
            else:
                self.body.write(piece)
        self._pieces.clear()
        self._piece_sizes = 0
        self._key_time = None


def next_part(reader: Reader, start: int, end: int, ids: re.Pattern[bytes]) -> int:
    """Return where one of these ids of four bytes stands next; `end` when none does."""
    carried = b""
    for offset, block in reader.blocks(start, end):
        found = ids.search(carried + block)
        if found:
            return offset - len(carried) + found.start()
        carried = block[-3:]
    return end
