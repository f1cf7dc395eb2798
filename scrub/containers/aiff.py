"""AIFF and AIFC: keep the common chunk, its version and the samples.

    FORM      "FORM", u32 length, "AIFF" or "AIFC", then chunks
    chunk     4-byte id, u32 length, payload, a zero byte when the length is odd
    COMM      u16 channels, u32 samples a channel, u16 bits, rate as an 80-bit float; in AIFC also
              4-byte codec and its name, a Pascal string
    FVER      u32, always A2805140: the version of AIFC
    SSND      u32 offset, u32 block size, as many bytes as the offset says, the sound

Numbers are big-endian. Audio Interchange File Format 1.3, Apple, 1989; AIFF-C draft, 1991.
"""

import struct
from collections.abc import Iterator

from scrub.containers.riff_chunks import MOST_CHUNKS, Chunk
from scrub.containers.tagblocks import start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

HEADER = struct.Struct(">4sI")
COMM = struct.Struct(">HIHHQ")  # the rate: sign and exponent, mantissa
SSND = struct.Struct(">II")
VERSION = bytes.fromhex("a2805140")
NO_NAME = bytes(2)  # an empty Pascal string, padded to two bytes
RATE_BITS = 0xFFFFFFFF << 32  # of the mantissa: Hz and a fraction of 1/65536, as old Macs had
HERTZ = range(16383, 16383 + 32)  # exponents of 1 Hz up to 4 GHz
UNKNOWN = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF})  # a length that was never filled in

# Codecs that are nothing but sound. Bits of a sample where they are not those of COMM; 0: packed.
CODECS = {
    b"NONE": None, b"twos": None, b"sowt": None, b"raw ": 8, b"in24": 24, b"in32": 32, b"23ni": 32,
    b"42ni": 24, b"fl32": 32, b"FL32": 32, b"fl64": 64, b"FL64": 64, b"ulaw": 8, b"ULAW": 8,
    b"alaw": 8, b"ALAW": 8, b"ima4": 0, b"MAC3": 0, b"MAC6": 0, b"GSM ": 0, b"G722": 0, b"ADP4": 0,
}  # fmt: skip
KINDS = {
    b"NAME": Kind.TITLE,
    b"AUTH": Kind.PERSON,
    b"(c) ": Kind.PERSON,
    b"ANNO": Kind.COMMENT,
    b"COMT": Kind.COMMENT,
    b"MARK": Kind.CHAPTERS,
    b"INST": Kind.CHAPTERS,
    b"AESD": Kind.UNKNOWN_CHUNK,
    b"APPL": Kind.IDENTIFIER,
    b"ID3 ": Kind.TAG_BLOCK,
    b"XMP ": Kind.TAG_BLOCK,
}


def is_aiff(reader: Reader, start: int) -> bool:
    """Say whether a FORM of uncompressed sound begins here."""
    head = reader.upto(start, 12)
    return head[:4] == b"FORM" and head[8:] == b"AIFF"


def is_aifc(reader: Reader, start: int) -> bool:
    """Say whether a FORM of sound with a codec begins here."""
    head = reader.upto(start, 12)
    return head[:4] == b"FORM" and head[8:] == b"AIFC"


def plan_aiff(reader: Reader, start: int, draft: Draft) -> None:
    """Write FORM, FVER, COMM and SSND anew around the samples.

    Raises Malformed when a chunk claims more bytes than there are, or there is no sound.
    """
    form = reader.exactly(start + 8, 4)
    found: dict[bytes, Chunk] = {}
    end = start + 12
    for chunk in _chunks(reader, start):
        end = min(chunk.end + (chunk.end - chunk.start) % 2, reader.size)
        if chunk.id == b"SSND" and chunk.id in found:
            raise Unsupported("AIFF", "sound in several chunks")
        if (chunk.id in (b"COMM", b"SSND") and chunk.id not in found) or _is_version(form, chunk):
            found[chunk.id] = chunk
            if any(reader.upto(chunk.end, end - chunk.end)):
                draft.found(Kind.SLACK)
        else:
            draft.found(KINDS.get(chunk.id, Kind.UNKNOWN_CHUNK))
    if end < reader.size:
        draft.found(Kind.TRAILING)
    if b"COMM" not in found or b"SSND" not in found:
        raise Malformed("there is no sound", offset=start)
    _write(reader, form, found, draft)


def _is_version(form: bytes, chunk: Chunk) -> bool:
    return form == b"AIFC" and chunk.id == b"FVER"


def _write(reader: Reader, form: bytes, found: dict[bytes, Chunk], draft: Draft) -> None:
    sound = _sound(reader, found[b"SSND"], draft)
    length = sound.end - sound.start
    common, frame_bits = _common(reader, form, found[b"COMM"], length, draft)
    version = b""
    if fver := found.get(b"FVER"):
        version = _chunk(b"FVER", VERSION)
        if reader.upto(fver.start, fver.end - fver.start) != VERSION:
            draft.found(Kind.SLACK)
    head = form + version + _chunk(b"COMM", common)
    size = len(head) + HEADER.size + SSND.size + length + length % 2
    if size > 0xFFFFFFFF:
        raise Unsupported("AIFF", "sound of more than 4 GB")
    draft.write(HEADER.pack(b"FORM", size) + head)
    draft.write(HEADER.pack(b"SSND", SSND.size + length) + SSND.pack(0, 0))
    draft.copy(sound.start, sound.end)
    draft.write(bytes(length % 2))
    draft.sound(length, 8 * length // max(1, frame_bits))


def _sound(reader: Reader, chunk: Chunk, draft: Draft) -> Chunk:
    """Return where the samples lie, behind the bytes that `offset` skips."""
    if chunk.end - chunk.start < SSND.size:
        raise Malformed("the SSND chunk is too short", offset=chunk.start)
    offset, block = SSND.unpack(reader.exactly(chunk.start, SSND.size))
    begin = chunk.start + SSND.size + offset
    if begin >= chunk.end:
        raise Malformed("there is no sound", offset=chunk.start)
    if offset or block:
        draft.found(Kind.SLACK)
    return Chunk(chunk.id, begin, chunk.end)


def _common(
    reader: Reader, form: bytes, chunk: Chunk, length: int, draft: Draft
) -> tuple[bytes, int]:
    """Return COMM rebuilt, and how many bits the samples of all channels take; 0: packed."""
    size = chunk.end - chunk.start
    aifc = form == b"AIFC"
    if size < COMM.size + 4 * aifc:
        raise Malformed("the COMM chunk is too short", offset=chunk.start)
    fixed = reader.exactly(chunk.start, COMM.size)
    channels, frames, bits, exponent, mantissa = COMM.unpack(fixed)
    if not channels or exponent not in HERTZ:
        raise Malformed("the rate of the sound makes no sense", offset=chunk.start)
    codec = reader.exactly(chunk.start + COMM.size, 4) if aifc else b"NONE"
    if codec not in CODECS:
        raise Unsupported("AIFF", "sound of an unknown codec")
    width = CODECS[codec]
    frame_bits = channels * ((bits + 7) // 8 * 8 if width is None else width)
    if frame_bits:
        frames = min(frames, 8 * length // frame_bits)
    kept = COMM.pack(channels, frames, bits, exponent, mantissa & RATE_BITS)
    kept += codec + NO_NAME if aifc else b""
    if kept != reader.upto(chunk.start, min(size, len(kept) + 1)):
        draft.found(Kind.SLACK)
    return kept, frame_bits


def _chunks(reader: Reader, start: int) -> Iterator[Chunk]:
    """Yield where the chunks lie, up to the end that FORM names, but not before the sound."""
    form_end = start + 8 + reader.number(start + 4, 4, "big")
    at, heard = start + 12, False
    for _ in range(MOST_CHUNKS):
        if at + HEADER.size > reader.size or (heard and at >= form_end):
            return
        chunk_id, length = HEADER.unpack(reader.exactly(at, HEADER.size))
        payload = at + HEADER.size
        if chunk_id == b"SSND" and (length in UNKNOWN or payload + length > reader.size):
            length = start_of_back_tags(reader, payload, reader.size) - payload
            form_end = 0  # nothing but tags can follow
        if payload + length > reader.size:
            raise Malformed("a chunk runs past the end", offset=at)
        yield Chunk(chunk_id, payload, payload + length)
        heard |= chunk_id == b"SSND"
        at = payload + length + length % 2
    raise TooComplex("too many chunks")


def _chunk(chunk_id: bytes, payload: bytes) -> bytes:
    return HEADER.pack(chunk_id, len(payload)) + payload + bytes(len(payload) % 2)
