"""Nothing that we plant survives, everything that plays stays, and the judge can say no."""

import base64
import random
import tempfile
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest

from canary import corpus, judge
from canary.blocks import unsynchronised
from canary.made import remade
from canary.plants import Plant, Planter, left
from canary.xiph import Page
from scrub import Zygote
from scrub.clean import Handle, clean
from scrub.formats import FORMATS
from scrub.plan import render


def cleaned(zygote: Zygote, recording: bytes) -> tuple[str, bytes]:
    """Return what kind of recording it is, and the clean one."""
    with tempfile.TemporaryFile() as file:
        file.write(recording)
        file.flush()
        done = clean(zygote, Handle(file.fileno()), len(recording), BytesIO())
        return done.format.name, b"".join(render(done.cuts, file))


class TestEveryRecording:
    @pytest.mark.parametrize("name", corpus.NAMES)
    def test_comes_out_clean_and_plays_as_before(self, zygote: Zygote, name: str) -> None:
        planted = corpus.recording(name)

        row, once = cleaned(zygote, planted.planted)

        assert row == planted.recipe.row
        assert judge.complaints(planted, once) == []
        assert cleaned(zygote, planted.planted) == (row, once)
        assert cleaned(zygote, once) == (row, once)

    @pytest.mark.parametrize("name", corpus.NAMES)
    def test_has_every_plant_in_its_place_and_none_when_bare(self, name: str) -> None:
        planted = corpus.recording(name)

        assert not left(planted.plants, planted.bare)
        assert [plant for plant in planted.plants if not left([plant], planted.planted)] == []
        assert judge.plays(planted.planted, planted.recipe.extension)

    def test_is_of_a_row_and_every_row_has_one(self) -> None:
        assert {recipe.row for recipe in corpus.RECIPES} == {row.name for row in FORMATS}


VALUE = b"canary0123456789"
MOMENT = 1_234_567_890
DISGUISES: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "utf_16_le": lambda value: value.decode().encode("utf-16-le"),
    "utf_16_be": lambda value: value.decode().encode("utf-16-be"),
    "hex": lambda value: value.hex().encode(),
    "base64": base64.b64encode,
    "base64_amid": lambda value: base64.b64encode(b"a" + value + b"zz"),
    "base64_further": lambda value: base64.b64encode(b"ab" + value + b"z"),
    "deflated": lambda value: zlib.compress(b"in front " + value),
    "unsynchronised": lambda value: unsynchronised(
        b"\xff\xfe" + value.decode().encode("utf-16-le")
    ),
    "on_two_pages": lambda value: (
        Page(2, 0, b"abcd", b"\xff", b"." * 250 + value[:5]).written(0)
        + Page(1, 0, b"abcd", b"\x0b", value[5:]).written(1)
    ),
    "in_a_nal_unit": lambda value: b"\0\0\3\1" + value,
}


class TestTheJudge:
    @pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
    def test_knows_a_plant_in_any_disguise(self, disguise: Callable[[bytes], bytes]) -> None:
        noise = random.Random(5)

        found = noise.randbytes(300) + disguise(VALUE) + noise.randbytes(300)

        assert left([Plant("here", VALUE)], found)

    def test_knows_a_moment_by_any_clock(self) -> None:
        moment = Plant("here", b"", MOMENT)

        for form, value in moment.forms().items():
            assert left([moment], b"...." + value + b"....") != [], form

        assert not left([moment], b"....")

    def test_sees_no_plant_in_noise(self) -> None:
        planter = Planter("nothing")
        for index in range(50):
            (
                planter.text(f"text {index}"),
                planter.raw(f"raw {index}"),
                planter.moment(f"time {index}"),
            )

        assert not left(planter.plants, random.Random(6).randbytes(1 << 18))

    @pytest.mark.parametrize("name", ["flac", "mkv-h264-aac"])
    def test_takes_the_bare_one_and_no_other(self, name: str) -> None:
        planted = corpus.recording(name)
        own = planted.bare
        flipped = bytearray(own)
        flipped[len(own) * 6 // 10] ^= 0x10
        tagged = remade(own, planted.recipe.extension, "-metadata", "title=never planted")

        def verdict(found: bytes) -> set[str]:
            return {each.split(":")[0] for each in judge.complaints(planted, found)}

        assert verdict(own) <= {"told"}  # encoders' names, which ffmpeg writes
        assert verdict(planted.planted) >= {"left", "told"}
        assert verdict(bytes(flipped)) >= {"packets"}
        assert verdict(own[: len(own) * 3 // 4]) >= {"packets", "decoded"}
        assert "never planted" in str(judge.complaints(planted, tagged))
