"""AVI: keep the headers that playing needs, the chunks of sound and pictures, and index them.

    RIFF "AVI "    LIST hdrl, LIST movi, idx1 where there was an index
    RIFF "AVIX"    LIST movi: what has no room in the first 4 GB

Lists inside movi are opened and chunks between the kept ones left out, so places change and the
index is counted anew. Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions.
"""

from scrub.codecs.waveformat import PLAIN
from scrub.containers.avi.chunks import HEADER, LIST_HEADER, Chunk, chunks
from scrub.containers.avi.headers import Headers, Stream, read_headers
from scrub.containers.avi.index import Index, KeyFrames
from scrub.containers.riff_report import report
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Aside, Cut, Draft, Literal, Span
from scrub.reading import Reader

ROOM = 0xF0000000  # for a movi: the rest of 4 GB is for headers and index
SUFFIXES = {b"dc": b"vids", b"db": b"vids", b"wb": b"auds"}
LOOKED_AT = 1 << 18  # bytes of sound in which an encoder's name would stand
ENCODER_TRACES = (b"LAME", b"Lavc", b"Lavf")


def is_avi(reader: Reader, start: int) -> bool:
    """Say whether a RIFF of form AVI begins here."""
    head = reader.upto(start, LIST_HEADER)
    return head[:4] == b"RIFF" and head[8:] == b"AVI "


def plan_avi(reader: Reader, start: int, draft: Draft) -> None:
    """Write headers and index anew around the chunks of sound and pictures.

    Raises Unsupported for a codec that we don't know, Malformed when there is nothing to play.
    """
    kept = _Kept(reader, draft)
    headers: Headers | None = None
    key_frames = KeyFrames()
    movi = 0
    for chunk in chunks(reader, start, draft):
        if chunk.in_movi and headers and chunk.id[:2].isdigit():
            kept.take(chunk, headers)
        elif chunk.in_movi and chunk.id.startswith(b"ix"):
            key_frames.read_ix(reader, chunk.start, chunk.end)
        elif chunk.id == b"idx1":
            key_frames.read_idx1(reader, chunk.start, chunk.end, movi)
        elif chunk.id == b"movi":
            movi = movi or chunk.start
        elif chunk.id == b"LIST" and not headers and reader.upto(chunk.start, 4) == b"hdrl":
            headers = read_headers(reader, chunk.start + 4, chunk.end, draft)
        else:
            report(reader, chunk.id, chunk.start, chunk.end, draft)
    if not headers or not kept.parts[0].size:
        raise Malformed("there is no sound and no picture", offset=start)
    kept.write(headers, key_frames)


class _Kept:
    """The chunks that are kept, in as many parts as there will be RIFFs."""

    def __init__(self, reader: Reader, draft: Draft) -> None:
        self.parts = [Aside()]
        self._reader = reader
        self._draft = draft
        self._index = Index()
        self._size = self._chunks = 0
        self._streams: dict[bytes, tuple[Stream, bytes] | None] = {}  # by a chunk's id

    def take(self, chunk: Chunk, headers: Headers) -> None:
        """Keep a chunk if its stream is kept."""
        if chunk.id not in self._streams:
            self._streams[chunk.id] = _stream_of(chunk.id, headers)
        kept = self._streams[chunk.id]
        if kept is None:
            self._draft.found(Kind.UNKNOWN_CHUNK)
            return
        stream, chunk_id = kept
        cuts = self._cuts(chunk, stream)
        size = chunk.end - chunk.start
        if cuts is not None:
            size = sum(_length(cut) for cut in cuts)
        if self.parts[-1].size + size > ROOM:
            self.parts.append(Aside())
        if len(self.parts) == 1:
            place = len(b"movi") + self.parts[0].size
            self._index.add(chunk_id, chunk.start - HEADER.size, place, size)
        self._put(chunk, chunk_id, size, cuts)
        stream.chunks += 1
        stream.longest = max(stream.longest, size)
        self._size += size
        self._chunks += 1

    def _cuts(self, chunk: Chunk, stream: Stream) -> list[Cut] | None:
        if stream.pictures:
            return stream.pictures.cuts(self._reader, chunk.start, chunk.end, self._draft)
        if stream.looked_at < LOOKED_AT and stream.sound and stream.sound.tag not in PLAIN:
            block = self._reader.upto(chunk.start, min(chunk.end - chunk.start, LOOKED_AT))
            stream.looked_at += len(block)
            if any(trace in block for trace in ENCODER_TRACES):
                self._draft.tally.remains(Kind.ENCODER)
        return None

    def _put(self, chunk: Chunk, chunk_id: bytes, size: int, cuts: list[Cut] | None) -> None:
        draft = self.parts[-1]
        pad = size % 2
        if cuts is None and chunk_id == chunk.id and chunk.padded:
            draft.copy(chunk.start - HEADER.size, chunk.end + pad)
            return
        if not chunk.padded:
            self._draft.found(Kind.SLACK)
        draft.write(HEADER.pack(chunk_id, size))
        for cut in cuts if cuts is not None else [Span(chunk.start, chunk.end)]:
            if isinstance(cut, Literal):
                draft.write(cut.data)
            else:
                draft.copy(cut.start, cut.end)
        draft.write(bytes(pad))

    def write(self, headers: Headers, key_frames: KeyFrames) -> None:
        """Write all that was taken into the draft, between its headers."""
        draft, long = self._draft, len(self.parts) > 1
        shown = next((each for each in headers.streams if each and each.bitmap), None)
        pictures = shown.chunks if shown else 0
        index = self._index.size() if key_frames.known else 0
        for number, part in enumerate(self.parts):
            form, before, behind = b"AVIX", b"", 0
            if not number:
                form, behind = b"AVI ", HEADER.size + index if index else 0
                before = headers.hdrl(indexed=bool(index), pictures=pictures, long=long)
            movi = len(b"movi") + part.size
            draft.write(HEADER.pack(b"RIFF", 4 + len(before) + HEADER.size + movi + behind))
            draft.write(form + before + HEADER.pack(b"LIST", movi) + b"movi")
            part.replay(draft)
            if behind:
                draft.write(HEADER.pack(b"idx1", index))
                for entries in self._index.entries(key_frames):
                    draft.write(entries)
        for stream in headers.streams:
            if stream and stream.pictures:
                stream.pictures.report(draft)
        draft.sound(self._size, self._chunks)


def _stream_of(chunk_id: bytes, headers: Headers) -> tuple[Stream, bytes] | None:
    """Return the stream of a chunk, if it is kept, and the chunk's id in the result."""
    number, suffix = int(chunk_id[:2]), chunk_id[2:].lower()
    stream = headers.streams[number] if number < len(headers.streams) else None
    if stream is None or suffix == b"ix":
        return None
    if SUFFIXES.get(suffix) != (b"auds" if stream.sound else b"vids"):
        raise Unsupported("AVI", "a stream of unknown chunks")
    return stream, b"%02d" % stream.number + suffix


def _length(cut: Cut) -> int:
    return len(cut.data) if isinstance(cut, Literal) else cut.end - cut.start
