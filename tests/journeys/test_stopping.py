"""A drop that is told to stop: it keeps what it has, says so, and ends whatever hangs."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from drops import Drop, Result, Serving, write_wav
from holds import child_of
from wire import END, FORM, Answer, answered, ask, connected, part, request


def tell(serving: Serving) -> None:
    """Tell it to stop, or to hurry."""
    serving.process.send_signal(signal.SIGTERM)


def hurry(serving: Serving) -> None:
    """Tell it again and again, until it is gone."""
    while serving.process.poll() is None:
        tell(serving)
        with contextlib.suppress(subprocess.TimeoutExpired):
            serving.process.wait(0.1)


def refused_since_it_stops(serving: Serving) -> tuple[Answer, str]:
    """Send forms until one is refused; return what it is answered, and what its frame says."""
    while True:
        browser = serving.visit()
        action = browser.get("/send").form
        answer = ask(serving, "POST", action, cookie=browser.cookie, headers=FORM, body=END)
        if answer.status != 303:
            return answer, browser.get(f"{action}/progress").html


@contextlib.contextmanager
def sending(serving: Serving, recording: Path) -> Iterator[list[list[str]]]:
    """Send a recording meanwhile; what is yielded gets what it was answered with."""
    answers: list[list[str]] = []

    def send() -> None:
        with contextlib.suppress(OSError):
            answers.append(serving.send(recording).became)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield answers
    finally:
        sender.join()


class TestWhatIsBeingSent:
    def test_arrives_is_kept_and_is_told(self, serving: Serving, wav: Path) -> None:
        browser = serving.visit()
        action = browser.get("/send").form
        body = part("recordings", wav.read_bytes(), file_name="a.wav") + END

        with connected(serving) as connection:
            head = request("POST", action, cookie=browser.cookie, headers=FORM, length=len(body))
            connection.sendall(head + body[:1000])
            serving.wait_for(lambda: "data-became" in browser.get(f"{action}/progress").html)
            tell(serving)
            connection.sendall(body[1000:])
            answer = answered(connection)

        assert answer.status == 303
        assert Result(browser.get(answer.header("Location"))).became == ["cleaned"]
        serving.stop()
        assert len(serving.drop.envelopes()) == 1

    def test_is_broken_off_in_the_end_and_what_was_whole_is_kept(
        self, serving: Serving, wav: Path
    ) -> None:
        browser = serving.visit()
        action = browser.get("/send").form
        whole = part("recordings", wav.read_bytes(), file_name="a.wav")
        half = part("recordings", wav.read_bytes()[:44] + bytes(2_000_000), file_name="b.wav")[:-9]

        with connected(serving) as connection:
            head = request("POST", action, cookie=browser.cookie, headers=FORM, length=10**8)
            connection.sendall(head + whole + half)
            serving.wait_for(serving.drop.envelopes)
            tell(serving)
            refused_since_it_stops(serving)
            tell(serving)
            answer = answered(connection)

        assert answer.status == 303
        serving.stop()
        assert [manifest["condition"] for manifest in serving.drop.manifests()] == ["cleaned"]


class TestWhoeverWantsToSend:
    def test_is_told_that_we_are_busy_while_others_still_send(self, serving: Serving) -> None:
        another = serving.visit()
        held = another.get("/send").form

        with connected(serving) as connection:
            head = request("POST", held, cookie=another.cookie, headers=FORM, length=1000)
            connection.sendall(head)
            serving.wait_for(lambda: "<progress" in another.get(f"{held}/progress").html)
            tell(serving)
            answer, frame = refused_since_it_stops(serving)

        assert answer.status == 503
        assert "We are busy just now. We kept nothing." in answer.body
        assert "Please try again in a minute." in frame
        assert "http-equiv" not in frame  # it stays to be read when nobody answers any more


class TestWhatHangs:
    @pytest.mark.parametrize("marks", [("gpg", "--encrypt"), ("scrub.worker",)])
    def test_ends_with_the_drop_and_leaves_nothing(
        self, serving: Serving, tmp_path: Path, marks: tuple[str, ...]
    ) -> None:
        recording = write_wav(tmp_path / "long.wav", os.urandom(5_000_000))
        if marks == ("scrub.worker",):
            os.kill(child_of(serving.process, *marks) or 0, signal.SIGSTOP)

        with sending(serving, recording):
            while (hanging := child_of(serving.process, *marks)) is None:
                pass
            os.kill(hanging, signal.SIGSTOP)
            hurry(serving)

        assert not Path(f"/proc/{hanging}").exists()
        assert serving.drop.envelopes() == []
        assert list((serving.drop.folder / "spool").iterdir()) == []


def test_one_that_is_asked_for_nothing_stops_at_once(drop: Drop, wav: Path) -> None:
    with drop.running() as serving:
        assert serving.send(wav).became == ["cleaned"]
        tell(serving)

        assert serving.process.wait(60) == 0
