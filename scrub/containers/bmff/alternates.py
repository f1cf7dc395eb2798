"""Sound tracks that may go: of a codec we don't know, where a track that is kept says the same.

Phones that record spatial sound write it twice, as APAC and for everybody else as AAC, and tell
players by an alternate group that one of the two is enough. Where only the unknown one is enabled,
the other is to be played instead. ISO/IEC 14496-12, 8.3.2; QuickTime, "Alternate Groups".
"""

import itertools
from typing import NamedTuple

from scrub.containers.bmff.boxes import Box, children, only
from scrub.containers.bmff.headers import ENABLED, UPRIGHT, Head, read_head
from scrub.containers.bmff.samples import MOST_DESCRIPTIONS
from scrub.containers.bmff.sound import CODECS
from scrub.plan import Aside
from scrub.reading import Reader

SOUND = b"soun"
SPATIAL = b"apac"  # phones never write it alone, whatever its group
ENCRYPTED = (b"enca", b"drms")  # refused, not left out


class Alternates(NamedTuple):
    """Tracks by where they begin: those that go, and those to be played instead."""

    gone: frozenset[int]
    enabled: frozenset[int]


class _Sound(NamedTuple):
    """A sound track, as far as it has to be known here."""

    start: int
    head: Head
    codecs: frozenset[bytes]


def alternates(reader: Reader, traks: list[Box]) -> Alternates:
    """Return which sound tracks go because another is kept."""
    tracks = [_sound(reader, trak) for trak in traks if _is_sound(reader, trak)]
    kept = [track for track in tracks if track.codecs <= CODECS]
    gone, enabled = set(), set()
    for track in tracks:
        if track.codecs & CODECS.union(ENCRYPTED) or not track.codecs:
            continue
        group = track.head.group
        fellows = [each for each in kept if group and each.head.group == group]
        if not fellows and track.codecs == {SPATIAL}:
            fellows = kept
        if fellows:
            gone.add(track.start)
            if track.head.flags & ENABLED and not any(
                each.head.flags & ENABLED for each in fellows
            ):
                enabled.add(fellows[0].start)
    return Alternates(frozenset(gone), frozenset(enabled))


def _is_sound(reader: Reader, trak: Box) -> bool:
    mdia = only(list(children(reader, trak)), b"mdia", trak)
    hdlr = only(list(children(reader, mdia)), b"hdlr", mdia)
    return reader.exactly(hdlr.payload, 12)[8:] == SOUND


def _sound(reader: Reader, trak: Box) -> _Sound:
    inside = list(children(reader, trak))
    head = read_head(reader, only(inside, b"tkhd", trak), UPRIGHT, Aside())
    box = trak
    for name in (b"mdia", b"minf", b"stbl", b"stsd"):
        box = only(list(children(reader, box)), name, box)
    entries = itertools.islice(children(reader, box, 8), MOST_DESCRIPTIONS)
    return _Sound(trak.start, head, frozenset(entry.type for entry in entries))
