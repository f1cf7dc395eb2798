"""An onion that only the invited reach: staff's SSH, as its example makes it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from drops import run_server
from tornet import Tor, TorNet

from .far import NotThere, sooner_or_later, through
from .installed import SERVER, Installed
from .world import World

GREETING = b"SSH-2.0-here\r\n"
SSH = 22
CLOSE = ("--confirm", "only those with a key")
OPEN = ("--confirm", "everybody")


class Door:
    """What stands where sshd would: it greets whoever comes."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                connection.sendall(GREETING)

    def close(self) -> None:
        """Greet nobody any more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


class StaffOnion:
    """Staff's onion service, beside the drop's: its folder and address."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        self.folder = installed.data / "staff-ssh"

    @property
    def host(self) -> str:
        return self.installed.onion("staff-ssh")

    def authorise(self, *words: str | Path) -> None:
        """Type the verb."""
        done = run_server("authorise", *words, "--onion", self.folder)
        assert done.returncode == 0, done.stderr

    def greets(self, tor: Tor, user: str) -> bool:
        """Say whether somebody who comes by this tor, and has forgotten all before, is greeted."""
        tor.ask("SIGNAL", "NEWNYM")
        try:
            with closing(through(tor, self.host, user, port=SSH, seconds=30)) as connection:
                return connection.recv(100) == GREETING
        except NotThere:
            return False

    def comes_to(self, tor: Tor, *, greeted: bool) -> None:
        """Return once this tor is greeted, or no longer: descriptors are on their way."""

        def look() -> None:
            if self.greets(tor, f"{greeted}") != greeted:
                raise NotThere

        sooner_or_later(look)


@pytest.fixture(scope="module")
def staff(world: World) -> Iterator[StaffOnion]:
    installed, door = world.installed, Door()
    example = (SERVER / "tor/staff-ssh.conf.example").read_text()
    assert "127.0.0.1:22" in example
    conf = installed.more / "staff-ssh.conf"
    conf.write_text(installed.moved(example).replace("127.0.0.1:22", door.address))
    staff = StaffOnion(installed)
    installed.tor.reload()
    installed.tor.wait_for(lambda: staff.host)
    yield staff
    conf.unlink()
    installed.tor.reload()
    door.close()


class TestStaffsOwnOnion:
    def test_is_found_by_those_with_a_key_as_long_as_they_have_it(
        self, staff: StaffOnion, source: Tor, net: TorNet, tmp_path: Path
    ) -> None:
        keys = {}
        for name in ("alice", "bob"):
            keys[name] = tmp_path / name
            keys[name].mkdir(mode=0o700)
            confirmed = CLOSE if name == "alice" else ()
            staff.authorise(name, "--to", keys[name] / "staff.auth_private", *confirmed)
        staff.installed.tor.reload()
        alice = net.client("alice", f"ClientOnionAuthDir {keys['alice']}\n")
        staff.comes_to(alice, greeted=True)
        staff.comes_to(source, greeted=False)  # who has no key

        staff.authorise("--remove", "alice")
        staff.installed.tor.reload()
        staff.comes_to(alice, greeted=False)
        (keys["bob"] / "staff.auth_private").replace(keys["alice"] / "staff.auth_private")
        alice.reload()
        staff.comes_to(alice, greeted=True)  # by bob's key

        staff.authorise("--remove", "bob", *OPEN)
        staff.installed.tor.reload()
        staff.comes_to(source, greeted=True)

    def test_the_drop_beside_it_is_for_everybody(self, staff: StaffOnion, world: World) -> None:
        world.visit()
