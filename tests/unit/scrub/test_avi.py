"""AVI: what is kept is headers that playing needs, and the chunks of sound and pictures."""

import struct
import subprocess
import tempfile
from collections.abc import Callable

import pytest
from recordings import SECRET, chunk, cleaned, cleaned_here, filmed, heard, id3v1, shown

from scrub import Kind, Malformed, TooComplex, Unsupported, Zygote
from scrub.codecs import huffyuv
from scrub.containers import avi

Change = Callable[[dict[bytes, bytes]], bytes]
MJPEG = ("-c:v", "mjpeg", "-c:a", "pcm_s16le", "-ar", "8000")


def made_of(*codecs: str) -> bytes:
    """Return two fifths of a second as ffmpeg writes them, with a title."""
    return filmed("avi", *codecs, "-metadata", f"title={SECRET.decode()}", seconds=0.4)


def probed(recording: bytes) -> str:
    """Return what ffprobe says of streams and packets, but where they lie."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(recording)
        file.flush()
        entries = (
            "stream=codec_name,width,height,sample_aspect_ratio,avg_frame_rate,start_time,duration"
            ":packet=stream_index,pts,dts,flags,size"
        )
        command = ["ffprobe", "-v", "error", "-show_entries", entries, file.name]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def riff(*parts: bytes, form: bytes = b"AVI ") -> bytes:
    return chunk(b"RIFF", form + b"".join(parts))


def parts(recording: bytes) -> dict[bytes, bytes]:
    """Return the chunks of a RIFF by id, or by type where they are lists."""
    found, at = {}, 12
    while at + 8 <= len(recording):
        name, length = struct.unpack_from("<4sI", recording, at)
        payload = recording[at + 8 : at + 8 + length]
        found[payload[:4] if name == b"LIST" else name] = chunk(name, payload)
        at += 8 + length + length % 2
    return found


def clean() -> dict[bytes, bytes]:
    return parts(cleaned_here(made_of(*MJPEG)))


def with_movi(change: bytes) -> bytes:
    """Return a clean AVI with more in its movi, and so no right index."""
    made = clean()
    return riff(made[b"hdrl"], chunk(b"LIST", made[b"movi"][8:] + change))


JUNK = chunk(b"JUNK", SECRET)
HIDDEN: dict[str, Change] = {
    "info": lambda made: riff(*made.values(), chunk(b"LIST", b"INFO" + chunk(b"IART", SECRET))),
    "idit": lambda made: riff(chunk(b"IDIT", SECRET), *made.values()),
    "in_hdrl": lambda made: riff(
        chunk(b"LIST", made[b"hdrl"][8:] + chunk(b"strd", SECRET)), made[b"movi"], made[b"idx1"]
    ),
    "junk_at_the_end_of_movi": lambda made: riff(
        made[b"hdrl"], chunk(b"LIST", made[b"movi"][8:] + JUNK), made[b"idx1"]
    ),
    "a_stream_nobody_named": lambda made: riff(
        made[b"hdrl"], chunk(b"LIST", made[b"movi"][8:] + chunk(b"07tx", SECRET)), made[b"idx1"]
    ),
    "a_list_of_exif": lambda made: riff(
        *made.values(), chunk(b"LIST", b"exif" + chunk(b"emnt", SECRET))
    ),
    "trailing": lambda made: riff(*made.values()) + SECRET,
    "id3v1": lambda made: riff(*made.values()) + id3v1(),
}


class TestAvi:
    @pytest.mark.parametrize(
        "codecs",
        [
            MJPEG,
            ("-c:v", "mpeg4", "-g", "5", "-c:a", "libmp3lame"),
            ("-c:v", "mpeg4", "-flags", "+global_header", "-aspect", "16:9", "-c:a", "mp2"),
            ("-c:v", "libxvid", "-vtag", "XviD", "-c:a", "ac3"),
            ("-c:v", "msmpeg4", "-c:a", "adpcm_ima_wav"),
            ("-c:v", "rawvideo", "-pix_fmt", "bgr24", "-c:a", "pcm_u8"),
            ("-c:v", "rawvideo", "-pix_fmt", "pal8", "-c:a", "pcm_alaw"),
            ("-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-c:a", "adpcm_ms"),
            ("-c:v", "wmv2", "-c:a", "wmav2"),
            ("-c:v", "cinepak", "-c:a", "pcm_mulaw"),
            ("-c:v", "asv1", "-c:a", "pcm_s16le"),
            ("-c:v", "huffyuv", "-c:a", "pcm_s16le"),
            ("-c:v", "ffvhuff", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le"),
            ("-c:v", "utvideo", "-c:a", "pcm_s16le"),
            ("-c:v", "ffv1", "-c:a", "pcm_s16le"),
            ("-c:v", "ffv1", "-level", "3", "-c:a", "pcm_s16le"),
            ("-c:v", "mpeg2video", "-c:a", "aac"),
            ("-c:v", "h263p", "-c:a", "pcm_s24le"),
            ("-map", "0:a", "-c:v", "mpeg4", "-c:a", "pcm_s16le"),
        ],
        ids=lambda words: "-".join(word for word in words if word[0] not in "-+0123456789"),
    )
    def test_pictures_and_sound_of_an_avi_are_the_same(
        self, zygote: Zygote, codecs: tuple[str, ...]
    ) -> None:
        made = made_of(*codecs)

        kind, result, findings = cleaned(zygote, made)

        assert kind.name == "AVI"
        assert SECRET in made
        assert SECRET not in result
        assert b"Lavf" not in result
        assert probed(result) == probed(made)
        assert shown(result) == shown(made)
        assert findings.removed[Kind.TITLE] == 1

    def test_the_settings_that_x264_writes_are_gone(self, zygote: Zygote) -> None:
        made = made_of("-c:v", "libx264", "-c:a", "pcm_s16le")

        _, result, findings = cleaned(zygote, made)

        assert b"x264 - core" in made
        assert b"x264" not in result
        assert shown(result) == shown(made)
        assert findings.removed[Kind.ENCODER] == 2  # also that of ffmpeg, in INFO

    def test_h264_without_start_codes_is_refused(self, zygote: Zygote) -> None:
        made = made_of("-c:v", "libx264", "-c:a", "pcm_s16le").replace(b"\0\0\1", b"\0\0\4")

        with pytest.raises(Unsupported):
            cleaned(zygote, made)

    @pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
    def test_what_hides_in_an_avi_is_gone(self, zygote: Zygote, hide: Change) -> None:
        planted = hide(clean())

        _, result, findings = cleaned(zygote, planted)

        assert SECRET[:20] in planted
        assert result == riff(*clean().values())
        assert findings.removed

    def test_a_camera_s_notes_in_each_picture_are_gone(self, zygote: Zygote) -> None:
        note = b"\xff\xe1" + struct.pack(">H", len(SECRET) + 8) + b"Exif\0\0" + SECRET
        pictures = clean()[b"movi"][12:]
        planted, at = b"movi", 0
        while at < len(pictures):
            name, length = struct.unpack_from("<4sI", pictures, at)
            payload = pictures[at + 8 : at + 8 + length]
            if name == b"00dc":
                payload = payload[:2] + note + payload[2:]
            planted += chunk(name, payload)
            at += 8 + length + length % 2

        made = riff(clean()[b"hdrl"], chunk(b"LIST", planted))
        _, result, findings = cleaned(zygote, made)

        assert parts(result)[b"movi"] == clean()[b"movi"]
        assert findings.removed[Kind.TAG_BLOCK] == 10
        assert findings.remains == {Kind.ENCODER: 1}
        assert shown(result) == shown(made)

    def test_the_date_in_pictures_of_dv_is_named(self, zygote: Zygote) -> None:
        dv = ("-c:v", "dvvideo", "-s", "720x576", "-pix_fmt", "yuv420p", "-t", "0.1")

        assert cleaned(zygote, made_of(*dv, "-c:a", "pcm_s16le"))[2].remains == {Kind.TIME: 1}

    def test_streams_that_are_neither_sound_nor_picture_are_gone(self, zygote: Zygote) -> None:
        made = clean()
        text = chunk(
            b"LIST", b"strl" + chunk(b"strh", b"txts" + bytes(52)) + chunk(b"strf", SECRET)
        )
        front, streams = made[b"hdrl"][8:76], made[b"hdrl"][76:]
        renamed = made[b"movi"][8:].replace(b"01wb", b"02wb").replace(b"00dc", b"01dc")
        planted = riff(
            chunk(b"LIST", front + text + streams),
            chunk(b"LIST", renamed + chunk(b"00tx", SECRET)),
        )

        _, result, findings = cleaned(zygote, planted)

        assert result == riff(
            chunk(b"LIST", made[b"hdrl"][8:].replace(b"\x10\1\0\0", b"\0\1\0\0", 1)), made[b"movi"]
        )
        assert findings.removed[Kind.OTHER_STREAM] == 1

    def test_a_pad_byte_of_an_avi_cannot_carry_anything(self, zygote: Zygote) -> None:
        _, result, findings = cleaned(zygote, with_movi(chunk(b"01wb", b"odd", pad=b"K")))

        assert result[-4:] == b"odd\0"
        assert findings.removed == {Kind.SLACK: 1}

    def test_a_camera_that_lost_power_loses_half_a_chunk(self, zygote: Zygote) -> None:
        made = clean()
        movi = chunk(b"LIST", made[b"movi"][8:])
        lost = b"RIFF\0\0\0\0AVI " + made[b"hdrl"] + movi[:4] + bytes(4) + movi[8:]

        _, result, _ = cleaned(zygote, lost + b"00dc\xff\xff\0\0" + SECRET)

        assert parts(result)[b"movi"] == made[b"movi"]
        assert SECRET not in result

    def test_junk_between_chunks_is_gone(self, zygote: Zygote) -> None:
        planted = with_movi(SECRET + chunk(b"01wb", bytes(100)))

        _, result, findings = cleaned(zygote, planted)

        assert parts(result)[b"movi"][12:] == clean()[b"movi"][12:] + chunk(b"01wb", bytes(100))
        assert findings.removed == {Kind.SLACK: 1}

    def test_chunks_that_break_off_again_and_again_are_refused(self, zygote: Zygote) -> None:
        with pytest.raises(TooComplex):
            cleaned(zygote, with_movi((b"\1" + chunk(b"01wb", b"")) * 1500))

    def test_a_shape_of_pixels_for_a_part_of_the_picture_stays(self, zygote: Zygote) -> None:
        made = made_of("-c:v", "mpeg4", "-aspect", "16:9", "-c:a", "pcm_s16le")
        at = made.index(b"vprp") + 8
        narrow = made[: at + 24] + struct.pack("<I", 90) + made[at + 28 :]

        assert probed(cleaned(zygote, narrow)[1]) == probed(narrow) != probed(made)

    def test_lists_inside_movi_are_opened(self, zygote: Zygote) -> None:
        made = clean()
        planted = riff(
            made[b"hdrl"], chunk(b"LIST", b"movi" + chunk(b"LIST", b"rec " + made[b"movi"][12:]))
        )

        assert parts(cleaned(zygote, planted)[1])[b"movi"] == made[b"movi"]

    def test_what_has_no_room_goes_into_a_second_riff(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(avi, "ROOM", 10_000)

        result = cleaned_here(made_of(*MJPEG))

        assert result.count(b"AVIX") >= 2
        assert result.count(b"odmldmlh") == 1
        assert shown(result) == shown(made_of(*MJPEG))
        assert heard(result) == heard(made_of(*MJPEG))

    def test_key_frames_are_told_by_the_index_of_opendml(self, zygote: Zygote) -> None:
        made = made_of("-c:v", "mpeg4", "-g", "4", "-c:a", "pcm_s16le")
        listed = parts(cleaned_here(made))
        movi = listed[b"movi"][8:]
        place = len(riff(listed[b"hdrl"])) + 8
        entries = b""
        for at in range(8, len(listed[b"idx1"]), 16):
            name, flags, begin, size = struct.unpack_from("<4sIII", listed[b"idx1"], at)
            if name == b"00dc":
                entries += struct.pack("<II", begin + 8, size | (0 if flags & 16 else 1 << 31))
        head = struct.pack("<HBBI4sQI", 2, 0, 1, len(entries) // 8, b"00dc", place, 0)
        planted = riff(listed[b"hdrl"], chunk(b"LIST", movi + chunk(b"ix00", head + entries)))

        _, result, findings = cleaned(zygote, planted)

        assert parts(result)[b"idx1"] == listed[b"idx1"]
        assert not findings.removed

    @pytest.mark.parametrize(
        "damaged",
        [
            lambda made: riff(made[b"hdrl"]),
            lambda made: riff(made[b"movi"]),
            lambda made: riff(made[b"hdrl"][:60], made[b"movi"]),
            lambda made: riff(chunk(b"LIST", b"hdrl" + made[b"hdrl"][12:76]), made[b"movi"]),
            lambda made: riff(made[b"hdrl"], chunk(b"LIST", b"movi" + SECRET)),
        ],
        ids=["no_movi", "no_hdrl", "half_an_hdrl", "no_streams", "no_chunks"],
    )
    def test_a_damaged_avi_is_refused(self, zygote: Zygote, damaged: Change) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged(clean()))

    def test_nothing_rides_behind_huffyuv_s_tables(self) -> None:
        tables = (b"\x21" + b"\x01\xff") * 3
        settings = b"\x40\x18\0\0" + tables

        assert huffyuv.whole_settings(settings + SECRET) == settings
        for cut in range(5, len(settings)):
            with pytest.raises(Malformed):
                huffyuv.whole_settings(settings[:cut])

    def test_a_codec_of_an_avi_that_nobody_knows_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported):
            cleaned(zygote, made_of("-c:v", "snow", "-strict", "-2", "-c:a", "pcm_s16le"))
