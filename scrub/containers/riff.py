"""WAV: keep the format, the sample count and the samples; leave out every other chunk.

    fmt       WAVEFORMATEX, see scrub/codecs/waveformat.py
    fact      u32 samples a channel
    data      the sound; that of MP3 and the like is frames, and nothing else of it is kept

A RIFF stays a RIFF, a RIFX one of big-endian numbers, RF64 and BW64 what they are, with a ds64 that
only counts. A RIFF whose sound is too long for one, as streamed to a pipe, becomes RF64. The walk:
scrub/containers/riff_chunks.py.
"""

import struct
from typing import Literal

from scrub.codecs.waveformat import AC3, COUNTED, DTS, FMT, FRAMES, MP3, MPEG, WaveFormat
from scrub.codecs.waveformat import rebuilt as wave_format
from scrub.containers import ac3, mpeg
from scrub.containers.riff_chunks import (
    BIG_FORM,
    CHUNK_HEADER,
    DS64,
    LONG,
    LONG_FORMS,
    Chunk,
    chunks,
    header_of,
    long_sizes,
)
from scrub.containers.riff_report import report
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Aside, Draft
from scrub.reading import Reader

FORMS = (b"RIFF", BIG_FORM, *LONG_FORMS)
BIG_CODECS = dict.fromkeys(COUNTED, 0)  # whose formats have no numbers behind the first six
BIG_FMT = struct.Struct(">HHIIHH")
LONGEST_FORMAT = 1 << 12
PLANS = {MP3: mpeg.plan_mp3, MPEG: mpeg.plan_mpeg, AC3: ac3.plan_ac3, DTS: ac3.plan_dts}
DENSEST = 64  # samples a byte, more than any codec packs


def is_wav(reader: Reader, start: int) -> bool:
    """Say whether a RIFF of form WAVE begins here, long or not."""
    head = reader.upto(start, 12)
    return head[:4] in FORMS and head[8:] == b"WAVE"


def plan_wav(reader: Reader, start: int, draft: Draft) -> None:
    """Write RIFF, fmt, fact and data anew around the samples.

    Raises Malformed when a chunk claims more bytes than there are, or there is no sound.
    """
    fmt: WaveFormat | None = None
    fact = data = ds64 = None
    form = reader.exactly(start, 4)
    end = start + 12
    for chunk in chunks(reader, start):
        end = min(chunk.end + (chunk.end - chunk.start) % 2, reader.size)
        if chunk.id == b"fmt " and not fmt:
            fmt = _format(reader, form, chunk, draft)
        elif chunk.id == b"fact" and not fact:
            fact = chunk
        elif chunk.id == b"ds64" and not ds64 and form in LONG_FORMS:
            ds64 = chunk
        elif chunk.id == b"data" and (data is None or data.start == data.end):
            data = chunk
            if end > chunk.end and reader.upto(chunk.end, 1) != b"\0":
                draft.found(Kind.SLACK)
        else:
            if chunk.id == b"data":
                _refuse_more_sound(fmt, chunk)
            report(reader, chunk.id, chunk.start, chunk.end, draft)
    if end < reader.size:
        draft.found(Kind.TRAILING)
    if not fmt or data is None or data.start == data.end:
        raise Malformed("there is no sound", offset=start)
    _write(reader, start, fmt, fact, data, ds64, draft)


def _write(
    reader: Reader,
    start: int,
    fmt: WaveFormat,
    fact: Chunk | None,
    data: Chunk,
    ds64: Chunk | None,
    draft: Draft,
) -> None:
    sound = _sound(reader, fmt, data, thorough=draft.thorough)
    length = sound.size
    form = reader.exactly(start, 4)
    order: Literal["big", "little"] = "big" if form == BIG_FORM else "little"
    header = header_of(form)
    payload = _turned(fmt.payload) if form == BIG_FORM else fmt.payload
    head = _chunk(header, b"fmt ", payload)
    if fact:
        said = reader.number(fact.start, 4, order)
        counted = min(samples(fmt, length, said), LONG)
        head += _chunk(header, b"fact", counted.to_bytes(4, order))
        if fact.end - fact.start > 4:
            draft.found(Kind.SLACK)
    size = len(b"WAVE") + len(head) + CHUNK_HEADER.size + length + length % 2
    if form == BIG_FORM and size > LONG:
        raise Unsupported("WAV", "a RIFX of more than 4 GB")
    if form == b"RIFF" and size > LONG:
        form = b"RF64"
    if form not in LONG_FORMS:
        draft.write(header.pack(form, size) + b"WAVE" + head)
        draft.write(header.pack(b"data", length))
    else:
        size += CHUNK_HEADER.size + DS64.size
        counted = samples(fmt, length, long_sizes(reader, start).samples)
        if ds64 and ds64.end - ds64.start > DS64.size:
            draft.found(Kind.SLACK)
        draft.write(CHUNK_HEADER.pack(form, LONG) + b"WAVE")
        draft.write(_chunk(CHUNK_HEADER, b"ds64", DS64.pack(size, length, counted, 0)) + head)
        draft.write(CHUNK_HEADER.pack(b"data", LONG))
    sound.replay(draft)
    draft.write(bytes(length % 2))


def _sound(reader: Reader, fmt: WaveFormat, data: Chunk, *, thorough: bool) -> Aside:
    """Return what is kept of the sound: all of it, or where it is frames, only these."""
    sound = Aside(thorough=thorough)
    if fmt.tag in PLANS:
        PLANS[fmt.tag](reader.until(data.end), data.start, sound)
    else:
        sound.copy(data.start, data.end)
        sound.sound(data.end - data.start, (data.end - data.start) // fmt.block_size)
    return sound


def samples(fmt: WaveFormat, length: int, said: int) -> int:
    """Return how many samples a channel has, as said: counted where that can be, or 0."""
    if fmt.tag in COUNTED:
        said = length // fmt.block_size
    return said if said <= DENSEST * length else 0


def _refuse_more_sound(fmt: WaveFormat | None, chunk: Chunk) -> None:
    """Let a second data chunk go only when it is too short to be heard: a twentieth of a second."""
    if 20 * (chunk.end - chunk.start) > (fmt.bytes_a_second if fmt else 0):
        raise Unsupported("WAV", "sound in several chunks")


def _format(reader: Reader, form: bytes, chunk: Chunk, draft: Draft) -> WaveFormat:
    payload = reader.exactly(chunk.start, min(chunk.end - chunk.start, LONGEST_FORMAT))
    known = FRAMES
    if form == BIG_FORM and len(payload) >= FMT.size:
        payload, known = _turned(payload), BIG_CODECS
    fmt = wave_format(payload, known, "WAV", chunk.start)
    if fmt.slack or chunk.end - chunk.start > LONGEST_FORMAT:
        draft.found(Kind.SLACK)
    return fmt


def _turned(fmt: bytes) -> bytes:
    """Return a format with the bytes of its numbers in the other order."""
    size = fmt[FMT.size : FMT.size + 2][::-1]
    fixed = BIG_FMT.pack(*FMT.unpack(fmt[: FMT.size]))
    return fixed + size + fmt[FMT.size + 2 :]


def _chunk(header: struct.Struct, chunk_id: bytes, payload: bytes) -> bytes:
    return header.pack(chunk_id, len(payload)) + payload + bytes(len(payload) % 2)
