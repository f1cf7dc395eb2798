"""WAV: what is kept is the format and the samples."""

import struct

import pytest
from recordings import (
    PCM,
    RATE,
    SECRET,
    chunk,
    cleaned,
    described,
    encoded,
    heard,
    id3,
    id3v1,
    riff,
    samples,
    wav,
)

from scrub import Kind, Malformed, Unsupported, Zygote
from scrub.tags import meaning

BEXT = SECRET.ljust(256, b"\0") + SECRET.ljust(32, b"\0") + bytes(314)
INFO = b"INFO" + chunk(b"IART", SECRET) + chunk(b"ICRD", b"2026-11-03") + chunk(b"ISFT", b"Rec 1.2")

FMT, DATA = chunk(b"fmt ", PCM), chunk(b"data", samples())
HIDDEN = {
    "id3_in_front": id3((b"TPE1", b"\0" + SECRET)) + wav(),
    "trailing": wav() + SECRET,
    "id3v1": wav() + id3v1(),
    "long_fmt": riff(chunk(b"fmt ", PCM + SECRET), DATA),
    "second_data": riff(FMT, DATA, chunk(b"data", SECRET)),
    "id3_chunk": riff(FMT, DATA, chunk(b"id3 ", id3((b"TIT2", SECRET)))),
    "unknown_chunks": riff(chunk(b"zzzz", SECRET), FMT, chunk(b"JUNK", SECRET), DATA),
}
DAMAGED = {
    "no_data": riff(FMT),
    "no_fmt": riff(DATA),
    "short_fmt": riff(chunk(b"fmt ", PCM[:10]), DATA),
    "endless_list": riff(FMT, b"LIST\xff\xff\xff\xffINFO", DATA),
}


class TestWav:
    def test_samples_are_the_same_bit_for_bit(self, zygote: Zygote) -> None:
        planted = riff(FMT, chunk(b"LIST", INFO), DATA)

        kind, result, _ = cleaned(zygote, planted)

        assert kind.name == "WAV"
        assert result == wav()

    def test_the_bext_originator_is_gone(self, zygote: Zygote) -> None:
        planted = riff(chunk(b"bext", BEXT), FMT, DATA)

        _, result, findings = cleaned(zygote, planted)

        assert SECRET not in result
        assert result == wav()
        assert findings.removed[Kind.TAG_BLOCK] == 1

    @pytest.mark.parametrize("planted", HIDDEN.values(), ids=HIDDEN)
    def test_what_hides_anywhere_is_gone_and_reported(self, zygote: Zygote, planted: bytes) -> None:
        _, result, findings = cleaned(zygote, planted)

        assert result == wav()
        assert findings.removed

    def test_the_report_says_what_the_fields_were_about(self, zygote: Zygote) -> None:
        info = cleaned(zygote, riff(FMT, chunk(b"LIST", INFO), DATA))[2].removed
        bext = cleaned(zygote, riff(FMT, chunk(b"bext", BEXT), DATA))[2].removed

        assert info == {Kind.TAG_BLOCK: 1, Kind.PERSON: 1, Kind.TIME: 1, Kind.ENCODER: 1}
        assert bext == {Kind.TAG_BLOCK: 1, Kind.COMMENT: 1, Kind.PERSON: 1}

    @pytest.mark.parametrize(
        ("key", "kind"),
        [
            ("PIC", Kind.PICTURE), ("topic", Kind.TEXT), ("TXXX:GPS", Kind.LOCATION),
            ("metadata_block_picture", Kind.PICTURE), ("discovery", Kind.TEXT),
            ("com.apple.quicktime.creationdate", Kind.TIME), ("\xa9day", Kind.TIME),
            ("com.apple.quicktime.title", Kind.TITLE), ("IART", Kind.PERSON),
            ("com.apple.quicktime.model", Kind.DEVICE), ("albumartist", Kind.PERSON),
        ],
    )  # fmt: skip
    def test_a_name_is_understood_by_its_words(self, key: str, kind: Kind) -> None:
        assert meaning(key) == kind

    def test_a_pad_byte_cannot_carry_anything(self, zygote: Zygote) -> None:
        odd = struct.pack("<HHIIHH", 1, 1, RATE, RATE, 1, 8)
        planted = riff(chunk(b"fmt ", odd), chunk(b"data", b"\x80" * 101, pad=b"K"))

        _, result, _ = cleaned(zygote, planted)

        assert result[-1] == 0
        assert len(result) % 2 == 0

    @pytest.mark.parametrize(
        "codec",
        [
            "pcm_u8",
            "pcm_s24le",
            "pcm_f32le",
            "pcm_alaw",
            "pcm_mulaw",
            "adpcm_ms",
            "adpcm_ima_wav",
            "adpcm_yamaha",
            "adpcm_g726",
            "g722",
            "wmav2",
        ],
    )
    def test_every_usual_codec_sounds_the_same(self, zygote: Zygote, codec: str) -> None:
        rate = ("-ar", "8000") if codec in ("adpcm_g726", "g722") else ()
        made = encoded("wav", *rate, "-c:a", codec, "-metadata", f"artist={SECRET.decode()}")

        _, result, _ = cleaned(zygote, made)

        assert SECRET in made
        assert SECRET not in result
        assert heard(result) == heard(made)

    @pytest.mark.parametrize("codec", ["libmp3lame", "mp2", "ac3"])
    def test_frames_in_a_wav_are_kept_and_nothing_between_them(
        self, zygote: Zygote, codec: str
    ) -> None:
        made = encoded("wav", "-c:a", codec)
        at = made.index(b"data")
        sound = made[at + 8 : at + 8 + struct.unpack_from("<I", made, at + 4)[0]]
        planted = riff(made[12:at], chunk(b"data", id3((b"TIT2", SECRET)) + sound + id3v1()))

        _, result, findings = cleaned(zygote, planted)

        assert result == cleaned(zygote, made)[1]
        assert SECRET not in result
        assert heard(result) == heard(made)
        assert findings.removed

    @pytest.mark.parametrize("codec", ["aac", "libvorbis"])
    def test_a_codec_with_tags_of_its_own_is_refused_by_name(
        self, zygote: Zygote, codec: str
    ) -> None:
        with pytest.raises(Unsupported) as refusal:
            cleaned(zygote, encoded("wav", "-c:a", codec))

        assert refusal.value.what == "sound of an unknown codec"

    def test_a_guid_can_carry_nothing_but_a_codec(self, zygote: Zygote) -> None:
        wide = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, 2 * RATE, 2, 16, 22, 16, 4)
        guid = bytes.fromhex("0100000000001000800000aa00389b71")

        known = riff(chunk(b"fmt ", wide + guid), DATA)
        assert cleaned(zygote, known)[1] == known
        for other in (SECRET[:16], b"\xf0" + guid[1:], guid[:4] + SECRET[:12]):
            with pytest.raises(Unsupported):
                cleaned(zygote, riff(chunk(b"fmt ", wide + other), DATA))

    def test_a_length_never_filled_in_means_all_that_follows(self, zygote: Zygote) -> None:
        streamed = bytearray(wav())
        streamed[4:8] = streamed[40:44] = b"\xff\xff\xff\xff"

        _, result, _ = cleaned(zygote, bytes(streamed))

        assert result == wav()

    @pytest.mark.parametrize("unknown", [0, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFF000, 0xFFFFFFDB])
    @pytest.mark.parametrize(
        "behind",
        [chunk(b"LIST", INFO), chunk(b"LIST", INFO) + id3v1(), id3v1()],
        ids=["chunk", "chunk_and_tag", "tag"],
    )
    def test_chunks_behind_sound_of_unknown_length_are_no_sound(
        self, zygote: Zygote, unknown: int, behind: bytes
    ) -> None:
        streamed = bytearray(wav() + behind)
        streamed[4:8] = b"\xff\xff\xff\xff"
        streamed[40:44] = struct.pack("<I", unknown)

        _, result, findings = cleaned(zygote, bytes(streamed))

        assert result == wav()
        assert findings.removed

    def test_a_tag_in_sound_of_unknown_length_is_refused(self, zygote: Zygote) -> None:
        streamed = bytearray(wav() + chunk(b"LIST", INFO) + SECRET)
        streamed[4:8] = streamed[40:44] = b"\xff\xff\xff\xff"

        with pytest.raises(Malformed, match="holds a tag"):
            cleaned(zygote, bytes(streamed))

    @pytest.mark.parametrize("length", [0, 36, 44, 1000])
    def test_a_riff_length_that_is_too_short_loses_no_sound(
        self, zygote: Zygote, length: int
    ) -> None:
        planted = wav()[:4] + struct.pack("<I", length) + wav()[8:] + chunk(b"LIST", INFO)

        assert cleaned(zygote, planted)[1] == wav()

    def test_a_pad_byte_left_out_loses_nothing_that_follows(self, zygote: Zygote) -> None:
        odd = struct.pack("<HHIIHH", 1, 1, RATE, RATE, 1, 8)
        sound = chunk(b"data", b"\x80" * 101, pad=b"")
        planted = riff(
            chunk(b"fmt ", odd), chunk(b"JUNK", b"odd", pad=b""), sound, chunk(b"LIST", INFO)
        )

        _, result, _ = cleaned(zygote, planted)

        assert result == riff(chunk(b"fmt ", odd), chunk(b"data", b"\x80" * 101))

    @pytest.mark.parametrize("end", [8, 9000], ids=["inside_the_riff", "behind_its_end"])
    def test_sound_in_several_chunks_is_refused_not_lost(self, zygote: Zygote, end: int) -> None:
        several = riff(FMT, DATA, DATA)
        several = several[:4] + struct.pack("<I", len(several) - end) + several[8:]

        with pytest.raises(Unsupported) as refusal:
            cleaned(zygote, several)

        assert refusal.value.what == "sound in several chunks"

    def test_the_time_stamp_of_mpeg_sound_is_blank(self, zygote: Zygote) -> None:
        plain = encoded("wav", "-c:a", "mp2")
        stamp = plain.index(b"fmt ") + 8 + 18 + 14
        planted = plain[:stamp] + SECRET[:8] + plain[stamp + 8 :]

        assert cleaned(zygote, planted)[1] == cleaned(zygote, plain)[1]

    def test_a_missing_last_pad_byte_is_forgiven(self, zygote: Zygote) -> None:
        odd = struct.pack("<HHIIHH", 1, 1, RATE, RATE, 1, 8)
        short = riff(chunk(b"fmt ", odd), chunk(b"data", b"\x80" * 101))[:-1]

        _, result, _ = cleaned(zygote, short)

        assert result[44:145] == b"\x80" * 101

    def test_exiftool_sees_nothing_but_the_sound(self, zygote: Zygote) -> None:
        planted = riff(FMT, chunk(b"bext", BEXT), DATA)

        assert SECRET.decode() in described(planted)
        assert SECRET.decode() not in described(cleaned(zygote, planted)[1])

    @pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
    def test_a_damaged_one_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)
