"""Parameter sets of H.265 end where their syntax does, and what stands behind is gone."""

import io
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from recordings import SECRET, cleaned_here, shown

from scrub.codecs.hevc_sets import PPS, SPS, VPS, end_of
from scrub.codecs.nal import Codec, Stream, blanked_units, cleaned_sample
from scrub.findings import Kind
from scrub.plan import Literal
from scrub.reading import Reader

SETS = (VPS, SPS, PPS)
# Of random bits between the right ones: what no encoder here writes.
MADE = {
    "PPS: tiles, scaling lists": "44015eff65fa9e43feeddeb01d",
    "PPS: range and screen": "440151e921ed42716aaaa92aaaa950",
    "PPS: palette": ("4401580a424a4516a92abfffffc9fffffffebfd5557fffdf5fffffffffff52"),
    "SPS: reference sets, HRD": (
        "42010101600000030090000003000003003c501020207d222fbbdddfa93c8bd09a2ed00000030010"
        "0000030195121f8baf9f79060eb5581538"
    ),
    "SPS: four layers, screen": (
        "42010301600000030090000003000003003c0000920204040dfd3c979bbf2132f9275f551b9a5010"
        "101e464215be020202e0"
    ),
    "SPS: timing, range": (
        "42010101600000030090000003000003003cc0408081dd49fbbdaa3a4000000300400000067a0e33"
        "f8495a68848040"
    ),
    "SPS: six layers": (
        "42010501600000030090000003000003003c20000160000003009000000300000300501020205fff"
        "92fd7ffffffffffffffffd555555ffffffffffffffffdbbe82"
    ),
    "VPS: HRD": ("40010c01ffff01600000030090000003000003003c78b0000003001000000301929d"),
}
X265 = {
    "plain": ("yuv420p", ""),
    "10 bit": ("yuv420p10le", ""),
    "12 bit": ("yuv420p12le", ""),
    "4:2:2": ("yuv422p", ""),
    "4:4:4": ("yuv444p", ""),
    "4:4:4, 10 bit": ("yuv444p10le", "scaling-list=default"),
    "gray": ("gray", ""),
    "many references": ("yuv420p", "bframes=8:ref=6:b-pyramid=1:rc-lookahead=10"),
    "no references kept": ("yuv420p", "bframes=0:ref=1:keyint=1"),
    "open groups": ("yuv420p", "open-gop=1:bframes=4:keyint=5:min-keyint=1"),
    "scaling lists": ("yuv420p", "scaling-list=default"),
    "buffers": ("yuv420p", "hrd=1:vbv-maxrate=900:vbv-bufsize=900:bitrate=500"),
    "strict buffers": ("yuv420p", "hrd=1:strict-cbr=1:vbv-maxrate=500:vbv-bufsize=500:bitrate=500"),
    "layers in time": ("yuv420p", "temporal-layers=3:bframes=3:b-pyramid=1"),
    "layers and buffers": (
        "yuv420p",
        "temporal-layers=3:bframes=3:hrd=1:vbv-maxrate=900:vbv-bufsize=900:bitrate=500",
    ),
    "usability": (
        "yuv420p",
        "range=full:colorprim=bt709:transfer=bt709:colormatrix=bt709:chromaloc=2"
        ":videoformat=pal:overscan=crop",
    ),
    "aspect": ("yuv420p,setsar=17/13", "overscan=show"),
    "fields": ("yuv420p", "interlace=tff"),
    "wavefronts": ("yuv420p", "wpp=1:slices=2"),
    "lossless": ("yuv420p", "lossless=1"),
    "lossless blocks": ("yuv420p", "cu-lossless=1:tskip=1"),
    "no filters": ("yuv420p", "no-deblock=1:no-sao=1:no-amp=1:no-signhide=1:no-weightp=1"),
    "filters": ("yuv420p", "deblock=2,-1:weightb=1:constrained-intra=1:aq-mode=0"),
    "chroma": ("yuv420p", "cbqpoffs=-3:crqpoffs=4:strong-intra-smoothing=0:tu-intra-depth=3"),
    "large blocks": ("yuv420p", "ctu=64:limit-tu=0"),
    "small blocks": ("yuv420p", "ctu=16:min-cu-size=8:max-tu-size=8:rdoq-level=0"),
    "repeated": ("yuv420p", "repeat-headers=1:keyint=4:min-keyint=4:bframes=0"),
    "stills": ("yuv420p", "keyint=1:repeat-headers=1:aud=1:hrd=0"),
    "HDR": (
        "yuv420p10le",
        "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10-opt=1:max-cll=99,9",
    ),
}


@cache
def stream_of(name: str) -> bytes:
    """Return a short Annex B stream."""
    form, options = X265[name]
    source = ("-f", "lavfi", "-i", f"testsrc2=size=98x66:rate=25:duration=0.4,format={form}")
    params = f"log-level=0:pools=1:frame-threads=1:info=0:{options}"
    command = ["ffmpeg", "-v", "error", *source, "-c:v", "libx265", "-preset", "superfast"]
    command += ["-x265-params", params.rstrip(":"), "-f", "hevc", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def units(stream: bytes) -> list[bytes]:
    return [unit.rstrip(b"\0") for unit in re.split(b"\0\0\1", stream)[1:]]


def sets(stream: bytes) -> list[bytes]:
    return [unit for unit in units(stream) if unit[0] >> 1 in SETS]


def planted(stream: bytes) -> bytes:
    """Return a stream with text behind each parameter set."""
    behind = (unit + SECRET * (unit[0] >> 1 in SETS) for unit in units(stream))
    return b"".join(b"\0\0\0\1" + unit for unit in behind)


def pictures(stream: bytes) -> bytes:
    """Return a digest of each picture as ffmpeg decodes it."""
    command = ["ffmpeg", "-v", "error", "-f", "hevc", "-i", "-", "-f", "framemd5", "-"]
    return subprocess.run(command, input=stream, capture_output=True, check=True).stdout


def sampled(found: list[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in found)


def cut(sample: bytes) -> bytes:
    cuts = cleaned_sample(Reader(io.BytesIO(sample)), 0, len(sample), Stream(Codec.HEVC))
    if cuts is None:
        return sample
    return b"".join(
        cut.data if isinstance(cut, Literal) else sample[cut.start : cut.end] for cut in cuts
    )


def plain(unit: bytes) -> bytes:
    return unit[2:].replace(b"\0\0\3", b"\0\0")


def traced(unit: bytes) -> int:
    """Return how many bytes of syntax a parameter set has, as ffmpeg reads it."""
    vps, sps, pps, *rest = (unit for unit in units(stream_of("large blocks")) if unit[0] >> 1 != 39)
    stream = b"".join(b"\0\0\0\1" + each for each in (vps, sps, pps, unit, *rest))
    command = ["ffmpeg", "-f", "hevc", "-i", "-", "-c", "copy", "-bsf:v", "trace_headers"]
    run = subprocess.run([*command, "-f", "null", "-"], input=stream, capture_output=True)
    stops = re.findall(rb"\] (\d+) +rbsp_stop_one_bit", run.stderr)
    return int(stops[3]) // 8 - 1


def behind(unit: bytes, bits: str) -> bytes:
    """Return the bits of a set, without its last, these, and a stop bit."""
    rbsp = plain(unit)
    told = f"{int.from_bytes(rbsp, 'big'):0{8 * len(rbsp)}b}".rstrip("0")[:-2] + bits + "1"
    told += "0" * (-len(told) % 8)
    return int(told, 2).to_bytes(len(told) // 8, "big")


class TestSetsOfX265:
    @pytest.mark.parametrize("name", X265)
    def test_each_ends_where_its_bytes_do(self, name: str) -> None:
        found = sets(stream_of(name))

        assert {unit[0] >> 1 for unit in found} == set(SETS)
        for unit in found:
            rbsp = plain(unit)
            assert end_of(rbsp, unit[0] >> 1) == len(rbsp)
            assert end_of(rbsp + SECRET, unit[0] >> 1) == len(rbsp)
        sample = sampled(found)
        assert cut(sample) == sample

    @pytest.mark.parametrize("name", X265)
    def test_text_behind_them_is_gone_and_pictures_decode_the_same(self, name: str) -> None:
        original = stream_of(name)
        hidden = planted(original)
        stream = Stream(Codec.HEVC)

        result = blanked_units(hidden, stream)

        assert result is not None
        assert len(result) == len(hidden)
        assert SECRET in hidden
        assert SECRET not in result
        assert stream.found[Kind.SLACK] == len(sets(original))
        assert sets(result) == sets(original)
        assert cut(sampled(sets(hidden))) == sampled(sets(original))
        assert pictures(result) == pictures(original) == pictures(hidden)
        assert blanked_units(result, Stream(Codec.HEVC)) is None


class TestSets:
    @pytest.mark.parametrize("name", MADE)
    def test_each_ends_where_ffmpeg_says(self, name: str) -> None:
        unit = bytes.fromhex(MADE[name])

        rbsp = plain(unit)

        assert end_of(rbsp + SECRET, unit[0] >> 1) == len(rbsp) == traced(unit)

    def test_those_of_further_layers_stay_whole(self) -> None:
        for unit in sets(stream_of("plain")):
            further = bytes([unit[0], unit[1] | 8]) + unit[2:] + SECRET

            assert cut(sampled([further])) == sampled([further])

    def test_those_with_extensions_that_we_do_not_follow_stay_whole(self) -> None:
        for unit in sets(stream_of("plain")):
            for told in ("101000000", "100100000", "100000001", "111111111"):
                extended = behind(unit, told)
                assert end_of(extended + SECRET, unit[0] >> 1) is None

    def test_zeros_behind_are_no_text(self) -> None:
        for unit in sets(stream_of("plain")):
            for zeros in (b"\0", b"\0\0\3\0\0\3", bytes(9)):
                assert cut(sampled([unit + zeros])) == sampled([unit + zeros])

    def test_text_of_any_length_behind_one_goes(self) -> None:
        found = sets(stream_of("plain"))

        assert cut(sampled([unit + SECRET * 9999 for unit in found])) == sampled(found)

    def test_one_that_ends_early_has_no_end(self) -> None:
        for name in MADE:
            unit = bytes.fromhex(MADE[name])
            rbsp = plain(unit)
            for size in range(len(rbsp)):
                assert end_of(rbsp[:size], unit[0] >> 1) is None

    @pytest.mark.parametrize("form", ["mp4", "matroska", "mpegts"])
    def test_text_behind_them_leaves_a_recording(self, form: str, tmp_path: Path) -> None:
        recording = tmp_path / "recording"
        command = ["ffmpeg", "-v", "error", "-f", "hevc", "-i", "-", "-c", "copy", "-f", form]
        hidden = planted(stream_of("repeated"))
        subprocess.run([*command, recording], input=hidden, check=True)
        original = recording.read_bytes()

        result = cleaned_here(original)

        assert original.count(SECRET) >= len(SETS)
        assert SECRET not in result
        assert shown(result) == shown(original)
        assert cleaned_here(result) == result
