"""What tor tells the drop of circuits, and that none of them takes the room of another."""

import re
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from drops import write_wav
from wire import END, FORM, answered, part, request

from server.config import Config
from server.proxy_line import LONGEST, circuit_in

from .far import NotThere, sooner_or_later, through
from .installed import SERVER
from .world import World

STREAMS = int(
    re.findall(
        r"^HiddenServiceMaxStreams (\d+)$", (SERVER / "tor/torrc").read_text(), re.MULTILINE
    )[0]
)
MOST = Config().connections.max_open_per_circuit
PROBE = 81


class Probe:
    """Another port of the same onion: it reads tor's line, and what stands behind it."""

    def __init__(self, path: Path) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self.heard: dict[bytes, int] = {}
        """What each connection said, 8 bytes, and the circuit by which it came."""
        self._some = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as said:
            circuit = circuit_in(said.readline(LONGEST))
            word = said.read(8)
            with self._some:
                self.heard[word] = circuit
                self._some.notify_all()

    def circuit_of(self, word: bytes) -> int:
        """Return the circuit by which this word came."""
        with self._some:
            assert self._some.wait_for(lambda: word in self.heard, 60), "it never came"
            return self.heard[word]


@pytest.fixture(scope="module")
def probe(world: World) -> Iterator[Probe]:
    installed = world.installed
    path = installed.folder / "probe.sock"
    # The last onion service above is the drop's own: its streams come by the same circuits.
    (installed.more / "probe.conf").write_text(f"HiddenServicePort {PROBE} unix:{path}\n")
    probe = Probe(path)
    installed.reload()
    yield probe
    (installed.more / "probe.conf").unlink()
    installed.reload()


def says(world: World, user: str) -> bytes:
    """Send one word to the probe on the circuit of `user`."""
    word = secrets.token_hex(4).encode()

    def send() -> None:
        connection = through(world.source, world.installed.host, user, port=PROBE)
        with closing(connection):
            connection.sendall(word)
            connection.recv(1)

    sooner_or_later(send, by=world.source)
    return word


class TestTheLine:
    def test_names_one_circuit_for_all_connections_of_it_and_another_for_another(
        self, world: World, probe: Probe
    ) -> None:
        words = {user: [says(world, user) for _ in range(3)] for user in ("first", "second")}
        circuits = {user: {probe.circuit_of(word) for word in said} for user, said in words.items()}

        assert [len(numbers) for numbers in circuits.values()] == [1, 1]
        assert circuits["first"].isdisjoint(circuits["second"])


class TestRoom:
    def test_a_circuit_that_takes_all_its_connections_keeps_nobody_else_out(
        self, world: World
    ) -> None:
        greedy, host = secrets.token_hex(8), world.installed.host
        with ExitStack() as held:
            for _ in range(MOST):
                connection = held.enter_context(closing(through(world.source, host, greedy)))
                connection.sendall(request("GET", "/keys"))
                assert answered(connection).status == 200  # it stays open
            more = b""
            with (
                suppress(ConnectionError),  # reset is closed, too
                closing(through(world.source, host, greedy)) as one_more,
            ):
                one_more.sendall(request("GET", "/"))
                more = one_more.recv(1)
            with closing(through(world.source, host, secrets.token_hex(8))) as other:
                other.sendall(request("GET", "/"))
                others = answered(other).status

        assert (more, others) == (b"", 200)

    def test_connections_beyond_what_tor_allows_do_not_end_what_is_being_sent(
        self, world: World, probe: Probe, tmp_path: Path
    ) -> None:
        user, host = secrets.token_hex(8), world.installed.host
        visit = world.visit(user)
        form = visit.get("/send")
        recording = write_wav(tmp_path / "a.wav").read_bytes()
        fields = (part(name, value.encode()) for name, value in form.fields.items())
        body = b"".join([*fields, part("recordings", recording, file_name="a.wav"), END])
        half = len(body) // 2
        with ExitStack() as held:
            sending = held.enter_context(closing(through(world.source, host, user)))
            head = request("POST", form.form, cookie=visit.cookie, headers=FORM, length=len(body))
            sending.sendall(head + body[:half])
            opened = 0
            with suppress(NotThere):
                while opened < 2 * STREAMS:  # they only stand there, behind the probe
                    one = through(world.source, host, user, port=PROBE, seconds=10)
                    held.enter_context(closing(one))
                    opened += 1
            sending.sendall(body[half:])
            became = answered(sending)

        assert opened == STREAMS - 1
        assert became.status == 303
        assert len(world.visit(user).get("/keys").links) > 0
