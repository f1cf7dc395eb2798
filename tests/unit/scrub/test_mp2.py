"""MPEG audio of layers I and II, and what holds for the frames of every layer."""

import pytest
from recordings import SECRET, cleaned, cleaned_here, encoded, heard, id3, id3v1, packets
from test_mp3 import FRAME, HIDE, bare

from scrub import Kind, ScrubError, Unsupported, Zygote

TAG = id3((b"TPE1", b"\0" + SECRET))
# Layer I of nothing but zeros: 384 samples of silence in 104 bytes at 96 kbit/s and 44.1 kHz.
LAYER_1 = (b"\xff\xff\x30\xc0" + bytes(100)) * 50


def mp2(*options: str) -> bytes:
    return encoded("mp2", "-c:a", "mp2", *options)


class TestMp2:
    @pytest.mark.parametrize(
        "options", [("-b:a", "64k"), ("-b:a", "192k", "-ac", "2"), ("-ar", "24000", "-b:a", "48k")]
    )
    def test_frames_and_sound_are_the_same(self, zygote: Zygote, options: tuple[str, ...]) -> None:
        kind, result, findings = cleaned(zygote, TAG + mp2(*options) + id3v1())

        assert kind.extension == "mp2"
        assert result == mp2(*options)
        assert heard(result) == heard(mp2(*options))
        assert packets(result) == packets(mp2(*options))
        assert findings.removed[Kind.PERSON] == 1

    def test_layer_one_is_known_too(self, zygote: Zygote) -> None:
        kind, result, _ = cleaned(zygote, TAG + LAYER_1[:1040] + SECRET + LAYER_1[1040:])

        assert kind.extension == "mp1"
        assert result == LAYER_1
        assert heard(result)

    def test_sound_of_another_layer_is_refused_not_lost(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported):
            cleaned(zygote, mp2() + bare())

    @pytest.mark.parametrize("damaged", [TAG, LAYER_1[:90], b"\xff\xfd\x80\x04" + bytes(500)])
    def test_one_without_frames_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(ScrubError):
            cleaned(zygote, damaged)


class TestFrames:
    def test_bits_that_say_nothing_about_sound_can_carry_a_message_and_are_named(
        self, zygote: Zygote
    ) -> None:
        frames = bytearray(bare() * 4)
        assert Kind.IDENTIFIER not in cleaned(zygote, bytes(frames))[2].remains
        for at in range(0, len(frames), 3 * FRAME):
            frames[at + 2] ^= 1  # the private bit

        assert Kind.IDENTIFIER in cleaned(zygote, bytes(frames))[2].remains

    def test_a_tag_put_into_a_frame_is_seen_where_the_frames_break_off(self) -> None:
        planted = bare()[: FRAME * 40 + 90] + TAG + SECRET * 9 + bare()[FRAME * 41 :]

        assert cleaned_here(planted) == bare()[: FRAME * 40] + bare()[FRAME * 41 :]

    def test_a_tag_that_fills_a_frame_exactly_is_seen_by_the_proof(self) -> None:
        tag = id3((b"TPE1", b"\0" + SECRET.ljust(FRAME - 41, b".")))
        planted = bare()[: FRAME * 40 + 20] + tag + bare()[FRAME * 41 :]

        assert len(planted) == len(bare())
        assert SECRET not in cleaned_here(planted)

    @pytest.mark.parametrize("hide", HIDE.values(), ids=HIDE)
    def test_long_recordings_are_walked_like_short_ones(self, hide: object) -> None:
        assert callable(hide)
        assert cleaned_here(hide(bare() * 100)) == bare() * 100

    def test_a_single_frame_in_front_of_a_tag_is_sound(self) -> None:
        assert cleaned_here(TAG + bare()[:FRAME] + id3v1()) == bare()[:FRAME]

    def test_a_frame_and_a_half_are_sound(self) -> None:
        assert cleaned_here(TAG + bare()[: FRAME + 90]) == bare()[: FRAME + 90]
