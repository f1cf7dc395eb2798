"""When packets of M2TS came in: four bytes in front of each, which can't be cleared one by one.

    arrival    copy permission 2 bits, 30 bits of a clock of 27 MHz

They are copied, so they must be what they claim to be: one permission, and a clock that goes on.
ffmpeg, where it knows no rate, writes one that leaps by the same step with every packet.
"""

import struct
from functools import lru_cache

from scrub.containers.mpegts.packets import PACKET, Block
from scrub.errors import Malformed

CLOCK_BITS = 30
CLOCK = (1 << CLOCK_BITS) - 1
LONGEST_GAP = 2 * 27_000_000  # two seconds
BREAKS = 1000  # one packet in so many may follow a longer one not met before: joined recordings
MOST_BREAKS = 16


class Arrivals:
    """The clock of a recording, read along with its packets."""

    def __init__(self) -> None:
        self._permissions: set[int] = set()
        self._last: int | None = None
        self._packets = 0
        self._leaps: set[int] = set()

    def read(self, block: Block) -> None:
        """Read on; Malformed when this is no clock."""
        times = _arrivals(block.packets).unpack(block.data)
        self._permissions |= {time >> CLOCK_BITS for time in times}
        before = (times[0] if self._last is None else self._last, *times[:-1])
        gaps = {late - early & CLOCK for early, late in zip(before, times, strict=True)}
        self._leaps.update(gap for gap in gaps if gap > LONGEST_GAP)
        self._last = times[-1]
        self._packets += block.packets
        if len(self._permissions) > 1 or len(self._leaps) > MOST_BREAKS + self._packets // BREAKS:
            raise Malformed("the times of arrival are none", offset=block.start)


@lru_cache(maxsize=4)
def _arrivals(packets: int) -> struct.Struct:
    return struct.Struct(">" + f"I{PACKET}x" * packets)
