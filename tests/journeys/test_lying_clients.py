"""A client that lies, stalls or floods ends its own connection, and nobody else's.

Every limit is set low by configuration, and what is waited for is the end of a connection.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

import pytest
from drops import Drop, Serving
from form import Browser
from wire import END, FORM, Answer, answered, ask, connected, part, request

IMPATIENT = """
[connections]
head_seconds = 1
small_form_seconds = 1
answer_seconds = 1
refused_seconds = 1
idle_seconds = 2
[limits]
max_recordings = 8
"""
GET = request("GET", "/")
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
LONG = b"a" * 1_000_000
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, prepared: Drop) -> Iterator[Serving]:
    """One drop for all of these; at the end it must have logged nothing that they did."""
    drop = Drop.copied(prepared, tmp_path_factory.mktemp("lies") / "drop")
    drop.configure(IMPATIENT)
    with drop.running() as running:
        Browser(running.address).get("/")
        before = peak_of(running)
        yield running
        assert descriptors_of(running) < 60
        assert peak_of(running) - before < 64 * MEBIBYTE
        assert Browser(running.address).get("/").links
    assert told_by(running) == ["started", "stopped"]


@pytest.fixture(scope="module")
def behind_tor(tmp_path_factory: pytest.TempPathFactory, prepared: Drop) -> Iterator[Serving]:
    """One that expects tor's line."""
    drop = Drop.copied(prepared, tmp_path_factory.mktemp("tor") / "drop")
    limits = "[connections]\nmax_open_per_circuit = 3\n"
    drop.config.write_text(f'[listen]\ncircuits = "haproxy"\n{limits}')
    with drop.running() as running:
        yield running
    assert told_by(running) == ["started", "stopped"]


def told_by(serving: Serving) -> list[str]:
    """Return every event in the log, once it has stopped."""
    events = re.findall(r"event='(\w+)'", serving.stop())
    assert len(events) == len(serving.stop().splitlines())
    return events


def peak_of(serving: Serving) -> int:
    """Return the most memory that the drop itself has held, in bytes."""
    status = Path(f"/proc/{serving.process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def descriptors_of(serving: Serving) -> int:
    return len(list(Path(f"/proc/{serving.process.pid}/fd").iterdir()))


def heard_from(connection: socket.socket) -> bytes:
    """Return all that comes until the drop ends the connection."""
    heard = b""
    try:
        while block := connection.recv(65536):
            heard += block
    except ConnectionResetError:
        pass
    return heard


def sent(connection: socket.socket, data: bytes) -> None:
    """Send as much of it as the drop will take."""
    with suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(data)


def begun_form(serving: Serving) -> tuple[Browser, str]:
    """Return a visit, and the address that its form is sent to."""
    browser = serving.visit()
    return browser, browser.get("/send").form


def result_of(serving: Serving, browser: Browser, form: str) -> list[str]:
    return re.findall('data-became="(.*?)"', frame_of(serving, browser, form, "result"))


def frame_of(serving: Serving, browser: Browser, form: str, frame: str) -> str:
    return ask(serving, "GET", f"{form}/{frame}", cookie=browser.cookie).body


def post(serving: Serving, body: bytes, *, headers: str = FORM) -> list[str]:
    """Send this as the body of a form; return what became of what is in it."""
    browser, form = begun_form(serving)
    with connected(serving) as connection:
        sent(connection, request("POST", form, cookie=browser.cookie, headers=headers, body=body))
        with suppress(OSError, HTTPException):  # it may be cut off
            answered(connection)
    return result_of(serving, browser, form)


@contextmanager
def honest_source(serving: Serving, wav: Path) -> Iterator[None]:
    """Be half-way through sending a recording meanwhile; it must arrive."""
    browser, form = begun_form(serving)
    body = part("recordings", wav.read_bytes(), file_name="a.wav") + END
    half = len(body) // 2
    with connected(serving) as connection:
        head = request("POST", form, cookie=browser.cookie, headers=FORM, length=len(body))
        connection.sendall(head + body[:half])
        serving.wait_for(lambda: "File 1" in frame_of(serving, browser, form, "progress"))
        yield
        connection.sendall(body[half:])
        assert answered(connection).status == 303
    assert result_of(serving, browser, form) == ["cleaned"]


class TestASlowClient:
    def test_that_stops_midway_is_waited_for_no_longer_than_that_step_takes(
        self, serving: Serving
    ) -> None:
        browser = Browser(serving.address)
        token, cookie = browser.get("/return").form, browser.cookie
        small = request("POST", token, cookie=cookie, length=100)
        nobody_s = request("POST", "/send/token", headers=FORM, length=10**9) + b"--edge\r\n"
        beginnings = (b"", b"G", GET + b"G", GET[:-2], GET[:-2] + b"X: ", small, small + b"codena")

        with ExitStack() as stack:
            slow = [stack.enter_context(connected(serving)) for _ in (*beginnings, nobody_s)]
            for connection, beginning in zip(slow, (*beginnings, nobody_s), strict=True):
                connection.sendall(beginning)
            heard = [heard_from(connection)[9:12] for connection in slow]

        assert heard == [b"", b"", b"200", b"", b"", b"", b"", b"403"]

    def test_that_sends_a_byte_at_a_time_gains_nothing_by_it(self, serving: Serving) -> None:
        with connected(serving) as connection:
            connection.settimeout(0.05)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
            for _ in range(200):
                try:
                    connection.sendall(b"x")
                    assert connection.recv(1) == b""
                    break
                except TimeoutError:
                    continue
                except (ConnectionResetError, BrokenPipeError):
                    break
            else:
                raise AssertionError("it would have gone on for ever")


class TestACrowd:
    def test_of_liars_leaves_an_honest_source_alone(self, serving: Serving, wav: Path) -> None:
        with honest_source(serving, wav), ExitStack() as crowd:
            for _ in range(20):
                for lie in (b"G", GET[:-2], b"\r\n" * 20_000, b"GET /" + LONG, GET * 100):
                    sent(crowd.enter_context(connected(serving)), lie)
            assert serving.send(wav).became == ["cleaned"]

    def test_that_says_nothing_keeps_nobody_out(
        self, tmp_path: Path, prepared: Drop, wav: Path
    ) -> None:
        drop = Drop.copied(prepared, tmp_path / "drop")
        drop.configure("[connections]\nmax_open = 20")

        with drop.running() as serving, ExitStack() as crowd:
            with honest_source(serving, wav):
                silent = [crowd.enter_context(connected(serving)) for _ in range(200)]
                assert serving.send(wav).became == ["cleaned"]
                over = [each for each in silent[:180] if heard_from(each) == b""]
            assert len(over) == 180
            assert descriptors_of(serving) < 80

    def test_of_two_hundred_costs_little_memory_each(self, serving: Serving, wav: Path) -> None:
        before = peak_of(serving)

        with ExitStack() as crowd:
            for _ in range(200):
                crowd.enter_context(connected(serving)).sendall(
                    b"GET / HTTP/1.1\r\nX: " + LONG[:8000]
                )
            with honest_source(serving, wav):
                pass

        assert (peak_of(serving) - before) / 200 < 100_000


class TestRequestsBehindEachOther:
    def test_are_answered_where_a_browser_might_send_them(self, serving: Serving) -> None:
        with connected(serving) as connection:
            connection.sendall(GET + request("GET", "/", headers="Connection: close\r\n"))

            assert heard_from(connection).count(b"HTTP/1.1 200") == 2

    def test_end_the_connection_where_no_browser_would(self, serving: Serving) -> None:
        with connected(serving) as connection:
            sent(connection, GET * 1000)

            assert heard_from(connection).count(b"HTTP/1.1 200") <= 32

    def test_are_not_read_out_of_a_body_that_was_refused(self, serving: Serving) -> None:
        refused = request("POST", "/send/unknown", headers=FORM, body=GET * 3)

        with connected(serving) as connection:
            connection.sendall(refused + GET)
            heard = heard_from(connection)

        assert heard.count(b"HTTP/1.1 ") == 1


class TestARequestThatLies:
    @pytest.mark.parametrize(
        "sent_bytes",
        [
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000,
            b"GET / HTTP/1.1\r\n" + b"X" * 1_000_000,
            b"GET / HTTP/1.1\r\nX:" + b"\r\n y" * 200_000,
            b"\r\n" * 200_000,
            b"\r" * 200_000,
            b"GET /" + LONG,
            POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            POST + b"Transfer-Encoding: gzip, chunked, x\r\n\r\n",
            POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
            POST + b"Content-Length: +5\r\n\r\nhello",
            b"PROXY TCP6 fc00:dead:beef:4dad::0:1c ::1 28 80\r\n" + GET,
        ],
        ids=range(11),
    )
    def test_is_closed_without_a_word(self, serving: Serving, sent_bytes: bytes) -> None:
        with connected(serving) as connection:
            sent(connection, sent_bytes)

            assert heard_from(connection) == b""

    @pytest.mark.parametrize("chunk", [b"1\r\na\r\n", b"1;" + b"x" * 4000 + b"\r\na\r\n"])
    def test_in_chunks_without_end_is_refused_and_no_longer_listened_to(
        self, serving: Serving, chunk: bytes
    ) -> None:
        browser, form = begun_form(serving)
        head = request("POST", form, cookie=browser.cookie, headers=FORM).replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked"
        )

        with connected(serving) as connection:
            connection.sendall(head)
            refused = answered(connection)
            before = processor_seconds_of(serving)
            for _ in range(500):
                sent(connection, chunk * 1000)
            heard_from(connection)

        assert processor_seconds_of(serving) - before < 0.5
        assert refused.status == 400
        assert "could not read what your browser sent" in refused.body

    def test_that_it_is_compressed_is_not_unpacked(self, serving: Serving) -> None:
        body = part("message", b"Listen.") + END

        became = post(serving, body, headers=FORM + "Content-Encoding: gzip, br, deflate\r\n")

        assert became == ["written"]

    def test_that_waits_to_be_told_to_go_on_is_read_as_any_other(self, serving: Serving) -> None:
        body = part("message", b"Listen.") + END

        assert post(serving, body, headers=FORM + "Expect: 100-continue\r\n") == ["written"]


class TestAFormThatLies:
    def test_about_more_than_it_sends_has_what_was_whole_kept(self, serving: Serving) -> None:
        browser, form = begun_form(serving)
        body = part("message", b"Listen.") + part("recordings", LONG, file_name="a.wav")

        with connected(serving) as connection:
            length = len(body) + 1000
            head = request("POST", form, cookie=browser.cookie, headers=FORM, length=length)
            connection.sendall(head + body)
            serving.wait_for(lambda: result_of(serving, browser, form))
        serving.wait_for(lambda: result_of(serving, browser, form)[-1:] == ["cut_off"])

        became = result_of(serving, browser, form)
        assert (became[0], became[-1]) == ("written", "cut_off")

    def test_about_less_than_it_sends_is_cut_there_and_read_no_further(
        self, serving: Serving
    ) -> None:
        browser, form = begun_form(serving)
        body = part("message", b"Listen.") + part("recordings", GET * 9999, file_name="a.wav") + END

        with connected(serving) as connection:
            length = len(body) // 2
            head = request("POST", form, cookie=browser.cookie, headers=FORM, length=length)
            sent(connection, head + body)
            heard = heard_from(connection)

        assert heard.count(b"HTTP/1.1 200") == 0
        serving.wait_for(lambda: result_of(serving, browser, form)[-1:] == ["cut_off"])

    def test_in_ten_thousand_parts_ends_at_the_first_that_is_too_many(
        self, serving: Serving
    ) -> None:
        became = post(serving, part("recordings", b"x", file_name="a.wav") * 10_000 + END)

        assert became == ["not_a_recording"] * 8 + ["too_many"]

    @pytest.mark.parametrize(
        "body",
        [
            b"--edge\r\n" + b"X: y\r\n" * 200_000,
            b"--edge\r\nX: " + LONG,
            b"--edge\r\n" + b"\r" * 1_000_000,
            b"--edge" + LONG,
            LONG,
            b"\r" * 1_000_000,
            b"\r\n" * 500_000,
            b"--edg" * 200_000,
            b"--edge\r\nContent-Disposition: form-data; name=" + b'"' * 7000 + b"\r\n\r\n",
            b"--edge\r\nContent-Disposition: form-data" + b"; a=b" * 1600 + b"\r\n\r\nx\r\n",
            b"--edge\r\nContent-Disposition: form-data; name*=utf-8''" + b"%" * 7000 + b"\r\n\r\n",
        ],
        ids=range(11),
    )
    def test_about_its_layout_is_refused_as_soon_as_another(
        self, serving: Serving, body: bytes
    ) -> None:
        before = processor_seconds_of(serving)

        became = post(serving, body + END)

        assert became in (["broken_form"], ["cut_off"])
        assert processor_seconds_of(serving) - before < 2

    def test_by_what_looks_like_its_boundary_takes_no_more_time_than_other_bytes(
        self, serving: Serving
    ) -> None:
        runs = (b"\r", b"\n", b"\r\n", b"-", b"\r\n--", b"\r\n--edg", b"\0")
        contents = [run * (1_000_000 // len(run)) for run in runs]
        before = processor_seconds_of(serving)

        became = post(
            serving,
            b"".join(part("recordings", each, file_name="a.wav") for each in contents) + END,
        )

        assert became == ["not_a_recording"] * len(runs)
        assert processor_seconds_of(serving) - before < 2

    def test_about_a_small_form_is_read_no_further_than_one_may_be(self, serving: Serving) -> None:
        browser = Browser(serving.address)
        token = browser.get("/return").form

        answer: Answer = ask(serving, "POST", token, cookie=browser.cookie, length=10**12)

        assert answer.status == 400


def processor_seconds_of(serving: Serving) -> float:
    """Return what the drop itself has used of the processor."""
    fields = Path(f"/proc/{serving.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class TestTorsLine:
    def by_circuit(self, serving: Serving, circuit: int, begin: bytes = GET) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(str(serving.drop.folder / "tapedrop.sock"))
        high, low = circuit >> 16, circuit & 0xFFFF
        line = f"PROXY TCP6 fc00:dead:beef:4dad::{high:x}:{low:x} ::1 {low} 80\r\n".encode()
        sent(connection, line + begin)
        return connection

    def test_is_taken_off_and_the_pages_are_as_ever(self, behind_tor: Serving) -> None:
        with self.by_circuit(behind_tor, 0x1C) as connection:
            first = answered(connection)
            connection.sendall(GET)
            second = answered(connection)

        assert (first.status, second.status) == (200, 200)
        assert "0x1c" not in first.body

    @pytest.mark.parametrize(
        "beginning",
        [
            GET,
            b"PROXY TCP4 127.0.0.1 127.0.0.1 28 80\r\n" + GET,
            b"PROXY TCP6 fc00:dead:beef:4dad::1c ::1 28 80\r\n" + GET,
            b"PROXY UNKNOWN\r\n" + GET,
            b"\r\n\r\n\0\r\nQUIT\n" + GET,
            LONG,
        ],
        ids=range(6),
    )
    def test_missing_or_wrong_closes_without_a_word(
        self, behind_tor: Serving, beginning: bytes
    ) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(behind_tor.drop.folder / "tapedrop.sock"))
            sent(connection, beginning)

            assert heard_from(connection) == b""

    def test_lets_no_circuit_take_the_room_of_others(self, behind_tor: Serving) -> None:
        with ExitStack() as crowd:
            for _ in range(3):
                assert answered(crowd.enter_context(self.by_circuit(behind_tor, 5))).status == 200

            with self.by_circuit(behind_tor, 5) as one_more:
                assert heard_from(one_more) == b""
            with self.by_circuit(behind_tor, 6) as another:
                assert answered(another).status == 200
