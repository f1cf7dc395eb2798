"""An onion that only the invited reach: staff's SSH, as its example makes it."""

import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from drops import run_server
from tornet import Tor, TorNet

from .far import NotThere, sooner_or_later, through
from .installed import SERVER, Installed
from .world import World

CLOSE = ("--confirm", "only those with a key")
OPEN = ("--confirm", "everybody")


class Onion:
    """One of the installed tor's onion services, and who reaches it."""

    def __init__(self, installed: Installed, name: str, *, port: int) -> None:
        self.installed = installed
        self.folder = installed.data / name
        self._port = port

    def authorise(self, *words: str | Path) -> None:
        """Type the verb."""
        done = run_server("authorise", *words, "--onion", self.folder)
        assert done.returncode == 0, done.stderr

    def comes_to(self, tor: Tor, *, reached: bool) -> None:
        """Return once who comes by this tor reaches it, or doesn't: it takes seconds to be told."""

        def look() -> None:
            if self._reached_by(tor) != reached:
                raise NotThere

        tor.ask("SIGNAL", "NEWNYM")  # what it knows may not hold any more
        sooner_or_later(look, by=tor)

    def _reached_by(self, tor: Tor) -> bool:
        host = self.installed.onion(self.folder.name)
        try:
            through(tor, host, secrets.token_hex(8), port=self._port, seconds=30).close()
        except NotThere:
            return False
        return True


@pytest.fixture(scope="module")
def staff(world: World) -> Iterator[Onion]:
    installed = world.installed
    example = (SERVER / "tor/staff-ssh.conf.example").read_text()
    assert "127.0.0.1:22" in example
    conf = installed.more / "staff-ssh.conf"
    sshd = socket.create_server(("127.0.0.1", 0))
    here = f"127.0.0.1:{sshd.getsockname()[1]}"
    conf.write_text(installed.moved(example).replace("127.0.0.1:22", here))
    staff = Onion(installed, "staff-ssh", port=22)
    installed.reload()
    installed.tor.wait_for(lambda: installed.onion("staff-ssh"))
    yield staff
    conf.unlink()
    installed.reload()
    sshd.close()


class TestStaffsOwnOnion:
    def test_is_found_by_those_with_a_key_as_long_as_they_have_it(
        self, staff: Onion, source: Tor, net: TorNet, tmp_path: Path
    ) -> None:
        keys = {}
        for name in ("alice", "bob"):
            keys[name] = tmp_path / name
            keys[name].mkdir(mode=0o700)
            confirmed = CLOSE if name == "alice" else ()
            staff.authorise(name, "--to", keys[name] / "staff.auth_private", *confirmed)
        staff.installed.reload()
        alice = net.client("alice", f"ClientOnionAuthDir {keys['alice']}\n")
        staff.comes_to(alice, reached=True)
        staff.comes_to(source, reached=False)  # who has no key

        staff.authorise("--remove", "alice")
        staff.installed.reload()
        staff.comes_to(alice, reached=False)
        (keys["bob"] / "staff.auth_private").replace(keys["alice"] / "staff.auth_private")
        alice.reload()
        staff.comes_to(alice, reached=True)  # by bob's key

        staff.authorise("--remove", "bob", *OPEN)
        staff.installed.reload()
        staff.comes_to(source, reached=True)

    def test_the_drop_beside_it_is_for_everybody(self, staff: Onion, world: World) -> None:
        world.visit()


class TestADropForTheInvited:
    def test_is_reached_by_its_own_machine_and_by_nobody_without_a_key(
        self, world: World, source: Tor
    ) -> None:
        installed, stranger = world.installed, Onion(world.installed, "drop", port=80)
        own = installed.data / "invited"
        own.mkdir(mode=0o700)
        example = (SERVER / "tor/invited.conf.example").read_text()
        (installed.more / "invited.conf").write_text(installed.moved(example))
        world.command("authorise", "this-machine", "--to", own / "here.auth_private", *CLOSE)
        installed.reload()
        stranger.comes_to(source, reached=False)
        canary = world.command("canary")

        (installed.more / "invited.conf").unlink()
        world.command("authorise", "--remove", "this-machine", *OPEN)
        installed.reload()
        stranger.comes_to(source, reached=True)
        assert "the canary arrived" in canary
