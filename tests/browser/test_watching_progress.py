"""A source sees how far the sending is, without scripts; and sees nothing that isn't so."""

import re
from pathlib import Path

import form
from browsers.source import begin, here, outcomes, send
from browsers.tab import Browser, Tab
from drops import Drop, Newsroom, Serving
from gate import Gate
from holds import HeldGpg, children_stopped


def length_of(gate: Gate) -> int:
    """Return how long the upload is that now stands at the gate, in bytes."""
    gate.let_through(1)
    return gate.length


def wait_until_here(tab: Tab, point: int) -> None:
    """Wait until the frame says that so many bytes are here."""
    tab.wait_until(lambda: here(tab.frame("progress")) == point, f"{point} bytes")


class TestWhatIsHere:
    def test_is_shown_in_numbers_that_are_the_drops_own(
        self, far: Tab, gate: Gate, shared: Serving, large: Path, tmp_path: Path
    ) -> None:
        begin(far)
        (path,) = far.attributes("iframe[name=progress]", "src")
        asking = form.Browser(shared.address, far.cookies)
        send(far, large)
        frame = far.frame("progress")
        length = length_of(gate)
        pictures = set()

        for percent in (20, 55, 90):
            point = -(-length * percent // 100)
            gate.let_through(point)
            wait_until_here(far, point)
            told = " ".join(frame.text().split())

            assert gate.passed == point
            assert told.startswith(f"{percent}% {megabytes(point)} of {megabytes(length)} are here")
            assert re.search(
                r" At [\d.]+ [kM]?B/s, (about \d+ \w+|less than a minute is) left", told
            )
            assert f'max="{length}" value="{point}"' in asking.get(path).html
            picture = tmp_path / f"{percent}-percent.png"
            picture.write_bytes(far.screenshot())
            pictures.add(picture.read_bytes())
        gate.open()

        far.frame("result").wait_for("We have it.")
        frame.wait_for("Done.")
        assert frame.text().startswith("100%")
        assert here(frame) == length
        assert len(pictures) == 3

    def test_is_told_for_each_thing_by_itself(
        self, far: Tab, gate: Gate, shared: Serving, wav: Path, large: Path
    ) -> None:
        stored = len(shared.drop.envelopes())
        begin(far)
        (path,) = far.attributes("iframe[name=result]", "src")
        send(far, wav, large, message="Please listen to the end.")
        progress, result = far.frame("progress"), far.frame("result")

        gate.let_through(length_of(gate) // 2)
        far.wait_until(lambda: outcomes(progress) == ["written", "cleaned", ""], "the first two")
        now = [" ".join(line.split()) for line in progress.texts("li")]

        assert now[0] == "Your message is stored"
        assert now[1] == "File 1 (16.4 kB) is stored"
        assert re.fullmatch(r"File 2 \([\d.]+ MB\) is arriving", now[2])
        assert "Once everything is here" in result.text()
        # Whoever loads that frame again meanwhile isn't told that it failed.
        again = form.Browser(shared.address, far.cookies).get(path).html
        assert "is arriving" in again
        assert "could not finish" not in again
        assert len(shared.drop.envelopes()) == stored + 2
        gate.open()
        result.wait_for("File 2 (6.1 MB)")
        progress.wait_for("Done.")
        assert outcomes(progress) == outcomes(result) == ["written", "cleaned", "cleaned"]
        assert progress.text().count("is stored") == result.text().count("We have it.") == 3
        assert len(shared.drop.envelopes()) == stored + 3

    def test_goes_on_when_everything_is_here(
        self, browser: Browser, newsroom: Newsroom, tmp_path: Path, wav: Path
    ) -> None:
        gpg = HeldGpg(tmp_path)
        with Drop(tmp_path / "drop", newsroom).running(before=gpg.before) as serving, gpg:
            tab = browser.fresh(serving.address)
            begin(tab)
            frame = tab.frame("progress")

            with children_stopped(serving.process):
                send(tab, wav)
                frame.wait_for("File 1 (16.4 kB) is here and is being cleaned")
                assert "Everything is here and is being worked on." in frame.text()
                assert serving.drop.envelopes() == []
            frame.wait_for("File 1 (16.4 kB) is clean and is being encrypted")
            assert serving.drop.envelopes() == []
            gpg.let_go()

            frame.wait_for("File 1 (16.4 kB) is stored")
            tab.frame("result").wait_for("We have it.")
            assert len(serving.drop.envelopes()) == 1


class TestTheFrame:
    def test_can_be_kept_still_and_up_to_date_again(
        self, far: Tab, gate: Gate, large: Path
    ) -> None:
        begin(far)
        send(far, large)
        frame = far.frame("progress")
        length = length_of(gate)
        far.wait_until(lambda: here(frame) == 1)

        far.click("Keep this still", wait=False)
        frame.wait_for("Keep this up to date")
        assert frame.attributes("meta[http-equiv]", "content") == []
        gate.let_through(length // 2)
        assert here(frame) == 1
        frame.click("Keep this up to date")

        far.wait_until(lambda: here(frame) == length // 2)
        gate.let_through(length // 2 + 1)
        far.wait_until(lambda: here(frame) == length // 2 + 1)
        assert frame.attributes("meta[http-equiv]", "content") == ["2"]

    def test_comes_back_by_its_link_when_its_own_line_broke(
        self, far: Tab, gate: Gate, large: Path
    ) -> None:
        begin(far)
        send(far, large)
        frame = far.frame("progress")
        half = length_of(gate) // 2
        far.wait_until(lambda: here(frame) == 1)

        gate.lose("/progress")
        far.wait_until(lambda: gate.lost and here(frame) == -1, "the frame to be lost")
        gate.lose("")
        gate.let_through(half)
        far.click("If this stops moving", wait=False)

        far.wait_until(lambda: here(frame) == half)
        gate.open()
        far.frame("result").wait_for("We have it.")


class TestWithoutFrames:
    def test_the_answer_opens_by_itself_and_says_the_same(
        self, browser: Browser, far: Tab, gate: Gate, wav: Path
    ) -> None:
        begin(far)
        far.remove_frames()
        send(far, wav, message="Without frames.")
        gate.open()

        far.wait_until(lambda: len(browser.tabs()) == 2, "a second tab")
        answer = browser.tabs()[1]
        answer.wait_for("We have it.")
        assert outcomes(answer) == ["written", "cleaned"]
        answer.click("To my mailbox")
        assert answer.texts("h1") == ["Your mailbox"]


def megabytes(size: int) -> str:
    """Return a size as the pages say it, for a test of what they say."""
    return f"{size // 100_000 / 10:g} MB"
