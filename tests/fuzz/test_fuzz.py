"""The fuzzer makes the same inputs each time, and sees what it is there to see."""

from pathlib import Path

import pytest
from canary.riff import chunk, riff

from fuzz import mutate, outcome, run
from fuzz.mutate import Seed

PCM = b"\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0"
TAGGED = riff(b"WAVE", chunk(b"fmt ", PCM), chunk(b"data", b"canary0123456789" * 9))
SEEDS = (Seed("wav-pcm", TAGGED, (0, 36)),)


@pytest.fixture(autouse=True)
def vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "VECTORS", tmp_path)
    return tmp_path


def cleaning_by(cleaning: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "cleaned", cleaning)


class TestFuzzing:
    def test_makes_the_same_input_of_a_seed_and_a_number(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mutate, "seeds", lambda: SEEDS)
        numbers = range(40)

        once = [run.made(SEEDS, 7, number) for number in numbers]

        assert [run.made(SEEDS, 7, number) for number in numbers] == once
        assert len({recording for _, recording in once}) > 30

    def test_sees_text_that_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cleaning_by(bytes, monkeypatch)
        monkeypatch.setattr(outcome, "_packets", lambda result, extension: b"nothing of it")

        assert run.tried(TAGGED) == ("planted text is left", "fault")

    def test_excuses_text_that_became_sound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cleaning_by(bytes, monkeypatch)
        monkeypatch.setattr(outcome, "_packets", lambda result, extension: result)

        assert run.tried(TAGGED) == ("", "clean, text among the sound")

    def test_sees_a_result_that_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cleaning_by(lambda recording: recording + b".", monkeypatch)

        assert run.tried(b"sound") == ("a second cleaning changes something", "fault")

    def test_sees_any_other_exception(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(recording: bytes) -> bytes:
            raise IndexError

        cleaning_by(broken, monkeypatch)

        assert run.tried(b"sound")[0].startswith("IndexError in")

    def test_sees_one_that_takes_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def endless(recording: bytes) -> bytes:
            while True:
                pass

        monkeypatch.setattr(run, "CPU_SECONDS", 0.05)
        run.be_timed()
        cleaning_by(endless, monkeypatch)

        assert run.tried(b"sound")[0].startswith("TooSlow in")

    def test_keeps_a_fault_as_short_as_it_can(
        self, vectors: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(recording: bytes) -> bytes:
            if b"!" in recording:
                raise KeyError
            return recording

        cleaning_by(broken, monkeypatch)
        long = bytes(500) + b"!" + bytes(500)
        fault, _ = run.tried(long)

        kept = run.keep("wav-pcm", fault, run.shrunk(long, fault))

        assert kept.parent == vectors
        assert kept.read_bytes().endswith(b"\n\n!")
