"""AU: what is kept is six numbers and the sound."""

import struct

import pytest
from recordings import RATE, SECRET, cleaned, encoded, heard, id3v1, samples

from scrub import Kind, Malformed, Unsupported, Zygote

SOUND = samples(0.1)


def au(annotation: bytes = b"", size: int = len(SOUND), codec: int = 3, channels: int = 1) -> bytes:
    offset = 24 + len(annotation)
    head = struct.pack(">4s5I", b".snd", offset, size, codec, RATE, channels)
    return head + annotation + SOUND


class TestAu:
    @pytest.mark.parametrize("note", [SECRET, SECRET.ljust(5000, b"\0")])
    def test_the_annotation_is_gone_and_the_sound_is_not(self, zygote: Zygote, note: bytes) -> None:
        kind, result, findings = cleaned(zygote, au(note))

        assert kind.name == "AU"
        assert result == au()
        assert heard(result) == heard(au(note))
        assert findings.removed == {Kind.COMMENT: 1}

    def test_what_stands_behind_an_au_is_gone(self, zygote: Zygote) -> None:
        assert cleaned(zygote, au() + SECRET)[1] == au()

    @pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
    def test_sound_of_unknown_size_reaches_to_the_tags(self, zygote: Zygote, size: int) -> None:
        assert cleaned(zygote, au(size=size) + id3v1())[1] == au()

    @pytest.mark.parametrize("codec", ["pcm_s8", "pcm_mulaw", "pcm_f64be"])
    def test_an_au_of_ffmpeg_sounds_the_same(self, zygote: Zygote, codec: str) -> None:
        made = encoded("au", "-c:a", codec, "-metadata", f"title={SECRET.decode()}")

        _, result, _ = cleaned(zygote, made)

        assert SECRET in made
        assert SECRET not in result
        assert heard(result) == heard(made)

    def test_a_codec_of_an_au_that_nobody_knows_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported):
            cleaned(zygote, au(codec=99))

    @pytest.mark.parametrize("damaged", [au()[:20], au()[:24], au(channels=0)])
    def test_a_damaged_au_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)
