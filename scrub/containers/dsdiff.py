"""DSDIFF: one-bit sound as Philips packs it; keep its properties and the sound.

    FRM8      "FRM8", u64 size, "DSD ", then chunks
    chunk     4-byte id, u64 size, payload, a zero byte when the size is odd
    FVER      u32 version
    PROP      "SND ", then chunks: FS u32 rate; CHNL u16 count, 4-byte names; CMPR 4-byte codec, a
              Pascal string with its name; LSCO u16 where loudspeakers stand
    DSD       the sound, a byte of each channel in turn
    DST       FRTE (u32 frames, u16 frames a second), then DSTF, the frames, and DSTC, their CRCs

Numbers are big-endian. Philips, DSDIFF File Format Specification 1.5.
"""

import struct
from collections.abc import Iterator

from scrub.containers.riff_chunks import Chunk
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Aside, Draft
from scrub.reading import Reader

HEADER = struct.Struct(">4sQ")
MOST_CHUNKS = 1 << 19  # frames of compressed sound are chunks: 75 a second
MOST_CHANNELS = 64
NO_NAME = bytes(2)  # an empty Pascal string, padded to two bytes
SOUND = (b"DSD ", b"DST ")
CODECS = SOUND
KINDS = {
    b"ID3 ": Kind.TAG_BLOCK,
    b"DIIN": Kind.TAG_BLOCK,
    b"COMT": Kind.COMMENT,
    b"MANF": Kind.DEVICE,
}


def is_dsdiff(reader: Reader, start: int) -> bool:
    """Say whether a DSDIFF begins here."""
    head = reader.upto(start, 16)
    return head[:4] == b"FRM8" and head[12:] == b"DSD "


def plan_dsdiff(reader: Reader, start: int, draft: Draft) -> None:
    """Write FRM8, FVER and PROP anew around the sound.

    Raises Malformed when a chunk runs past the end, or there is no sound.
    """
    end = start + 16
    version = properties = b""
    sound: Aside | None = None
    for chunk in _chunks(reader, end, reader.size):
        end = min(chunk.end + (chunk.end - chunk.start) % 2, reader.size)
        if chunk.id == b"FVER" and not version:
            version = _chunk(b"FVER", reader.exactly(chunk.start, 4))
        elif chunk.id == b"PROP" and not properties:
            properties = _properties(reader, chunk, draft)
        elif chunk.id in SOUND:
            if sound:
                raise Unsupported("DSDIFF", "sound in several chunks")
            sound = _compressed(reader, chunk) if chunk.id == b"DST " else _plain(chunk)
        else:
            draft.found(KINDS.get(chunk.id, Kind.UNKNOWN_CHUNK))
        if end > chunk.end and reader.upto(chunk.end, 1) != b"\0":
            draft.found(Kind.SLACK)
    if end < reader.size:
        draft.found(Kind.TRAILING)
    if not sound or not properties:
        raise Malformed("there is no sound", offset=start)
    draft.write(HEADER.pack(b"FRM8", 4 + len(version) + len(properties) + sound.size) + b"DSD ")
    draft.write(version + properties)
    sound.replay(draft)


def _plain(chunk: Chunk) -> Aside:
    sound = Aside()
    length = chunk.end - chunk.start
    sound.write(HEADER.pack(chunk.id, length))
    sound.copy(chunk.start, chunk.end)
    sound.write(bytes(length % 2))
    sound.sound(length, length)
    return sound


def _compressed(reader: Reader, chunk: Chunk) -> Aside:
    """Keep how many frames there are, and these; their CRCs say nothing about what is decoded."""
    rate = b""
    frames = Aside()
    for part in _chunks(reader, chunk.start, chunk.end):
        length = part.end - part.start
        if part.id == b"FRTE" and not rate:
            rate = _chunk(b"FRTE", reader.exactly(part.start, 6))
            if length > 6:
                frames.found(Kind.SLACK)
        elif part.id == b"DSTF" and length % 2 == 0:
            frames.copy(part.start - HEADER.size, part.end)
            frames.sound(length, 1)
        elif part.id == b"DSTF":
            padded = reader.upto(part.end, 1) == b"\0"
            frames.copy(part.start - HEADER.size, part.end + padded)
            if not padded:
                frames.found(Kind.SLACK)
                frames.write(b"\0")
            frames.sound(length, 1)
        else:
            frames.found(Kind.CHECKSUM if part.id == b"DSTC" else Kind.UNKNOWN_CHUNK)
    if not rate or not frames.size:
        raise Malformed("there is no sound", offset=chunk.start)
    sound = Aside()
    sound.write(HEADER.pack(b"DST ", len(rate) + frames.size) + rate)
    frames.replay(sound)
    return sound


def _properties(reader: Reader, chunk: Chunk, draft: Draft) -> bytes:
    """Return PROP with the chunks that decoding needs, in their order."""
    if reader.exactly(chunk.start, 4) != b"SND ":
        raise Malformed("the properties are those of no sound", offset=chunk.start)
    kept = b"SND "
    for part in _chunks(reader, chunk.start + 4, chunk.end):
        whole = reader.exactly(part.start, min(part.end - part.start, 6 + 4 * MOST_CHANNELS))
        payload = _property(part.id, whole)
        if payload is None:
            draft.found(Kind.UNKNOWN_CHUNK)
            continue
        if payload != whole or part.end - part.start > len(payload):
            draft.found(Kind.SLACK)
        kept += _chunk(part.id, payload)
    return _chunk(b"PROP", kept)


def _property(name: bytes, payload: bytes) -> bytes | None:
    """Return what is kept of a property; None when it isn't needed."""
    match name:
        case b"FS  ":
            return payload[:4]
        case b"CHNL":
            return payload[: 2 + 4 * min(MOST_CHANNELS, int.from_bytes(payload[:2], "big"))]
        case b"CMPR":
            if payload[:4] not in CODECS:
                raise Unsupported("DSDIFF", "sound of an unknown codec")
            return payload[:4] + NO_NAME
        case b"LSCO":
            return payload[:2]
    return None


def _chunks(reader: Reader, at: int, end: int) -> Iterator[Chunk]:
    """Yield where the chunks lie; what is none, behind the sound, ends the list."""
    heard = False
    for _ in range(MOST_CHUNKS):
        if at + HEADER.size > end:
            return
        name, length = HEADER.unpack(reader.exactly(at, HEADER.size))
        begin = at + HEADER.size
        if length > end - begin:
            if heard:
                return
            raise Malformed("a chunk runs past the end", offset=at)
        yield Chunk(name, begin, begin + length)
        heard |= name in SOUND
        at = begin + length + length % 2
    raise TooComplex("too many chunks")


def _chunk(name: bytes, payload: bytes) -> bytes:
    return HEADER.pack(name, len(payload)) + payload + bytes(len(payload) % 2)
