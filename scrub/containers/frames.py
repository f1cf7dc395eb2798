"""Follow frames that stand one behind the other without a container: MPEG audio, ADTS, AC-3, DTS.

A frame's header says how long it is, so the next one's is where it ends. A family knows what its
headers look like, a stream what those of one recording have in common: whatever doesn't follow
from frame to frame is left out.

    row       16 frames, followed in one step where a family knows how; the place of each row's
              first frame is remembered, for seek tables
    breaks    where frames break off, the next three that follow one another are looked for
    marks     bits of a header that say nothing about sound, such as "private" and "copyright":
              they can carry a message, one bit a frame
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from scrub.containers.tagblocks import TAG_EDGE, end_of_tag, find_tag, start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import MOST_CUTS, Draft
from scrub.reading import Reader

BLOCK = 1 << 20
FIRST_STEP = 4096  # where frames break off, the next ones are near as a rule
ENOUGH_FRAMES = 3  # in a row make a stream; two bytes of sync alone are found in any noise
FARTHEST_START = 1 << 16
FARTHEST_BEHIND_TAG = 1 << 22  # a tag whose length is too short leaves a picture behind it
STRIDE = 16  # frames of a row
SEARCHED = 1 << 26  # from the front: how far traces are looked for inside frames
FEW_CHANGES = 16  # of marks: recordings that were joined
ENCODER_TRACES = (b"LAME", b"Lavc", b"Lavf", b"GOGO")
# Containers in which frames may follow one another, but which are more than frames.
CONTAINERS = re.compile(
    rb"RIFF|RIFX|RF64|BW64|FORM|OggS|fLaC|FLV|caff|\x1aE\xdf\xa3|0&\xb2u|\0\0\x01|....(?:ftyp|moov|mdat)",
    re.DOTALL,
)


def _nothing(_: bytes) -> None:
    return None


@dataclass(frozen=True)
class Stream:
    """What the frames of one recording have in common.

    `length` says how long the frame with this header is, 0 when it is none of the stream. `row`
    says where 16 frames in a row end, all with the marks of the first, 0 when there aren't as many,
    or one needs a closer look.
    `information` says whether a frame is no sound but tells about the recording, `tells` what
    else a frame tells that can't be taken out of it.
    """

    length: Callable[[bytes], int]
    row: Callable[[bytes, int], int]
    marks: int = 0  # mask of a header's first four bytes
    information: Callable[[bytes], object] = _nothing
    tells: Callable[[bytes], Kind | None] = _nothing


@dataclass(frozen=True)
class Family:
    """A kind of frames. `stream` says which one a header begins, None when it is no header."""

    name: str
    sync: re.Pattern[bytes]
    header: int  # bytes that tell the length
    longest: int
    stream: Callable[[bytes], Stream | None]
    look: int = 4  # bytes that `information` and `tells` want to see


def one_by_one(length: Callable[[bytes], int], header: int) -> Callable[[bytes, int], int]:
    """Return a `row` for frames that are rather long, so few."""

    def row(block: bytes, at: int) -> int:
        for _ in range(STRIDE):
            step = length(block[at : at + header])
            if not step:
                return 0
            at += step
        return at

    return row


def first_frame(reader: Reader, start: int, family: Family) -> tuple[int, Stream] | None:
    """Return where the first frames in a row begin, not far from `start`, and their stream."""
    if CONTAINERS.match(reader.upto(start, 8)):
        return None
    window = reader.upto(start, FARTHEST_BEHIND_TAG if start else FARTHEST_START)
    end = start_of_back_tags(reader, start, reader.size)
    for match in family.sync.finditer(window):
        at = match.start()
        stream = family.stream(window[at : at + family.header])
        if stream is None:
            continue
        count, after = _neighbours(reader, family, stream, start + at, end)
        count -= after > end  # the last one is cut short, which players forgive
        # A single one that reaches the end is believed only where it should be.
        if count == ENOUGH_FRAMES or (after >= end and count > (at > 0)):
            return start + at, stream
    return None


def in_a_row(reader: Reader, family: Family, stream: Stream, at: int, end: int) -> bool:
    """Say whether enough frames follow one another here, or any that reach the very end."""
    count, after = _neighbours(reader, family, stream, at, end)
    return count > 0 and (after == end or (count == ENOUGH_FRAMES and after < end))


def _neighbours(
    reader: Reader, family: Family, stream: Stream, at: int, end: int
) -> tuple[int, int]:
    """Return how many frames, up to enough, follow one another from here, and where they end."""
    for count in range(ENOUGH_FRAMES):
        length = stream.length(reader.upto(at, family.header)) if at < end else 0
        if not length:
            return count, at
        at += length
    return ENOUGH_FRAMES, at


def plan_frames(reader: Reader, start: int, draft: Draft, family: Family) -> None:
    """Keep every frame and nothing else.

    Raises Malformed when there is more between the frames than in them.
    """
    end = end_of_frames(reader, start, draft)
    first, stream = beginning(reader, start, end, family, draft)
    walk = Walk(reader, family, stream, first, end, draft)
    walk.copy(draft)


def end_of_frames(reader: Reader, start: int, draft: Draft) -> int:
    """Return where the tags behind the recording begin."""
    end = start_of_back_tags(reader, start, reader.size)
    if end < reader.size:
        draft.found(Kind.TAG_BLOCK)
    return end


def beginning(
    reader: Reader, start: int, end: int, family: Family, draft: Draft
) -> tuple[int, Stream]:
    """Return where the first frame begins, and its stream; Malformed when there is none."""
    found = first_frame(reader, start, family)
    if found is None or found[0] >= end:
        raise Malformed("there is no sound", offset=start)
    if found[0] > start:
        draft.found(Kind.TRAILING)
    return found


class Walk:
    """Where the frames lie: runs of neighbours, how many, and where every 16th begins."""

    def __init__(
        self, reader: Reader, family: Family, stream: Stream, first: int, end: int, draft: Draft
    ) -> None:
        self.frames = self.size = 0
        self.places = array("Q")  # in the result, from the first frame
        self._reader, self._family, self._stream = reader, family, stream
        self._end, self._draft = end, draft
        self._starts, self._ends = array("Q"), array("Q")
        self._information = array("Q")  # amid the sound, of recordings that were joined
        self._marks, self._changes = -1, 0
        self._row = self._row_before = (first, 0)
        self._listen(reader.upto(first, family.look))
        self._follow(first)
        if self._changes > FEW_CHANGES:
            draft.tally.remains(Kind.IDENTIFIER)

    def copy(self, draft: Draft) -> None:
        """Copy the runs, but of a frame that is to be silenced only the header."""
        silenced = iter(self._information)
        at = next(silenced, None)
        for run, end in zip(self._starts, self._ends, strict=True):
            start = run
            while at is not None and at < end:
                head = self._reader.exactly(at, self._family.header)
                length = min(self._stream.length(head), end - at)
                draft.copy(start, at + 4)
                draft.write(bytes(length - 4))
                start, at = at + length, next(silenced, None)
            draft.copy(start, end)
        draft.sound(self.size, self.frames)

    def place(self, frame: int) -> int:
        """Return about where a frame begins in the result, from the first one."""
        at, rest = divmod(frame, STRIDE)
        place, following = [*self.places[at : at + 2], self.size, self.size][:2]
        return place + (following - place) * rest // STRIDE

    def _follow(self, first: int) -> None:
        """Follow the frames, looking for the next ones wherever they break off."""
        at, junk = first, 0
        while at < self._end:
            run = at
            at = self._run(at)
            if self._is_cut_short(at):
                at = self._end  # decoders play what there is of the last frame
            if at > run:
                self._starts.append(run)
                self._ends.append(at)
                self.size += at - run
            if at < self._end:
                tag_end = end_of_tag(self._reader, at)
                self._draft.found(Kind.TAG_BLOCK if tag_end > at else Kind.SLACK)
                found = self._next_frames(max(at + 1, tag_end))
                junk += found - max(at, tag_end)
                at = found
            if len(self._starts) >= MOST_CUTS:
                raise TooComplex("the recording is in too many pieces")
        if junk > self.size:
            raise Malformed("there is more between the frames than in them", offset=first)

    def _run(self, at: int) -> int:
        """Return where the frames that follow one another from `at` break off."""
        step = FIRST_STEP  # a stream that breaks off often must not be read again and again
        self._row = self._row_before = (at, self.frames)
        shift = self.size - at
        while at < self._end:
            # A little more than a step: the row at its edge, or at least the frame, is seen whole.
            longest = self._family.longest
            more = max(longest, min(STRIDE * longest, step)) + TAG_EDGE
            block = self._reader.upto(at, min(step + more, self._end - at))
            thorough = self._draft.thorough and at < SEARCHED
            i = self._through(block, at, step, find_tag(block) if thorough else len(block), shift)
            if at < SEARCHED and any(block.find(trace, 0, i) >= 0 for trace in ENCODER_TRACES):
                self._draft.tally.remains(Kind.ENCODER)
            at += i
            if i < step:
                break
            step = min(2 * step, BLOCK)
        return self._before_tag(at, shift)

    def _through(self, block: bytes, at: int, stop: int, whole: int, shift: int) -> int:
        """Return where in the block, which lies at `at`, frames break off; past `stop` it's left.

        None may reach past `whole`.
        """
        i = 0
        while i < stop:
            begins_row = not self.frames % STRIDE
            if begins_row:
                self._row_before, self._row = self._row, (at + i, self.frames)
                end = self._stream.row(block, i)
                if 0 < end <= whole:
                    self._note_marks(block[i : i + 4])
                    self.places.append(at + i + shift)
                    self.frames += STRIDE
                    i = end
                    continue
            length = self._stream.length(block[i : i + self._family.header])
            if not length or i + length > whole:
                break
            if begins_row:
                self.places.append(at + i + shift)
            self._look_closely(block[i : i + self._family.look], at + i)
            self.frames += 1
            i += length
        return i

    def _look_closely(self, frame: bytes, at: int) -> None:
        """Note what a frame tells beside its sound."""
        self._note_marks(frame[:4])
        self._listen(frame)
        if self._stream.information(frame):
            self._information.append(at)
            self._draft.found(Kind.ENCODER)
            if len(self._information) > MOST_CUTS // 2:
                raise TooComplex("the recording is in too many pieces")

    def _note_marks(self, head: bytes) -> None:
        marks = int.from_bytes(head, "big") & self._stream.marks
        self._changes += marks != self._marks
        self._marks = marks

    def _listen(self, frame: bytes) -> None:
        told = self._stream.tells(frame)
        if told:
            self._draft.tally.remains(told)

    def _before_tag(self, at: int, shift: int) -> int:
        """Return `at`, or the beginning of a frame shortly before it into which a tag was put.

        A splice can cut a frame short and go on with a tag; only the next frame's absence tells.
        """
        begin, frames = self._row_before
        block = self._reader.upto(begin, min(at + TAG_EDGE, self._end) - begin)
        tag = find_tag(block)
        if begin + tag >= at:
            return at
        del self.places[-(-frames // STRIDE) :]
        self.frames = frames
        while self._information and self._information[-1] >= begin:
            self._information.pop()
        return begin + self._through(block, begin, tag, tag, shift)

    def _is_cut_short(self, at: int) -> bool:
        """Say whether a frame begins here that the end of the recording cuts off."""
        family, stream = self._family, self._stream
        rest = self._reader.upto(at, min(family.longest, self._end - at))
        if find_tag(rest) < len(rest) or stream.information(rest[: family.look]):
            return False
        return at + stream.length(rest[: family.header]) > self._end

    def _next_frames(self, at: int) -> int:
        """Return where frames follow one another again from `at` on; the end when nowhere.

        Raises Unsupported when it is frames of another stream that do.
        """
        family, step = self._family, FIRST_STEP
        while at < self._end:
            block = self._reader.upto(at, min(step + family.header, self._end - at))
            for match in family.sync.finditer(block):
                head = block[match.start() : match.start() + family.header]
                here = at + match.start()
                if self._stream.length(head):
                    if in_a_row(self._reader, family, self._stream, here, self._end):
                        return here
                elif self._is_another(head, here):
                    raise Unsupported(family.name, "a change of sampling rate")
            at += max(1, len(block) - family.header + 1)
            step = min(2 * step, BLOCK)
        return self._end

    def _is_another(self, head: bytes, at: int) -> bool:
        """Say whether frames of another stream follow one another here: never at the last bytes."""
        stream = self._family.stream(head)
        for _ in range(ENOUGH_FRAMES + 1):
            length = stream.length(head) if stream else 0
            if not length or at >= self._end:
                return False
            at += length
            head = self._reader.upto(at, self._family.header)
        return True
