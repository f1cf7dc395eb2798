"""Which pictures of an AVI are whole, as its indexes tell, and the index written anew.

    idx1      for each chunk: id 4, u32 flags (10: a key frame), u32 place, u32 length; places count
              from "movi", or from the file's start
    ix00      u16 4-byte numbers an entry, u8 0, u8 1, u32 entries, id 4, u64 base, u32 reserved;
              then u32 place of the payload, u32 length, its highest bit set where it's no key frame

Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions 1.02, 1996.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator

from scrub.containers.avi.chunks import HEADER, MOST_CHUNKS
from scrub.reading import Reader

ENTRY = struct.Struct("<4sIII")
IX = struct.Struct("<HBBI4sQ4x")
IX_ENTRY = struct.Struct("<II")
KEY_FRAME = 0x10
BLOCK = 1 << 16
MOST_TRIES = 100  # to find a chunk where an entry says


class KeyFrames:
    """Where key frames begin in the recording, as far as any index says."""

    def __init__(self) -> None:
        self.known = False
        self._places = array("Q")
        self._sorted = True

    def __contains__(self, place: int) -> bool:
        if not self._sorted:
            self._places = array("Q", sorted(self._places))
            self._sorted = True
        at = bisect_left(self._places, place)
        return at < len(self._places) and self._places[at] == place

    def read_idx1(self, reader: Reader, start: int, end: int, movi: int) -> None:
        """Take the key frames of an idx1; `movi` is where that word stands."""
        base: int | None = None
        tries = MOST_TRIES
        for at, block in reader.blocks(start, end - (end - start) % ENTRY.size, BLOCK):
            for chunk_id, flags, place, _ in ENTRY.iter_unpack(block):
                if base is None and tries:
                    tries -= 1
                    base = _base(reader, chunk_id, place, movi)
                    self.known |= base is not None
                if base is not None and flags & KEY_FRAME and chunk_id[2:3] == b"d":
                    self._add(base + place)
            if len(self._places) > MOST_CHUNKS or at > end:
                return

    def read_ix(self, reader: Reader, start: int, end: int) -> None:
        """Take the key frames of an ix00."""
        if end - start < IX.size:
            return
        size, _, kind, count, _, base = IX.unpack(reader.exactly(start, IX.size))
        begin = start + IX.size
        self.known = True
        if size != 2 or kind != 1 or begin + count * IX_ENTRY.size > end:
            return
        for _, block in reader.blocks(begin, begin + count * IX_ENTRY.size, BLOCK):
            for place, length in IX_ENTRY.iter_unpack(block):
                if not length >> 31 and len(self._places) < MOST_CHUNKS:
                    self._add(base + place - HEADER.size)

    def _add(self, place: int) -> None:
        if 0 <= place < 1 << 63:
            self._sorted = self._sorted and (not self._places or self._places[-1] <= place)
            self._places.append(place)


def _base(reader: Reader, chunk_id: bytes, place: int, movi: int) -> int | None:
    """Return what places count from: that under which the chunk is there."""
    for base in (movi, 0):
        if reader.upto(base + place, 4) == chunk_id:
            return base
    return None


class Index:
    """The chunks that are kept, as idx1 names them."""

    def __init__(self) -> None:
        self._ids: list[bytes] = []
        self._id_numbers = array("B")
        self._sources = array("Q")
        self._places = array("I")
        self._sizes = array("I")

    def add(self, chunk_id: bytes, source: int, place: int, size: int) -> None:
        """Append a chunk that lay at `source` and now lies at `place`, from "movi" on."""
        if chunk_id not in self._ids:
            self._ids.append(chunk_id)
        self._id_numbers.append(self._ids.index(chunk_id))
        self._sources.append(source)
        self._places.append(place)
        self._sizes.append(size)

    def size(self) -> int:
        """Return the bytes of all entries."""
        return len(self._places) * ENTRY.size

    def entries(self, key_frames: KeyFrames) -> Iterator[bytes]:
        """Yield the entries, some thousand at a time."""
        part = bytearray()
        rows = zip(self._id_numbers, self._sources, self._places, self._sizes, strict=True)
        for number, source, place, size in rows:
            chunk_id = self._ids[number]
            whole = chunk_id[2:] == b"wb" or source in key_frames
            part += ENTRY.pack(chunk_id, KEY_FRAME if whole else 0, place, size)
            if len(part) >= BLOCK:
                yield bytes(part)
                part.clear()
        yield bytes(part)
