"""mutagen, as the one who names what tags say, and as the judge who must find none afterwards.

mutagen shares no code with our planners. It was written for honest files: on hostile ones it raises
anything from struct.error to RecursionError, so both doors here let nothing but our errors through.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

import mutagen
from mutagen.aiff import AIFF
from mutagen.apev2 import APENoHeaderError, APEv2
from mutagen.asf import ASF
from mutagen.dsdiff import DSDIFF
from mutagen.dsf import DSF
from mutagen.flac import FLAC, SeekTable, StreamInfo
from mutagen.id3 import ID3, ID3NoHeaderError
from mutagen.mp4 import MP4Tags
from mutagen.mp4._atom import Atoms
from mutagen.oggflac import OggFLACStreamInfo, OggFLACVComment
from mutagen.oggopus import OggOpusInfo, OggOpusVComment
from mutagen.oggspeex import OggSpeexInfo, OggSpeexVComment
from mutagen.oggtheora import OggTheoraCommentDict, OggTheoraInfo
from mutagen.oggvorbis import OggVCommentDict, OggVorbisInfo
from mutagen.wave import WAVE

from scrub.errors import Unproved
from scrub.findings import LONGEST_TEXT, Kind, Value
from scrub.streams import LONGEST_CODEC, StreamFacts

# A fragment of a key, lower case, and what it is about; the first that fits counts. One of up to
# five letters must begin a word: "pic" is no topic.
MEANINGS: tuple[tuple[str, Kind], ...] = (
    ("location", Kind.LOCATION),
    ("loci", Kind.LOCATION),
    ("gps", Kind.LOCATION),
    ("iso6709", Kind.LOCATION),
    ("xyz", Kind.LOCATION),
    ("apic", Kind.PICTURE),
    ("pic", Kind.PICTURE),
    ("covr", Kind.PICTURE),
    ("cover", Kind.PICTURE),
    ("make", Kind.DEVICE),
    ("model", Kind.DEVICE),
    ("\xa9mak", Kind.DEVICE),
    ("\xa9mod", Kind.DEVICE),
    ("mdln", Kind.DEVICE),
    ("firm", Kind.DEVICE),
    ("device", Kind.DEVICE),
    ("encode", Kind.ENCODER),
    ("encoding", Kind.ENCODER),
    ("software", Kind.ENCODER),
    ("\xa9swr", Kind.ENCODER),
    ("tenc", Kind.ENCODER),
    ("tsse", Kind.ENCODER),
    ("too", Kind.ENCODER),
    ("vendor", Kind.ENCODER),
    ("isft", Kind.ENCODER),
    ("creationdate", Kind.TIME),
    ("date", Kind.TIME),
    ("time", Kind.TIME),
    ("year", Kind.TIME),
    ("tdr", Kind.TIME),
    ("tyer", Kind.TIME),
    ("day", Kind.TIME),
    ("icrd", Kind.TIME),
    ("idit", Kind.TIME),
    ("artist", Kind.PERSON),
    ("auth", Kind.PERSON),
    ("composer", Kind.PERSON),
    ("perf", Kind.PERSON),
    ("tpe", Kind.PERSON),
    ("tcom", Kind.PERSON),
    ("town", Kind.PERSON),
    ("owne", Kind.PERSON),
    ("aart", Kind.PERSON),
    ("\xa9art", Kind.PERSON),
    ("wrt", Kind.PERSON),
    ("iart", Kind.PERSON),
    ("icop", Kind.PERSON),
    ("originator", Kind.PERSON),
    ("ieng", Kind.PERSON),
    ("itch", Kind.PERSON),
    ("inam", Kind.TITLE),
    ("iprd", Kind.TITLE),
    ("title", Kind.TITLE),
    ("album", Kind.TITLE),
    ("tit", Kind.TITLE),
    ("talb", Kind.TITLE),
    ("nam", Kind.TITLE),
    ("\xa9alb", Kind.TITLE),
    ("icmt", Kind.COMMENT),
    ("comm", Kind.COMMENT),
    ("cmt", Kind.COMMENT),
    ("desc", Kind.COMMENT),
    ("chap", Kind.CHAPTERS),
    ("serial", Kind.IDENTIFIER),
    ("ufid", Kind.IDENTIFIER),
    ("isrc", Kind.IDENTIFIER),
    ("tsrc", Kind.IDENTIFIER),
    ("priv", Kind.IDENTIFIER),
    ("apid", Kind.IDENTIFIER),
    ("xid", Kind.IDENTIFIER),
)

LONGEST_WORD_START = 5
_PATTERNS = tuple(
    (
        re.compile(("(?<![a-z])" if len(part) <= LONGEST_WORD_START else "") + re.escape(part)),
        kind,
    )
    for part, kind in MEANINGS
)


def meaning(key: str) -> Kind:
    """Say what a tag of this name is about."""
    key = key.lower()
    return next((kind for pattern, kind in _PATTERNS if pattern.search(key)), Kind.TEXT)


def named(recording: BinaryIO, container: str) -> Counter[Kind]:
    """Count what the tags are about, as far as mutagen can read them.

    Best effort: a tag that mutagen chokes on is dropped by the planner all the same.
    """
    counted: Counter[Kind] = Counter()
    for see in _READERS[container]:
        with suppress(Exception):  # hostile bytes: any error
            recording.seek(0)
            counted.update(meaning(key) for key in see(recording))
    return counted


def values(recording: BinaryIO, container: str) -> Iterator[Value]:
    """Yield what the tags say, as far as mutagen can read them: for whoever asked for it."""
    for see in _READERS[container]:
        with suppress(Exception):  # hostile bytes: any error
            recording.seek(0)
            for key in see(recording):
                if isinstance(key, Key):
                    yield Value(meaning(key), str(key), _text(key.value()))


def judge(result: BinaryIO, container: str) -> None:
    """Raise Unproved unless mutagen opens the result and sees no tag at all."""
    for see in _READERS[container]:
        try:
            result.seek(0)
            left = any(True for _ in see(result))
        except Exception:  # noqa: BLE001  # whatever it is, it must not choke on ours
            raise Unproved("mutagen cannot read the result") from None
        if left:
            raise Unproved("mutagen still sees a tag")


def facts(recording: BinaryIO) -> StreamFacts:
    """Return what the recording's headers say of its sound, as far as mutagen can read them."""
    with suppress(Exception):  # hostile bytes: any error
        recording.seek(0)
        known = _FILE(fileobj=recording)
        info = known.info if known is not None else None
        return StreamFacts(
            length_ms=_number(info, "length", 1000, most=2**63 - 1),
            sample_rate=_number(info, "sample_rate", 1, most=2**32 - 1),
            channels=_number(info, "channels", 1, most=2**16 - 1),
            bits=_number(info, "bits_per_sample", 1, most=2**16 - 1),
            bitrate=_number(info, "bitrate", 1, most=2**32 - 1),
            codec=str(getattr(info, "codec", "") or "")[:LONGEST_CODEC],
        )
    return StreamFacts()


def _number(info: object, name: str, scale: int, *, most: int) -> int:
    said = getattr(info, name, 0)
    return min(max(0, round(said * scale)), most) if isinstance(said, int | float) else 0


See = Callable[[BinaryIO], Iterator[str]]
# mutagen has no types of its own.
_FILE: Callable[..., Any] = mutagen.File
_ID3: Callable[..., Any] = ID3
_APE: Callable[..., Any] = APEv2
_WAVE: Callable[..., Any] = WAVE
_AIFF: Callable[..., Any] = AIFF
_DSF: Callable[..., Any] = DSF
_DSDIFF: Callable[..., Any] = DSDIFF
_FLAC: Callable[..., Any] = FLAC
_VORBIS: tuple[Callable[..., Any], ...] = (OggVorbisInfo, OggVCommentDict)
_OPUS: tuple[Callable[..., Any], ...] = (OggOpusInfo, OggOpusVComment)
_OGG_FLAC: tuple[Callable[..., Any], ...] = (OggFLACStreamInfo, OggFLACVComment)
_SPEEX: tuple[Callable[..., Any], ...] = (OggSpeexInfo, OggSpeexVComment)
_THEORA: tuple[Callable[..., Any], ...] = (OggTheoraInfo, OggTheoraCommentDict)
_ASF: Callable[..., Any] = ASF
_MP4: Callable[..., Any] = MP4Tags
_ATOMS: Callable[..., Any] = Atoms


class Key(str):
    """A tag's name; `value` gets what stands there, as mutagen has it.

    Only where it is asked for: to get one, mutagen looks through all comments.
    """

    __slots__ = ("value",)

    value: Callable[[], object]


def _key(name: str, value: Callable[[], object]) -> Key:
    key = Key(name)
    key.value = value
    return key


def _keys(tags: Any) -> Iterator[str]:
    for key in sorted(tags.keys(), key=str) if tags else ():  # mutagen makes a set of some
        name = str(key[0]) if isinstance(key, tuple) else str(key)
        yield _key(name, partial(tags.__getitem__, key))


def _text(value: Any) -> str:
    """Return a value as a person would read it; of what is no text, how long it is."""
    if isinstance(value, list):
        return "; ".join(_text(each) for each in value[:20])
    if isinstance(value, bytes):
        text = value[: 4 * LONGEST_TEXT].decode("utf-8", "replace")
        return text if text.isprintable() and "\ufffd" not in text else f"{len(value)} bytes"
    if hasattr(value, "pprint"):  # an ID3 frame
        said = next((member for member in ("text", "url", "data") if hasattr(value, member)), "")
        return _text(getattr(value, said)) if said else str(value.pprint()).partition("=")[2]
    return str(value)


def _id3(recording: BinaryIO) -> Iterator[str]:
    with suppress(ID3NoHeaderError):
        yield from _keys(_ID3(fileobj=recording))


def _ape(recording: BinaryIO) -> Iterator[str]:
    with suppress(APENoHeaderError):
        yield from _keys(_APE(fileobj=recording))


def _wave(recording: BinaryIO) -> Iterator[str]:
    if recording.read(4) in (b"RF64", b"BW64", b"RIFX"):
        return  # mutagen does not know the long forms, nor the big-endian one
    recording.seek(0)
    yield from _keys(_WAVE(fileobj=recording).tags)


def _whole(file_type: Callable[..., Any]) -> See:
    """Read a container that mutagen knows as a whole, and that has one block of tags."""

    def see(recording: BinaryIO) -> Iterator[str]:
        yield from _keys(file_type(fileobj=recording).tags)

    return see


def _flac(recording: BinaryIO) -> Iterator[str]:
    flac = _FLAC(fileobj=recording)
    yield from _keys(flac.tags)
    for block in flac.metadata_blocks:
        if not isinstance(block, (StreamInfo, SeekTable)) and block is not flac.tags:
            yield type(block).__name__


def _ogg(info: Callable[..., Any], comment: Callable[..., Any]) -> See:
    """Not OggVorbis(): to tell the length it walks every page where the last has no flag."""

    def see(recording: BinaryIO) -> Iterator[str]:
        tags = comment(recording, info(recording))
        yield from _keys(tags)
        if tags.vendor:
            yield _key("vendor", partial(str, tags.vendor))

    return see


def _mp4(recording: BinaryIO) -> Iterator[str]:
    atoms = _ATOMS(recording)  # not MP4(): it wants a box inside every sample description
    if b"moov.udta.meta.ilst" in atoms:
        yield from _keys(_MP4(atoms, recording))
    if b"moov.udta.chpl" in atoms:
        yield "chapters"


def _asf(recording: BinaryIO) -> Iterator[str]:
    """Not the shape of a picture's points, which stands among the tags."""
    for key in _keys(_ASF(fileobj=recording).tags):
        if key not in ("AspectRatioX", "AspectRatioY"):
            yield key


_READERS: dict[str, tuple[See, ...]] = {
    "riff": (_wave, _id3, _ape),
    "aiff": (_whole(_AIFF), _id3, _ape),
    "dsf": (_whole(_DSF), _id3, _ape),
    "dsdiff": (_whole(_DSDIFF), _id3, _ape),
    "plain": (_id3, _ape),  # mutagen does not know the container
    "flac": (_flac, _id3, _ape),
    "vorbis": (_ogg(*_VORBIS), _id3),
    "opus": (_ogg(*_OPUS), _id3),
    "ogg flac": (_ogg(*_OGG_FLAC), _id3),
    "speex": (_ogg(*_SPEEX), _id3),
    "theora": (_ogg(*_THEORA), _id3),
    "mpeg": (_id3, _ape),
    "bmff": (_mp4, _id3),
    "asf": (_asf, _id3, _ape),
}
