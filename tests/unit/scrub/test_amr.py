"""AMR: what is kept is the first line and the frames."""

import random
import struct

import pytest
from recordings import SECRET, cleaned, encoded, heard, id3, id3v1

from scrub import Kind, Malformed, Unsupported, Zygote

KINDS = {
    "amr": ("-ar", "8000", "-c:a", "libopencore_amrnb", "-b:a", "12.2k"),
    "awb": ("-ar", "16000", "-c:a", "libvo_amrwbenc", "-b:a", "23.05k"),
}
APE = b"APETAGEX" + struct.pack("<IIII8x", 2000, 32, 0, 0)


def made(extension: str) -> bytes:
    return encoded("amr", *KINDS[extension])


@pytest.mark.parametrize("extension", KINDS)
class TestAmr:
    def test_the_frames_of_amr_are_the_same(self, zygote: Zygote, extension: str) -> None:
        kind, result, findings = cleaned(zygote, made(extension))

        assert kind.extension == extension
        assert result == made(extension)
        assert not findings.removed

    @pytest.mark.parametrize(
        "behind",
        [
            id3v1(), APE + SECRET, id3((b"TIT2", SECRET)), SECRET, b"<x:xmpmeta>" + SECRET * 3,
            b"D12345" + SECRET, b"\xff" + SECRET, bytes(3) + b"\x01" + SECRET,
        ],
        ids=["id3v1", "ape", "id3", "text", "xml", "like_comfort_noise", "binary", "zeros"],
    )  # fmt: skip
    def test_what_stands_behind_amr_is_gone(
        self, zygote: Zygote, extension: str, behind: bytes
    ) -> None:
        _, result, findings = cleaned(zygote, made(extension) + behind)

        assert SECRET[:12] not in result
        assert heard(result)[: len(heard(made(extension)))] == heard(made(extension))
        assert findings.removed[Kind.TRAILING] == 1

    def test_a_tag_in_front_of_amr_is_gone(self, zygote: Zygote, extension: str) -> None:
        planted = id3((b"TPE1", b"\0" + SECRET)) + made(extension)

        assert cleaned(zygote, planted)[1] == made(extension)

    def test_sound_behind_a_break_is_refused_not_lost(self, zygote: Zygote, extension: str) -> None:
        whole = made(extension)
        middle = whole.index(b"\n") + 1 + 20 * (32 if extension == "amr" else 59)

        with pytest.raises(Malformed, match="break off"):
            cleaned(zygote, whole[:middle] + id3v1() + whole[middle:])

    def test_half_a_last_frame_is_gone(self, zygote: Zygote, extension: str) -> None:
        whole = made(extension)
        size = 32 if extension == "amr" else 59

        assert cleaned(zygote, whole[:-5])[1] == whole[:-size]

    def test_amr_of_a_single_frame_is_cleaned(self, zygote: Zygote, extension: str) -> None:
        one = made(extension)[: made(extension).index(b"\n") + 1] + b"\x7c"

        assert cleaned(zygote, one)[1] == one

    def test_amr_without_a_frame_is_refused(self, zygote: Zygote, extension: str) -> None:
        first_line = made(extension).split(b"\n")[0] + b"\n"
        for behind in (b"", b"\xff" * 50, SECRET):
            with pytest.raises(Malformed):
                cleaned(zygote, first_line + behind)


class TestAmrOfManyChannels:
    def test_it_is_refused_by_name(self, zygote: Zygote) -> None:
        noise = random.Random(3).randbytes(99)
        with pytest.raises(Unsupported) as refusal:
            cleaned(zygote, b"#!AMR_MC1.0\n\0\0\0\2" + noise)

        assert refusal.value.format_name == "AMR"
