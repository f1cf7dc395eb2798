"""Musepack: what is kept are the header's settings and the frames.

No encoder is at hand: frames of noise do, of which SV8's decoder makes some sound.
"""

import random
import struct
import zlib

import pytest
from recordings import SECRET, cleaned, cleaned_here, heard, id3, id3v1, packets

from scrub import Kind, Malformed, ScrubError, Unsupported, Zygote

TAG = id3((b"TPE1", b"\0" + SECRET))
FRAMES = 40


def sv7(planted: bool = False) -> bytes:
    """Return a stream of noise; `planted` with a message wherever bits say nothing of sound."""
    noise = random.Random(3)
    bits = ""
    for _ in range(FRAMES):
        length = noise.randint(300, 900)
        bits += f"{length:020b}" + f"{noise.getrandbits(length):0{length}b}"
    bits = "11001100" + bits + "0" * 11
    bits += "0" * (-len(bits) % 32)
    words = [0x072B504D, FRAMES, 0x4A000000, 0, 0, 0x80000000]
    if planted:
        words = [0x072B504D, FRAMES, 0x4AF01234, 0x11223344, 0x55667788, 0x80012345]
    words[0] = int.from_bytes(b"MP+\7", "little")
    words += [int(bits[at : at + 32], 2) for at in range(0, len(bits), 32)]
    return struct.pack(f"<{len(words)}I", *words)


def packet(key: bytes, payload: bytes) -> bytes:
    size = len(payload) + 3
    if size < 0x80:
        return key + bytes([size]) + payload
    return key + bytes([0x80 | size + 1 >> 7, size + 1 & 0x7F]) + payload


SETTINGS = b"\x08\x82\x80\x00\0\x1a\x1b"
HEADER = packet(b"SH", zlib.crc32(SETTINGS).to_bytes(4, "big") + SETTINGS)
NO_GAIN = packet(b"RG", b"\1" + bytes(8))
SOUND = [packet(b"AP", random.Random(n).randbytes(200 + n)) for n in range(9)]
END = packet(b"SE", b"")


def sv8(*more: bytes) -> bytes:
    return b"MPCK" + HEADER + NO_GAIN + b"".join(more) + b"".join(SOUND) + END


class TestMusepack:
    def test_version_seven_keeps_its_frames_and_nothing_else(self, zygote: Zygote) -> None:
        kind, result, findings = cleaned(zygote, TAG + sv7(planted=True) + SECRET + TAG + id3v1())

        assert kind.extension == "mpc"
        assert result == sv7()
        assert packets(result) == packets(sv7(planted=True))
        assert findings.remains == {Kind.ENCODER: 1}

    def test_version_eight_keeps_its_sound_and_nothing_else(self, zygote: Zygote) -> None:
        gain = packet(b"RG", b"\1" + SECRET[:8])
        hidden = packet(b"EI", SECRET[:4]) + packet(b"CT", SECRET) + packet(b"ZZ", SECRET)
        planted = b"MPCK" + HEADER + gain + hidden + b"".join(SOUND) + END

        kind, result, findings = cleaned(zygote, TAG + planted + packet(b"AP", SECRET) + id3v1())

        assert kind.extension == "mpc"
        assert result == sv8()
        assert packets(result) == packets(planted)
        assert heard(result) == heard(planted)
        assert {Kind.ENCODER, Kind.CHAPTERS, Kind.UNKNOWN_CHUNK} <= findings.removed.keys()

    def test_a_stream_header_that_is_too_long_is_refused(self) -> None:
        long = packet(b"SH", HEADER[3:] + SECRET)

        with pytest.raises(Malformed):
            cleaned_here(sv8().replace(HEADER, long))

    @pytest.mark.parametrize("stream", [sv7(), sv8()], ids=["sv7", "sv8"])
    def test_one_that_ends_early_keeps_what_there_is(self, stream: bytes) -> None:
        assert cleaned_here(stream[:-300]) == stream[:-300]

    @pytest.mark.parametrize("stream", [sv7(), sv8()], ids=["sv7", "sv8"])
    def test_a_tag_spliced_into_the_sound_is_refused(self, stream: bytes) -> None:
        with pytest.raises(Malformed, match="a tag stands"):
            cleaned_here(stream[:500] + TAG + stream[500 + len(TAG) :])

    def test_an_older_version_is_refused_by_name(self) -> None:
        with pytest.raises(Unsupported):
            cleaned_here(b"MP+\x06" + bytes(500))

    @pytest.mark.parametrize(
        "broken",
        [
            b"MPCK",
            b"MPCK" + HEADER,
            b"MPCK" + HEADER + b"AP\x01",
            b"MPCK" + HEADER + b"AP" + b"\xff" * 12,
            b"MPCK" + HEADER + b"ap\x05ab" + b"".join(SOUND),
            b"MPCK" + b"".join(SOUND) + END,
            sv7()[:27],
            b"MP+\7" + bytes(100),
        ],
    )
    def test_a_broken_one_is_refused(self, broken: bytes) -> None:
        with pytest.raises(ScrubError):
            cleaned_here(broken)
