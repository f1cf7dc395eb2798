"""A drop that is locked down while it runs: it takes nothing, and keeps what it has."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from drops import Drop, Result, Serving, run_server
from form import Browser
from replies import reply_to, sent
from wire import END, FORM, answered, ask, connected, part, request

from server.i18n import languages

WORDS = "We take nothing at the moment."


def lock(drop: Drop) -> None:
    done = run_server("lockdown", "--confirm", "lock down", "--config", drop.config)
    assert done.returncode == 0, done.stderr


def unlock(drop: Drop) -> None:
    done = run_server("unlock", "--confirm", "unlock", "--config", drop.config)
    assert done.returncode == 0, done.stderr


def front(serving: Serving) -> str:
    return Browser(serving.address).get("/").html


@pytest.fixture
def locked(serving: Serving) -> Serving:
    """A running drop that has noticed that it was locked down."""
    lock(serving.drop)
    serving.wait_for(lambda: WORDS in front(serving))
    return serving


class TestSources:
    def test_who_have_a_mailbox_can_read_it(self, serving: Serving, wav: Path) -> None:
        codename = sent(serving, wav)
        reply_to(serving, codename, "Which door?")
        lock(serving.drop)
        serving.wait_for(lambda: WORDS in front(serving))

        source = Browser(serving.address)
        source.enter(codename)
        mailbox = source.get("/mailbox")

        assert mailbox.texts("blockquote") == ["Which door?"]
        assert "We have it." in mailbox.html
        assert "What we received before is safe." in mailbox.html

    def test_are_not_asked_to_begin_get_no_form_and_see_pages_of_one_size(
        self, locked: Serving
    ) -> None:
        source = locked.visit()
        front_page, form_page = source.get("/"), source.get("/send")
        pages = [
            ask(locked, "GET", f"/{tag}{path}", cookie=source.cookie)
            for tag in languages()
            for path in ("", "/send", "/codename", "/return", "/keys")
        ]

        assert "/codename" not in front_page.links
        assert "/return" in front_page.links
        assert WORDS in form_page.html
        assert 'name="recordings"' not in form_page.html
        assert {len(page.body.encode()) for page in pages} == {16 * 1024}

    def test_who_have_the_form_open_already_are_refused_unread(
        self, serving: Serving, wav: Path
    ) -> None:
        browser = serving.visit()
        action = browser.get("/send").form
        lock(serving.drop)
        serving.wait_for(lambda: WORDS in front(serving))

        answer = ask(serving, "POST", action, cookie=browser.cookie, headers=FORM, body=END)

        assert answer.status == 503
        assert WORDS in answer.body
        assert len(answer.body.encode()) == 4 * 1024
        assert WORDS in browser.get(f"{action}/progress").html
        assert serving.drop.envelopes() == []

    def test_who_are_sending_are_told_and_what_was_whole_is_kept(
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
            lock(serving.drop)
            answer = answered(connection)

        assert answer.status == 303
        result = browser.get(answer.header("Location"))
        assert Result(result).became == ["cleaned", "locked_down", "locked_down"]
        assert WORDS in result.html
        assert len(serving.drop.manifests()) == 1


class TestTheDrop:
    def test_takes_again_once_it_is_unlocked(self, locked: Serving, wav: Path) -> None:
        unlock(locked.drop)
        locked.wait_for(lambda: WORDS not in front(locked))

        assert locked.send(wav).became == ["cleaned"]

    def test_stays_locked_when_it_is_started_anew(self, drop: Drop) -> None:
        lock(drop)

        with drop.running() as serving:
            assert WORDS in front(serving)
            log = serving.stop()

        assert "locked down" in log
        assert "event='locked_down'" in log


class TestTheCommands:
    @pytest.fixture
    def run(self, drop: Drop) -> Callable[..., tuple[int, str]]:
        def say(*words: str) -> tuple[int, str]:
            done = run_server(*words, "--config", drop.config)
            return done.returncode, done.stdout + done.stderr

        return say

    def test_change_nothing_that_nobody_confirmed(
        self, drop: Drop, run: Callable[..., tuple[int, str]]
    ) -> None:
        assert run("lockdown")[0] == 2
        assert run("lockdown", "--confirm", "lock up")[0] == 3
        assert not (drop.folder / "lockdown").exists()

    def test_say_first_what_they_would_do(self, run: Callable[..., tuple[int, str]]) -> None:
        assert "it will take no uploads any more" in run("lockdown")[1]

    def test_can_be_given_twice(self, run: Callable[..., tuple[int, str]]) -> None:
        assert run("lockdown", "--confirm", "Lock down")[0] == 0
        assert run("lockdown") == (0, "it is locked down already\n")
        assert run("unlock")[0] == 2
        assert run("unlock", "--confirm", "unlock")[0] == 0
        assert run("unlock") == (0, "it is not locked down\n")

    def test_work_whatever_is_wrong_with_the_settings(
        self, drop: Drop, run: Callable[..., tuple[int, str]]
    ) -> None:
        before = drop.config.read_text()
        drop.config.write_text("no = settings")
        try:
            assert run("lockdown", "--confirm", "lock down")[0] == 0
        finally:
            drop.config.write_text(before)

    def test_ask_for_a_drop(self, tmp_path: Path) -> None:
        done = run_server("lockdown", "--config", tmp_path / "tapedrop.toml")

        assert done.returncode == 2
        assert "there is no drop at" in done.stderr

    def test_leave_a_lock_of_a_later_version(
        self, drop: Drop, run: Callable[..., tuple[int, str]]
    ) -> None:
        (drop.folder / "lockdown").write_text(json.dumps({"version": 2}))

        assert run("unlock", "--confirm", "unlock")[0] == 3
        assert (drop.folder / "lockdown").exists()
