"""Tell the texts in what is left out, in every format alike: nothing but the cut list is asked.

    gap       a stretch of the recording that no span of the cut list copies
    text      five characters or more of ASCII, UTF-8, or UTF-16 of either byte order
    bounds    of a gap the first and last 512 KiB; 4 MiB, 10 000 gaps and 5 000 texts in all

Pictures and other coded bytes look like short texts by chance, about seven a KiB. So a short one
counts only in good company: where most bytes around it are text, or zero, as well.
"""

import math
import re
from array import array
from collections.abc import Iterator
from itertools import chain

from scrub.findings import SHORTEST_TEXT
from scrub.plan import Span, decoded
from scrub.reading import Reader

END = 1 << 19
MOST_BYTES = 1 << 22  # a second's work
MOST_GAPS = 10_000
MOST_TEXTS = 5_000
AROUND = 32  # bytes on either side that are a text's company
GOOD = 0.6
CHANCE = 4  # a run this much longer than the logarithm of the gap is no chance

_TEXT = re.compile(
    rb"(?P<little>(?:[ -~\xa0-\xff]\0){5,256}+)"
    rb"|(?P<big>(?:\0[ -~\xa0-\xff]){5,256}+)"
    rb"|(?P<bytes>(?:[ -~]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{3}){5,256}+)"
)
_CODECS = {"little": "utf-16-le", "big": "utf-16-be", "bytes": "utf-8"}
_COMPANY = bytes(byte == 0 or 0x20 <= byte < 0x7F for byte in range(256))


class LeftOut:
    """A sink for a draft: remembers which bytes of the recording it keeps."""

    def __init__(self) -> None:
        self._starts = array("Q")
        self._ends = array("Q")

    def note(self, records: bytes) -> None:
        """Take whole records of a cut list."""
        for cut in decoded(records):
            if isinstance(cut, Span):
                self._starts.append(cut.start)
                self._ends.append(cut.end)

    def gaps(self, size: int) -> Iterator[tuple[int, int]]:
        """Yield the stretches, from start to end, that no span copies; spans come in any order.

        With starts and ends each sorted, a gap is where the next start lies behind the last end.
        """
        ends = chain((0,), sorted(self._ends))
        starts = chain(sorted(self._starts), (size,))
        for begin, end in zip(ends, starts, strict=True):
            if begin < end:
                yield begin, end


def texts(reader: Reader, gaps: Iterator[tuple[int, int]]) -> Iterator[tuple[int, str]]:
    """Yield (offset, text) of what can be read in the gaps."""
    left, told = MOST_BYTES, 0
    for (begin, end), _ in zip(gaps, range(MOST_GAPS), strict=False):
        for start, stop in _parts(begin, end):
            left -= stop - start
            if left < 0:
                return
            for offset, text in _texts_in(reader.exactly(start, stop - start)):
                yield start + offset, text
                told += 1
                if told == MOST_TEXTS:
                    return


def _parts(begin: int, end: int) -> Iterator[tuple[int, int]]:
    if end - begin <= 2 * END:
        yield begin, end
    else:
        yield begin, begin + END
        yield end - END, end


def _texts_in(held: bytes) -> Iterator[tuple[int, str]]:
    no_chance = CHANCE + math.log(max(1, len(held)))
    company = held.translate(_COMPANY)
    for match in _TEXT.finditer(held):
        start, end = max(0, match.start() - AROUND), match.end() + AROUND
        length = min(end, len(held)) - start
        if len(match[0]) >= no_chance or company.count(1, start, end) >= GOOD * length:
            text = match[0].decode(_CODECS[match.lastgroup or "bytes"], "replace").strip()
            if len(text) >= SHORTEST_TEXT:
                yield match.start(), text
