"""FLV: keep the tags of sound and picture, and of the scripts between them only the duration.

    header    "FLV", 1, u8 flags (4 sound, 1 picture), u32 length 9, u32 0
    tag       u8 type: 8 sound, 9 picture, 18 script, 20 if filtered; u24 size, u24 time in ms and
              its highest 8 bits, u24 stream 0; then u32 size of the tag with its 11 bytes of head
    sound     u8: codec 4 bits, rate, bits, channels; AAC: u8 0 settings, 1 frames
    picture   u8: kind of frame 4 bits, codec 4 bits; H.264: u8 0 settings, 1 units, 2 end; s24 ms
    script    AMF: "onMetaData" and a map

A tag that stands as we would write it is copied, so tags in a row are one span. Big-endian. Adobe
Flash Video File Format Specification, version 10.1, annex E.
"""

import re
import struct
from collections import Counter
from typing import NamedTuple

from scrub.codecs import nal
from scrub.codecs.aac_settings import without_comment
from scrub.containers import amf
from scrub.containers.damage import refuse_where_much_is_lost
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Aside, Draft, Literal, Span, stands
from scrub.reading import WINDOW, Reader
from scrub.tags import meaning

HEADER = struct.Struct(">3sBBI")
TAG = struct.Struct(">B3s4s3s")
STREAM = bytes(3)
SIZE_BEHIND = 4
SOUND, PICTURE, SCRIPT, FILTERED = 8, 9, 18, 0x20
AAC, AVC = 10, 7
SETTINGS, FRAMES, END_OF_SEQUENCE = 0, 1, 2
SOUND_CODECS = frozenset({0, 1, 2, 3, 4, 5, 6, 7, 8, AAC, 11, 14})
PICTURE_CODECS = frozenset({2, 3, 4, 5, 6, AVC})
COMMAND_FRAME = 5
LONGEST_SCRIPT = 1 << 20
LONGEST_SETTINGS = 1 << 16
MOST_UNUSUAL = 1 << 20
MOST_CANDIDATES = 1 << 15
ENCODER_TRACES = (b"Lavc", b"LAME", b"libfaac", b"Nero")
FRONT = 1 << 15
BOTH = 5  # flags: there is sound, there are pictures
MOST_SCRIPTS = 64
LONGEST_HEAD = 32
LONGEST_AAC = 64
AAC_BYTE = 0xAF  # what the specification wants, whatever the settings say
AAC_SKIP, AVC_SKIP = 2, 5
TYPES = frozenset({SOUND, PICTURE, SCRIPT})
TOLERANCE = 10.0  # seconds by which a told duration may differ from the last tag's time
_TAG_LIKE = re.compile(rb"[\x08\x09\x12].{6}.\x00{3}", re.DOTALL)


Part = bytes | Span


class Tag(NamedTuple):
    """Where a tag lies; `end` is behind the size that follows it."""

    type: int
    start: int
    payload: int
    behind: int  # its payload
    time: int

    @property
    def end(self) -> int:
        return self.behind + SIZE_BEHIND


def is_flv(reader: Reader, start: int) -> bool:
    """Say whether an FLV begins here."""
    return reader.upto(start, 4) == b"FLV\1"


def plan_flv(reader: Reader, start: int, draft: Draft) -> None:
    """Write the header, a duration where there was one, and the tags of sound and picture.

    Raises Malformed when there is no sound, Unsupported for codecs we can't clean.
    """
    _, _, flags, length = HEADER.unpack(reader.exactly(start, HEADER.size))
    if length < HEADER.size or start + length > reader.size:
        raise Malformed("the header is damaged", offset=start)
    if length > HEADER.size or flags & ~BOTH:
        draft.found(Kind.SLACK)
    tags = Tags(reader, draft)
    tags.read(start + length + SIZE_BEHIND, reader.size)
    tags.refuse_damage(has_picture=bool(flags & 1))
    if not draft.essence.units:
        raise Malformed("there is no sound", offset=start)
    draft.write(HEADER.pack(b"FLV", 1, flags & BOTH, HEADER.size) + bytes(SIZE_BEHIND))
    draft.write(tags.duration())
    tags.body.replay(draft)


class Tags:
    """The walk over all tags: what was learned on the way, and the body so far."""

    def __init__(self, reader: Reader, draft: Draft) -> None:
        self.body = Aside()
        self._reader = reader
        self._draft = draft
        self._scripts: list[bytes] = []
        self._first_time: int | None = None
        self._last_time = 0
        self._stream: nal.Stream | None = None
        self._unusual = self._candidates = self._lost_bytes = 0
        # By the first byte of a payload: how many bytes stand in front of what is coded, where
        # nothing else has to be looked at.
        self._skip = {
            SOUND: bytearray(int(each >> 4 in SOUND_CODECS - {AAC}) for each in range(256)),
            PICTURE: bytearray(
                int(each & 15 in PICTURE_CODECS - {AVC} and 0 < each >> 4 < COMMAND_FRAME)
                for each in range(256)
            ),
        }

    def read(self, start: int, end: int) -> None:
        """Walk over all tags."""
        at = start
        while at < end:
            block = self._reader.upto(at, min(WINDOW - 1, end - at))
            i = self._ordinary(block)
            if i:
                self._name_remains(block[: min(i, FRONT)])
                self.body.copy(at, at + i)
                at += i
                continue
            self._unusual += 1
            if self._unusual > MOST_UNUSUAL:
                raise TooComplex("too many unusual tags")
            tag = self._tag_at(at, end)
            if tag is None:
                lost, at = at, self._next_tag(at + 1, end)
                self._lost_bytes += at - lost if at < end else 0  # no tag lies behind the last
                self._draft.found(Kind.SLACK if at < end else Kind.TRAILING)
            else:
                self._keep(tag)
                at = min(tag.end, end)
        for kind, times in self._stream.found.items() if self._stream else ():
            self._draft.found(kind, times)

    def refuse_damage(self, *, has_picture: bool) -> None:
        """Raise Malformed where the walk passed over too much."""
        kept = self.body.size
        refuse_where_much_is_lost(self._lost_bytes, kept, has_picture=has_picture, start=0)

    def duration(self) -> bytes:
        """Return a script tag that tells the duration, where one did; report what others told."""
        said = [pair for script in self._scripts for pair in amf.fields(script)]
        numbers = [each for name, each in said if name == "duration" and isinstance(each, float)]
        script = b""
        if numbers:
            script = amf.one_number(b"onMetaData", b"duration", self._rounded(numbers[0]))
        if self._scripts != [script]:
            self._report(said)
        return _head(SCRIPT, 0, len(script)) + script + _behind(len(script)) if script else b""

    def _ordinary(self, block: bytes) -> int:
        """Return where the ordinary tags in a row at the front of a block end, and count them."""
        skips, room = self._skip, len(block) - LONGEST_HEAD
        i = last = units = heads = 0
        while i < room and block[i] in skips:
            skip = skips[block[i]][block[i + TAG.size]]
            size = block[i + 1] << 16 | block[i + 2] << 8 | block[i + 3]
            behind = i + TAG.size + size
            if (
                not skip
                or size <= skip
                or block[i + 8 : i + 11] != STREAM
                or block[behind : behind + SIZE_BEHIND] != (size + TAG.size).to_bytes(4, "big")
                or (skip > 1 and not self._is_frame(block, i + TAG.size, behind, skip))
            ):
                break
            units += 1
            heads += TAG.size + skip + SIZE_BEHIND
            last, i = i, behind + SIZE_BEHIND
        if i:
            self._draft.sound(i - heads, units)
            self._note_time(_time(block[4:8]))
            self._note_time(_time(block[last + 4 : last + 8]))
        return i

    def _is_frame(self, block: bytes, payload: int, behind: int, skip: int) -> bool:
        if block[payload + 1] != FRAMES:
            return False
        stream = self._stream
        return skip != AVC_SKIP or (
            stream is not None and nal.is_bare(block, payload + skip, behind, stream)
        )

    def _tag_at(self, at: int, end: int) -> Tag | None:
        """Return the tag at `at`; None when there is none, or one cut short."""
        head = self._reader.upto(at, TAG.size)
        if len(head) < TAG.size or head[0] & 0x1F not in TYPES:
            return None
        kind, size, time, _ = TAG.unpack(head)
        behind = at + TAG.size + int.from_bytes(size, "big")
        said = self._reader.upto(behind, SIZE_BEHIND + 1)
        if behind > end:
            return None
        next_is_one = len(said) <= SIZE_BEHIND or said[SIZE_BEHIND] & 0x1F in TYPES
        if said[:SIZE_BEHIND] != (behind - at).to_bytes(4, "big") and not next_is_one:
            return None
        if kind & FILTERED:
            raise Unsupported("FLV", "an encrypted tag")
        return Tag(kind & 0x1F, at, at + TAG.size, behind, _time(time))

    def _next_tag(self, at: int, end: int) -> int:
        """Return where the next tag begins whose size is told behind it, too."""
        while at < end:
            block = self._reader.upto(at, min(WINDOW - 1, end - at))
            for found in _TAG_LIKE.finditer(block):
                size = (
                    int.from_bytes(block[found.start() + 1 : found.start() + 4], "big") + TAG.size
                )
                here = at + found.start()
                self._candidates += 1
                if self._candidates > MOST_CANDIDATES:
                    raise TooComplex("too much that is nearly a tag")
                if self._reader.upto(here + size, SIZE_BEHIND) == size.to_bytes(4, "big"):
                    return here
            at += max(1, len(block) - TAG.size + 1)
        return end

    def _keep(self, tag: Tag) -> None:
        """Write what is kept of a tag that is no ordinary one."""
        if tag.type == SCRIPT:
            length = min(tag.behind - tag.payload, LONGEST_SCRIPT)
            if len(self._scripts) < MOST_SCRIPTS:
                self._scripts.append(self._reader.exactly(tag.payload, length))
            else:
                self._draft.found(Kind.TAG_BLOCK)
            return
        first = self._reader.upto(tag.payload, min(LONGEST_HEAD, tag.behind - tag.payload))
        parts = (self._sound if tag.type == SOUND else self._picture)(tag, first) if first else None
        if not parts:
            self._draft.found(Kind.SLACK)
            return
        self._note_time(tag.time)
        size = _size(parts)
        written = [_head(tag.type, tag.time, size), *parts, _behind(size)]
        if stands(self._reader, tag.start, tag.end, written):
            self.body.copy(tag.start, tag.end)
            return
        for part in written:
            if isinstance(part, Span):
                self.body.copy(part.start, part.end)
            else:
                self.body.write(part)

    def _sound(self, tag: Tag, first: bytes) -> list[Part] | None:
        codec = first[0] >> 4
        if codec not in SOUND_CODECS:
            raise Unsupported("FLV", "sound of an unknown codec")
        if codec != AAC:
            return self._frame(tag, first[:1])
        if first[1:2] == bytes([SETTINGS]):
            self._skip[SOUND][AAC_BYTE] = AAC_SKIP
            return [bytes([AAC_BYTE, SETTINGS]), self._aac_settings(tag)]
        return (
            self._frame(tag, bytes([AAC_BYTE, FRAMES])) if first[1:2] == bytes([FRAMES]) else None
        )

    def _aac_settings(self, tag: Tag) -> bytes:
        start = tag.payload + AAC_SKIP
        settings = self._reader.exactly(start, min(LONGEST_SETTINGS, max(0, tag.behind - start)))
        kept = without_comment(settings)[:LONGEST_AAC] if settings else b""
        if kept != settings:
            self._draft.found(Kind.SLACK)
        return kept

    def _picture(self, tag: Tag, first: bytes) -> list[Part] | None:
        if first[0] & 0x80 or first[0] & 15 not in PICTURE_CODECS:
            raise Unsupported("FLV", "pictures of an unknown codec")
        if not 0 < first[0] >> 4 < COMMAND_FRAME:
            return None
        if first[0] & 15 != AVC:
            return self._frame(tag, first[:1])
        if len(first) < AVC_SKIP:
            return None
        if first[1] == SETTINGS:
            return [first[:2] + bytes(3), self._avc_settings(tag)]
        if first[1] == FRAMES and self._stream:
            return self._frame(tag, first[:AVC_SKIP])
        return [first[:2] + bytes(3)] if first[1] == END_OF_SEQUENCE else None

    def _avc_settings(self, tag: Tag) -> bytes:
        start = tag.payload + AVC_SKIP
        config = self._reader.exactly(start, min(LONGEST_SETTINGS, tag.behind - start))
        found = self._stream.found if self._stream else Counter()
        self._stream, kept = nal.configured(config, nal.Codec.AVC)
        self._stream.found.update(found)
        for kind in range(1, COMMAND_FRAME):
            self._skip[PICTURE][kind << 4 | AVC] = AVC_SKIP
        return kept

    def _frame(self, tag: Tag, head: bytes) -> list[Part] | None:
        """Return a tag's payload with `head` in front of what is kept of its frame."""
        start = tag.payload + len(head)
        frame: list[Part] = [Span(start, tag.behind)] if start < tag.behind else []
        if frame and len(head) == AVC_SKIP and self._stream:
            cleaned = nal.cleaned_sample(self._reader, start, tag.behind, self._stream)
            if cleaned is not None:
                frame = [cut.data if isinstance(cut, Literal) else cut for cut in cleaned]
        if not frame:
            return None
        self._draft.sound(_size(frame), 1)
        return [head, *frame]

    def _name_remains(self, front: bytes) -> None:
        """Look for an encoder's name where encoders write it: in the first frames."""
        if self.body.size < FRONT and any(trace in front for trace in ENCODER_TRACES):
            self._draft.tally.remains(Kind.ENCODER)

    def _note_time(self, time: int) -> None:
        if self._first_time is None:
            self._first_time = time
        self._last_time = time

    def _rounded(self, seconds: float) -> float:
        """Return a duration in whole ms; that of the tags where it doesn't fit them."""
        first, last = (self._first_time or 0) / 1000, self._last_time / 1000
        fits = max(0, last - first - TOLERANCE) <= seconds <= last + TOLERANCE
        return round(seconds, 3) if fits else last

    def _report(self, said: list[tuple[str, amf.Value]]) -> None:
        self._draft.found(Kind.TAG_BLOCK, len(self._scripts))
        for name, value in said:
            about = meaning(name)
            if isinstance(value, str) and name:
                self._draft.found(about, name=name, value=value)
            elif about == Kind.TIME and name != "duration":
                self._draft.found(about, name=name)


def _time(field: bytes) -> int:
    """Return ms from the lower 24 bits and, behind them, the highest 8."""
    return field[3] << 24 | int.from_bytes(field[:3], "big")


def _head(kind: int, time: int, size: int) -> bytes:
    low = (time & 0xFFFFFF).to_bytes(3, "big") + bytes([time >> 24])
    return bytes([kind]) + size.to_bytes(3, "big") + low + STREAM


def _behind(size: int) -> bytes:
    return (TAG.size + size).to_bytes(SIZE_BEHIND, "big")


def _size(parts: list[Part]) -> int:
    return sum(part.end - part.start if isinstance(part, Span) else len(part) for part in parts)
