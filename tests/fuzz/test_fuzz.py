"""The fuzzer makes the same inputs each time, and sees what it is there to see."""

from pathlib import Path

import pytest
from canary.riff import chunk, riff

from fuzz import decoding, forms, lines, mutate, outcome, run
from fuzz.mutate import Seed
from fuzz.outcome import Fault
from fuzz.targets import TARGETS, Target
from server.arrive import _Form
from server.proxy_line import TakesLine

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

    def test_has_the_decoder_say_what_became_of_any_bytes(self) -> None:
        assert decoding.outcome(TAGGED) == "decoded"
        assert decoding.outcome(b"sound") == "nothing in it can be decoded"

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

        assert kept.parent == vectors / "scrub"
        assert kept.read_bytes().endswith(b"\n\n!")


class TestForms:
    @pytest.mark.parametrize("seed", forms.seeds(), ids=lambda seed: seed.name)
    def test_as_browsers_send_them_are_no_fault(self, seed: Seed) -> None:
        assert run.tried(seed.recording, TARGETS["multipart"])[0] == ""

    def test_are_read_strictly_by_code_that_shares_nothing_with_ours(self) -> None:
        whole = next(seed for seed in forms.seeds() if seed.name == "multipart whole").recording

        assert forms.expected(whole) == forms.read(whole, [whole])
        assert forms.expected(whole[:-1]) is None
        assert forms.expected(b"before it\r\n" + whole) is None

    def test_that_lose_a_byte_on_their_way_are_a_fault(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(forms.Held, "write", lambda held, chunk: held.content.extend(chunk[1:]))

        assert run.tried(forms.seeds()[0].recording, TARGETS["multipart"])[1] == "fault"

    def test_that_break_the_reader_are_a_fault(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(form: _Form) -> None:
            raise IndexError

        monkeypatch.setattr(_Form, "_read_boundary", broken)

        assert run.tried(b"--edge", TARGETS["multipart"])[0].startswith("IndexError in")


class TestLines:
    def test_that_tor_does_not_write_are_found_by_their_values(self) -> None:
        assert lines.expected(lines.line_of(0x1C, 80) + b"GET") == (0x1C, b"GET")
        assert lines.expected(b"PROXY TCP6 fc00:dead:beef:4dad::1c ::1 28 80\r\n") is None
        assert lines.expected(lines.line_of(0x1C, 80)[:-2]) is None

    def test_whose_rest_is_lost_are_a_fault(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lines.Following, "data_received", lambda following, data: None)

        with pytest.raises(Fault):
            lines.outcome(lines.line_of(0x1C, 80) + b"GET")

    def test_that_are_waited_for_too_long_are_a_fault(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TakesLine, "data_received", lambda taking, data: None)

        with pytest.raises(Fault):
            lines.outcome(b"P" * 200)


@pytest.mark.parametrize("name", ["multipart", "proxy-line"])
def test_a_few_inputs_and_every_vector_are_no_fault(name: str) -> None:
    target: Target = TARGETS[name]
    kept = (Path(__file__).parents[1] / "vectors" / target.folder).glob("*")
    inputs = [run.made(target.seeds(), 5, number)[1] for number in range(150)]
    inputs += [path.read_bytes().partition(b"\n\n")[2] for path in sorted(kept)]

    assert [fault for fault, _ in (run.tried(each, target) for each in inputs) if fault] == []
