"""Ceph's own gateway on loopback: a monitor, a manager, one store in memory, radosgw.

Debian's packages radosgw, ceph-mon, ceph-mgr, ceph-osd and ceph-common; about 15 seconds and 1.3 GB
of memory, so only where it is asked for. It knows `If-None-Match`, which Swift doesn't.
"""

import http.client
import shutil
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from socket import create_server
from typing import Final
from uuid import uuid4

from engines import Engine

_START_SECONDS: Final = 120
_SETTINGS: Final = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon}/0
public network = 127.0.0.0/8
keyring = {folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
run dir = {folder}
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
mon data = {folder}/mon
mgr data = {folder}/mgr
osd data = {folder}/osd
mgr initial modules =
[client.rgw.here]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw data = {folder}/rgw
rgw multipart min part size = 1
"""
_USERS: Final = {
    "mon.": ("mon", "allow *"),
    "client.admin": ("mon", "allow *", "osd", "allow *", "mgr", "allow *"),
    "osd.0": ("mon", "allow profile osd", "osd", "allow *"),
    "mgr.here": ("mon", "allow profile mgr", "osd", "allow *"),
    "client.rgw.here": ("mon", "allow rwx", "osd", "allow rwx", "mgr", "allow rw"),
}


class Ceph:
    """A cluster of one, with one user of its gateway."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="td-ceph-"))
        self._running: list[subprocess.Popen[bytes]] = []
        port, monitor = _free_port(), _free_port()
        fsid = str(uuid4())
        for name in ("mon", "mgr", "osd", "rgw"):
            (self._folder / name).mkdir()
        settings = _SETTINGS.format(folder=self._folder, fsid=fsid, mon=monitor, port=port)
        (self._folder / "ceph.conf").write_text(settings)
        try:
            self._begin(fsid, monitor)
            self._wait_for(port)
            user = ["--uid=t", "--display-name=t", "--access-key=access", "--secret-key=secret"]
            self._run("radosgw-admin", "-n", "client.rgw.here", "user", "create", *user)
        except BaseException:
            self.close()
            raise
        self.engine = Engine(port, "access", "secret")

    def _begin(self, fsid: str, monitor: int) -> None:
        keyring, monmap = self._folder / "keyring", self._folder / "monmap"
        keyring.touch()
        for user, caps in _USERS.items():
            pairs = zip(caps[::2], caps[1::2], strict=True)
            words = [word for kind, what in pairs for word in ("--cap", kind, what)]
            self._run("ceph-authtool", keyring, "--gen-key", "-n", user, *words)
        address = f"[v2:127.0.0.1:{monitor}]"
        self._run("monmaptool", "--create", "--addv", "here", address, "--fsid", fsid, monmap)
        mkfs = ("--mkfs", "--monmap", monmap, "--keyring", keyring)
        self._run("ceph-mon", "-i", "here", *mkfs)
        self._start("ceph-mon", "-i", "here", "-f")
        self._start("ceph-mgr", "-i", "here", "-f")
        osd = str(uuid4())
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=here")
        self._start("ceph-osd", "-i", "0", "-f")
        self._start("radosgw", "-n", "client.rgw.here", "-f")

    def _command(self, *words: str | Path) -> list[str | Path]:
        settings: list[str | Path] = ["-c", self._folder / "ceph.conf"]
        plain = words[0] in ("ceph-authtool", "monmaptool")
        return [words[0], *([] if plain else settings), *words[1:]]

    def _run(self, *words: str | Path) -> None:
        done = subprocess.run(self._command(*words), capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()

    def _start(self, *words: str | Path) -> None:
        with (self._folder / "said").open("ab") as said:
            running = subprocess.Popen(self._command(*words), stdout=said, stderr=said)
        self._running.append(running)

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with closing(asking), suppress(OSError):
                asking.request("GET", "/")
                assert asking.getresponse().status == 200
                return
            assert time.monotonic() < deadline, (self._folder / "said").read_text()
            time.sleep(0.1)

    def close(self) -> None:
        """End it, and forget what it holds."""
        for running in reversed(self._running):
            running.kill()
            running.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _free_port() -> int:
    with create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
