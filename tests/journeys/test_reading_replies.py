"""The mailbox as a source meets it: read, answered, tidied, and closed for good."""

import asyncio
import fcntl
import http.client
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from desk import Desk, exported
from drops import Drop, Serving, run_server
from form import Browser, Page
from replies import keys_of, reply_to, sent

from crypto.codename import new_codename, words_of
from server.i18n import preferred
from server.mailbox import MailboxEvent, note
from server.pages.parts import PAGE_SIZE
from server.sender import sender_of
from server.store.local import LocalStore

NOTHING = "There is nothing here."


def back(serving: Serving, codename: str) -> tuple[Browser, Page]:
    """Come back with the codename; return the visit, and the mailbox."""
    browser = Browser(serving.address)
    return browser, browser.enter(codename)


def stored(serving: Serving, kind: str) -> list[Path]:
    """Return what lies in the store under `kind`, folders too."""
    return sorted((serving.drop.folder / "store" / kind).rglob("*"))


def carried_back(serving: Serving, desk: Desk, stick: Path) -> dict[str, int]:
    """Carry the desk's answers to the drop; return what became of them."""
    bag = desk.json("receipt", "--to", stick)["bag"]
    done = run_server("replies", "import", bag, "--config", serving.drop.config, "--json")
    assert done.returncode == 0, done.stderr
    (said,) = json.loads(done.stdout)["bags"]
    return {name: number for name, number in said.items() if name != "bag"}


def action(page: Page, name: str) -> str:
    """Return the address that a form of the page posts to."""
    (found,) = re.findall(rf'action="(/mailbox/[^"]+/{name})"', page.html)
    return str(found)


class TestAcrossTheAirGap:
    def test_a_source_is_told_that_it_was_opened_and_reads_a_reply(
        self, serving: Serving, desk: Desk, wav: Path, tmp_path: Path
    ) -> None:
        codename = sent(serving, wav, message="More soon.")
        desk.run("import", exported(serving.drop, tmp_path / "stick"))
        desk.json("open", "--all")
        words = tmp_path / "reply.txt"
        words.write_text("Which door?\n  <b>The left one?</b>\n")
        desk.json("reply", "1", "--text-from", words)

        delivered = carried_back(serving, desk, tmp_path / "back")
        _, mailbox = back(serving, codename)

        assert delivered == {"delivered": 2, "already_there": 0, "no_mailbox": 0}
        assert "Which door?\n  &lt;b&gt;The left one?&lt;/b&gt;" in mailbox.html
        assert "had opened 2 things that you sent" in " ".join(mailbox.html.split())
        assert {said for said in mailbox.texts("li") if long_day() in said} == {
            f"{long_day()} : {what}. We have it." for what in ("Your message", "File 1")
        }

    def test_what_was_deleted_or_closed_stays_so_when_the_next_stick_comes(
        self, serving: Serving, desk: Desk, tmp_path: Path
    ) -> None:
        codename = sent(serving, message="Can you hear me?")
        desk.run("import", exported(serving.drop, tmp_path / "stick"))
        desk.json("open", "--all")
        words = tmp_path / "reply.txt"
        words.write_text("Yes.")
        desk.json("reply", "1", "--text-from", words)
        carried_back(serving, desk, tmp_path / "first")
        browser, mailbox = back(serving, codename)
        (name,) = re.findall(r'name="reply" value="(\w+)"', mailbox.html)
        browser.submit(action(mailbox, "delete"), {"reply": name})

        again = carried_back(serving, desk, tmp_path / "second")

        assert again == {"delivered": 0, "already_there": 2, "no_mailbox": 0}
        assert browser.get("/mailbox").texts("blockquote") == []

        browser.submit(action(browser.get("/mailbox/close"), "close"), {})
        desk.json("reply", "1", "--text-from", words)
        after = carried_back(serving, desk, tmp_path / "third")

        assert after == {"delivered": 0, "already_there": 2, "no_mailbox": 1}
        assert stored(serving, "replies") == []
        assert NOTHING in back(serving, codename)[1].html

    def test_two_imports_never_run_beside_each_other(self, drop: Drop, tmp_path: Path) -> None:
        running = os.open(drop.folder / "desks", os.O_RDONLY)
        fcntl.flock(running, fcntl.LOCK_EX)

        for kind in ("replies", "receipts"):
            done = run_server(kind, "import", tmp_path, "--config", drop.config)
            assert (done.returncode, "another import is running" in done.stderr) == (5, True)
        os.close(running)


class TestReading:
    def test_a_codename_nothing_was_sent_under_reads_as_one_whose_mailbox_is_closed(
        self, shared: Serving
    ) -> None:
        codename = sent(shared, message="x")
        browser, _ = back(shared, codename)
        browser.submit(action(browser.get("/mailbox/close"), "close"), {})

        _, closed = back(shared, codename)
        _, never = back(shared, words_of(new_codename()))

        assert NOTHING in closed.html
        assert without_tokens(closed) == without_tokens(never)

    def test_looking_writes_nothing(self, serving: Serving) -> None:
        codename = sent(serving, message="x")
        before = {path: path.stat() for path in stored(serving, "")}

        back(serving, codename)
        back(serving, words_of(new_codename()))

        assert {path: path.stat() for path in stored(serving, "")}.keys() == before.keys()

    def test_a_mailbox_with_a_few_things_is_as_long_as_an_empty_one(self, shared: Serving) -> None:
        codename = sent(shared, message="x")
        for _ in range(3):
            reply_to(shared, codename, "words " * 100)

        _, mailbox = back(shared, codename)
        _, empty = back(shared, words_of(new_codename()))

        assert len(mailbox.html.encode()) == len(empty.html.encode()) == PAGE_SIZE

    def test_a_long_history_is_read_page_by_page(self, shared: Serving) -> None:
        codename = sent(shared, message="x")
        sender = sender_of(keys_of(shared, codename))
        store = LocalStore(shared.drop.folder / "store")
        for day in range(1, 31):
            event = MailboxEvent(f"2025-01-{day:02}", "recording", "cleaned")
            asyncio.run(note(event, sender, store))
        for day in range(1, 9):
            reply_to(shared, codename, f"reply {day} " + "x" * 2000, day=f"2026-01-{day:02}")

        browser, first = back(shared, codename)
        seen, page = [first], first
        while older := [link for link in page.links if link == f"/mailbox/{len(seen) + 1}"]:
            page = browser.get(older[0])
            seen.append(page)

        replies = [text.split()[1] for page in seen for text in page.texts("blockquote")]
        events = [text for page in seen for text in page.texts("li") if "2025" in text]
        assert replies == ["8", "7", "6", "5", "4", "3", "2", "1"]
        assert len(events) == 30
        assert {len(page.html.encode()) for page in seen} == {PAGE_SIZE}

    def test_a_page_that_is_not_there_any_more_is_the_last_one(self, shared: Serving) -> None:
        browser, first = back(shared, sent(shared, message="x"))

        assert without_tokens(browser.get("/mailbox/9")) == without_tokens(first)

    def test_the_longest_reply_is_shown_whole(self, shared: Serving) -> None:
        codename = sent(shared, message="x")
        reply_to(shared, codename, "<&>" * 80_000)

        _, mailbox = back(shared, codename)

        assert mailbox.html.count("&lt;&amp;&gt;") == 80_000

    def test_without_a_codename_it_is_asked_for(self, shared: Serving) -> None:
        for path in ("/mailbox", "/mailbox/2", "/mailbox/close", "/fr/mailbox"):
            assert "/return/" in Browser(shared.address).get(path).form


class TestDeleting:
    def test_one_reply_goes_and_a_second_click_changes_nothing(self, shared: Serving) -> None:
        codename = sent(shared, message="x")
        gone = reply_to(shared, codename, "this one")
        reply_to(shared, codename, "that one")
        browser, mailbox = back(shared, codename)
        address = action(mailbox, "delete")

        for _ in range(2):
            after = browser.submit(address, {"reply": gone})

        assert after.texts("blockquote") == ["that one"]

    def test_only_a_page_of_the_visit_itself_may_ask_for_it(self, shared: Serving) -> None:
        codename = sent(shared, message="x")
        name = reply_to(shared, codename, "this one")
        browser, mailbox = back(shared, codename)

        for cookie, address in (
            ("", action(mailbox, "delete")),
            (browser.cookie, "/mailbox/another/delete"),
        ):
            assert posted(shared, address, f"reply={name}", cookie) == 403
        assert browser.get("/mailbox").texts("blockquote") == ["this one"]

    def test_a_form_that_is_not_ours_is_refused(self, shared: Serving) -> None:
        browser, _ = back(shared, words_of(new_codename()))
        address = action(browser.get("/mailbox/close"), "close").removesuffix("close") + "delete"

        for body in (
            "",
            "reply=",
            "reply=../../drops",
            "reply=" + "A" * 32,
            "another=" + "0" * 32,
            "&".join(["reply=" + "0" * 32] * 60),
            "\xff\x00",
            "x" * 5000,
        ):
            assert posted(shared, address, body, browser.cookie) == 400


class TestClosing:
    def test_says_first_what_goes_and_what_stays(self, serving: Serving) -> None:
        browser, mailbox = back(serving, sent(serving, message="x"))

        assert "/mailbox/close" in mailbox.links
        page = browser.get("/mailbox/close")

        assert page.texts("h2") == ["What goes, for good", "What stays"]
        assert len(stored(serving, "mailboxes")) == 2

    def test_mailbox_and_replies_go_the_recording_stays_and_the_visit_ends(
        self, serving: Serving, wav: Path
    ) -> None:
        codename = sent(serving, wav)
        reply_to(serving, codename, "words")
        browser, _ = back(serving, codename)
        address = action(browser.get("/mailbox/close"), "close")
        before = browser.cookie

        page = browser.submit(address, {})

        assert "Your mailbox is closed" in page.html
        assert stored(serving, "mailboxes") == stored(serving, "replies") == []
        assert len(serving.drop.envelopes()) == 1
        assert posted(serving, address, "", before) == 403
        browser.cookie = before
        assert "/return/" in browser.get("/mailbox").form

    def test_only_a_page_of_the_visit_itself_may_ask_for_it(self, serving: Serving) -> None:
        browser, _ = back(serving, sent(serving, message="x"))

        assert posted(serving, "/mailbox/another/close", "", browser.cookie) == 403
        assert posted(serving, action(browser.get("/mailbox/close"), "close"), "", "") == 403
        assert len(stored(serving, "mailboxes")) == 2

    def test_under_the_same_words_a_new_mailbox_can_begin(self, serving: Serving) -> None:
        codename = sent(serving, message="x")
        browser, _ = back(serving, codename)
        browser.submit(action(browser.get("/mailbox/close"), "close"), {})
        browser, _ = back(serving, codename)
        form = browser.get("/send")

        browser.post(form.form, form.fields | {"message": "again"}, [])

        assert NOTHING not in browser.get("/mailbox").html
        assert len(stored(serving, "mailboxes")) == 2


def long_day() -> str:
    """Return today as an English page writes it."""
    return preferred("en").day(datetime.now(UTC).date().isoformat())


def without_tokens(page: Page) -> str:
    return re.sub(r"[\w-]{43}", "TOKEN", page.html)


def posted(serving: Serving, path: str, body: str, cookie: str) -> int:
    """Post a small form; return the status."""
    address = urlsplit(serving.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    try:
        connection.request("POST", path, body.encode("latin-1"), headers)
        return connection.getresponse().status
    finally:
        connection.close()
