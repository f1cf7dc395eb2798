"""What sample descriptions of sound and pictures have in common. ISO/IEC 14496-14, 5.6."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from scrub.containers.bmff.boxes import Box, Parts, boxed
from scrub.findings import Kind
from scrub.plan import Cut, Draft
from scrub.reading import Reader

LONGEST_ESDS = 1 << 13
JPEG_OBJECT = 0x6C

# What is kept of the sample between two offsets; None when all of it is.
Clean = Callable[[Reader, int, int], list[Cut] | None]


class Entry(NamedTuple):
    """A sample description, rebuilt, and how its samples are counted and cleaned."""

    parts: Parts
    frame_size: int = 0  # bytes of one uncompressed frame of all channels; 0: it is compressed
    packet: tuple[int, int] = (0, 0)  # samples and bytes, where QuickTime packs a fixed number
    clean: Clean | None = None
    found: Counter[Kind] | None = None  # in the samples, as they are cleaned
    remains: Kind | None = None  # in every sample


def descriptor(reader: Reader, esds: Box) -> bytes:
    """Return the ES descriptor in an esds box."""
    return reader.exactly(esds.payload, min(LONGEST_ESDS, esds.end - esds.payload))[4:]


def esds(descriptor: bytes) -> Parts:
    """Return an esds box of this ES descriptor."""
    return boxed(b"esds", bytes(4) + descriptor)


def first_bytes(length: int) -> Callable[[Reader, Box, Draft], Parts]:
    """Return what keeps the first bytes of a box's payload."""

    def keep(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001  # like the others
        return boxed(box.type, reader.upto(box.payload, min(length, box.end - box.payload)))

    return keep
