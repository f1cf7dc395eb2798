"""When more would be sent than the drop can take: who is let in, and what the others are told."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drops import Drop, Serving
from form import Browser
from replies import reply_to, sent
from wire import END, FORM, Answer, answered, ask, connected, part, request

BUSY = "We are busy just now. We kept nothing."
NO_ROOM = "We have no room for it just now."
FEW = "[admission]\nmax_uploads = 3\nreserved_uploads = 1"


class TestWhenEveryPlaceIsTaken:
    def test_a_newcomer_is_told_so_before_the_body_is_read_until_somebody_has_left(
        self, drop: Drop
    ) -> None:
        drop.configure(FEW)
        with drop.running() as serving, upload(serving), upload(serving) as held:
            browser, form = visit(serving)

            answer = begun(serving, browser, form)

            assert answer.status == 503
            assert BUSY in answer.body
            assert "Please try again in a minute." in answer.body
            assert BUSY in browser.get(form + "/progress").html
            assert BUSY in browser.get(form + "/result").html

            held.close()
            serving.wait_for(lambda: whole(serving, browser, form).status == 303)
            assert became(browser, form) == ["written"]

    def test_a_source_whom_a_desk_has_answered_still_sends(self, drop: Drop) -> None:
        drop.configure(FEW)
        with drop.running() as serving:
            codename, unanswered = (sent(serving, message="Listen.") for _ in range(2))
            reply_to(serving, codename, "Go on.")
            with upload(serving), upload(serving):
                looked, typed, other = (Browser(serving.address) for _ in range(3))
                looked.enter(codename)
                enter(serving, typed, codename)
                other.enter(unanswered)

                assert whole(serving, looked, looked.get("/send").form).status == 303
                assert whole(serving, typed, typed.get("/send").form).status == 303
                # Anyone can make a mailbox.
                assert whole(serving, other, other.get("/send").form).status == 503

    def test_a_form_that_is_sent_anew_takes_the_place_it_had(self, drop: Drop) -> None:
        drop.configure("[admission]\nmax_uploads = 1\nreserved_uploads = 0")
        with drop.running() as serving:
            browser, form = visit(serving)
            with upload(serving, browser, form):
                assert whole(serving, browser, form).status == 303

            assert became(browser, form) == ["written"]


class TestWhenTheDisksAreNearlyFull:
    def test_a_form_is_refused_before_the_body_is_read(self, drop: Drop) -> None:
        drop.configure(f"[admission]\nspool_floor_bytes = {10**18}")
        with drop.running() as serving:
            browser, form = visit(serving)

            answer = begun(serving, browser, form)

            assert answer.status == 503
            assert NO_ROOM in answer.body
            assert NO_ROOM in browser.get(form + "/progress").html


class TestAnUploadThatIsStuck:
    def test_ends_and_what_was_whole_by_then_is_kept(self, drop: Drop, wav: Path) -> None:
        drop.configure("[admission]\nmin_bytes_per_second = 1000000\nslow_after_seconds = 1")
        with drop.running() as serving:
            browser, form = visit(serving)
            recording = part("recordings", wav.read_bytes(), file_name="a.wav")
            with connected(serving) as connection:
                connection.sendall(head(browser, form) + recording + recording[:-1000])
                answer = answered(connection)

            assert answer.status == 303
            assert became(browser, form) == ["cleaned", "cut_off", "cut_off"]
            assert "The connection broke before everything was here." in result(browser, form)
            assert len(drop.envelopes()) == 1


class TestACircuit:
    def test_takes_its_share_and_no_place_of_another_s(self, drop: Drop) -> None:
        settings = "[admission]\nmax_uploads_per_circuit = 1\n"
        drop.config.write_text(f'{settings}[listen]\nunix = "s"\ncircuits = "haproxy"\n')
        with drop.running():
            path = str(drop.folder / "s")
            first, second, other = (by_circuit(path, number) for number in (7, 7, 8))
            with first, second, other:
                cookie, form = visited(first)
                first.sendall(upload_head(form, cookie, 10**6) + MESSAGE)
                cookie, form = visited(second)
                progress = request("GET", f"{form}/progress", cookie=cookie)

                second.sendall(upload_head(form, cookie, 10**6))
                assert answered(second).status == 503

                cookie, form = visited(other)
                other.sendall(upload_head(form, cookie, len(MESSAGE + END)) + MESSAGE + END)
                assert answered(other).status == 303
                other.sendall(progress)
                assert BUSY in answered(other).body


MESSAGE = part("message", b"Call no one.")


def visit(serving: Serving) -> tuple[Browser, str]:
    """Return a new visit, and the address that its form is sent to."""
    browser = serving.visit()
    return browser, browser.get("/send").form


@contextmanager
def upload(
    serving: Serving, browser: Browser | None = None, form: str = ""
) -> Iterator[socket.socket]:
    """Send the beginning of a form, and no more; it has begun to arrive."""
    if browser is None:
        browser, form = visit(serving)
    with connected(serving) as connection:
        connection.sendall(head(browser, form) + MESSAGE[:-5])
        serving.wait_for(lambda: " are here." in browser.get(form + "/progress").html)
        yield connection


def begun(serving: Serving, browser: Browser, form: str) -> Answer:
    """Send a form's headers and nothing else; return the answer."""
    with connected(serving) as connection:
        connection.sendall(head(browser, form))
        return answered(connection)


def whole(serving: Serving, browser: Browser, form: str) -> Answer:
    """Send a message with the form, as a browser would."""
    body = MESSAGE + END
    return ask(serving, "POST", form, cookie=browser.cookie, headers=FORM, body=body)


def head(browser: Browser, form: str) -> bytes:
    return upload_head(form, browser.cookie, 10**6)


def upload_head(form: str, cookie: str, length: int) -> bytes:
    return request("POST", form, cookie=cookie, headers=FORM, length=length)


def enter(serving: Serving, browser: Browser, codename: str) -> None:
    """Come back with the words, and go no further: nobody looks into the mailbox."""
    path = browser.get("/return").form
    body = f"codename={codename.replace(' ', '+')}".encode()
    answer = ask(serving, "POST", path, cookie=browser.cookie, body=body)
    assert answer.status == 303
    browser.cookie = answer.header("Set-Cookie").partition(";")[0]


def result(browser: Browser, form: str) -> str:
    return browser.get(form + "/result").html


def became(browser: Browser, form: str) -> list[str]:
    return re.findall('data-became="(.*?)"', result(browser, form))


def by_circuit(path: str, circuit: int) -> socket.socket:
    """Return a connection as tor makes one for this circuit."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(path)
    connection.sendall(
        f"PROXY TCP6 fc00:dead:beef:4dad::0:{circuit:x} ::1 {circuit} 80\r\n".encode()
    )
    return connection


def visited(connection: socket.socket) -> tuple[str, str]:
    """Begin a visit on a connection; return its cookie, and where its form is sent to."""
    connection.sendall(request("GET", "/codename"))
    cookie = answered(connection).header("Set-Cookie").partition(";")[0]
    connection.sendall(request("GET", "/send", cookie=cookie))
    (form,) = re.findall('action="(/send/[^"]+)"', answered(connection).body)
    return cookie, form
