"""The firewall: nft's own judge, and what it lets through when it is loaded.

It is loaded between two networks that nobody else is in, one the drop's machine and one somebody on
its line; users of either ask the other, and get an answer, a refusal, or silence.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

SERVER: Final = Path(__file__).parents[3] / "deploy/server"
EXAMPLES: Final = sorted((SERVER / "firewall").glob("*.nft.example"))
USERS: Final = {"tapedrop": 7001, "_tor-tapedrop": 7002, "_apt": 7003, "root": 0}
OTHERS: Final = {"systemd-network": 7004, "systemd-timesync": 7005}
NOBODY: Final = 65534
US, THEM, US6, THEM6 = "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"
SOCKS, WEB = 9050, 443
PORTS: Final = (SOCKS, WEB)
REFUSED: Final = {"ECONNREFUSED", "EACCES", "EPERM", "EHOSTUNREACH"}
"""What the kernel answers at once for a firewall that rejects, by kind and family."""

as_root: Final = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")

TRY: Final = """
import errno, os, socket, sys
uid, kind, host, port = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
family = socket.AF_INET6 if ":" in host else socket.AF_INET
with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as tried:
    tried.settimeout(float(sys.argv[5]))
    try:
        tried.connect((host, port))
        tried.send(b"?")
        tried.recv(1)
    except TimeoutError:
        print("silence")
    except OSError as error:
        print(errno.errorcode[error.errno])
    else:
        print("answered")
"""
"""Become a user, ask somebody, and print how that went."""

ANSWER: Final = """
import socket, sys, threading
def tcp(listener):
    while True:
        with listener.accept()[0] as asked:
            asked.send(asked.recv(1))
def udp(listener):
    while True:
        listener.sendto(*listener.recvfrom(1))
for port in map(int, sys.argv[1:]):
    begun = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    threading.Thread(target=tcp, args=(begun,), daemon=True).start()
    begun = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    begun.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    begun.bind(("", port))
    threading.Thread(target=udp, args=(begun,), daemon=True).start()
print("up", flush=True)
sys.stdin.read()
"""
"""Answer whoever asks at these ports, by TCP and by UDP, until nobody is behind standard input."""


def rules(folder: Path, *, examples: bool = False) -> Path:
    """Return the rules with users that this machine knows, and staff's files in `folder`."""
    text = (SERVER / "nftables.conf").read_text()
    text = text.replace("/etc/tapedrop/firewall.d", str(folder / "firewall.d"))
    (folder / "firewall.d").mkdir(exist_ok=True)
    for example in EXAMPLES if examples else ():
        to = folder / "firewall.d" / example.name.removesuffix(".example")
        to.write_text(_with_numbers(example.read_text()))
    written = folder / "nftables.conf"
    written.write_text(_with_numbers(text))
    return written


def _with_numbers(text: str) -> str:
    known = USERS | OTHERS
    named = "|".join(map(re.escape, known))
    return re.sub(rf'"({named})"', lambda found: str(known[found[1]]), text)


def in_a_network_of_its_own(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command as root of a network that nobody else is in."""
    return subprocess.run(["unshare", "-Urn", *words], capture_output=True, text=True)


class TestNftItself:
    @pytest.mark.parametrize("examples", [False, True])
    def test_takes_the_rules_also_with_every_example(self, tmp_path: Path, examples: bool) -> None:
        judged = in_a_network_of_its_own("nft", "-c", "-f", rules(tmp_path, examples=examples))

        assert (judged.returncode, judged.stdout + judged.stderr) == (0, "")

    def test_loads_them_twice_with_the_same_end(self, tmp_path: Path) -> None:
        file = rules(tmp_path)
        load = f"nft -f {file} && nft list ruleset"

        once = in_a_network_of_its_own("sh", "-ec", load)
        twice = in_a_network_of_its_own("sh", "-ec", f"nft -f {file}; {load}")

        assert once.returncode == 0
        assert once.stdout == twice.stdout

    def test_leaves_other_tables_alone(self, tmp_path: Path) -> None:
        file = rules(tmp_path)
        load = f"nft add table inet staffs; nft -f {file}; nft list tables"

        loaded = in_a_network_of_its_own("sh", "-ec", load)

        assert loaded.stdout.splitlines() == ["table inet staffs", "table inet tapedrop"]

    def test_refuses_what_staff_wrote_wrongly_as_a_whole(self, tmp_path: Path) -> None:
        file = rules(tmp_path)
        load = f"nft -f {file}; echo 'tcp dprot 22 accept' > {tmp_path}/firewall.d/in-ssh.nft"
        again = f"{load}; ! nft -f {file} 2>/dev/null; nft list tables"

        kept = in_a_network_of_its_own("sh", "-ec", again)

        assert kept.stdout.splitlines() == ["table inet tapedrop"]


class Host:
    """A machine as far as its network goes, where somebody answers at some ports."""

    def __init__(self, stack: ExitStack) -> None:
        process = stack.enter_context(
            subprocess.Popen(
                ["unshare", "-n", sys.executable, "-ISc", ANSWER, *map(str, PORTS)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert process.stdin is not None
        assert process.stdout is not None
        stack.callback(process.stdin.close)
        assert process.stdout.readline() == "up\n"
        self.pid = process.pid
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *words: str | Path) -> str:
        """Run a command in its network."""
        inside = ["nsenter", "-t", str(self.pid), "-n", *words]
        return subprocess.run(inside, capture_output=True, text=True, check=True).stdout

    def asks(
        self, host: str, port: int, *, kind: str = "tcp", user: str | int = 0, seconds: float = 20
    ) -> str:
        """Return how it went when a user of this machine asked somebody."""
        number = (USERS | OTHERS)[user] if isinstance(user, str) else user
        words = [sys.executable, "-ISc", TRY, str(number), kind, host, str(port), str(seconds)]
        return self.run(*words).strip()


class Line:
    """The machine with the firewall, `ours`, and one on the same line, `theirs`."""

    def __init__(self, stack: ExitStack) -> None:
        self.ours, self.theirs = Host(stack), Host(stack)
        self.ours.run(
            "ip", "link", "add", "out", "type", "veth", "peer", "out", "netns", f"{self.theirs.pid}"
        )
        for host, last in ((self.ours, 1), (self.theirs, 2)):
            host.run("ip", "address", "add", f"192.0.2.{last}/24", "dev", "out")
            host.run("ip", "address", "add", f"2001:db8::{last}/64", "dev", "out", "nodad")
            host.run("ip", "link", "set", "out", "up")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Both, seen to reach each other before the rules are loaded."""
    with ExitStack() as stack:
        line = Line(stack)
        for host in (THEM, THEM6):
            assert line.ours.asks(host, WEB, user=NOBODY) == "answered"
        line.ours.run("nft", "-f", rules(tmp_path_factory.mktemp("rules")))
        yield line


@as_root
class TestLoaded:
    @pytest.mark.parametrize("host", [THEM, THEM6])
    def test_lets_tor_out(self, line: Line, host: str) -> None:
        assert line.ours.asks(host, WEB, user="_tor-tapedrop") == "answered"

    @pytest.mark.parametrize("host", [THEM, THEM6])
    @pytest.mark.parametrize("user", ["root", "tapedrop", NOBODY])
    def test_lets_nobody_else_out_and_says_so_at_once(
        self, line: Line, user: str | int, host: str
    ) -> None:
        assert line.ours.asks(host, WEB, user=user) in REFUSED

    @pytest.mark.parametrize("user", ["_tor-tapedrop", "root", "tapedrop"])
    def test_lets_no_datagram_out_of_anybody_so_no_name_is_looked_up(
        self, line: Line, user: str
    ) -> None:
        assert line.ours.asks(THEM, WEB, kind="udp", user=user) in REFUSED

    @pytest.mark.parametrize("host", [US, US6])
    @pytest.mark.parametrize("kind", ["tcp", "udp"])
    def test_lets_nobody_in_and_does_not_answer(self, line: Line, host: str, kind: str) -> None:
        assert line.theirs.asks(host, WEB, kind=kind, seconds=0.3) == "silence"

    @pytest.mark.parametrize("user", ["tapedrop", "root", "_apt"])
    def test_lets_to_tor_s_port_who_needs_it(self, line: Line, user: str) -> None:
        assert line.ours.asks("127.0.0.1", SOCKS, user=user) == "answered"

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    def test_keeps_every_other_user_from_tor_s_port(self, line: Line, host: str) -> None:
        assert line.ours.asks(host, SOCKS, user=NOBODY) == "ECONNREFUSED"
        assert line.ours.asks(host, WEB, user=NOBODY) == "answered"

    def test_lets_in_and_out_what_staff_s_own_files_say(self, line: Line, tmp_path: Path) -> None:
        usual, file = rules(tmp_path), tmp_path / "firewall.d/in-ssh.nft"
        file.write_text(f"ip saddr {THEM} tcp dport {WEB} accept\n")
        (tmp_path / "firewall.d/out-store.nft").write_text(
            f"meta skuid {USERS['tapedrop']} ip daddr {THEM} tcp dport {WEB} accept\n"
        )
        line.ours.run("nft", "-f", usual)

        assert line.theirs.asks(US, WEB) == "answered"
        assert line.theirs.asks(US, SOCKS, seconds=0.3) == "silence"
        assert line.ours.asks(THEM, WEB, user="tapedrop") == "answered"
        assert line.ours.asks(THEM, SOCKS, user="tapedrop") in REFUSED

        (tmp_path / "firewall.d/in-ssh.nft").unlink()
        (tmp_path / "firewall.d/out-store.nft").unlink()
        line.ours.run("nft", "-f", usual)
        assert line.theirs.asks(US, WEB, seconds=0.3) == "silence"
