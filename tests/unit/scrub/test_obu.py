"""AV1: the units that users and encoders put beside the picture go."""

import io
from collections import Counter

import pytest
from recordings import SECRET

from scrub import Kind, Malformed
from scrub.codecs import obu
from scrub.plan import render
from scrub.reading import Reader


def unit(kind: int, payload: bytes, *, sized: bool = True) -> bytes:
    if not sized:
        return bytes([kind << 3]) + payload
    return bytes([kind << 3 | 2, len(payload) & 0x7F | 0x80, len(payload) >> 7]) + payload


SEQUENCE, FRAME = unit(1, bytes(range(11))), unit(6, bytes(range(200)))
LIGHT = unit(5, b"\x01" + bytes(4) + b"\x80")
GONE = {
    "user_data": (unit(5, b"\x04" + SECRET), Kind.TEXT),
    "time_code": (unit(5, b"\x05" + bytes(5)), Kind.TIME),
    "long_light": (unit(5, b"\x01" + bytes(4) + SECRET), Kind.TEXT),
    "padding": (unit(15, SECRET), Kind.PADDING),
    "reserved": (unit(9, SECRET), Kind.UNKNOWN_CHUNK),
    "full_delimiter": (unit(2, SECRET), Kind.UNKNOWN_CHUNK),
}


def cleaned(sample: bytes) -> tuple[bytes, Counter[Kind]]:
    found: Counter[Kind] = Counter()
    cuts = obu.cleaned_unit(Reader(io.BytesIO(sample)), 0, len(sample), found)
    return sample if cuts is None else b"".join(render(cuts, io.BytesIO(sample))), found


class TestObus:
    @pytest.mark.parametrize(("gone", "kind"), GONE.values(), ids=GONE)
    def test_what_is_no_picture_goes_and_is_reported(self, gone: bytes, kind: Kind) -> None:
        for sample in (gone + SEQUENCE + FRAME, SEQUENCE + gone + FRAME, SEQUENCE + FRAME + gone):
            result, found = cleaned(sample)

            assert result == SEQUENCE + FRAME
            assert found == {kind: 1}
            assert not obu.is_bare(sample, 0, len(sample))

    @pytest.mark.parametrize(
        "sample",
        [SEQUENCE + FRAME, unit(2, b"") + SEQUENCE + LIGHT + FRAME, unit(6, SECRET, sized=False)],
    )
    def test_what_is_picture_stays(self, sample: bytes) -> None:
        assert cleaned(sample) == (sample, Counter())

    def test_a_quick_look_knows_pictures(self) -> None:
        assert obu.is_bare(SEQUENCE + FRAME, 0, len(SEQUENCE + FRAME))
        assert not obu.is_bare(SEQUENCE + FRAME, 0, len(SEQUENCE + FRAME) + 1)

    def test_settings_hold_the_sequence_only(self) -> None:
        head = b"\x81\x00\x0c\xe0"

        assert obu.configured(head + GONE["user_data"][0] + SEQUENCE + GONE["padding"][0]) == (
            b"\x81\x00\x0c\x00" + SEQUENCE
        )
        assert obu.configured(head[:3] + b"\0") == head[:3] + b"\0"

    @pytest.mark.parametrize(
        "damaged", [FRAME[:-1], SEQUENCE + b"\x32", b"\x80" * 20, b"\x32" + b"\xff" * 20]
    )
    def test_a_unit_that_runs_past_its_end_is_refused(self, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(damaged)
