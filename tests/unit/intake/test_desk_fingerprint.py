"""Fingerprints: small, the same however a sound was sent, and different for every other sound."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sounds import talk

from intake import likeness
from intake.fingerprint import FRAME, HOP, RATE, Fingerprint, Listening
from intake.likeness import Likeness, _pairs
from intake.passages import Alike, Passage, related

SECONDS = 40


def at_rate(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return a recording of 16 000 samples a second with as many as fingerprints want."""
    length = len(samples) * RATE // 16_000
    return np.interp(np.linspace(0, len(samples) - 1, length), np.arange(len(samples)), samples)


def heard(samples: NDArray[np.float64], blocks: int = 20_000) -> Fingerprint:
    listening = Listening()
    held = np.clip(samples, -32_768, 32_767).astype("<i2")
    for at in range(0, len(held), blocks):
        listening.hear(held[at : at + blocks].tobytes())
    return listening.fingerprint()


SPOKEN = at_rate(talk(SECONDS, seed=1))
CHANCE = np.random.default_rng(7)
TIME = np.arange(len(SPOKEN)) / RATE


class TestAFingerprint:
    def test_of_an_hour_takes_a_hundred_kilobytes(self) -> None:
        assert len(heard(SPOKEN).packed) / SECONDS * 3600 < 102_400

    @pytest.mark.parametrize("blocks", [800, 12_345, 500_000])
    def test_is_the_same_in_whatever_blocks_it_is_heard(self, blocks: int) -> None:
        assert heard(SPOKEN, blocks).packed == heard(SPOKEN).packed

    def test_is_kept_whole(self) -> None:
        made = heard(SPOKEN)

        kept = Fingerprint.unpacked(made.packed)

        assert kept is not None
        assert kept.packed == made.packed

    @given(st.binary(max_size=300))
    def test_any_bytes_are_one_or_none(self, kept: bytes) -> None:
        found = Fingerprint.unpacked(kept)
        assert found is None or len(found.words) == len(found.telling)

    @given(st.integers(0, 60))
    def test_of_another_version_or_cut_short_is_none(self, missing: int) -> None:
        packed = heard(SPOKEN[: 12 * RATE]).packed
        assert Fingerprint.unpacked(packed[: len(packed) - 1 - missing]) is None
        assert Fingerprint.unpacked(b"\x02" + packed[1:]) is None
        assert Fingerprint.unpacked(struct.pack("<BI", 1, 0xFFFFFFFF)) is None

    @pytest.mark.parametrize("samples", [0, 100, FRAME, FRAME + HOP - 1])
    def test_of_less_than_two_frames_has_no_words(self, samples: int) -> None:
        assert len(heard(SPOKEN[:samples]).words) == 0

    @pytest.mark.parametrize(
        "sound",
        [
            np.zeros(len(TIME)),
            CHANCE.integers(-1, 2, len(TIME)).astype(np.float64),
            9000 * np.sin(2 * np.pi * 700 * TIME),
            sum(3000 / k * np.sin(2 * np.pi * 50 * k * TIME) for k in range(1, 30)),
            sum(3000 / k * np.sin(2 * np.pi * 50 * k * TIME) for k in range(1, 30))
            + CHANCE.normal(0, 100, len(TIME)),
        ],
        ids=["silence", "rounding", "tone", "hum", "hum and hiss"],
    )
    def test_of_what_says_nothing_tells_nothing(self, sound: NDArray[np.float64]) -> None:
        assert heard(sound).telling.mean() < 0.02


CHANGES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "nothing": lambda sound: sound,
    "a tenth as loud": lambda sound: sound / 10,
    "too loud": lambda sound: np.clip(sound * 4, -32_768, 32_767),
    "noise": lambda sound: sound + np.random.default_rng(3).normal(0, 1200, len(sound)),
    "an echo": lambda sound: sound + 0.4 * np.roll(sound, RATE // 20),
    "a telephone": lambda sound: sound - np.convolve(sound, np.ones(14) / 14, "same"),
}


class TestPassages:
    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize("start", [9.0, 17.337])
    def test_an_excerpt_is_found_to_a_twentieth_of_a_second(
        self, change: str, start: float
    ) -> None:
        cut = SPOKEN[int(start * RATE) : int((start + 12) * RATE)]

        found = Likeness(heard(CHANGES[change](cut))).passages(heard(SPOKEN))

        assert len(found) == 1
        assert abs(found[0].offset_ms - start * 1000) < 50
        assert found[0].differ < 0.25
        assert abs(found[0].length_ms - 12_000) < 1500

    def test_a_passage_in_the_midst_of_both_is_found_from_either(self) -> None:
        common = SPOKEN[10 * RATE : 22 * RATE]
        here = np.concatenate([at_rate(talk(15, seed=21)), common, at_rate(talk(9, seed=22))])
        there = np.concatenate([at_rate(talk(6, seed=23)), common, at_rate(talk(12, seed=24))])

        (found,) = Likeness(heard(here)).passages(heard(there))
        (turned,) = Likeness(heard(there)).passages(heard(here))

        assert abs(found.offset_ms + 9000) < 50
        assert abs(turned.offset_ms - 9000) < 50
        assert abs(found.here_ms - 15_000) < 1500
        assert abs(found.length_ms - 12_000) < 3000

    def test_other_voices_have_none(self) -> None:
        others = [heard(at_rate(talk(SECONDS, seed=seed))) for seed in range(30, 36)]

        for number, each in enumerate(others):
            likeness = Likeness(each)
            assert [likeness.passages(other) for other in others[:number]] == [[]] * number

    def test_a_sound_that_goes_on_and_on_ends(self) -> None:
        beeps = 9000 * np.sin(2 * np.pi * 941 * TIME) * (TIME % 1 < 0.5)
        likeness = Likeness(heard(beeps))

        assert len(likeness.passages(heard(beeps[RATE // 3 :]))) <= 10
        assert likeness.passages(heard(SPOKEN)) == []

    def test_a_loop_takes_no_more_memory_than_anything_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        words = np.tile(np.random.default_rng(1).integers(0, 2**32, 500, dtype=np.uint32), 12)
        loop = Fingerprint(words, np.ones(len(words), np.bool_))
        found: list[int] = []

        def counted(*asked: Any) -> Any:
            found.append(len(pairs := _pairs(*asked)))
            return pairs

        monkeypatch.setattr(likeness, "_pairs", counted)
        monkeypatch.setattr(likeness, "_MOST_PAIRS", 10_000)
        (passage,) = Likeness(loop).passages(loop)
        assert (passage.offset_ms, passage.differ) == (0, 0)
        assert max(found) <= 10_000

    def test_nothing_is_like_silence_or_nothing(self) -> None:
        silence = heard(np.zeros(20 * RATE))
        for nothing in (silence, heard(np.zeros(0))):
            for each in (silence, heard(SPOKEN)):
                assert Likeness(nothing).passages(each) == []
                assert Likeness(each).passages(nothing) == []


class TestWhatTheyAreToEachOther:
    def test_a_passage_that_is_all_of_both_is_the_same_sound(self) -> None:
        passage = Passage(300, 0, 59_000, 0.1)
        assert related(2, 1, 60_000, 60_100, [passage]).alike is Alike.ANEW

    def test_one_that_is_all_of_one_is_an_excerpt_whichever_came_first(self) -> None:
        passage = Passage(500, 30_500, 29_000, 0.1)
        for pair in (
            related(2, 1, 30_000, 90_000, [passage]),
            related(1, 2, 90_000, 30_000, [passage.turned]),
        ):
            assert (pair.number, pair.other, pair.alike) == (2, 1, Alike.EXCERPT)
            assert pair.passages == (Passage(0, 30_000, 30_000, 0.1),)

    def test_others_are_passages(self) -> None:
        passages = [Passage(5000, 30_000, 10_000, 0.1), Passage(40_000, 0, 8000, 0.1)]
        pair = related(2, 1, 60_000, 90_000, passages)
        assert (pair.alike, pair.passages) == (Alike.PASSAGES, tuple(passages))
