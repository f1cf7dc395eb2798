"""TTA: what is kept are the header's numbers, the table of frames, and the frames."""

import struct
import zlib

import pytest
from recordings import SECRET, cleaned, cleaned_here, encoded, heard, id3, id3v1, packets

from scrub import Kind, Malformed, ScrubError, Unsupported, Zygote

BARE = ("-fflags", "+bitexact", "-flags", "+bitexact")  # else ffmpeg appends a tag
TAG = id3((b"TPE1", b"\0" + SECRET))


def tta() -> bytes:
    return encoded("tta", "-c:a", "tta", *BARE, seconds=3)


class TestTta:
    def test_samples_are_the_same_bit_for_bit(self, zygote: Zygote) -> None:
        kind, result, findings = cleaned(zygote, TAG + tta() + TAG + id3v1())

        assert kind.extension == "tta"
        assert result == tta()
        assert heard(result) == heard(tta())
        assert packets(result) == packets(tta())
        assert findings.removed[Kind.PERSON] == 1

    @pytest.mark.parametrize("at", [18, 22 + 4 * 3], ids=["header", "table"])
    def test_a_checksum_cannot_carry_anything(self, at: int) -> None:
        with pytest.raises(Malformed):
            cleaned_here(tta()[:at] + SECRET[:4] + tta()[at + 4 :])

    def test_a_damaged_frame_stays_unless_it_holds_a_tag(self) -> None:
        at = len(tta()) // 2
        damaged = tta()[:at] + bytes(50) + tta()[at + 50 :]
        spliced = tta()[:at] + TAG + tta()[at + len(TAG) :]

        assert cleaned_here(damaged) == damaged
        with pytest.raises(Malformed, match="a tag stands"):
            cleaned_here(spliced)

    def test_what_stands_behind_the_last_frame_is_gone(self) -> None:
        assert cleaned_here(tta() + SECRET) == tta()

    def test_one_that_ends_early_keeps_what_there_is(self) -> None:
        assert cleaned_here(tta()[:-1000]) == tta()[:-1000]

    @pytest.mark.parametrize("samples", [0, 0xFFFFFFFF])
    def test_a_table_that_no_recording_needs_is_refused(self, samples: int) -> None:
        header = struct.pack("<4sHHHII", b"TTA1", 1, 1, 16, 1, samples)

        with pytest.raises(ScrubError):
            cleaned_here(header + zlib.crc32(header).to_bytes(4, "little") + bytes(1000))

    def test_an_encrypted_one_is_refused_by_name(self) -> None:
        with pytest.raises(Unsupported):
            cleaned_here(tta()[:4] + b"\2" + tta()[5:])

    @pytest.mark.parametrize("size", [4, 20, 30, 38])
    def test_one_cut_short_before_its_sound_is_refused(self, size: int) -> None:
        with pytest.raises(ScrubError):
            cleaned_here(tta()[:size])
