"""Monkey's Audio and Musepack, which ffmpeg reads and nobody here writes: silence, and noise."""

import struct
import zlib
from random import Random

from canary.blocks import ape, id3v1, id3v2
from canary.plants import Planter
from canary.riff import chunk, riff

# A frame that says "silence" instead of samples: CRC and a flag, what it is, the idle coder.
SILENT_FRAMES = (struct.pack("<II", 0x80000000, 3) + bytes(16)) * 2
BLOCKS = 73728 * 4


def monkey_bare(_made: bytes) -> bytes:
    """Return two frames of silence (MAC 3.99)."""
    return _monkey(b"", b"", bytes(16))


def monkey(planter: Planter, _bare: bytes) -> bytes:
    """Plant in the WAV's header that is kept along, its end, the digest, and tags."""
    header = riff(b"WAVE", chunk(b"LIST", b"INFO" + planter.text("header of the WAV")))
    own = _monkey(header, planter.text("end of the WAV"), planter.raw("digest", 16))
    return id3v2(planter, "in front") + own + ape(planter) + id3v1(planter)


def _monkey(wav_header: bytes, wav_end: bytes, digest: bytes) -> bytes:
    flags = 0 if wav_header else 0x20  # a decoder makes the header itself
    first = 52 + 24 + 8 + len(wav_header)
    lengths = (52, 24, 8, len(wav_header), len(SILENT_FRAMES), 0, len(wav_end))
    head = struct.pack("<4sHHIIIIIII16s", b"MAC ", 3990, 0, *lengths, digest)
    head += struct.pack("<HHIIIHHI", 2000, flags, BLOCKS, 5000, 2, 16, 2, 44100)
    places = struct.pack("<II", first, first + len(SILENT_FRAMES) // 2)
    return head + places + wav_header + SILENT_FRAMES + wav_end


def musepack_bare(_made: bytes) -> bytes:
    """Return packets of noise, of which a decoder makes some sound (stream version 8)."""
    return _musepack(_packet(b"RG", b"\1" + bytes(8)))


def musepack(planter: Planter, _bare: bytes) -> bytes:
    """Plant in the gain, the encoder's name, chapters, unknown packets, and tags."""
    hidden = _packet(b"RG", b"\1" + planter.raw("gain", 8))
    for key in (b"EI", b"CT", b"ZZ"):
        hidden += _packet(key, planter.text(key.decode()))
    behind = _packet(b"AP", planter.text("behind the end"))
    return id3v2(planter, "in front") + _musepack(hidden) + behind + ape(planter) + id3v1(planter)


def _musepack(hidden: bytes) -> bytes:
    settings = b"\x08\x82\x80\0\0\x1a\x1b"
    header = _packet(b"SH", zlib.crc32(settings).to_bytes(4, "big") + settings)
    sound = b"".join(_packet(b"AP", Random(number).randbytes(200)) for number in range(9))
    return b"MPCK" + header + hidden + sound + _packet(b"SE", b"")


def _packet(key: bytes, payload: bytes) -> bytes:
    size = len(payload) + 3
    if size < 128:
        return key + bytes([size]) + payload
    return key + bytes([0x80 | size + 1 >> 7, size + 1 & 0x7F]) + payload
