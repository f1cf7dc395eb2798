"""Time codes, as people write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.timecodes import LONGEST_MS, parsed, span, text


class TestTimeCodes:
    @pytest.mark.parametrize(
        ("said", "ms"),
        [("0", 0), ("45", 45_000), ("3:12", 192_000), ("03:12", 192_000), ("1:02:03.5", 3_723_500),
         ("0:00,25", 250), ("90:00", 5_400_000), ("300", 300_000), (" 3:12 ", 192_000)],
    )  # fmt: skip
    def test_are_read_in_every_form_that_people_use(self, said: str, ms: int) -> None:
        assert parsed(said) == ms

    @pytest.mark.parametrize(
        "said", ["", ":", "3:", ":12", "3:60", "1:60:00", "1:2:3:4", "-1", "1.2.3", "3:12.1234",
                 "٣:١٢", "9" * 9, "9999:00:00", "3 :12", "1:-2"],
    )  # fmt: skip
    def test_anything_else_is_refused(self, said: str) -> None:
        with pytest.raises(ValueError, match=r"time code|recording"):
            parsed(said)

    @given(st.integers(0, LONGEST_MS))
    def test_come_back_as_they_were(self, ms: int) -> None:
        assert parsed(text(ms)) == ms

    @given(st.text())
    def test_no_text_does_anything_but_read_or_be_refused(self, untrusted: str) -> None:
        with suppress(ValueError):
            assert 0 <= parsed(untrusted) <= LONGEST_MS

    def test_a_span_says_where_it_begins_and_ends(self) -> None:
        assert span(192_000, 200_500) == "3:12-3:20.5"
        assert (span(3_723_000, None), span(None, None)) == ("1:02:03", "")
