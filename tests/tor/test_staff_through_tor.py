"""What staff do through tor: see that the drop is reached, and have letters carried to them."""

import http.server
import json
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest
from drops import run_server
from tornet import TorNet

from .far import sooner_or_later, through
from .world import World

CARRIER = "curl --silent --fail --data-binary @- --socks5-hostname"


class Home:
    """Staff's own machine: an onion that keeps what is put there."""

    def __init__(self, net: TorNet) -> None:
        self.letters: SimpleQueue[bytes] = SimpleQueue()
        keep = self.letters.put

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                keep(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        folder = net.folder / "home-onion"
        port = self._server.server_address[1]
        lines = f"HiddenServiceDir {folder}\nHiddenServicePort 80 127.0.0.1:{port}\n"
        self.tor = net.client("home", lines)
        self.host = (folder / "hostname").read_text().strip()

    def close(self) -> None:
        """Take nothing more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def home(net: TorNet) -> Iterator[Home]:
    home = Home(net)
    yield home
    home.close()


class TestReachingIt:
    def test_check_fetches_the_front_page_through_the_drops_own_tor(self, world: World) -> None:
        done = run_server("check", "--json", "--config", world.drop.config)
        (tor,) = [each for each in json.loads(done.stdout)["checks"] if each["name"] == "tor"]

        assert (tor["verdict"], tor["says"]) == ("ok", "the front page comes through tor")

    def test_the_canary_goes_the_whole_way(self, world: World) -> None:
        assert "the canary arrived" in world.command("canary")


class TestLetters:
    def test_arrive_at_an_onion_of_staffs_who_alone_can_read_them(
        self, world: World, home: Home
    ) -> None:
        staff, drop = world.drop.newsroom, world.drop
        assert drop.add_exported(staff.exported, staff.fingerprint, staff=True).returncode == 0
        words = [*CARRIER.split(), world.installed.socks, f"http://{home.host}"]
        world.installed.configure(drop, alert_command=json.dumps(words))
        sooner_or_later(lambda: through(world.source, home.host, "staff").close())

        world.command("heartbeat")
        said = world.command("mail")
        letter = home.letters.get(timeout=10)

        assert "1 letter carried away, 0 left" in said
        assert letter.startswith(b"-----BEGIN PGP MESSAGE-----")
        assert b"drops" in staff.gpg("--decrypt", given=letter)
        assert list((drop.folder / "outbox").iterdir()) == []
