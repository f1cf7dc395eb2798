"""MP4 and its kin with pictures, and in fragments: all decodes as it did, with its times."""

import re
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from recordings import SECRET, box, cleaned, cleaned_here, judged_once
from test_mp4 import tops

from scrub import Kind, Malformed, TooComplex, Unsupported, Zygote
from scrub.containers.bmff import movie

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=0.4")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=500:duration=0.4")
X264 = ("-c:v", "libx264", "-x264-params", "threads=1:keyint=5", "-pix_fmt", "yuv420p")
X265 = ("-c:v", "libx265", "-x265-params", "log-level=0:pools=1:frame-threads=1:keyint=5")
AAC = ("-c:a", "aac", "-b:a", "48k")
NAMED = (
    "-metadata", f"title={SECRET.decode()}", "-metadata", "creation_time=2026-11-03T14:05:09Z",
    "-metadata:s:v:0", f"handler_name={SECRET.decode()}",
)  # fmt: skip
PLAIN = {
    "h264": ("mp4", *X264, *AAC),
    "h264_in_mov": ("mov", *X264, *AAC),
    "h264_first": ("mp4", *X264, *AAC, "-movflags", "+faststart"),
    "h264_in_band": ("mp4", *X264, *AAC, "-tag:v", "avc3"),
    "h265": ("mp4", *X265, *AAC, "-tag:v", "hvc1"),
    "h265_repeated": ("mp4", *X265[:-1], X265[-1] + ":repeat-headers=1", *AAC, "-tag:v", "hev1"),
    "mpeg4": ("mp4", "-c:v", "mpeg4", *AAC),
    "xvid": ("mp4", "-c:v", "libxvid", *AAC),
    "h263": ("3gp", "-c:v", "h263", "-s", "128x96", "-ar", "8000", "-ac", "1",
             "-c:a", "libopencore_amrnb"),
    "mpeg2": ("mp4", "-c:v", "mpeg2video", *AAC),
    "vp9": ("mp4", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus"),
    "prores": ("mov", "-c:v", "prores_ks", "-c:a", "pcm_s16le"),
    "av1": ("mp4", "-c:v", "libaom-av1", "-cpu-used", "8", "-row-mt", "0", "-threads", "1", *AAC),
    "jpeg": ("mov", "-c:v", "mjpeg", *AAC),
    "jpeg_in_mp4": ("mp4", "-c:v", "mjpeg", *AAC),
    "dv": ("mov", "-c:v", "dvvideo", "-s", "720x576", "-pix_fmt", "yuv420p",
           "-frames:v", "3", *AAC),
    "palette": ("mov", "-c:v", "qtrle", "-pix_fmt", "gray", *AAC),
    "colours": ("mov", "-c:v", "rawvideo", "-pix_fmt", "pal8", "-frames:v", "2", *AAC),
    "two_sounds": ("mp4", *X264, *AAC, "-map", "1:a"),
    "silent": ("mp4", *X264, "-an"),
}  # fmt: skip
FRAGMENTED = {
    "by_keys": ("mp4", *X264, *AAC, "-movflags", "+frag_keyframe+empty_moov"),
    "by_frame": ("mp4", *X264, *AAC, "-movflags", "+frag_every_frame+empty_moov"),
    "based_on_moof": ("mp4", *X264, *AAC, "-movflags",
                      "+frag_keyframe+empty_moov+default_base_moof+separate_moof"),
    "dash": ("mp4", *X264, *AAC, "-movflags", "+dash+frag_keyframe", "-write_prft", "wallclock"),
    "cmaf": ("mp4", *X264, "-an", "-movflags", "+cmaf+frag_keyframe+delay_moov"),
    "begun_plain": ("mp4", *X264, *AAC, "-movflags", "+frag_keyframe"),
    "sound": ("m4a", "-vn", *AAC, "-movflags", "+empty_moov", "-frag_duration", "200000"),
    "h265": ("mp4", *X265, *AAC, "-tag:v", "hvc1", "-movflags", "+frag_keyframe+empty_moov"),
    "av1": ("mp4", *PLAIN["av1"][1:], "-movflags", "+dash+frag_keyframe"),
    "negative": ("mp4", *X264, *AAC, "-movflags",
                 "+frag_keyframe+empty_moov+negative_cts_offsets"),
}  # fmt: skip
ALL = {**PLAIN, **{f"fragmented_{name}": made for name, made in FRAGMENTED.items()}}


@cache
def made(extension: str, *options: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"made.{extension}"
        maps = ("-map", "0:v", "-map", "1:a")
        command = ["ffmpeg", "-v", "error", *PICTURE, *SOUND, *maps, *options, *NAMED, str(out)]
        subprocess.run(command, check=True)
        return out.read_bytes()


@judged_once
def seen(recording: bytes) -> str:
    """Return what ffmpeg decodes and when, and what ffprobe says of streams and packets."""
    streams = "stream=codec_name,codec_tag_string,profile,width,height,sample_rate,channels,"
    streams += "start_pts,duration_ts,nb_frames,field_order,has_b_frames"
    facts = f"{streams}:packet=stream_index,pts,dts,duration,flags"
    with tempfile.NamedTemporaryFile() as file:
        file.write(recording)
        file.flush()
        decode = ["-map", "0:v?", "-map", "0:a?", "-vsync", "passthrough", "-f", "framemd5", "-"]
        commands = (
            ["ffmpeg", "-v", "quiet", "-i", file.name, *decode],
            ["ffprobe", "-v", "quiet", "-show_entries", facts, "-of", "compact", file.name],
        )
        shown = [subprocess.run(c, capture_output=True, check=True).stdout for c in commands]
    return re.sub(r"#soft.*", "", b"".join(shown).decode())


def decoded(recording: bytes) -> list[str]:
    """Return what ffmpeg decodes and when."""
    return [line for line in seen(recording).splitlines() if line[:2] in ("0,", "1,")]


def streams(recording: bytes) -> list[str]:
    """Return the kinds of streams that ffprobe finds."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(recording)
        file.flush()
        show = ["-show_entries", "stream=codec_type", "-of", "csv=p=0", file.name]
        probe = subprocess.run(["ffprobe", "-v", "quiet", *show], capture_output=True, check=True)
    return probe.stdout.decode().split()


TURNS = [(0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0), (-1, 0, 0, 1), (0, 1, 1, 0)]


def matrix(turn: tuple[int, ...], moved: bytes) -> bytes:
    a, b, c, d = (number << 16 for number in turn)
    return struct.pack(">6i8sI", a, b, 0, c, d, 0, moved, 1 << 30)


def turned(recording: bytes, turn: tuple[int, ...], moved: bytes) -> bytes:
    """Return the recording with its pictures turned, and moved by these two numbers."""
    at = recording.index(b"tkhd") + 4 + 40
    return recording[:at] + matrix(turn, moved) + recording[at + 36 :]


class TestMp4Pictures:
    @pytest.mark.parametrize("name", ALL)
    def test_pictures_and_sound_decode_the_same(self, name: str) -> None:
        original = made(*ALL[name])

        result = cleaned_here(original)

        assert seen(result) == seen(original)
        assert SECRET not in result
        assert b"x264" not in result
        assert b"x265" not in result
        assert cleaned_here(result) == result

    @pytest.mark.parametrize("name", ["h264", "fragmented_dash"])
    def test_the_sandbox_cleans_the_same(self, zygote: Zygote, name: str) -> None:
        original = made(*ALL[name])

        _, result, findings = cleaned(zygote, original)

        assert result == cleaned_here(original)
        assert findings.removed[Kind.TIME]
        assert findings.removed[Kind.ENCODER]
        assert not cleaned(zygote, result)[2].removed

    @pytest.mark.parametrize("turn", TURNS)
    def test_pictures_are_shown_as_they_were_turned(self, turn: tuple[int, ...]) -> None:
        upright = made("mp4", *X264, "-an")
        original = turned(upright, turn, bytes(8))

        result = cleaned_here(original)

        assert decoded(result) == decoded(original) != decoded(upright)
        assert cleaned_here(turned(upright, turn, b"Maria Ke")) == result

    def test_a_turn_of_the_whole_movie_is_kept(self) -> None:
        upright = made("mp4", *X264, "-an")
        at = upright.index(b"mvhd") + 4 + 36
        original = upright[:at] + matrix((0, 1, -1, 0), bytes(8)) + upright[at + 36 :]

        result = cleaned_here(original)

        assert decoded(result) == decoded(original) != decoded(upright)

    @pytest.mark.parametrize("name", ["h264", "fragmented_begun_plain"])
    def test_offsets_of_64_bits_are_written_where_they_are_needed(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        original = made(*ALL[name])
        plain = cleaned_here(original)
        monkeypatch.setattr(movie, "LARGEST_MOOV", 1 << 32)

        wide = cleaned_here(original)

        assert b"co64" in wide
        assert b"stco" not in wide
        assert decoded(wide) == decoded(plain)
        assert cleaned_here(wide) == wide
        monkeypatch.undo()
        assert cleaned_here(wide) == plain

    def test_user_data_in_every_sample_goes(self) -> None:
        noted = f"086f3693-b7b3-4f2c-9653-21492feee5b8+{SECRET.decode()}"
        filter_ = ("-bsf:v", f"h264_metadata=sei_user_data={noted}:aud=insert")
        original = made("mp4", *X264, *AAC, *filter_)

        result = cleaned_here(original)

        assert original.count(SECRET) > 3
        assert SECRET not in result
        assert decoded(result) == decoded(original)

    @pytest.mark.parametrize(
        ("place", "hidden"),
        [
            (b"H.264 by Maria Keller", b"\x1fMaria Keller's phone, no. 5501"),
            (b"vendor", b"Mari"),
        ],
        ids=["compressor", "vendor"],
    )
    def test_names_in_a_description_go(self, place: bytes, hidden: bytes) -> None:
        plain = cleaned_here(made(*PLAIN["h264"]))
        at = plain.index(b"avc1", plain.index(b"stsd")) + 4 + (12 if place == b"vendor" else 42)

        assert cleaned_here(plain[:at] + hidden + plain[at + len(hidden) :]) == plain

    def test_a_track_of_something_else_goes_with_its_samples(self) -> None:
        both = cleaned_here(made(*PLAIN["h264"]))
        only_pictures = cleaned_here(both.replace(b"soun", b"meta"))
        only_sound = cleaned_here(both.replace(b"vide", b"meta"))

        assert len(only_pictures) < len(both)
        assert len(only_sound) < len(both)
        assert streams(only_pictures) == ["video"]
        assert streams(only_sound) == ["audio"]

    def test_a_colour_profile_goes(self) -> None:
        colours = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
        plain = cleaned_here(made("mp4", *X264, "-an", *colours, "-movflags", "+write_colr"))
        profile = plain.replace(b"colrnclx", b"colrprof")

        assert b"colrnclx" in plain
        assert b"colr" not in cleaned_here(profile)

    def test_notes_in_the_frames_of_motion_jpeg_go(self) -> None:
        original = made(*PLAIN["jpeg"])
        plain = cleaned_here(original)
        note = b"\xff\xe1" + struct.pack(">H", len(SECRET) + 8) + b"Exif\0\0" + SECRET
        at = plain.index(b"\xff\xd8\xff") + 2
        (sizes,) = [m.start() for m in re.finditer(b"stsz", plain)][:1]
        (size,) = struct.unpack_from(">I", plain, sizes + 16)
        noted = plain[:at] + note + plain[at:]
        noted = noted[: sizes + 16] + struct.pack(">I", size + len(note)) + noted[sizes + 20 :]
        for table in re.finditer(b"stco", plain):
            (count,) = struct.unpack_from(">I", plain, table.start() + 8)
            for i in range(table.start() + 12, table.start() + 12 + 4 * count, 4):
                (offset,) = struct.unpack_from(">I", plain, i)
                moved = offset + (len(note) if offset >= at else 0)
                noted = noted[:i] + struct.pack(">I", moved) + noted[i + 4 :]

        assert cleaned_here(noted) == plain

    def test_an_encrypted_recording_is_refused_by_name(self) -> None:
        key = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "0" * 32)
        original = made("mp4", *X264, "-an", *key, "-encryption_kid", "1" * 32)

        with pytest.raises(Unsupported) as refusal:
            cleaned_here(original)

        assert refusal.value.what == "an encrypted recording"

    def test_an_unknown_codec_is_refused_by_name(self) -> None:
        with pytest.raises(Unsupported) as refusal:
            cleaned_here(cleaned_here(made(*PLAIN["mpeg4"])).replace(b"mp4v", b"SVQ9"))

        assert refusal.value.what == "video of an unknown codec"

    def test_a_compressed_header_is_refused_by_name(self) -> None:
        with pytest.raises(Unsupported):
            cleaned_here(made(*PLAIN["h264_in_mov"]).replace(b"udta", b"cmov"))


FRAGMENT = FRAGMENTED["dash"]


def between(recording: bytes, extra: bytes, where: bytes = b"moof") -> bytes:
    """Return a recording with more boxes in front of each of this kind."""
    return b"".join(
        (extra if name == where else b"") + box(name, body) for name, body in tops(recording)
    )


def within(recording: bytes, path: bytes, extra: bytes) -> bytes:
    """Return a recording with more boxes at the end of each moof, or of each traf in it."""
    parts = []
    for name, body in tops(recording):
        if name == b"moof":
            grown = body + extra
            if path == b"traf":
                grown = b"".join(
                    box(each, inner + extra if each == b"traf" else inner)
                    for each, inner in tops(body)
                )
            by = len(grown) - len(body)
            body = re.sub(  # noqa: PLW2901
                rb"trun....(....)(....)",
                lambda run, by=by: (
                    run[0][:12] + struct.pack(">i", struct.unpack(">i", run[2])[0] + by)
                ),
                grown,
                flags=re.DOTALL,
            )
        parts.append(box(name, body))
    return b"".join(parts)


class TestMp4Fragments:
    @pytest.mark.parametrize(
        "kind", [b"uuid", b"emsg", b"prft", b"sidx", b"free", b"meta", b"mfra"]
    )
    def test_what_stands_between_fragments_is_gone(self, kind: bytes) -> None:
        plain = cleaned_here(made(*FRAGMENT))

        assert cleaned_here(between(plain, box(kind, SECRET))) == plain
        assert cleaned_here(between(plain, box(kind, SECRET), b"mdat")[:0] + plain) == plain
        assert cleaned_here(plain + box(kind, SECRET)) == plain

    @pytest.mark.parametrize("path", [b"moof", b"traf"])
    def test_what_stands_inside_a_fragment_is_gone(self, path: bytes) -> None:
        plain = cleaned_here(made(*FRAGMENT))

        assert cleaned_here(within(plain, path, box(b"uuid", SECRET))) == plain

    def test_slack_behind_the_samples_is_gone(self) -> None:
        plain = cleaned_here(made(*FRAGMENT))
        slack = b"".join(
            box(name, body, SECRET if name == b"mdat" else b"") for name, body in tops(plain)
        )

        assert cleaned_here(slack) == plain

    def test_times_that_count_from_1970_begin_near_zero(self) -> None:
        plain = cleaned_here(made(*FRAGMENT))
        began = 1_793_700_000

        def live(tfdt: re.Match[bytes], scale: int) -> bytes:
            return tfdt[1] + struct.pack(">Q", struct.unpack(">Q", tfdt[2])[0] + began * scale)

        scales = [
            int.from_bytes(plain[m.start() + 16 :][:4], "big") for m in re.finditer(b"mdhd", plain)
        ]
        parts = []
        for name, body in tops(plain):
            trafs = iter(scales)
            if name == b"moof":
                body = b"".join(  # noqa: PLW2901
                    box(
                        each,
                        re.sub(
                            rb"(tfdt\x01\0\0\0)(.{8})",
                            lambda m: live(m, next(trafs)),  # noqa: B023
                            inner,
                            flags=re.DOTALL,
                        ),
                    )
                    for each, inner in tops(body)
                )
            parts.append(box(name, body))
        clocked = b"".join(parts)

        assert clocked != plain
        assert cleaned_here(clocked) == plain

    def test_a_priority_of_samples_is_gone(self) -> None:
        plain = cleaned_here(made(*FRAGMENTED["by_frame"]))
        at = plain.index(b"trex") + 24
        hidden = plain[:at] + struct.pack(">I", 0x0F0E4D61 | plain[at + 1] << 16) + plain[at + 4 :]

        result = cleaned_here(hidden)

        assert result[at : at + 4] in (b"\3\0\0\0", b"\3\1\0\0")

    def test_one_that_was_cut_off_ends_with_its_last_whole_sample(self) -> None:
        original = made(*FRAGMENTED["by_keys"])
        last = original.rindex(b"mdat")

        for cut in (last + 30, last + 200, last - 10, last + 4):
            result = cleaned_here(original[:cut])

            assert streams(result) == ["video", "audio"]
            assert cleaned_here(result) == result

    def test_a_track_of_something_else_goes_with_its_samples(self) -> None:
        both = cleaned_here(made(*FRAGMENT))
        pictures = cleaned_here(both.replace(b"soun", b"meta"))

        assert streams(pictures) == ["video"]
        assert len(pictures) < len(both)

    @pytest.mark.parametrize(
        ("field", "number"),
        [(8, 0xFFFFFFFF), (8, 0), (12, 0x7FFFFFFF), (12, 0x80000000)],
        ids=["samples", "none", "far_ahead", "far_back"],
    )
    def test_numbers_that_lie_end_in_a_refusal_or_clean(self, field: int, number: int) -> None:
        plain = cleaned_here(made(*FRAGMENT))
        at = plain.index(b"trun") + field
        lying = plain[:at] + struct.pack(">I", number) + plain[at + 4 :]

        try:
            result = cleaned_here(lying)
        except (Malformed, TooComplex):
            return
        assert cleaned_here(result) == result

    def test_samples_of_no_size_are_bounded(self) -> None:
        tfhd = box(b"tfhd", struct.pack(">II", 0x020010, 1), bytes(4))
        trun = box(b"trun", struct.pack(">III", 1, 0xFFFFFFFF, 0))
        moof = box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", tfhd, trun))

        with pytest.raises(TooComplex):
            cleaned_here(cleaned_here(made(*FRAGMENT)) + moof)

    def test_a_time_of_a_fragment_that_is_text_is_refused(self) -> None:
        plain = made(*FRAGMENT)
        at = plain.rindex(b"tfdt\1") + 8

        with pytest.raises(Malformed, match="time"):
            cleaned_here(plain[:at] + SECRET[:8] + plain[at + 8 :])

    def test_fragments_that_share_their_samples_are_refused(self) -> None:
        plain = cleaned_here(made(*FRAGMENT))
        moof, mdat = (
            next(body for name, body in tops(plain) if name == kind) for kind in (b"moof", b"mdat")
        )
        head = len(box(b"moof", moof))
        repeated = [
            re.sub(
                rb"(trun....)(....)(....)",
                lambda run, i=i: (
                    run[1]
                    + run[2]
                    + struct.pack(">i", struct.unpack(">i", run[3])[0] + (30 - i) * head)
                ),
                moof,
                flags=re.DOTALL,
            )
            for i in range(1, 31)
        ]
        front = plain[: plain.index(b"moof") - 4]
        together = front + b"".join(box(b"moof", each) for each in repeated) + box(b"mdat", mdat)

        with pytest.raises(Malformed):
            cleaned_here(together)

    def test_a_track_without_defaults_is_refused(self) -> None:
        with pytest.raises(Malformed):
            cleaned_here(cleaned_here(made(*FRAGMENT)).replace(b"trex", b"free"))
