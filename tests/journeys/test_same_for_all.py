"""What answers look like from outside is the same for every source, page, language and refusal."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from drops import Drop, Newsroom, Serving
from form import Browser
from wire import END, FORM, Answer, ask, connected, part, request

from server.headers import Framing
from server.i18n import languages

PAGE, FRAME = 16 * 1024, 4 * 1024
FREE = ("/", "/codename", "/return", "/keys", "/mailbox/closed")
VISITED = ("/send", "/mailbox", "/mailbox/close")
ALL_ALIKE = [
    "Content-Type",
    "Content-Length",
    "Cache-Control",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "Content-Security-Policy",
    "X-Frame-Options",
]
SOMETIMES = {"Connection", "Set-Cookie", "Clear-Site-Data", "Location", "Content-Disposition"}


@pytest.fixture(scope="module")
def serving(shared: Serving) -> Serving:
    """Any drop: they only look."""
    return shared


@pytest.fixture(scope="module")
def source(serving: Serving) -> Browser:
    """A source who has sent a message, and may read."""
    browser = serving.visit()
    form = browser.get("/send")
    browser.post(form.form, {"message": "Listen."}, [])
    return browser


@pytest.fixture
def form(source: Browser) -> str:
    """The address of a form that was just shown."""
    return source.get("/send").form


def names(answer: Answer) -> list[str]:
    return [name for name, _ in answer.headers if name not in SOMETIMES]


def pages(source: Browser, serving: Serving) -> Iterator[tuple[str, Answer]]:
    """Yield every page in every language."""
    for prefix in ("", *(f"/{tag}" for tag in languages())):
        for path in (*FREE, *VISITED, "/nothing"):
            # A mailbox takes its time on purpose: two languages are enough.
            if path == "/mailbox" and prefix not in ("", "/fa"):
                continue
            address = f"{prefix}{path}".removesuffix("/") or "/"
            cookie = source.cookie if path in VISITED else ""
            yield address, ask(serving, "GET", address, cookie=cookie)


class TestEveryPage:
    def test_is_as_long_as_any_other_in_every_language(
        self, source: Browser, serving: Serving
    ) -> None:
        sizes = {path: len(answer.body.encode()) for path, answer in pages(source, serving)}

        assert {path: size for path, size in sizes.items() if size != PAGE} == {}

    def test_has_the_same_headers_in_the_same_order(
        self, source: Browser, serving: Serving
    ) -> None:
        for path, answer in pages(source, serving):
            assert names(answer) == ALL_ALIKE, path

    def test_weighs_little_enough_for_a_slow_line(self, serving: Serving) -> None:
        style = ask(serving, "GET", "/style.css")

        for path in FREE:
            page = ask(serving, "GET", path)
            weight = sum(len(answer.body.encode()) for answer in (page, style))
            weight += sum(len(f"{each}") for each in (page.headers, style.headers))
            assert weight <= 30_000, path

    def test_may_stand_in_no_frame_and_holds_none_but_the_form(
        self, source: Browser, serving: Serving
    ) -> None:
        for path, answer in pages(source, serving):
            framing = Framing.HOLDS if path.endswith("/send") else Framing.ALONE
            assert answer.header("Content-Security-Policy") == framing.value, path
            assert answer.header("X-Frame-Options") == "DENY"

    def test_is_the_same_page_for_who_comes_again(self, serving: Serving) -> None:
        first = ask(serving, "GET", "/codename")
        cookie = first.header("Set-Cookie").partition(";")[0]

        again = ask(serving, "GET", "/codename", cookie=cookie)

        assert [name for name, _ in again.headers] == [name for name, _ in first.headers]
        assert len(again.body) == len(first.body)


class TestWhatStandsInAFrame:
    def test_is_as_long_as_any_other_and_may_stand_only_in_ours(
        self, source: Browser, serving: Serving, form: str
    ) -> None:
        for address in (form, "/fa" + form):
            for answer in (
                ask(serving, "GET", address + "/progress", cookie=source.cookie),
                ask(serving, "GET", address + "/result", cookie=source.cookie),
                ask(serving, "GET", address + "/progress"),
                ask(serving, "GET", address + "/result"),
                ask(serving, "POST", address, headers=FORM, length=10**9),
                ask(serving, "POST", address, headers=FORM, cookie=source.cookie, length=10**15),
                ask(serving, "POST", address, cookie=source.cookie, length=10),
            ):
                assert len(answer.body.encode()) == FRAME
                assert names(answer) == ALL_ALIKE
                assert answer.header("Content-Security-Policy") == Framing.HELD.value
                assert answer.header("X-Frame-Options") == "SAMEORIGIN"

    def test_comes_after_a_redirection_that_a_frame_may_follow(
        self, source: Browser, serving: Serving, form: str
    ) -> None:
        body = part("message", b"Listen.") + END

        answer = ask(serving, "POST", form, headers=FORM, cookie=source.cookie, body=body)

        assert (answer.status, answer.header("Location")) == (303, form + "/result")
        assert "frame-ancestors 'self'" in answer.header("Content-Security-Policy")


class TestEveryRefusal:
    @pytest.mark.parametrize(
        ("method", "path", "headers", "body"),
        [
            ("GET", "/send", "", b""),
            ("GET", "/nothing", "", b""),
            ("GET", "/xx/send", "", b""),
            ("GET", "/de/nothing/at/all", "", b""),
            ("PUT", "/", "", b"x"),
            ("OPTIONS", "/send", "", b""),
            ("DELETE", "/mailbox", "", b""),
            ("GET", "/nothing", "Expect: something\r\n", b""),
            ("POST", "/return/yesterday", "", b"codename=x"),
            ("POST", "/leave/%ff%ed%a0%80", "", b"x"),
            ("POST", "/mailbox/yesterday/delete", "", b"x"),
        ],
    )
    def test_has_the_shape_of_any_page(
        self,
        serving: Serving,
        source: Browser,
        method: str,
        path: str,
        headers: str,
        body: bytes,
    ) -> None:
        cookie = source.cookie if method == "POST" else ""

        answer = ask(serving, method, path, cookie=cookie, headers=headers, body=body)

        assert answer.status in {400, 403, 404}
        assert names(answer) == ALL_ALIKE
        assert len(answer.body.encode()) == PAGE
        assert answer.header("Content-Security-Policy") == Framing.ALONE.value

    def test_repeats_no_more_of_what_was_typed_than_a_codename_may_be_long(
        self, serving: Serving
    ) -> None:
        browser = Browser(serving.address)
        token = browser.get("/return").form

        answer = ask(serving, "POST", token, cookie=browser.cookie, body=b"codename=" + b'"' * 4000)

        assert len(answer.body.encode()) == PAGE


class TestWhatIsKeptInTheBrowser:
    def test_is_one_cookie_that_scripts_and_other_sites_never_see(
        self, source: Browser, serving: Serving
    ) -> None:
        for path, answer in pages(source, serving):
            cookies = [value for name, value in answer.headers if name == "Set-Cookie"]
            assert len(cookies) <= 1, path
            for cookie in cookies:
                name, *rest = cookie.split("; ")
                assert name.startswith("visit=")
                rest = [word for word in rest if not re.match("expires=|Max-Age=0$", word)]
                assert sorted(rest) == ["HttpOnly", "Path=/", "SameSite=Strict"]

    def test_is_asked_for_to_be_cleared_only_at_the_end_of_a_visit(
        self, source: Browser, serving: Serving
    ) -> None:
        clearing = [
            path for path, answer in pages(source, serving) if answer.header("Clear-Site-Data")
        ]
        browser = serving.visit()
        end = re.findall('action="(/leave/.*?)"', browser.get("/codename").html)[0]

        assert {path[-len("/mailbox/closed") :] for path in clearing} == {"/mailbox/closed"}
        ended = ask(serving, "POST", end, cookie=browser.cookie)
        assert ended.header("Clear-Site-Data") == '"cache", "cookies", "storage"'


def test_a_logo_and_the_keys_file_have_the_same_headers(tmp_path: Path, newsroom: Newsroom) -> None:
    drop = Drop(tmp_path / "drop", newsroom, settings='[newsroom]\nlogo = "logo.png"')
    (drop.folder / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))

    with drop.running() as serving:
        files = [ask(serving, "GET", path) for path in ("/style.css", "/keys.asc")]
        assert '<img src="/logo.png"' in ask(serving, "GET", "/").body
        with connected(serving) as connection:
            connection.sendall(request("GET", "/logo.png"))
            logo = http.client.HTTPResponse(connection)
            logo.begin()
            files.append(Answer(logo.status, logo.getheaders(), ""))

    assert [(file.status, names(file)) for file in files] == [(200, ALL_ALIKE)] * 3
