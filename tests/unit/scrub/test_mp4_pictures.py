"""MP4 and its kin with pictures, and in fragments: all decodes as it did, with its times."""

import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from recordings import SECRET, cleaned, cleaned_here

from scrub import Kind, Zygote

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


def seen(recording: bytes) -> str:
    """Return what ffmpeg decodes and when, and what ffprobe says of streams and packets."""
    streams = "stream=codec_name,codec_tag_string,profile,width,height,sample_rate,channels,"
    streams += "start_pts,duration_ts,nb_frames,field_order,has_b_frames"
    times = "stream_index,pts,dts,duration,flags"
    with tempfile.NamedTemporaryFile() as file:
        file.write(recording)
        file.flush()
        decode = ["-map", "0:v?", "-map", "0:a?", "-vsync", "passthrough", "-f", "framemd5", "-"]
        commands = (
            ["ffmpeg", "-v", "quiet", "-i", file.name, *decode],
            ["ffprobe", "-v", "quiet", "-show_entries", streams, "-of", "compact", file.name],
            ["ffprobe", "-v", "quiet", "-show_entries", f"packet={times}", "-of", "compact",
             file.name],
        )  # fmt: skip
        shown = [subprocess.run(c, capture_output=True, check=True).stdout for c in commands]
    return re.sub(r"#soft.*", "", b"".join(shown).decode())


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
