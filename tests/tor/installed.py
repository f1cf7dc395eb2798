"""tor and a drop with the settings that deploy/ installs, all in one folder."""

import re
import time
from pathlib import Path
from typing import Final

from drops import Drop
from tornet import Tor, TorNet

SERVER: Final = Path(__file__).parents[2] / "deploy/server"
_OF_TESTS: Final = """
DataDirectory {data}
ShutdownWaitLength 0
PathsNeededToBuildCircuits 0.67
Log [rend]info [~rend]notice file {folder}/log
"""
"""What the private network needs; and a log of more, for tests to see what tor does."""


_HAS_ITS_QUEUE: Final = "PoW seeds"


class Installed:
    """An instance of tor by the torrc that is installed, every path of it in `folder`."""

    def __init__(
        self, net: TorNet, name: str, *, changes: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self._net = net
        self.folder = net.folder / name
        self.data = self.folder / "data"
        self.more = self.folder / "torrc.d"
        for folder in (self.folder, self.data, self.more):
            folder.mkdir(mode=0o700)
        (port,) = net.free_ports(1)
        self.socks = f"127.0.0.1:{port}"
        self.socket = self.folder / "tapedrop.sock"
        self.written = self.folder / "written"
        """What tor would have written to the system's log."""
        settings = self.moved((SERVER / "tor/torrc").read_text())
        for old, new in changes:
            assert old in settings, old
            settings = settings.replace(old, new)
        (self.folder / "torrc").write_text(settings)
        testing = net.joining + _OF_TESTS.format(data=self.data, folder=self.folder)
        (self.more / "testing.conf").write_text(testing)
        self.tor: Tor
        self.since = 0.0
        """When tor began to count who waits, by time.monotonic()."""

    def moved(self, settings: str) -> str:
        """Return settings with each path of an installed machine in this folder instead."""
        for there, here in (
            ("/var/lib/tor-instances/tapedrop", self.data),
            ("/etc/tor/instances/tapedrop", self.folder),
            ("/run/tapedrop.sock", self.socket),
            ("127.0.0.1:9050", self.socks),
            ("err syslog", f"err file {self.written}"),
        ):
            settings = settings.replace(there, str(here))
        return settings

    def start(self) -> None:
        """Start tor; don't wait for anything but the address."""
        self.tor = self._net.join(self.folder.name, self.folder / "torrc", socks=self.socks)
        self.tor.wait_for(lambda: self.host)
        self.tor.wait_for(lambda: _HAS_ITS_QUEUE in self.log)
        self.since = time.monotonic()

    def reload(self) -> None:
        """Have tor read its settings, and who may come, anew.

        tor 0.4.9.11 dies of it (signal 11 in hs_circ_handle_introduce2) where somebody arrives in
        the milliseconds until it has its queue again. systemd starts it anew then; so does this.
        """
        had = self.log.count(_HAS_ITS_QUEUE)
        self.tor.reload()
        self.tor.wait_for(lambda: self.log.count(_HAS_ITS_QUEUE) > had or not self.tor.runs)
        if not self.tor.runs:
            assert "hs_circ_handle_introduce2" in self.written.read_text()
            self.written.unlink()  # on an installed machine it goes to no log
            self.tor.restart()
            self.tor.wait_for(lambda: _HAS_ITS_QUEUE in self.log)
            self.since = time.monotonic()

    def onion(self, name: str) -> str:
        """Return the address of one of its onion services, nothing before tor has made it."""
        written = self.data / name / "hostname"
        return written.read_text().strip() if written.exists() else ""

    @property
    def log(self) -> str:
        """What its tor does, in more words than are written on an installed machine."""
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    @property
    def host(self) -> str:
        """The drop's address, as `….onion`."""
        return self.onion("drop")

    @property
    def address(self) -> str:
        """The drop's address, as `http://….onion`."""
        return f"http://{self.host}"

    def configure(self, drop: Drop, alert_command: str = "[]") -> None:
        """Give a drop the settings that are installed."""
        settings = self.moved((SERVER / "tapedrop.toml").read_text())
        settings = settings.replace("#alert_command = []", f"alert_command = {alert_command}")
        onion = f'onion = "{self.address}"\nsocks = "{self.socks}"'
        settings, count = re.subn(r'^onion = ""$', onion, settings, flags=re.MULTILINE)
        assert count == 1
        drop.config.write_text(settings)
