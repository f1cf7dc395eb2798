"""NAL units of H.264 and H.265: SEI user data goes, and pictures decode the same."""

import io
import re
import subprocess
from collections.abc import Sequence
from functools import cache

import pytest
from recordings import SECRET

from scrub import Kind, Malformed
from scrub.codecs.nal import Codec, Stream, blanked, blanked_units, cleaned_sample, configured
from scrub.codecs.sei import Message, coded, kept
from scrub.codecs.sps import Timing, ended, ended_pps, read_sps
from scrub.plan import Literal
from scrub.reading import Reader

ENCODERS = {
    "x264": (Codec.AVC, "libx264", ("-x264-params", "threads=1")),
    "x264 interlaced": (
        Codec.AVC, "libx264", ("-x264-params", "threads=1:tff=1:nal-hrd=vbr:bitrate=99:aud=1",
        "-maxrate", "99k", "-bufsize", "99k"),
    ),
    "x264 filled": (
        Codec.AVC, "libx264", ("-x264-params", "threads=1:nal-hrd=cbr:filler=1",
        "-b:v", "400k", "-maxrate", "400k", "-minrate", "400k", "-bufsize", "400k"),
    ),
    "x265": (Codec.HEVC, "libx265", ("-x265-params", "log-level=0:pools=1:frame-threads=1")),
    "x265 interlaced": (
        Codec.HEVC, "libx265",
        ("-x265-params", "log-level=0:interlace=tff:pools=1:frame-threads=1:hash=1:aud=1"),
    ),
}  # fmt: skip
SEI = bytes([5, 16 + len(SECRET)]) + bytes(range(16)) + SECRET


@cache
def stream_of(name: str) -> bytes:
    """Return a short Annex B stream."""
    codec, encoder, options = ENCODERS[name]
    source = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=0.6")
    form = "h264" if codec is Codec.AVC else "hevc"
    command = ["ffmpeg", "-v", "error", *source, "-c:v", encoder, *options, "-f", form, "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def seen(stream: bytes, codec: Codec) -> bytes:
    """Return each frame as ffmpeg shows it: its digest, whether it is a key, its fields."""
    form = "h264" if codec is Codec.AVC else "hevc"
    fields = "frame=key_frame,interlaced_frame,top_field_first,repeat_pict,pict_type"
    probe = ["ffprobe", "-v", "error", "-f", form, "-show_entries", fields, "-of", "csv", "-i", "-"]
    shown = subprocess.run(probe, input=stream, capture_output=True, check=True).stdout
    show = ["ffmpeg", "-v", "error", "-f", form, "-i", "-", "-f", "framemd5", "-"]
    digests = subprocess.run(show, input=stream, capture_output=True, check=True).stdout
    frames = [line.split(b",")[:6] for line in shown.splitlines() if line.startswith(b"frame,")]
    return b"\n".join(b",".join(frame) for frame in frames) + digests


def units(stream: bytes) -> list[bytes]:
    return [unit.rstrip(b"\0") for unit in re.split(b"\0\0\1", stream)[1:]]


def sampled(stream: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in stream)


def cut(sample: bytes, stream: Stream) -> bytes:
    """Return a sample as its cuts have it."""
    cuts = cleaned_sample(Reader(io.BytesIO(sample)), 0, len(sample), stream)
    if cuts is None:
        return sample
    return b"".join(
        cut.data if isinstance(cut, Literal) else sample[cut.start : cut.end] for cut in cuts
    )


def annex_b(sample: bytes) -> bytes:
    made, at = b"", 0
    while at < len(sample):
        length = int.from_bytes(sample[at : at + 4], "big")
        made += b"\0\0\0\1" + sample[at + 4 : at + 4 + length]
        at += 4 + length
    return made


class TestNal:
    @pytest.mark.parametrize("name", ENCODERS)
    def test_samples_lose_user_data_and_decode_the_same(self, name: str) -> None:
        codec, original = ENCODERS[name][0], stream_of(name)
        sample = sampled(units(original))

        result = cut(sample, Stream(codec))

        assert b"x26" in original
        assert b"x26" not in result
        assert seen(annex_b(result), codec) == seen(original, codec)
        assert cleaned_sample(Reader(io.BytesIO(result)), 0, len(result), Stream(codec)) is None

    @pytest.mark.parametrize("name", ENCODERS)
    def test_a_stream_loses_user_data_in_place(self, name: str) -> None:
        codec, original = ENCODERS[name][0], stream_of(name)
        stream = Stream(codec)

        result = blanked_units(original, stream)

        assert result is not None
        assert len(result) == len(original)
        assert b"x26" not in result
        assert stream.found[Kind.ENCODER]
        assert seen(result, codec) == seen(original, codec)
        again = Stream(codec)
        assert blanked_units(result, again) is None
        assert not again.found

    @pytest.mark.parametrize("size", [*range(1, 12), *range(250, 264), 511, 512, 513, 700])
    def test_a_blank_unit_of_any_size_has_no_more_to_blank(self, size: int) -> None:
        for codec, header in ((Codec.AVC, b"\x06"), (Codec.HEVC, b"\x4e\1")):
            for body in (SECRET * 20, b"\5\x20" + SECRET * 20, b"\x89\x18" + SECRET * 20):
                unit = header + body[:size]
                blank = blanked(unit, Stream(codec)) or unit

                assert len(blank) == len(unit)
                assert SECRET[:8] not in blank[30:]
                again = Stream(codec)
                assert blanked(blank, again) is None
                assert not again.found

    @pytest.mark.parametrize("type_", [0, 16, 17, 18, 21, 22, 24, 28, 31])
    def test_a_unit_of_an_unknown_type_goes(self, type_: int) -> None:
        unit = bytes([type_]) + SECRET
        blank = blanked(unit, Stream(Codec.AVC))

        assert cut(sampled([b"\x65abc", unit]), Stream(Codec.AVC)) == sampled([b"\x65abc"])
        assert blank == b"\x0c" + b"\xff" * (len(unit) - 2) + b"\x80"
        assert blanked(blank, Stream(Codec.AVC)) is None

    def test_dolby_units_stay_where_the_container_names_them(self) -> None:
        sample = sampled([b"\x26\1abc", b"\x7c\1\x19" + SECRET])

        assert cut(sample, Stream(Codec.HEVC, dolby=True)) == sample
        assert cut(sample, Stream(Codec.HEVC)) == sampled([b"\x26\1abc"])

    @pytest.mark.parametrize("codec", Codec)
    def test_filler_and_delimiters_hide_nothing(self, codec: Codec) -> None:
        heads = (b"\x0c", b"\x09") if codec is Codec.AVC else (b"\x4c\1", b"\x46\1")
        filler, delimiter = heads

        hidden = [delimiter + b"\x50" + SECRET, filler + b"\xff" * 9 + SECRET + b"\x80"]
        plain = [delimiter + b"\x50", filler + b"\xff" * 9 + b"\x80"]

        assert cut(sampled(hidden), Stream(codec)) == sampled(plain[:1])
        assert cut(sampled(plain), Stream(codec)) == sampled(plain)

    @pytest.mark.parametrize(("codec", "end"), [(Codec.AVC, b"\x0a"), (Codec.HEVC, b"\x4a\x01")])
    def test_an_end_has_nothing_but_its_header(self, codec: Codec, end: bytes) -> None:
        stream = Stream(codec)

        assert cut(sampled([end + SECRET]), stream) == sampled([end])
        assert blanked(end + SECRET, stream) == end + bytes(len(SECRET))
        assert blanked(end, stream) is None

    def test_a_unit_that_runs_past_its_sample_is_refused(self) -> None:
        for sample in (b"\0\0\0\5\x65abc", b"\xff\xff\xff\xff\x65", sampled([b"\6" + SEI])[:-1]):
            with pytest.raises(Malformed):
                cut(sample, Stream(Codec.AVC))

    def test_bytes_without_a_start_code_have_no_unit_to_blank(self) -> None:
        for nothing in (b"", bytes(9), SECRET):
            assert blanked_units(nothing, Stream(Codec.AVC)) is None

    def test_what_is_too_short_for_a_unit_goes(self) -> None:
        picture = sampled([b"\x65abc"])

        for tail in (b"\0\0\0\0", b"Ann", bytes(8), bytes(5)):
            assert cut(picture + tail, Stream(Codec.AVC)) == picture

    def test_messages_of_a_size_in_several_bytes_go(self) -> None:
        unit = b"\6" + coded(Message(5, SECRET * 100)) + coded(Message(6, b"\xc4")) + b"\x80"

        assert cut(sampled([unit]), Stream(Codec.AVC)) == sampled([b"\6\6\1\xc4\x80"])


class TestSei:
    TIMING = Timing(delays=10, has_structure=True)

    def test_clock_times_of_a_picture_go_and_its_structure_stays(self) -> None:
        bits = "1010101010001110100000011000000111111011111011"
        bits += "0110001"
        payload = int(bits.ljust(8 * 8, "0"), 2).to_bytes(8, "big")

        new = kept(Message(1, payload), Codec.AVC, self.TIMING)

        assert new is not None
        assert new.payload == int("1010101010001100", 2).to_bytes(2, "big")
        assert kept(new, Codec.AVC, self.TIMING) == new

    def test_what_stands_behind_a_message_in_its_payload_goes(self) -> None:
        for type_, codec, payload in (
            (6, Codec.AVC, b"\xc4"),
            (6, Codec.HEVC, b"\xd0"),
            (137, Codec.HEVC, bytes(24)),
            (144, Codec.AVC, bytes(4)),
            (147, Codec.HEVC, b"\x12"),
            (45, Codec.HEVC, b"\x81\x82" + bytes(5) + b"\x20"),
            (47, Codec.HEVC, b"\x20\0\x10"),
            (19, Codec.AVC, b"\xc0"),
        ):
            new = kept(Message(type_, payload + SECRET), codec, None)

            assert new is not None
            assert len(new.payload) <= len(payload) + 1
            assert kept(new, codec, None) == new

    def test_of_an_old_x264_the_number_of_its_mistakes_stays(self) -> None:
        uuid = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef")
        chroma = Timing(full_chroma=True)
        for text, timing, left in (
            (b"x264 - core 164 r3095", chroma, None),
            (b"x264 - core 142 r2409", Timing(), None),
            (b"x264 - core 142 r2409", chroma, b"x264 - core 150\0"),
            (b"x264 - core 20 r12", None, b"x264 - core 33\0"),
        ):
            new = kept(Message(5, uuid + text), Codec.AVC, timing)

            assert (new and new.payload[16:]) == left
            assert new is None or kept(new, Codec.AVC, timing) == new


class TestSps:
    @pytest.mark.parametrize("name", ["x264", "x264 interlaced", "x264 filled"])
    def test_a_parameter_set_ends_where_its_syntax_does(self, name: str) -> None:
        (sps,) = {unit[1:] for unit in units(stream_of(name)) if unit[0] & 31 == 7}
        rbsp = sps.replace(b"\0\0\3", b"\0\0")

        assert ended(rbsp) == rbsp
        assert ended(rbsp + SECRET) == rbsp
        assert read_sps(rbsp)[0].has_structure == ("interlaced" in name)

    @pytest.mark.parametrize("name", ["x264", "x264 interlaced", "x264 filled"])
    def test_what_stands_behind_a_picture_parameter_set_is_gone(self, name: str) -> None:
        found = units(stream_of(name))
        sps, pps = (next(u[1:] for u in found if u[0] & 31 == kind) for kind in (7, 8))
        timing, _ = read_sps(sps.replace(b"\0\0\3", b"\0\0"))

        assert ended_pps(pps, timing) == pps
        assert ended_pps(pps + SECRET, timing) == pps

    def test_a_damaged_parameter_set_is_left_alone(self) -> None:
        for damaged in (b"", b"d", b"\x64\0\x0a" + bytes(40), b"\x64\0\x0a" + b"\xff" * 7):
            assert ended(damaged) == damaged
            assert ended_pps(damaged, Timing()) == damaged


def avcc(*extra: bytes) -> bytes:
    found = units(stream_of("x264"))
    sps, pps = (next(u for u in found if u[0] & 31 == kind) for kind in (7, 8))
    listed = b"\xe1" + len(sps).to_bytes(2, "big") + sps + b"\1" + len(pps).to_bytes(2, "big") + pps
    return b"\1" + sps[1:4] + b"\xff" + listed + b"\xfd\xf8\xf8\0" + b"".join(extra)


class TestConfigured:
    def test_trailing_bytes_of_avcc_go(self) -> None:
        stream, config = configured(avcc(SECRET), Codec.AVC)

        assert config == avcc()
        assert stream.length_size == 4
        assert stream.found == {Kind.SLACK: 1}
        assert not configured(avcc(), Codec.AVC)[0].found

    def test_settings_of_x265_in_hvcc_go(self) -> None:
        vps, sps, pps, sei = (
            next(u for u in units(stream_of("x265")) if u[0] >> 1 == kind)
            for kind in (32, 33, 34, 39)
        )
        head = b"\1" + SECRET[:12] + bytes(8) + b"\x0f"
        arrays = [
            bytes([0x80 | unit[0] >> 1, 0, 1]) + len(unit).to_bytes(2, "big") + unit
            for unit in (vps, sps, pps, sei)
        ]

        stream, config = configured(head + b"\4" + b"".join(arrays) + SECRET, Codec.HEVC)

        assert b"x265" in sei
        assert config[22:] == b"\3" + b"".join(arrays[:3])
        assert config[1:13] == sps[2:].replace(b"\0\0\3", b"\0\0")[1:13]
        assert stream.found[Kind.ENCODER] == 1
        assert configured(config, Codec.HEVC)[1] == config

    @pytest.mark.parametrize("codec", Codec)
    def test_damaged_settings_are_refused(self, codec: Codec) -> None:
        for damaged in (b"", b"\1" * 5, avcc()[:12], b"\2" + avcc()[1:], b"\1" * 40):
            with pytest.raises(Malformed):
                configured(damaged, codec)
