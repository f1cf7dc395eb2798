"""Duplicates: the same file, the same sound encoded anew, an excerpt and where it lies."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from desks import DeskAt, Server
from sounds import RATE, encoded, talk, wav

from intake.listen.decode import JOB, LIMITS, Decoder
from intake.scrubbing import OPENER
from scrub import SandboxUnavailable, Zygote

pytestmark = pytest.mark.usefixtures("opened_once")

SPOKEN = talk(40, seed=1)
OTHER = talk(40, seed=2)


@pytest.fixture(scope="module", autouse=True)
def one_decoder() -> Iterator[None]:
    """Have every verb of these tests share one sandbox: it takes longest to start."""
    with (
        Zygote.start(OPENER, limits=LIMITS, own_job=JOB) as zygote,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(Decoder, "_started", lambda _self: zygote)
        yield


@pytest.fixture
def sent(desk: DeskAt, server: Server, stick: Path) -> Callable[..., list[str]]:
    """Have a source send recordings, and open them; their ids as they were sent."""

    def send(*recordings: bytes) -> list[str]:
        before = {row["id"] for row in desk("list", "--json").json}
        for recording in recordings:
            server.receive(recording)
        server.export(stick)
        assert desk("import", stick).code == 0
        opened = desk("open", "--all", "--json")
        ids = {}
        for row in opened.json:
            if row["id"] not in before:
                ids[row["size"]] = row["id"]
        return [ids[len(recording)] for recording in recordings]

    return send


class TestDuplicates:
    def test_are_found_whatever_was_done_to_them(
        self, desk: DeskAt, sent: Callable[..., list[str]]
    ) -> None:
        whole = wav(SPOKEN)
        excerpt = wav(SPOKEN[int(17.3 * RATE) : int(29.3 * RATE)])
        first, other, anew, cut = sent(
            whole,
            wav(OTHER[: 30 * RATE]),
            encoded(whole, "mp3", "-b:a", "64k", "-af", "volume=0.4"),
            encoded(excerpt, "opus", "-b:a", "24k"),
        )

        found = {each["id"] + each["other"]: each for each in desk("duplicates", "--json").json}

        said = {frozenset((each["id"], each["other"])): each for each in found.values()}
        assert set(said) == {
            frozenset((first, anew)),
            frozenset((first, cut)),
            frozenset((anew, cut)),
        }
        assert other not in "".join(found)
        assert said[frozenset((first, anew))]["alike"] == "the same sound, encoded anew"
        for longer in (first, anew):
            about = said[frozenset((longer, cut))]
            assert (about["id"], about["alike"]) == (cut, "an excerpt")
            (passage,) = about["passages"]
            assert abs(passage["there_ms"] - 17_300) < 100
            assert abs(passage["length_ms"] - 12_000) < 100
            assert passage["differ"] < 0.2

        listed = desk("duplicates", cut)
        assert listed.code == 0
        assert f"{cut} is an excerpt of {first}, from 0:17.3 to 0:29.3\n" in listed.out
        assert desk("duplicates", other).out == ""

    def test_the_same_file_and_the_same_coding_are_named_as_such(
        self, desk: DeskAt, sent: Callable[..., list[str]], server: Server, stick: Path
    ) -> None:
        coded = encoded(wav(SPOKEN[: 5 * RATE]), "matroska", "-c:a", "aac")
        titled = encoded(coded, "matroska", "-c", "copy", "-metadata", "title=Evidence in court")
        first, second = sent(coded, titled)
        (third,) = sent(coded)

        listed = desk("duplicates").out

        earlier, later = sorted((first, second))
        assert f"{later} is the same coded sound as {earlier}, in another file\n" in listed
        assert f"{third} is the same file as {first}\n" in listed

    def test_silence_hum_and_tones_are_like_nothing(
        self, desk: DeskAt, sent: Callable[..., list[str]]
    ) -> None:
        time = np.arange(30 * RATE) / RATE
        hum = sum(np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 20)) * 3000
        tone = np.sin(2 * np.pi * 700 * time) * 9000
        sounds = [np.zeros(30 * RATE), hum, tone]
        sent(
            *(wav(each.astype(np.int16)) for each in sounds),
            *(wav(each[RATE:].astype(np.int16)) for each in sounds),
        )

        answer = desk("duplicates")

        assert (answer.code, answer.out) == (0, "")
        assert "nothing alike among 6 recordings" in answer.err

    def test_what_can_t_be_decoded_is_said_and_costs_the_others_nothing(
        self, desk: DeskAt, sent: Callable[..., list[str]]
    ) -> None:
        whole = wav(SPOKEN[: 15 * RATE])
        noise, first, anew = sent(b"no sound " * 999, whole, encoded(whole, "mp3"))

        answer = desk("duplicates")
        again = desk("duplicates")

        assert answer.code == 1
        assert f"error: {noise} can't be decoded: nothing in it can be decoded" in answer.err
        assert "encoded anew" in answer.out
        assert {first, anew} <= set(answer.out.replace(",", "").split())
        assert (again.code, again.out) == (0, answer.out)
        assert "1 could not be decoded" in again.err
        named = desk("duplicates", noise)
        assert (named.code, named.out) == (1, "")

    def test_each_is_listened_to_once(
        self, desk: DeskAt, sent: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent(wav(SPOKEN[: 15 * RATE]), encoded(wav(SPOKEN[: 15 * RATE]), "mp3"))
        before = desk("duplicates").out

        def nobody(*_: object) -> None:
            raise AssertionError

        monkeypatch.setattr(Decoder, "decoding", nobody)

        assert desk("duplicates").out == before != ""

    def test_a_purged_recording_is_forgotten(
        self, desk: DeskAt, sent: Callable[..., list[str]]
    ) -> None:
        whole = wav(SPOKEN[: 15 * RATE])
        first, anew = sent(whole, encoded(whole, "mp3"))
        assert first in desk("duplicates").out

        assert desk("purge", first, "--confirm", "purge 1 drop").code == 0

        answer = desk("duplicates")
        assert (answer.code, answer.out) == (0, "")
        assert "nothing alike among 1 recordings" in answer.err
        assert anew in desk("list").out

    def test_one_whose_working_copy_was_dropped_waits_until_it_is_open(
        self, desk: DeskAt, sent: Callable[..., list[str]]
    ) -> None:
        (only,) = sent(wav(SPOKEN[: 10 * RATE]))
        for copy in desk.files("working"):
            copy.unlink()

        assert "1 have no working copy" in desk("duplicates").err
        desk("open", only)
        assert "working copy" not in desk("duplicates").err

    def test_messages_are_no_recordings(
        self, desk: DeskAt, server: Server, stick: Path, sent: Callable[..., list[str]]
    ) -> None:
        server.message("the same words")
        server.message("the same words")
        sent()

        assert "nothing alike among 0 recordings" in desk("duplicates").err

    def test_without_a_sandbox_nothing_is_listened_to(
        self, desk: DeskAt, sent: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent(wav(SPOKEN[: 10 * RATE]))

        def unfit(_self: Decoder) -> Zygote:
            raise SandboxUnavailable("Landlock is not enabled in this kernel")

        monkeypatch.setattr(Decoder, "_started", unfit)

        answer = desk("duplicates")
        assert answer.code == 5
        assert "Landlock is not enabled" in answer.err

    def test_nothing_of_the_sound_lies_in_the_clear(
        self, desk: DeskAt, sent: Callable[..., list[str]]
    ) -> None:
        recording = wav(SPOKEN[: 15 * RATE])
        sent(recording)
        desk("duplicates")

        assert not desk.holds(recording[10_000:10_032])
