"""Whatever goes wrong, a source reads calmly what became of what they sent and what to try."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from drops import Drop, Newsroom, Serving
from form import Browser
from wire import END, FORM, Answer, answered, ask, connected, part, request


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, newsroom: Newsroom) -> Iterator[Serving]:
    """One drop for all of these: what one source does wrong is nothing to another."""
    with Drop(tmp_path_factory.mktemp("bad") / "drop", newsroom).running() as running:
        yield running


UNTOLD = 10**8
"""The length of a form that is never sent to its end."""


def words_on(page: str) -> str:
    """Return what can be read, on one line."""
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def codename_of(browser: Browser) -> str:
    return browser.get("/codename").texts("ol", "codename")[0]


def is_calm(answer: Answer, words: str) -> bool:
    """Say whether it is a page of ours that says `words`, and shows nothing of a program."""
    read = words_on(answer.body)
    spilt = re.search(r"Traceback|aiohttp|Python|Error\b|Exception", answer.body)
    return words in read and not spilt and "</html>" in answer.body


def send(serving: Serving, browser: Browser, form: str, body: bytes) -> Answer:
    return ask(serving, "POST", form, headers=FORM, cookie=browser.cookie, body=body)


def result_of(serving: Serving, browser: Browser, form: str) -> list[str]:
    """Return what became of each thing that was sent with a form."""
    page = ask(serving, "GET", form + "/result", cookie=browser.cookie).body
    return re.findall('data-became="(.*?)"', page)


def begin_to_send(serving: Serving, browser: Browser, form: str, body: bytes) -> socket.socket:
    """Return a connection on which a form has begun to arrive, and does not end."""
    connection = connected(serving)
    head = request("POST", form, cookie=browser.cookie, headers=FORM, length=UNTOLD)
    connection.sendall(head + body)
    return connection


def progress_of(serving: Serving, browser: Browser, form: str) -> str:
    return words_on(ask(serving, "GET", form + "/progress", cookie=browser.cookie).body)


def stopped_deriver(serving: Serving) -> int:
    """Hold the process that makes keys, as an overloaded machine would; return its id."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = process.joinpath("stat").read_text().rpartition(")")[2].split()[1]
            command = process.joinpath("cmdline").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if int(parent) == serving.process.pid and b"server.deriving" in command:
            os.kill(int(process.name), signal.SIGSTOP)
            return int(process.name)
    raise AssertionError("nothing makes keys")


HALF = part("recordings", b"RIFF" + bytes(2_000_000), file_name="half.wav")[:-100]
"""More than is looked ahead for where a part ends, so that what comes before is seen whole."""


class TestAPageFromYesterday:
    def test_is_told_what_was_kept_and_how_to_go_on(self, drop: Drop) -> None:
        with drop.running() as serving:
            browser = serving.visit()
            form = browser.get("/send").form

        with drop.running() as serving:
            sent = send(serving, browser, form, part("message", b"Listen.") + END)
            progress = progress_of(serving, browser, form)
            result = ask(serving, "GET", form + "/result", cookie=browser.cookie)

        assert sent.status == 403
        assert is_calm(sent, "This page is too old")
        assert "We kept nothing that was sent from it." in words_on(sent.body)
        assert "What had arrived whole by then is kept." in progress
        assert is_calm(result, "Come back with your eight words")

    def test_is_told_so_in_the_language_of_its_address(self, serving: Serving) -> None:
        answer = ask(serving, "POST", "/fa/send/yesterday", headers=FORM, body=END)

        assert '<html lang="fa" dir="rtl">' in answer.body

    def test_shows_no_progress_that_loads_itself_for_ever(self, serving: Serving) -> None:
        answer = ask(serving, "GET", "/send/yesterday/progress")

        assert "http-equiv" not in answer.body


class TestAFormOfAnotherVisit:
    def test_takes_nothing_from_this_one(self, serving: Serving) -> None:
        before = serving.drop.envelopes()
        theirs = serving.visit().get("/send").form
        mine = serving.visit()

        answer = send(serving, mine, theirs, part("message", b"Listen.") + END)

        assert answer.status == 403
        assert result_of(serving, mine, theirs) == []
        assert serving.drop.envelopes() == before


class TestASecondTab:
    def test_sends_beside_the_first_under_the_same_codename(self, serving: Serving) -> None:
        browser = serving.visit()
        first, second = browser.get("/send").form, browser.get("/send").form

        with begin_to_send(serving, browser, first, HALF):
            send(serving, browser, second, part("message", b"Listen.") + END)
            serving.wait_for(lambda: "File 1" in progress_of(serving, browser, first))

            assert result_of(serving, browser, second) == ["written"]
            assert "Your message" in progress_of(serving, browser, second)
            assert "Your message" not in progress_of(serving, browser, first)

    def test_that_ends_the_visit_costs_what_is_being_sent_nothing(self, serving: Serving) -> None:
        browser = serving.visit()
        codename = codename_of(browser)
        form = browser.get("/send").form
        body = part("message", b"Listen to the end.") + END
        end = re.findall('action="(/leave/.*?)"', browser.get("/codename").html)[0]
        head = request("POST", form, cookie=browser.cookie, headers=FORM, length=len(body))

        with connected(serving) as connection:
            connection.sendall(head + body[:60])
            serving.wait_for(lambda: "%" in progress_of(serving, browser, form))
            ask(serving, "POST", end, cookie=browser.cookie)
            ended = progress_of(serving, browser, form)
            connection.sendall(body[60:])
            answer = answered(connection)

        assert answer.status == 303
        result = ask(serving, "GET", answer.header("Location"), cookie=browser.cookie)
        for words in (ended, words_on(result.body)):
            assert "What had arrived whole by then is kept." in words
        again = Browser(serving.address)
        assert "Your message. We have it." in words_on(again.enter(codename).html)


class TestTheSameFormTwice:
    def test_is_shown_as_it_was_sent_last(self, serving: Serving) -> None:
        before = len(serving.drop.envelopes())
        browser = serving.visit()
        form = browser.get("/send").form

        with begin_to_send(serving, browser, form, HALF):
            serving.wait_for(lambda: "File 1" in progress_of(serving, browser, form))
            answer = send(serving, browser, form, part("message", b"Listen.") + END)

        assert answer.status == 303
        assert result_of(serving, browser, form) == ["written"]
        assert len(serving.drop.envelopes()) == before + 1

    def test_once_the_first_broke_off_is_received_whole(self, serving: Serving) -> None:
        browser = serving.visit()
        form = browser.get("/send").form
        with begin_to_send(serving, browser, form, HALF):
            serving.wait_for(lambda: "File 1" in progress_of(serving, browser, form))
        serving.wait_for(lambda: "broke" in progress_of(serving, browser, form))

        send(serving, browser, form, part("message", b"Listen.") + END)

        assert result_of(serving, browser, form) == ["written"]

    def test_is_not_sent_by_a_reload_of_what_became_of_it(self, serving: Serving) -> None:
        before = len(serving.drop.envelopes())
        browser = serving.visit()
        form = browser.get("/send").form
        answer = send(serving, browser, form, part("message", b"Listen.") + END)

        for _ in range(3):
            ask(serving, "GET", answer.header("Location"), cookie=browser.cookie)

        assert len(serving.drop.envelopes()) == before + 1


class TestABrowserThatKeepsNoCookies:
    def test_is_told_before_anything_is_sent_and_gets_no_second_codename(
        self, serving: Serving
    ) -> None:
        ask(serving, "GET", "/codename")

        answer = ask(serving, "GET", "/send")

        assert answer.status == 403
        assert is_calm(answer, "your browser keeps no cookies")
        assert "allow cookies for this address" in words_on(answer.body)
        assert answer.header("Set-Cookie") == ""
        assert 'id="codename"' not in answer.body

    def test_can_still_come_back_only_with_them(self, serving: Serving) -> None:
        token = Browser(serving.address).get("/return").form

        answer = ask(serving, "POST", token, body=b"codename=one+two")

        assert is_calm(answer, "your browser keeps no cookies")


class TestWhatIsNotTheForm:
    @pytest.mark.parametrize(
        ("headers", "body"),
        [
            ("Content-Type: text/plain\r\n", b"hello"),
            ("Content-Type: multipart/form-data\r\n", b"hello"),
            ("Content-Type: multipart/form-data; boundary=\r\n", b"hello"),
            (f"Content-Type: multipart/form-data; boundary={'e' * 200}\r\n", b"hello"),
            (FORM, b"hello"),
            (FORM, b"--edge\r\n\r\nno name\r\n--edge--\r\n"),
            (FORM, b"--edge\r\nContent-Disposition: \xff\xfe\r\n\r\nx\r\n--edge--\r\n"),
            (FORM, part("message", b"x") * 2 + END),
            (FORM, b"--edge\r\n" + b"X: y\r\n" * 5000 + b"\r\n--edge--\r\n"),
            ("Content-Type: \xff\r\n", b"hello"),
        ],
    )
    def test_is_answered_by_a_page_that_says_so(
        self, serving: Serving, headers: str, body: bytes
    ) -> None:
        browser = serving.visit()
        form = browser.get("/send").form

        answer = ask(serving, "POST", form, headers=headers, cookie=browser.cookie, body=body)

        page = ask(serving, "GET", form + "/result", cookie=browser.cookie)
        shown = page if answer.status == 303 else answer
        assert answer.status in {303, 400}
        assert re.search("could not read what your browser|connection broke", shown.body)
        assert "could not read what" in progress_of(serving, browser, form) or page.body.count(
            "data-became"
        )

    def test_or_nothing_chosen_is_answered_by_a_page_that_says_so(self, serving: Serving) -> None:
        browser = serving.visit()
        form = browser.get("/send").form
        untouched = part("recordings", b"").replace(b'"recordings"', b'"recordings"; filename=""')

        send(serving, browser, form, part("message", b" \r\n ") + untouched + END)

        page = ask(serving, "GET", form + "/result", cookie=browser.cookie)
        assert "There was nothing in the form" in words_on(page.body)


class TestWhatIsTooMuch:
    def test_is_told_in_both_frames_before_it_is_read(self, serving: Serving) -> None:
        browser = serving.visit()
        form = browser.get("/send").form

        answer = ask(serving, "POST", form, headers=FORM, cookie=browser.cookie, length=10**12)

        assert answer.status == 413
        assert is_calm(answer, "This is more than can be sent at once.")
        assert "Please stop sending" in progress_of(serving, browser, form)

    def test_leaves_the_form_as_it_was_for_less(self, serving: Serving) -> None:
        browser = serving.visit()
        form = browser.get("/send").form
        ask(serving, "POST", form, headers=FORM, cookie=browser.cookie, length=10**12)

        send(serving, browser, form, part("message", b"Listen.") + END)

        assert result_of(serving, browser, form) == ["written"]


class TestAServerThatIsStopped:
    def test_keeps_what_was_whole_and_says_so_when_it_is_back(self, drop: Drop) -> None:
        with drop.running() as serving:
            browser = serving.visit()
            codename = codename_of(browser)
            form = browser.get("/send").form
            with begin_to_send(serving, browser, form, part("message", b"Listen.") + HALF):
                serving.wait_for(drop.envelopes)
                serving.process.send_signal(signal.SIGTERM)
            # It waits for what is being sent, but not for ever; here the line breaks first.
            log = serving.stop()

        assert len(drop.envelopes()) == 1
        assert list((drop.folder / "spool").iterdir()) == []
        assert "failed" not in log
        with drop.running() as serving:
            assert "What had arrived whole by then is kept." in progress_of(serving, browser, form)
            mailbox = Browser(serving.address).enter(codename)
        assert "Your message. We have it." in words_on(mailbox.html)


class TestComingBack:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"", "could not read what your browser sent"),
            (b"codename=" + b"a" * 4096, "could not read what your browser sent"),
            (b"other=abandon", "it takes eight"),
            (b"codename=", "it takes eight"),
            (b"codename=%ff%fe%00", "it takes eight"),
            ("codename=über".encode("utf-16"), "it takes eight"),
            (b"codename=a&" * 300, ""),
            (b"&" * 4000, "could not read what your browser sent"),
        ],
    )
    def test_with_something_else_than_a_codename_is_asked_for_again(
        self, serving: Serving, body: bytes, words: str
    ) -> None:
        browser = Browser(serving.address)
        token = browser.get("/return").form

        answer = ask(serving, "POST", token, cookie=browser.cookie, body=body)

        assert answer.status in {200, 400}
        assert is_calm(answer, words)

    def test_while_we_are_too_busy_can_be_tried_again_from_the_same_page(
        self, serving: Serving
    ) -> None:
        codename = codename_of(Browser(serving.address))
        Browser(serving.address).enter(codename)
        browser = Browser(serving.address)
        token = browser.get("/return").form
        body = b"codename=" + codename.replace(" ", "+").encode()

        with connected(serving) as connection:
            deriver = stopped_deriver(serving)
            connection.sendall(request("POST", token, cookie=browser.cookie, body=body))
            # It is stopped, and so has not answered, until it is killed.
            ask(serving, "GET", "/")
            os.kill(deriver, signal.SIGKILL)
            busy = answered(connection)
        again = ask(serving, "POST", token, cookie=browser.cookie, body=body)

        assert busy.status == 503
        assert is_calm(busy, "Please try again in a minute.")
        assert (again.status, again.header("Location")) == (303, "/mailbox")

    def test_without_a_length_is_refused_unread(self, serving: Serving) -> None:
        browser = Browser(serving.address)
        token = browser.get("/return").form
        head = request("POST", token, cookie=browser.cookie).replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked"
        )

        with connected(serving) as connection:
            connection.sendall(head)
            answer = answered(connection)

        assert answer.status == 400
        assert is_calm(answer, "could not read what your browser sent")


class TestLeaving:
    def test_twice_ends_it_once_more(self, serving: Serving) -> None:
        browser = serving.visit()
        end = re.findall('action="(/leave/.*?)"', browser.get("/codename").html)[0]

        answers = [ask(serving, "POST", end, cookie=browser.cookie) for _ in range(2)]

        for answer in answers:
            assert answer.status == 200
            assert is_calm(answer, "Your visit is over")
        assert ask(serving, "GET", "/send", cookie=browser.cookie).status == 403

    def test_with_another_visit_s_token_does_nothing(self, serving: Serving) -> None:
        browser = serving.visit()

        answer = ask(serving, "POST", "/leave/another", cookie=browser.cookie)

        assert answer.status == 403
        assert ask(serving, "GET", "/send", cookie=browser.cookie).status == 200


class TestHostileRequests:
    @pytest.mark.parametrize(
        "header",
        [
            "Accept-Language: " + "x-" * 3000 + "\r\n",
            "Accept-Language: de;q=0,fr;q=9,*;q=,,;;\r\n",
            "Accept-Language: \xff\xfe\r\n",
            'Cookie: visit="\\377; visit=; =; visit\r\n',
            "Cookie: " + "a=b;" * 1800 + "\r\n",
            "Range: bytes=0-1\r\n",
            "If-None-Match: *\r\nIf-Modified-Since: Sat, 01 Jan 2028 00:00:00 GMT\r\n",
            "Upgrade: websocket\r\nConnection: upgrade\r\n",
            "Expect: 100-continue\r\n",
            "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n",
        ],
    )
    def test_get_the_page_that_anybody_gets(self, serving: Serving, header: str) -> None:
        plain = ask(serving, "GET", "/")

        answer = ask(serving, "GET", "/", headers=header)

        assert answer.status == 200
        assert answer.body == plain.body

    @pytest.mark.parametrize(
        "sent",
        [
            b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET http://[/ HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ],
    )
    def test_that_no_browser_makes_are_closed_without_a_word(
        self, serving: Serving, sent: bytes
    ) -> None:
        with connected(serving) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            heard = b""
            try:
                while block := connection.recv(4096):
                    heard += block
            except ConnectionResetError:
                pass  # it closed before it had read everything

        assert heard == b""

    def test_that_wait_to_be_told_to_go_on_are_refused_first(self, serving: Serving) -> None:
        answer = ask(
            serving,
            "POST",
            "/send/unknown",
            headers=FORM + "Expect: 100-continue\r\n",
            length=10**9,
        )

        assert answer.status == 403


def test_a_language_we_do_not_speak_is_an_address_like_any_other(serving: Serving) -> None:
    answer = ask(serving, "GET", "/xx/send", headers="Accept-Language: de\r\n")

    assert answer.status == 404
    assert '<html lang="de"' in answer.body
