"""A machine with Tapedrop on it, as its staff have it after the first day."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from desk import Desk, words
from drops import Newsroom, Result
from form import Browser

from install.machine import Done, Machine
from install.release import version_of
from install.ways import by_socket

DROP: Final = "/var/lib/tapedrop"
STICK: Final = "/media/stick"
ONION: Final = "/var/lib/tor-instances/tapedrop/drop"
CURRENT: Final = "/usr/lib/tapedrop/current"


@dataclass
class Installed:
    """A machine, the release that was put onto it, and the newsroom that its drop is for."""

    machine: Machine
    release: Path
    newsroom: Newsroom
    desk: Desk | None = None
    said: list[Done] = field(default_factory=list)
    """What each run of the installer said."""

    @property
    def version(self) -> str:
        """Return the version of the release."""
        return version_of(self.release)

    def bring(self, release: Path) -> str:
        """Copy a release's folder onto the machine; return where its installer is."""
        there = f"/root/{release.name}"
        subprocess.run(["cp", "-a", release, self.machine.at("/root/")], check=True)
        return f"{there}/install.sh"

    def install(self, script: str = "", *words: str, **more: Any) -> Done:
        """Run an installer, to its end."""
        script = script or f"/root/{self.release.name}/install.sh"
        done = self.machine.run("sh", script, *words, seconds=300, **more)
        self.said.append(done)
        return done

    def verb(self, *words: str, **more: Any) -> Done:
        """Type a verb of tapedrop-server, as root would."""
        return self.machine.run("tapedrop-server", *words, **more)

    def json(self, *words: str, **more: Any) -> Any:
        """Return what a verb that has to succeed answers."""
        return self.machine.json("tapedrop-server", *words, **more)

    def onion(self) -> str:
        """Return the drop's address, without http://."""
        return self.machine.at(f"{ONION}/hostname").read_text().strip()

    def with_stick(self) -> Path:
        """Have an empty stick in the machine, as the guide mounts it; return it as seen outside."""
        self.machine.must("mkdir", "-p", STICK)
        self.machine.run("umount", STICK)
        owner = "uid=tapedrop,gid=tapedrop,mode=700,nodev,nosuid,noexec"
        self.machine.must("mount", "-t", "tmpfs", "-o", owner, "stick", STICK)
        return self.machine.at(STICK)

    def pair(self, folder: Path) -> Desk:
        """Make a desk outside, and introduce the two to each other."""
        stick = self.with_stick()
        self.json("pair", "--to", f"{STICK}/server.json")
        server_file = folder.with_name("server.json")
        shutil.copy(stick / "server.json", server_file)
        self.desk = Desk(folder, self.newsroom, server_file)
        file = self.desk.folder / "pairing.json"
        (stick / "pairing.json").write_bytes(file.read_bytes())
        (stick / "pairing.json").chmod(0o644)
        self.json("pair", f"{STICK}/pairing.json", *words(file))
        return self.desk

    def start(self) -> None:
        """Start the drop for good, as the installer says."""
        self.machine.must("systemctl", "enable", "--now", "tapedrop.target")
        self.wait_until_served()

    def wait_until_served(self) -> None:
        """Look until the drop answers."""
        with by_socket(self.machine, circuit=1) as address:
            assert Browser(address).get("/").form is not None

    @contextmanager
    def visit(self, *, circuit: int = 107) -> Iterator[Browser]:
        """Come as a source on one circuit, as far as the codename."""
        with by_socket(self.machine, circuit=circuit) as address:
            browser = Browser(address)
            browser.get("/")
            browser.get("/codename")
            yield browser

    def manifests(self) -> list[dict[str, Any]]:
        """Return what is in each envelope of the store, opened outside with gpg and tar."""
        store = self.machine.at(f"{DROP}/store")
        envelopes = [*store.glob("drops/*"), *store.glob("rested/*")]
        return [json.loads(self.newsroom.opened(each)["manifest.json"]) for each in envelopes]

    def main_process(self) -> str:
        """Return the drop's process id, as the machine has it."""
        return self.machine.unit("tapedrop.service", "MainPID")["MainPID"]


def send(browser: Browser, *recordings: Path, message: str = "") -> Result:
    """Send the form."""
    form = browser.get("/send")
    fields = form.fields | {"uncleanable": "refuse", "message": message}
    return Result(browser.post(form.form, fields, list(recordings)))
