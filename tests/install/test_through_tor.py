"""The installed tor, in a Tor network inside the machine's own: a source comes, staff look.

The authorities and relays of tests/tornet.py run in the network of the machine, so the firewall is
between them and its tor as it would be on a real one.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from drops import write_wav
from form import Browser
from tornet import Tor, TorNet

from install.installed import CURRENT, DROP, Installed, send
from install.machine import Machine
from install.ways import by_tor

OURS: Final = "etc/tor/instances/tapedrop/torrc.d/test-network.conf"
AT_ONCE: Final = f"""
[Service]
ExecStart=
ExecStart={CURRENT}/bin/tapedrop-server canary --config {DROP}/tapedrop.toml
"""
TRIED: Final = """
import socket, sys
there = socket.socket()
there.settimeout(0.5)
try:
    there.connect(("192.0.2.7", 443))
except TimeoutError:
    print("went out")
except OSError:
    print("kept in")
"""


@pytest.fixture(scope="module")
def source(installed: Installed) -> Iterator[Tor]:
    """A source's tor; the machine's is in the same network, and its onion can be reached."""
    machine = installed.machine
    with TorNet(before=["nsenter", "--target", str(machine.pid), "--net"]) as net:
        machine.put(net.joining, f"/{OURS}")
        machine.must("systemctl", "restart", "tor@tapedrop.service")
        client = net.client("source")
        with by_tor(machine, installed.onion(), _port(client)) as address:
            machine.wait_for(lambda: _answers(address), "the onion can be reached", seconds=180)
        yield client
    (machine.root / OURS).unlink()
    machine.must("systemctl", "restart", "tor@tapedrop.service")


def _port(client: Tor) -> int:
    return int(client.socks.rpartition(":")[2])


def _answers(address: str) -> bool:
    try:
        return bool(Browser(address).get("/").links)
    except OSError:  # http.client's errors for a connection that ends at once are among them
        return False


class TestASourceOverTor:
    def test_sends_a_recording_through_the_onion_address(
        self, installed: Installed, source: Tor, tmp_path: Path
    ) -> None:
        before = len(installed.manifests())
        with by_tor(installed.machine, installed.onion(), _port(source)) as address:
            browser = Browser(address)
            browser.get("/")
            browser.get("/codename")
            became = send(browser, write_wav(tmp_path / "over-tor.wav", b"over tor " * 9000)).became
        assert became == ["cleaned"]
        assert len(installed.manifests()) == before + 1

    def test_leaves_nothing_of_it_in_any_journal(
        self, installed: Installed, source: Tor, tmp_path: Path
    ) -> None:
        before = installed.machine.journal()
        with by_tor(installed.machine, installed.onion(), _port(source)) as address:
            browser = Browser(address)
            browser.get("/codename")
            send(browser, write_wav(tmp_path / "again.wav"))
        assert installed.machine.journal() == before


class TestStaffOverTor:
    def test_check_finds_the_front_page_by_the_onion_address(
        self, installed: Installed, source: Tor
    ) -> None:
        said = json.loads(installed.verb("check", "--json").stdout)
        found = {each["name"]: each["verdict"] for each in said["checks"]}
        assert found["tor"] == "ok"
        assert found["listening"] == "ok"

    def test_the_canary_arrives_and_no_journal_says_when(
        self, installed: Installed, source: Tor
    ) -> None:
        machine = installed.machine
        drop_in = "/run/systemd/system/tapedrop-canary.service.d/at-once.conf"
        machine.put(AT_ONCE, drop_in)
        machine.must("systemctl", "daemon-reload")
        before = machine.journal()
        machine.must("systemctl", "start", "tapedrop-canary.service")
        added = machine.journal()[len(before) :].splitlines()
        machine.must("rm", "--recursive", Path(drop_in).parent)
        machine.must("systemctl", "daemon-reload")
        assert re.match(r"\d{4}-\d\d-\d\d", machine.at(f"{DROP}/receipts/arrived").read_text())
        # It says so only to who typed it; not with the timer's --at-random.
        assert [line for line in added if "sending a canary" not in line] == []


class TestTheFirewall:
    def test_only_tor_goes_out(self, installed: Installed) -> None:
        machine = installed.machine
        with_a_way_out(machine)
        tried = {
            user: machine.must("python3", "-c", TRIED, user=user)
            for user in ("root", "tapedrop", "nobody", "_tor-tapedrop")
        }
        assert tried == {
            "root": "kept in\n",
            "tapedrop": "kept in\n",
            "nobody": "kept in\n",
            "_tor-tapedrop": "went out\n",
        }


def with_a_way_out(machine: Machine) -> None:
    """Give the machine a network card that leads nowhere; what is sent there is lost."""
    in_network = ["nsenter", "--target", str(machine.pid), "--net", "ip"]
    for words in (
        ("link", "add", "outside", "type", "veth", "peer", "name", "beyond"),
        ("address", "add", "192.0.2.1/24", "dev", "outside"),
        ("link", "set", "beyond", "up"),
        ("link", "set", "outside", "up"),
    ):
        subprocess.run([*in_network, *words], check=True)
