"""FLV: what is kept is the tags of sound and picture, and a duration."""

import io
import struct

import pytest
from recordings import SECRET, cleaned, counted, described, encoded, filmed, heard, shown

from scrub import Kind, Malformed, Unsupported, Zygote
from scrub.containers import amf
from scrub.formats import plan
from scrub.plan import Draft

TAGGED = ("-metadata", f"title={SECRET.decode()}")
SOUND, PICTURE, SCRIPT = 8, 9, 18
PCM = b"\x3e" + bytes(range(200)) * 4  # little-endian, 44100 Hz, 16 bits, mono


def tag(
    kind: int, payload: bytes, time: int = 0, stream: int = 0, behind: int | None = None
) -> bytes:
    low = (time & 0xFFFFFF).to_bytes(3, "big") + bytes([time >> 24])
    head = bytes([kind]) + len(payload).to_bytes(3, "big") + low + stream.to_bytes(3, "big")
    size = len(head) + len(payload) if behind is None else behind
    return head + payload + struct.pack(">I", size)


def flv(*tags: bytes, head: bytes = b"FLV\x01\x04\0\0\0\x09\0\0\0\0") -> bytes:
    return head + b"".join(tags)


PLAIN = flv(tag(SOUND, PCM), tag(SOUND, PCM, 10))


class TestFlv:
    def test_the_walk_counts_as_many_packets_as_ffprobe(self) -> None:
        made = filmed("flv", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
        draft = Draft(lambda records: None)

        plan(io.BytesIO(made), draft)

        assert draft.essence.units == counted(made)

    @pytest.mark.parametrize(
        "codec", ["libmp3lame", "aac", "pcm_s16le", "pcm_alaw", "adpcm_swf", "nellymoser -ar 44100"]
    )
    def test_every_usual_sound_is_the_same(self, zygote: Zygote, codec: str) -> None:
        made = encoded("flv", "-c:a", *codec.split(), *TAGGED)

        kind, result, findings = cleaned(zygote, made)

        assert kind.name == "FLV"
        assert SECRET in made
        assert SECRET not in result
        assert findings.removed[Kind.TAG_BLOCK] == 1
        assert heard(result) == heard(made)

    @pytest.mark.parametrize("codec", ["flv", "libx264 -preset ultrafast", "flashsv", "flashsv2"])
    def test_every_usual_picture_is_the_same(self, zygote: Zygote, codec: str) -> None:
        made = filmed("flv", "-c:v", *codec.split(), "-c:a", "aac", *TAGGED)

        _, result, _ = cleaned(zygote, made)

        assert SECRET not in result
        assert b"x264" not in result
        assert shown(result) == shown(made)

    def test_exiftool_sees_the_duration_and_no_title(self, zygote: Zygote) -> None:
        made = filmed("flv", "-c:a", "aac", *TAGGED)

        told = described(cleaned(zygote, made)[1])

        assert SECRET.decode() in described(made)
        assert SECRET.decode() not in told
        assert "Lavf" not in told
        assert "Duration" in told

    def test_the_report_says_what_the_fields_were_about(self, zygote: Zygote) -> None:
        made = encoded("flv", *TAGGED, "-metadata", "date=2026-11-03")

        removed = cleaned(zygote, made)[2].removed

        assert removed == {Kind.TAG_BLOCK: 1, Kind.TITLE: 1, Kind.TIME: 1, Kind.ENCODER: 1}

    @pytest.mark.parametrize(
        "hidden",
        [
            PLAIN + SECRET,
            flv(tag(SCRIPT, SECRET), tag(SOUND, PCM), tag(SOUND, PCM, 10)),
            flv(tag(SOUND, PCM), SECRET, tag(SOUND, PCM, 10)),
            flv(tag(SOUND, PCM), tag(SOUND, b""), tag(SOUND, PCM, 10)),
            flv(tag(SOUND, PCM), tag(PICTURE, b"\x52" + SECRET), tag(SOUND, PCM, 10)),
            flv(
                tag(SOUND, PCM), tag(SOUND, PCM, 10),
                head=b"FLV\x01\xfc" + struct.pack(">I", 9 + len(SECRET)) + SECRET + bytes(4),
            ),
        ],
        ids=["behind", "script", "between", "empty", "command", "header"],
    )  # fmt: skip
    def test_what_hides_anywhere_is_gone_and_reported(self, zygote: Zygote, hidden: bytes) -> None:
        _, result, findings = cleaned(zygote, hidden)

        assert result == PLAIN
        assert findings.removed

    @pytest.mark.parametrize(
        "written",
        [
            flv(tag(SOUND | 0xC0, PCM), tag(SOUND, PCM, 10)),
            flv(tag(SOUND, PCM, stream=0x414243), tag(SOUND, PCM, 10)),
            flv(tag(SOUND, PCM, behind=0x41424344), tag(SOUND, PCM, 10)),
            flv(tag(SOUND, PCM), tag(SOUND, PCM, 10))[:-4],
        ],
        ids=["reserved_bits", "stream", "size_behind", "no_size_behind"],
    )
    def test_a_tag_has_no_room_for_more_than_its_frame(
        self, zygote: Zygote, written: bytes
    ) -> None:
        assert cleaned(zygote, written)[1] == PLAIN

    def test_a_settings_comment_is_gone(self, zygote: Zygote) -> None:
        settings = b"\xaf\x00\x12\x08" + SECRET
        frames = b"\xaf\x01" + bytes(500)

        _, result, _ = cleaned(zygote, flv(tag(SOUND, settings), tag(SOUND, frames)))

        assert result.endswith(tag(SOUND, frames))
        assert SECRET not in result

    @pytest.mark.parametrize(("told", "kept"), [(0.0171234, 0.017), (99.0, 0.01), (-3.0, 0.01)])
    def test_a_duration_is_kept_where_it_fits(
        self, zygote: Zygote, told: float, kept: float
    ) -> None:
        made = flv(
            tag(SCRIPT, amf.one_number(b"onMetaData", b"duration", told)),
            tag(SOUND, PCM), tag(SOUND, PCM, 10),
        )  # fmt: skip

        _, result, _ = cleaned(zygote, made)

        script = tag(SCRIPT, amf.one_number(b"onMetaData", b"duration", kept))
        assert result == flv(script, PLAIN[13:])

    def test_sound_that_looks_like_packets_of_mpeg_ts_is_still_flv(self, zygote: Zygote) -> None:
        made = flv(tag(SOUND, b"\x3e" + (b"\x47\0\x20\x10" + bytes(184)) * 60))

        kind, result, _ = cleaned(zygote, made)

        assert kind.name == "FLV"
        assert result == made

    def test_what_is_cut_off_keeps_its_whole_tags(self, zygote: Zygote) -> None:
        assert cleaned(zygote, PLAIN + tag(SOUND, PCM, 20)[:-100])[1] == PLAIN

    def test_damage_that_costs_most_of_it_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Malformed, match="too much"):
            cleaned(zygote, PLAIN + bytes(200_000) + tag(SOUND, PCM, 20))

    @pytest.mark.parametrize(
        ("refused", "what"),
        [
            (flv(tag(SOUND | 0x20, PCM)), "an encrypted tag"),
            (flv(tag(SOUND, b"\xf0" + PCM)), "sound of an unknown codec"),
            (flv(tag(PICTURE, b"\x90av01" + PCM)), "pictures of an unknown codec"),
        ],
    )
    def test_what_cannot_be_cleaned_is_refused_by_name(
        self, zygote: Zygote, refused: bytes, what: str
    ) -> None:
        with pytest.raises(Unsupported) as refusal:
            cleaned(zygote, refused)

        assert refusal.value.what == what

    @pytest.mark.parametrize(
        "damaged", [PLAIN[:13], PLAIN[:8], flv(tag(SCRIPT, SECRET)), b"FLV\x01\x04\xff\xff\xff\xff"]
    )
    def test_a_damaged_one_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)

    @pytest.mark.parametrize(
        "script",
        [
            b"\x08" * 5000,
            b"\x0a\xff\xff\xff\xff" * 500,
            b"\x02\xff\xff",
            b"\x03\0\x01a\x05" * 20_000,
            b"\x0c\xff\xff\xff\xff",
        ],
    )
    def test_a_hostile_script_is_passed_over(self, zygote: Zygote, script: bytes) -> None:
        assert cleaned(zygote, flv(tag(SCRIPT, script)) + PLAIN[13:])[1] == PLAIN
