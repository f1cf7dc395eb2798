"""MP3: what is kept are frames, and what gapless playing needs."""

import struct
from collections.abc import Callable

import pytest
from recordings import SECRET, cleaned, cleaned_here, described, encoded, heard, id3, id3v1, packets

from scrub import Kind, Malformed, ScrubError, Unsupported, Zygote

ID3 = id3(
    (b"TPE1", b"\0" + SECRET),
    (b"TXXX", b"\0GPS\0+48.858370+002.294481/"),
    (b"TYER", b"\0002026"),
    (b"APIC", b"\0image/png\0\3\0" + SECRET),
)
APE = struct.pack("<8sIIII8x", b"APETAGEX", 2000, 32, 0, 1 << 31)
LYRICS = b"LYRICSBEGIN" + b"INF%05d" % len(SECRET) + SECRET
LYRICS += b"%06dLYRICS200" % len(LYRICS)


def made(*options: str) -> bytes:
    """Return an MP3 of a LAME encoder, without tags of ffmpeg's."""
    return encoded("mp3", "-c:a", "libmp3lame", "-id3v2_version", "0", *options)


FRAME = 192  # bytes of each at 48 kHz and 64 kbit/s: no padding


def bare() -> bytes:
    """Return nothing but frames, all of one length."""
    return made("-b:a", "64k", "-ar", "48000", "-write_xing", "0")


HIDE: dict[str, Callable[[bytes], bytes]] = {
    "id3v2": lambda mp3: ID3 + mp3,
    "id3v1": lambda mp3: mp3 + id3v1(),
    "ape": lambda mp3: mp3 + APE,
    "all_behind": lambda mp3: mp3 + APE + LYRICS + id3v1(),
    "id3v2_behind": lambda mp3: mp3 + ID3,
    "junk_before": lambda mp3: bytes(16) + SECRET + mp3,
    "junk_behind": lambda mp3: mp3 + SECRET,
    "id3v2_amid": lambda mp3: mp3[: FRAME * 10] + ID3 + mp3[FRAME * 10 :],
    "junk_amid": lambda mp3: mp3[: FRAME * 10] + SECRET + mp3[FRAME * 10 :],
}


class TestMp3:
    @pytest.mark.parametrize(
        "options", [("-b:a", "64k"), ("-q:a", "4"), ("-ar", "22050", "-b:a", "32k")]
    )
    def test_frames_and_sound_are_the_same(self, zygote: Zygote, options: tuple[str, ...]) -> None:
        original = made(*options)

        kind, result, _ = cleaned(zygote, ID3 + original + id3v1())

        assert kind.extension == "mp3"
        assert packets(result) == packets(original)
        assert heard(result) == heard(original)

    def test_delay_and_padding_stay_so_that_playing_is_gapless(self, zygote: Zygote) -> None:
        original = made("-b:a", "64k")
        lame = original.index(b"Lav")  # ffmpeg signs the tag that LAME would

        _, result, _ = cleaned(zygote, original)

        tag = result.index(b"LAME")
        assert result[tag + 21 : tag + 24] == original[lame + 21 : lame + 24] != bytes(3)
        assert result[tag + 4 : tag + 21] == bytes(17)

    def test_a_xing_frame_is_never_added(self, zygote: Zygote) -> None:
        _, result, findings = cleaned(zygote, bare())

        assert result == bare()
        assert not findings.removed

    @pytest.mark.parametrize("hide", HIDE.values(), ids=HIDE)
    def test_what_stands_around_and_between_the_frames_is_gone(
        self, zygote: Zygote, hide: Callable[[bytes], bytes]
    ) -> None:
        _, result, findings = cleaned(zygote, hide(bare()))

        assert result == bare()
        assert findings.removed

    def test_a_frame_hidden_in_a_picture_is_not_taken_for_sound(self, zygote: Zygote) -> None:
        picture = id3((b"APIC", b"\0image/png\0\3\0" + bare()[: FRAME * 5]))

        _, result, _ = cleaned(zygote, picture + bare())

        assert result == bare()

    def test_the_report_says_what_the_tags_were_about(self, zygote: Zygote) -> None:
        _, _, findings = cleaned(zygote, ID3 + made("-b:a", "64k"))

        assert {Kind.LOCATION, Kind.PERSON, Kind.TIME, Kind.PICTURE} <= findings.removed.keys()

    @pytest.mark.parametrize("header", [b"", APE[:20] + b"\0\0\0\xa0" + APE[24:]])
    def test_frames_hidden_in_an_ape_tag_are_not_taken_for_sound(
        self, zygote: Zygote, header: bytes
    ) -> None:
        item = struct.pack("<II", FRAME * 9, 2) + b"Cover\0" + bare()[: FRAME * 9]
        flags = 1 << 31 if header else 0
        footer = struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(item) + 32, 1, flags)

        _, result, findings = cleaned(zygote, bare() + header + item + footer)

        assert result == bare()
        assert findings.removed[Kind.TAG_BLOCK] == 1
        assert Kind.TRAILING not in findings.removed

    def test_a_vbri_seek_table_is_counted_anew(self, zygote: Zygote) -> None:
        frames = len(bare()) // FRAME
        table = (SECRET * 5)[:20]
        vbri = struct.pack(">4sHHHIIHHHH", b"VBRI", 1, 0, 75, len(bare()), frames, 10, 1, 2, 4)
        first = (bare()[:4] + bytes(32) + vbri + table).ljust(FRAME, b"\0")

        _, result, _ = cleaned(zygote, first + bare())

        assert SECRET[:8] not in result
        assert heard(result) == heard(first + bare())
        entries = struct.unpack(">10H", result[62:82])
        assert sum(entries) <= len(bare())
        assert entries[0] > 0

    def test_a_xing_frame_amid_joined_recordings_falls_silent(self, zygote: Zygote) -> None:
        one = bytearray(made("-b:a", "64k"))
        one[one.index(b"Lav") : one.index(b"Lav") + 9] = SECRET[:9]
        joined = made("-b:a", "64k") + one + one

        _, result, _ = cleaned(zygote, joined)

        assert SECRET[:9] not in result
        assert result.count(b"Info") == 1
        assert len(result) == len(joined)
        assert heard(result) == heard(joined)
        assert cleaned_here(result) == result

    @pytest.mark.parametrize(
        "between", [b"", id3v1(), ID3, SECRET * 2000], ids=["nothing", "id3v1", "id3v2", "junk"]
    )
    def test_sound_of_another_sampling_rate_is_refused_not_lost(
        self, zygote: Zygote, between: bytes
    ) -> None:
        other = made("-b:a", "32k", "-ar", "22050")

        with pytest.raises(Unsupported) as refusal:
            cleaned(zygote, bare() * 5 + between + other)

        assert refusal.value.what == "a change of sampling rate"

    def test_a_tag_that_says_too_little_of_its_length_hides_no_sound(self, zygote: Zygote) -> None:
        _, result, _ = cleaned(zygote, ID3 + bytes(1 << 20) + bare() * 200)

        assert result == bare() * 200

    def test_an_encoder_that_signs_inside_its_frames_is_named_as_remaining(
        self, zygote: Zygote
    ) -> None:
        signed = bytearray(bare())
        signed[FRAME * 5 - 40 : FRAME * 5 - 31] = b"LAME3.100"

        assert cleaned(zygote, bytes(signed))[2].remains == {Kind.ENCODER: 1}

    def test_a_last_frame_cut_short_stays_because_players_play_it(self, zygote: Zygote) -> None:
        short = made("-b:a", "64k")[:-100]

        _, result, _ = cleaned(zygote, short)

        assert heard(result) == heard(short)

    def test_cleaning_again_changes_nothing(self) -> None:
        once = cleaned_here(ID3 + made("-q:a", "4") + APE)

        assert cleaned_here(once) == once

    def test_exiftool_finds_no_person_left(self, zygote: Zygote) -> None:
        planted = ID3 + made("-b:a", "64k")

        assert SECRET.decode() in described(planted)
        assert SECRET.decode() not in described(cleaned(zygote, planted)[1])

    @pytest.mark.parametrize("damaged", [ID3, ID3 + SECRET * 40, b"\xff\xfb\x90\x00" + bytes(500)])
    def test_one_without_frames_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(ScrubError):
            cleaned(zygote, damaged)

    def test_one_with_more_junk_than_frames_is_refused(self, zygote: Zygote) -> None:
        middle = bytes(range(255, 0, -1)) * 200

        with pytest.raises(Malformed):
            cleaned(zygote, bare()[: FRAME * 4] + middle + bare()[FRAME * 4 : FRAME * 12])
