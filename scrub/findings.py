"""What a recording hid, as kinds and counts; the values themselves only where somebody asks.

`removed` is what the cut list leaves out, `remains` what could not be taken away without
touching the sound. Both go into the sealed manifest, so a reporter knows what to ask for.

Values are texts that stood in what is left out, each with its kind and the name of the field it
stood in: at most 500, of at most 256 bytes of UTF-8. They are hostile until they are `printable`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

MOST_VALUES: Final = 500
LONGEST_NAME, LONGEST_TEXT = 64, 256  # bytes of UTF-8
SHORTEST_TEXT = 5  # characters that count as a text where nothing says that they are one
LEFT_OVER = 8  # characters around a text that are nothing new: the next field's name and length


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

# What people call them; what tells most about somebody comes first.
WORDS: Final[Mapping[Kind, str]] = {
    Kind.LOCATION: "location",
    Kind.DEVICE: "device name",
    Kind.PERSON: "person",
    Kind.TIME: "times",
    Kind.IDENTIFIER: "serial number",
    Kind.TITLE: "title",
    Kind.COMMENT: "comment",
    Kind.PICTURE: "picture",
    Kind.TEXT: "other text",
    Kind.CHAPTERS: "chapters or markers",
    Kind.OTHER_STREAM: "other track",
    Kind.CHECKSUM: "fingerprint of the original",
    Kind.ENCODER: "encoder trace",
    Kind.TAG_BLOCK: "block of tags",
    Kind.UNKNOWN_CHUNK: "unknown part",
    Kind.TRAILING: "bytes around it",
    Kind.SLACK: "unused bytes",
    Kind.PADDING: "reserve space",
    Kind.CODEC_DATA: "decoder data",
}


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


class Value(NamedTuple):
    """A text that is left out, and the name of the field it stood in."""

    kind: Kind
    name: str
    text: str


class Values:
    """Values while they are being gathered: so many, so long, and none twice."""

    def __init__(self) -> None:
        self._values: list[Value] = []
        self._told = "\n"

    def __iter__(self) -> Iterator[Value]:
        return iter(self._values)

    @property
    def full(self) -> bool:
        """Whether no more can be taken."""
        return len(self._values) >= MOST_VALUES

    def add(self, kind: Kind, name: str, text: str | bytes) -> None:
        """Take a value, unless it is told already; bytes are UTF-8, or else Latin-1."""
        if isinstance(text, bytes):
            text = _decoded(text)
        text = text.strip(" \0")[:LONGEST_TEXT]
        if text and not self.full and f"\n{text}\n" not in self._told:
            self._values.append(Value(kind, name, text))
            self._told += f"{text}\n"

    def tells(self, text: str) -> bool:
        """Say whether this text is part of one that was taken, or one of them and hardly more."""
        return text in self._told or any(
            len(value.text) >= max(SHORTEST_TEXT, len(text) - LEFT_OVER) and value.text in text
            for value in self._values
        )


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def printable(untrusted: str) -> str:
    """Return text that cannot steer a terminal: what has no shape of its own is spelt out.

    The joiners that Persian and others are written with stay.
    """
    if untrusted.isprintable():
        return untrusted
    return "".join(
        letter if letter.isprintable() or letter in _JOINERS else _spelt(letter)
        for letter in untrusted
    )


_JOINERS: Final = "\u200c\u200d"


def _spelt(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def shortened(text: str, most: int) -> str:
    """Return as much of the text as `most` bytes of UTF-8 hold."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
