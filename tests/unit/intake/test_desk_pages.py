"""The desk as pages: who is let in, what is shown, and what a form may do."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar, web
from desks import DeskAt, Ready, Server

from intake.cli.desk import unlocked
from intake.desk import serving
from intake.desk.app import LARGEST_FORM_BYTES, build_app
from intake.desk.door import Door
from intake.desk.room import Room
from intake.desk.serving import Over, serve
from intake.drop import Cleaning, CleaningOutcome
from intake.layout import Layout
from intake.locking import working_at
from intake.unlocking import end_pages, last_locked

pytestmark = pytest.mark.usefixtures("opened_once")

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202eevil"


NOT_OURS: tuple[dict[str, str], ...] = (
    {"Host": "desk.example.org"},
    {"Host": "localhost"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


class Browser:
    """A client at a desk's pages, let in unless it is a stranger."""

    def __init__(self, session: ClientSession, door: Door) -> None:
        self.session = session
        self.door = door
        self.base = f"http://{door.host}"

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.session.get(self.base + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, *, form: str | None = None, **fields: str) -> ClientResponse:
        token = self.door.form_token if form is None else form
        data = {"form": token, **fields}
        headers = {"Origin": self.base}
        return await self.session.post(
            self.base + path, data=data, headers=headers, allow_redirects=False
        )


Visit = Callable[[Browser], Awaitable[Any]]


def at_pages(desk: DeskAt, visit: Visit, *, enter: bool = True) -> Any:
    """Have a browser visit a desk's pages; return what the visit returns."""

    layout = Layout.of(desk.folder)
    locked_before = last_locked(layout)

    async def go() -> Any:
        room, door = Room(partial(unlocked, layout)), Door()
        await room.open()
        runner = web.AppRunner(
            build_app(room, door, lambda: last_locked(layout) == locked_before),
            access_log=None,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            door.host = f"127.0.0.1:{runner.addresses[0][1]}"
            async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
                browser = Browser(session, door)
                if enter:
                    assert (await browser.get(f"/enter/{door.token}"))[0] == 200
                return await visit(browser)
        finally:
            await runner.cleanup()
            await room.close()

    return asyncio.run(go())


def page(desk: DeskAt, path: str) -> str:
    status, text = at_pages(desk, lambda browser: browser.get(path))
    assert status == 200, text
    return str(text)


@pytest.fixture
def working(ready: Ready, server: Server, stick: Path) -> DeskAt:
    """A desk with a recording and a hostile message, both open."""

    def prepare(desk: DeskAt) -> None:
        for sent in (server.receive, lambda: server.message(HOSTILE)):
            sent()
            desk("import", server.export(stick))  # one after the other: their numbers are known
            assert desk("open", "--all").code == 0

    return ready(prepare)


class TestWhoIsLetIn:
    def test_nobody_any_more_once_the_desk_was_locked(self, working: DeskAt) -> None:
        async def visit(browser: Browser) -> tuple[int, tuple[int, str]]:
            before, _ = await browser.get("/drops")
            end_pages(Layout.of(working.folder))
            return before, await browser.get("/drops")

        assert at_pages(working, visit) == (200, (403, "the desk was locked\n"))

    def test_the_address_lets_one_browser_in_and_no_second(self, working: DeskAt) -> None:
        async def visit(browser: Browser) -> tuple[int, int, int]:
            token = browser.door.token
            first, _ = await browser.get(f"/enter/{token}")
            async with ClientSession() as other:
                late = await other.get(f"{browser.base}/enter/{token}")
                inside = await other.get(f"{browser.base}/drops")
                return first, late.status, inside.status

        assert at_pages(working, visit, enter=False) == (200, 403, 403)

    def test_the_cookie_is_for_no_script_and_no_other_site(self, working: DeskAt) -> None:
        async def visit(browser: Browser) -> str:
            address = f"{browser.base}/enter/{browser.door.token}"
            answer = await browser.session.get(address, allow_redirects=False)
            assert answer.headers["Location"] == "/"
            return answer.headers["Set-Cookie"]

        cookie = at_pages(working, visit, enter=False)
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie

    def test_nothing_is_told_under_another_name_or_to_another_site(self, working: DeskAt) -> None:
        async def visit(browser: Browser) -> list[tuple[int, str]]:
            return [await browser.get("/drops", **headers) for headers in NOT_OURS]

        for status, text in at_pages(working, visit):
            assert status == 403
            assert "drop-0001" not in text

    def test_a_stranger_on_this_machine_sees_a_closed_door(self, working: DeskAt) -> None:
        async def visit(browser: Browser) -> list[int]:
            paths = ("/", "/drops", "/drops/1", "/search?q=a", "/cases", "/enter/00", "/x")
            return [(await browser.get(path))[0] for path in paths]

        assert set(at_pages(working, visit, enter=False)) == {403}

    def test_a_form_that_is_not_ours_changes_nothing(self, working: DeskAt) -> None:
        async def visit(browser: Browser) -> int:
            answer = await browser.post("/drops/1/note", form="0" * 64, text="planted")
            return answer.status

        assert at_pages(working, visit) == 403
        assert "planted" not in working("show", "1").out

    def test_a_form_that_can_not_be_read_is_told_so_and_no_more(self, working: DeskAt) -> None:
        bare = "application/x-www-form-urlencoded"
        forms = {
            f"{bare}; charset=none-such": b"form=%ff",
            bare: b"text=" + b"a" * LARGEST_FORM_BYTES,
        }

        async def visit(browser: Browser) -> list[tuple[int, str, str]]:
            told = []
            for kind, form in forms.items():
                headers = {"Content-Type": kind, "Origin": browser.base}
                at = f"{browser.base}/drops/1/note"
                answer = await browser.session.post(at, data=form, headers=headers)
                told.append((answer.status, await answer.text(), answer.headers["Server"]))
            return told

        unread, long = at_pages(working, visit)
        assert unread[0] == 500
        assert "unexpected LookupError" in unread[1]
        assert long[:2] == (413, "that is more than a form holds; note takes it with --text-from\n")
        assert {unread[2], long[2]} == {"Tapedrop desk"}

    def test_every_answer_keeps_scripts_frames_and_caches_out(self, working: DeskAt) -> None:
        async def visit(browser: Browser) -> list[Any]:
            paths = ("/", "/drops/1", "/nowhere", "/drops/999", "/enter/00")
            answers = [await browser.session.get(browser.base + path) for path in paths]
            return [dict(answer.headers) for answer in answers]

        for headers in at_pages(working, visit):
            assert headers["Content-Security-Policy"].startswith("default-src 'none';")
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert headers["Cache-Control"] == "no-store"
            assert "aiohttp" not in headers["Server"]


class TestPagesThatAreOpen:
    def over(self, desk: DeskAt, meanwhile: Callable[[str], None]) -> Over:
        layout = Layout.of(desk.folder)
        before = last_locked(layout)
        pages = serve(
            partial(unlocked, layout), meanwhile, may_stay=lambda: last_locked(layout) == before
        )
        return asyncio.run(asyncio.wait_for(pages, 40))

    def test_end_when_the_desk_is_locked_and_let_go_of_it(self, desk: DeskAt) -> None:
        layout = Layout.of(desk.folder)
        assert self.over(desk, lambda _address: end_pages(layout)) is Over.LOCKED
        with working_at(desk.folder, alone=True):
            pass

    def test_end_then_also_where_a_browser_hangs_in_the_middle_of_a_form(
        self, desk: DeskAt
    ) -> None:
        layout = Layout.of(desk.folder)
        waits: list[bool] = []

        async def hang(address: str) -> None:
            host = urlsplit(address).netloc
            port = int(host.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                path = urlsplit(address).path
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                cookie = head.partition("Set-Cookie: ")[2].partition(";")[0]
                writer.write(
                    f"POST /drops/1/note HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n"
                    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n"
                    "Expect: 100-continue\r\n\r\nform=".encode()
                )
                answer = await reader.readuntil(b"\r\n\r\n")
                waits.append(answer.startswith(b"HTTP/1.1 100"))
                end_pages(layout)
                await reader.read()
            finally:
                writer.close()

        browsers = set()

        def meanwhile(address: str) -> None:
            browsers.add(asyncio.get_running_loop().create_task(hang(address)))

        assert self.over(desk, meanwhile) is Over.LOCKED
        assert waits == [True]
        with working_at(desk.folder, alone=True):
            pass

    def test_have_nobody_else_on_this_machine_write_in_the_reporters_terminal(
        self, desk: DeskAt, caplog: pytest.LogCaptureFixture
    ) -> None:
        layout, told = Layout.of(desk.folder), []

        async def shout(address: str) -> None:
            host = urlsplit(address).netloc
            reader, writer = await asyncio.open_connection("127.0.0.1", host.rpartition(":")[2])
            writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nX: {'!' * 20_000}\r\n\r\n".encode())
            told.append(await reader.readline())
            writer.close()
            end_pages(layout)

        strangers = set()

        def meanwhile(address: str) -> None:
            strangers.add(asyncio.get_running_loop().create_task(shout(address)))

        assert self.over(desk, meanwhile) is Over.LOCKED
        assert told == [b"HTTP/1.0 400 Bad Request\r\n"]
        assert caplog.text == ""

    def test_end_when_nobody_asks_for_any(
        self, desk: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(serving, "IDLE_SECONDS", 0)
        assert self.over(desk, lambda _address: None) is Over.IDLE


class TestWhatIsShown:
    def test_the_front_page_says_what_needs_somebody(self, working: DeskAt) -> None:
        text = page(working, "/")

        assert "<strong>2</strong> open, and in no verified backup" in text
        assert "ozone fiber" in text

    def test_what_a_source_wrote_is_text_and_nothing_else(self, working: DeskAt) -> None:
        for path in ("/drops/2", "/sources/1"):
            text = page(working, path)
            assert "&lt;script&gt;alert(1)" in text
            assert not {"\x1b", "\u202e"} & set(text)
            assert "<script" not in text

    def test_a_drop_has_all_that_show_says(self, working: DeskAt) -> None:
        working("note", "add", "1", "the number twice", "--at", "3:12")

        text = page(working, "/drops/1")

        assert "the number twice" in text
        assert "3:12" in text
        assert "location (1)" in text
        assert "provenance" in text

    def test_what_this_desk_has_cleaned_is_listed_as_what_it_is_now(self, working: DeskAt) -> None:
        with unlocked(Layout(working.folder)) as room:
            cleaned = Cleaning(CleaningOutcome.CLEANED, nested=False, format="FLAC")
            room.catalogue.studies.keep_cleaning(room.drop("1").digest, cleaned)

        assert re.search(r"FLAC.*, cleaned here", page(working, "/drops"))

    @pytest.mark.parametrize("asked", ["status:verifed", "from:nobody"])
    def test_search_says_what_can_not_be_found(self, working: DeskAt, asked: str) -> None:
        name, _, value = asked.partition(":")
        said = re.findall(r'<p class="notice">no (.+)\.</p>', page(working, f"/search?q={asked}"))
        assert len(said) == 1
        assert name in said[0]
        assert value in said[0]

    def test_search_marks_what_was_found(self, working: DeskAt) -> None:
        working("note", "add", "1", "a bird in the yard")

        assert "<mark>bird</mark>" in page(working, "/search?q=bird")

    def test_every_page_is_there_when_little_is_known(self, desk: DeskAt) -> None:
        async def visit(browser: Browser) -> list[int]:
            paths = ("/", "/cases", "/sources", "/drops?status=new&who=&from=x", "/search?q=",
                     f"/drops?from={'9' * 5000}")  # fmt: skip
            return [(await browser.get(path))[0] for path in paths]

        assert set(at_pages(desk, visit)) == {200}

    def test_what_is_not_here_is_said_to_be_so(self, desk: DeskAt) -> None:
        async def visit(browser: Browser) -> list[tuple[int, str]]:
            return [
                await browser.get(f"/{of}/99") for of in ("drops", "sources", "cases", "people")
            ]

        for status, text in at_pages(desk, visit):
            assert status == 404
            assert "there is no" in text


class TestWhatAFormMayDo:
    def test_a_note_and_a_summary_are_as_if_typed_at_the_command_line(
        self, working: DeskAt
    ) -> None:
        async def visit(browser: Browser) -> list[int]:
            said = await browser.post(
                "/drops/1/set", summary="A guard counts", status="verifying", assignee="AB",
                tags="border, Night",
            )  # fmt: skip
            noted = await browser.post("/drops/1/note", text="a door", at="1:02", quote="yes")
            checked = await browser.post("/drops/1/check", step="place", state="done", text="bell")
            return [said.status, noted.status, checked.status]

        assert at_pages(working, visit) == [303, 303, 303]
        shown = working("show", "1", "--json").json
        assert shown["work"]["summary"] == "A guard counts"
        assert shown["work"]["status"] == "verifying"
        assert shown["work"]["tags"] == ["border", "night"]
        assert shown["notes"][0]["content"]["at_ms"] == 62000
        assert shown["checklist"][0]["state"] == "done"

    def test_what_can_not_be_kept_is_said_and_changes_nothing(self, working: DeskAt) -> None:
        async def visit(browser: Browser) -> list[tuple[int, str]]:
            answers = [
                await browser.post("/drops/1/note", text="x", at="soon"),
                await browser.post("/drops/1/note", text=" "),
                await browser.post("/drops/1/set", status="burnt"),
                await browser.post("/drops/1/check", step="nothing", state="done"),
            ]
            return [(answer.status, await answer.text()) for answer in answers]

        for status, text in at_pages(working, visit):
            assert status == 409
            assert re.search(r'<p class="warning">.+\.</p>', text)
        assert working("show", "1", "--json").json["notes"] == []
