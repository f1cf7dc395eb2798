"""A Tor network of our own on loopback, for tests: authorities, relays, and whoever joins it.

    with TorNet() as net:                    # seven processes
        net.joining                          # lines for the torrc of a tor started elsewhere
        net.join("drop", Path("…/torrc"))    # or start it here, with those lines in it
        source = net.client("source")        # up in 15 to 30 seconds; a SOCKS port at source.socks

Each tor is a child of this process and ends with it, however that ends. All that they write is in
one folder, which goes at the end. `before` are words in front of each command, such as those of
`nsenter` into the network of a container: the ports are looked for there.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

START_SECONDS: Final = 120.0
"""A network that isn't up by then won't be."""
_END_SECONDS: Final = 10.0
_LISTENS: Final = "0A"
_AUTHORITIES: Final = 3
_RELAYS: Final = 4
_FREE_PORTS: Final = """
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(each.getsockname()[1] for each in held))
"""
# Tor looks every 15 seconds whether we are still there.
_OURS: Final = """\
DataDirectory {folder}
Nickname {name}
Log notice file {folder}/log
ShutdownWaitLength 0
AvoidDiskWrites 1
PathsNeededToBuildCircuits 0.67
LearnCircuitBuildTimeout 0
CircuitBuildTimeout 10
ContactInfo none
__OwningControllerProcess {pid}
"""
_RELAY: Final = """\
Address 127.0.0.1
AssumeReachable 1
ORPort 127.0.0.1:{port}
SocksPort 0
ExitPolicy reject *:*
"""
_AUTHORITY: Final = """\
DirPort 127.0.0.1:{port}
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingDirAuthVoteExit *
TestingMinExitFlagThreshold 0
AuthDirMaxServersPerAddr 0
"""


class NotDone(Exception):
    """What tor was asked for it doesn't have, or can't do."""


class Tor:
    """One tor that we started: its folder, and where it can be asked."""

    def __init__(
        self, folder: Path, command: Sequence[str | Path], *, socks: str = "", control: str = ""
    ) -> None:
        self.name = folder.name
        self.folder = folder
        self.socks = socks
        """Its SOCKS port, as `127.0.0.1:PORT`; nothing where it has none."""
        self.control = control
        """The path of the socket by which it is controlled, or nothing."""
        self._command = command
        self._start()

    def _start(self) -> None:
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    @property
    def log(self) -> str:
        """What it has logged since it began: as our lines have it, notices."""
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    @property
    def runs(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ports(self) -> list[str]:
        """Return where it listens, as `ADDRESS:PORT` in hex (proc(5), /proc/net/tcp)."""
        process = Path(f"/proc/{self._process.pid}")
        own = set[str]()
        for each in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed meanwhile
                own.add(str(each.readlink()))
        tables = [(process / "net" / kind).read_text() for kind in ("tcp", "tcp6")]
        rows = [line.split() for table in tables for line in table.splitlines()[1:]]
        return [row[1] for row in rows if row[3] == _LISTENS and f"socket:[{row[9]}]" in own]

    def wait_for(self, seen: Callable[[], object], *, seconds: float = START_SECONDS) -> None:
        """Return once `seen` says so. Raises AssertionError when tor ended, or time did."""
        deadline = time.monotonic() + seconds
        while not seen():
            assert self.runs, f"{self.name} ended: {(self.folder / 'said').read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"{self.name}: {self.log[-2000:]}"
            time.sleep(0.05)

    def wait_until_up(self) -> None:
        """Return once it can build circuits."""
        self.wait_for(lambda: "Bootstrapped 100%" in self.log)

    def ask(self, *words: str) -> str:
        """Have it do something over its control socket (control-spec); return what it answers.

        Raises NotDone.
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(START_SECONDS)
            connection.connect(self.control)
            connection.sendall(f"AUTHENTICATE\r\n{' '.join(words)}\r\nQUIT\r\n".encode())
            said = connection.makefile("rb").read().decode().replace("\r\n", "\n")
        if not said.startswith("250 OK\n250"):
            raise NotDone(said)
        return said.removeprefix("250 OK\n").removesuffix("250 closing connection\n")

    def reload(self) -> None:
        """Have it read its settings, and who may come, anew."""
        self._process.send_signal(signal.SIGHUP)

    def restart(self) -> None:
        """End it and start it again."""
        self.end()
        (self.folder / "log").unlink(missing_ok=True)
        self._start()

    def end(self) -> None:
        """End it, at once if need be."""
        if self.runs:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class TorNet:
    """The network; `close` ends it and all that joined it."""

    def __init__(self, *, before: Sequence[str] = ()) -> None:
        self._before = tuple(before)
        self.folder = Path(tempfile.mkdtemp(prefix="td-tor-"))
        self._empty = self.folder / "empty"
        self._empty.touch()
        self._all: list[Tor] = []
        self.joining = ""
        """The lines that make a tor part of this network and of no other."""
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        ports = self.free_ports(2 * _AUTHORITIES + _RELAYS)
        relays = ports[2 * _AUTHORITIES :]
        authorities = {
            f"authority{i}": (ports[2 * i], ports[2 * i + 1]) for i in range(_AUTHORITIES)
        }
        for made in [self._making_keys(name, at) for name, (_, at) in authorities.items()]:
            assert made.wait(START_SECONDS) == 0, "tor-gencert made no keys"
        known = [self._directory_line(name, *at) for name, at in authorities.items()]
        self.joining = "\n".join(["TestingTorNetwork 1", *known, ""])
        for name, (port, directory) in authorities.items():
            self._run(name, _RELAY.format(port=port) + _AUTHORITY.format(port=directory))
        for i, port in enumerate(relays):
            self._run(f"relay{i}", _RELAY.format(port=port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def client(self, name: str, lines: str = "") -> Tor:
        """Start one that comes to onions; wait until it can. `lines` are more of its torrc."""
        (port,) = self.free_ports(1)
        control = str(self.folder / name / "control")
        own = f"SocksPort 127.0.0.1:{port}\nControlSocket {control}\nCookieAuthentication 0\n"
        client = self._run(name, own + lines, socks=f"127.0.0.1:{port}", control=control)
        client.wait_until_up()
        return client

    def join(self, name: str, torrc: Path, *, socks: str = "", control: str = "") -> Tor:
        """Start one by a torrc of its own, which has to include `joining`; don't wait for it."""
        command: list[str | Path] = [
            *self._before,
            "tor",
            "-f",
            torrc,
            "--defaults-torrc",
            self._empty,
        ]
        tor = Tor(self._folder(name), command, socks=socks, control=control)
        self._all.append(tor)
        return tor

    def free_ports(self, count: int) -> list[int]:
        """Return ports on loopback that nobody uses, in the network where this one is."""
        command = [*self._before, sys.executable, "-c", _FREE_PORTS, str(count)]
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        return [int(port) for port in found.stdout.split()]

    def logs(self) -> str:
        """Return the last lines of each log, for when a test fails."""
        return "\n".join(f"{tor.name}: {tor.log[-500:]}" for tor in self._all)

    def close(self) -> None:
        """End every one, and forget what they wrote."""
        for tor in reversed(self._all):
            tor.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _run(self, name: str, lines: str, *, socks: str = "", control: str = "") -> Tor:
        folder = self._folder(name)
        own = _OURS.format(folder=folder, name=name, pid=os.getpid())
        torrc = folder / "torrc"
        torrc.write_text(self.joining + own + lines)
        return self.join(name, torrc, socks=socks, control=control)

    def _making_keys(self, name: str, directory_port: int) -> subprocess.Popen[bytes]:
        """Begin to make an authority's keys: RSA, some of which take a second."""
        keys = self._folder(name) / "keys"
        keys.mkdir(mode=0o700)
        parts = {"-i": "identity_key", "-s": "signing_key", "-c": "certificate"}
        files = [
            word for flag, part in parts.items() for word in (flag, keys / f"authority_{part}")
        ]
        asked = ["--passphrase-fd", "0", "-m", "12", "-a", f"127.0.0.1:{directory_port}"]
        making = subprocess.Popen(
            ["tor-gencert", "--create-identity-key", *asked, *files],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert making.stdin is not None
        making.stdin.write(b"anything\n")
        making.stdin.close()
        return making

    def _directory_line(self, name: str, port: int, directory_port: int) -> str:
        """Return the line by which others know this authority."""
        folder = self._folder(name)
        certificate = (folder / "keys/authority_certificate").read_text()
        (identity,) = re.findall(r"^fingerprint (\w+)$", certificate, re.MULTILINE)
        # Any other authority keeps tor from looking for those of the real network.
        words: list[str | Path] = [
            "--DataDirectory",
            folder,
            "--ORPort",
            str(port),
            "--Nickname",
            name,
        ]
        words += ["--Address", "127.0.0.1", "--DirAuthority", f"x 127.0.0.1:1 {'f' * 40}"]
        command = ["tor", "--quiet", "--list-fingerprint", *words, "-f", self._empty]
        command += ["--defaults-torrc", self._empty]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        fingerprint = "".join(said.stdout.splitlines()[-1].split()[1:])
        where = f"127.0.0.1:{directory_port}"
        return f"DirAuthority {name} orport={port} no-v2 v3ident={identity} {where} {fingerprint}"
