"""An envelope's length says little about the recording in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto.padding import SMALLEST, padme

LENGTHS = st.integers(0, 2**64)


class TestPadme:
    @examples(300)
    @given(LENGTHS)
    def test_nothing_is_cut_off(self, length: int) -> None:
        assert padme(length) >= length

    @examples(300)
    @given(st.integers(SMALLEST, 2**64))
    def test_it_costs_at_most_twelve_per_cent(self, length: int) -> None:
        assert (padme(length) - length) * 100 <= 12 * length

    @examples(300)
    @given(LENGTHS, LENGTHS)
    def test_a_longer_recording_never_makes_a_shorter_envelope(self, one: int, other: int) -> None:
        assert padme(min(one, other)) <= padme(max(one, other))

    @examples(300)
    @given(LENGTHS)
    def test_what_is_padded_stays_as_it_is(self, length: int) -> None:
        assert padme(padme(length)) == padme(length)

    @examples(300)
    @given(LENGTHS)
    def test_a_padded_length_keeps_as_many_bits_as_its_exponent_has(self, length: int) -> None:
        padded = padme(length)
        exponent = padded.bit_length() - 1
        significant = padded >> (exponent - exponent.bit_length())
        assert significant << (exponent - exponent.bit_length()) == padded

    @examples(300)
    @given(LENGTHS)
    def test_whole_tar_blocks_stay_whole(self, length: int) -> None:
        assert padme(length) % 512 == 0

    @pytest.mark.parametrize("length", [0, 1, 512, SMALLEST - 1, SMALLEST])
    def test_every_short_message_is_as_long_as_any_other(self, length: int) -> None:
        assert padme(length) == SMALLEST

    @pytest.mark.parametrize(
        ("length", "padded"),
        [
            (65_537, 67_584),  # exponent 16 keeps 5 bits: steps of 2,048
            (131_071, 131_072),
            (131_073, 135_168),
            (1_000_000, 1_015_808),  # exponent 19 keeps 5 bits: steps of 16,384
            (2**30, 2**30),
            (2**30 + 1, 2**30 + 2**25),
        ],
    )
    def test_the_published_rule_gives_these_lengths(self, length: int, padded: int) -> None:
        assert padme(length) == padded
