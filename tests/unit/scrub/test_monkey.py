"""Monkey's Audio: what is kept are the header's numbers, the places of the frames, the frames.

No encoder is at hand, but the format has a code for a frame of silence, which decoders know.
"""

import struct
from itertools import accumulate

import pytest
from recordings import SECRET, chunk, cleaned, cleaned_here, heard, id3, id3v1, packets, riff

from scrub import Kind, Malformed, ScrubError, Unsupported, Zygote

TAG = id3((b"TPE1", b"\0" + SECRET))
BLOCKS, LAST = 73728 * 4, 5000
SILENT_FRAME = struct.pack("<II", 0x80000000, 3) + bytes(16)  # CRC and a flag, what it is, coder
FRAMES = (SILENT_FRAME, SILENT_FRAME + bytes(4), SILENT_FRAME)
WAV_HEADER = riff(chunk(b"LIST", b"INFO" + chunk(b"IART", SECRET)))


def ape(
    wav: bytes = b"", behind: bytes = b"", digest: bytes = bytes(16), flags: int = 0x20
) -> bytes:
    first = 52 + 24 + 4 * len(FRAMES) + len(wav)
    places = list(accumulate((len(frame) for frame in FRAMES[:-1]), initial=first))
    size = sum(map(len, FRAMES))
    lengths = (52, 24, 4 * len(FRAMES), len(wav), size, 0, len(behind))
    head = struct.pack("<4sHHIIIIIII16s", b"MAC ", 3990, 0, *lengths, digest)
    head += struct.pack("<HHIIIHHI", 2000, flags, BLOCKS, LAST, len(FRAMES), 16, 2, 44100)
    return head + struct.pack("<3I", *places) + wav + b"".join(FRAMES) + behind


class TestMonkeysAudio:
    def test_frames_and_sound_are_the_same(self, zygote: Zygote) -> None:
        planted = TAG + ape(WAV_HEADER, SECRET, SECRET[:16], flags=0) + TAG + id3v1()

        kind, result, findings = cleaned(zygote, planted)

        assert kind.extension == "ape"
        assert result == ape()
        assert len(heard(result)) == 8 * (2 * BLOCKS + LAST)
        assert heard(result) == heard(planted)
        assert packets(result) == packets(ape(WAV_HEADER, flags=0))
        assert findings.removed[Kind.CHECKSUM] == 1

    def test_what_no_decoder_needs_is_gone(self) -> None:
        planted = ape(flags=0x20 | 0x04 | 0x8000)

        assert cleaned_here(planted[:6] + SECRET[:2] + planted[8:]) == ape()

    def test_a_tag_spliced_into_the_frames_is_refused(self) -> None:
        with pytest.raises(Malformed, match="a tag stands"):
            cleaned_here(ape()[: -len(TAG) - 1] + TAG + ape()[-1:])

    def test_a_wav_header_that_the_lengths_call_a_frame_is_refused(self) -> None:
        hidden = bytearray(ape(WAV_HEADER, flags=0))
        size = len(WAV_HEADER) + sum(map(len, FRAMES))
        hidden[20:28] = struct.pack("<II", 0, size)
        hidden[76:80] = struct.pack("<I", 52 + 24 + 12)

        with pytest.raises(Malformed, match="stored header"):
            cleaned_here(bytes(hidden))

    def test_an_older_version_is_refused_by_name(self) -> None:
        with pytest.raises(Unsupported):
            cleaned_here(b"MAC \x78\x0f" + ape()[6:])

    @pytest.mark.parametrize("at", [8, 12, 16, 20, 64, 76, 80])
    @pytest.mark.parametrize("number", [0, 0xFFFFFFFF])
    def test_a_length_or_place_that_lies_is_refused(self, at: int, number: int) -> None:
        with pytest.raises(ScrubError):
            cleaned_here(
                ape(WAV_HEADER)[:at] + struct.pack("<I", number) + ape(WAV_HEADER)[at + 4 :]
            )

    @pytest.mark.parametrize("size", [4, 50, 70, 100, 140])
    def test_one_cut_short_is_refused(self, size: int) -> None:
        with pytest.raises(ScrubError):
            cleaned_here(ape()[:size])
