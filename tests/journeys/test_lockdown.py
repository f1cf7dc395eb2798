"""A drop that is locked down while it runs: it takes nothing, and keeps what it has."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

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


class Closed(NamedTuple):
    """A running drop that was locked down after somebody had sent, and opened another form."""

    serving: Serving
    codename: str
    visit: Browser
    form: str


@pytest.fixture(scope="module")
def closed(prepared: Drop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    drop = Drop.copied(prepared, tmp_path_factory.mktemp("closed") / "drop")
    with drop.running() as serving:
        codename = sent(serving, message="Listen.")
        reply_to(serving, codename, "Which door?")
        visit = serving.visit()
        form = visit.get("/send").form
        lock(drop)
        serving.wait_for(lambda: WORDS in front(serving))
        yield Closed(serving, codename, visit, form)


class TestSources:
    def test_who_have_a_mailbox_can_read_it(self, closed: Closed) -> None:
        source = Browser(closed.serving.address)
        source.enter(closed.codename)
        mailbox = source.get("/mailbox")

        assert mailbox.texts("blockquote") == ["Which door?"]
        assert "We have it." in mailbox.html
        assert "What we received before is safe." in mailbox.html

    def test_are_not_asked_to_begin_and_get_no_form(self, closed: Closed) -> None:
        front_page, form_page = closed.visit.get("/"), closed.visit.get("/send")

        assert "/codename" not in front_page.links
        assert "/return" in front_page.links
        assert WORDS in form_page.html
        assert 'name="recordings"' not in form_page.html

    def test_see_pages_as_long_as_ever_in_every_language(self, closed: Closed) -> None:
        for tag in languages():
            for path in ("", "/send", "/codename", "/return", "/keys"):
                address = f"/{tag}{path}"
                page = ask(closed.serving, "GET", address, cookie=closed.visit.cookie)
                assert len(page.body.encode()) == 16 * 1024, address

    def test_who_have_the_form_open_already_are_refused_unread(self, closed: Closed) -> None:
        before = closed.serving.drop.envelopes()

        answer = ask(
            closed.serving,
            "POST",
            closed.form,
            cookie=closed.visit.cookie,
            headers=FORM,
            body=END,
        )

        assert answer.status == 503
        assert WORDS in answer.body
        assert len(answer.body.encode()) == 4 * 1024
        assert WORDS in closed.visit.get(f"{closed.form}/progress").html
        assert closed.serving.drop.envelopes() == before

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
    def test_stays_locked_when_it_is_started_anew_until_it_is_unlocked(
        self, drop: Drop, wav: Path
    ) -> None:
        lock(drop)

        with drop.running() as serving:
            assert WORDS in front(serving)
            unlock(drop)
            serving.wait_for(lambda: WORDS not in front(serving))
            assert serving.send(wav).became == ["cleaned"]
            log = serving.stop()

        assert "it is locked down, and takes nothing" in log
        assert log.index("event='locked_down'") < log.index("event='unlocked'")


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

    def test_leave_no_file_of_root_s_in_the_drop(
        self, drop: Drop, run: Callable[..., tuple[int, str]]
    ) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(drop.folder, 12345, 12345)

        run("lockdown", "--confirm", "lock down")

        assert (drop.folder / "lockdown").stat().st_uid == 12345

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
