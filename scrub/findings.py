"""What a recording hid, as kinds and counts: never a value.

`removed` is what the cut list leaves out, `remains` what could not be taken away without
touching the sound. Both go into the sealed manifest, so a reporter knows what to ask for.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """The closed list of what can be found; the order is that of the pipe, so only append."""

    LOCATION = "location"
    DEVICE = "device"
    ENCODER = "encoder"  # a program, library or setting that made it
    PERSON = "person"
    TITLE = "title"
    TIME = "time"
    COMMENT = "comment"
    PICTURE = "picture"
    IDENTIFIER = "identifier"  # serial numbers, UUIDs, UMIDs, ISRC
    TEXT = "text"  # any other tag: lyrics, keywords, an unknown field
    CHAPTERS = "chapters"  # cue points, markers, chapter lists
    CHECKSUM = "checksum"  # a digest that names the earlier original
    TAG_BLOCK = "tag_block"  # an ID3, APE, Vorbis or iTunes block as a whole
    OTHER_STREAM = "other_stream"  # a track that is no sound
    UNKNOWN_CHUNK = "unknown_chunk"  # a part of the container no keep rule names
    PADDING = "padding"  # reserve space, which may hold anything
    SLACK = "slack"  # bytes between or inside kept parts that nothing refers to
    TRAILING = "trailing"  # bytes in front of the recording or behind its end
    CODEC_DATA = "codec_data"  # opaque settings a decoder needs


KINDS: tuple[Kind, ...] = tuple(Kind)


def _nothing() -> Mapping[Kind, int]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Findings:
    """How often each kind was found; kinds that were not are absent."""

    removed: Mapping[Kind, int] = field(default_factory=_nothing)
    remains: Mapping[Kind, int] = field(default_factory=_nothing)


class Tally:
    """Findings while they are being counted."""

    def __init__(self) -> None:
        self._removed: Counter[Kind] = Counter()
        self._remains: Counter[Kind] = Counter()

    def removed(self, kind: Kind, times: int = 1) -> None:
        """Count what goes."""
        if times:
            self._removed[kind] += times

    def remains(self, kind: Kind) -> None:
        """Note what stays; how often cannot be told without decoding, so it counts once."""
        self._remains[kind] = 1

    def findings(self) -> Findings:
        """Freeze the counts."""
        return Findings(
            MappingProxyType(dict(self._removed)), MappingProxyType(dict(self._remains))
        )
