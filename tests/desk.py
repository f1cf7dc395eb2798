"""A real desk for tests, and what is carried to it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from drops import BIN, Drop, Newsroom, run_server

from crypto.comparing import read_object, words_of


class Desk:
    """A desk folder, and its command."""

    def __init__(self, folder: Path, newsroom: Newsroom, server_file: Path) -> None:
        self.folder = folder
        key: list[str | Path] = ["--key", newsroom.fingerprint, "--gnupg", newsroom.home]
        made = self.run("init", folder, "--server", server_file, *key, *words(server_file))
        assert made.returncode == 0, made.stderr

    @classmethod
    def copied(cls, other: "Desk", folder: Path) -> "Desk":
        """Return another desk's twin: quicker made than one of its own."""
        shutil.copytree(other.folder, folder)
        desk = cls.__new__(cls)
        desk.folder = folder
        return desk

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one verb of tapedrop-intake."""
        desk: list[str | Path] = [] if words[0] == "init" else ["--desk", self.folder]
        command = [BIN / "tapedrop-intake", *desk, *words]
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def json(self, *words: str | Path) -> Any:
        """Run one verb; return its answer."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def words(pairing_file: Path) -> list[str]:
    """Return the option that says the eight words of a pairing file."""
    return ["--words", words_of(read_object(pairing_file.read_bytes()))]


def paired(drop: Drop, folder: Path, newsroom: Newsroom) -> Desk:
    """Return a new desk in `folder`, paired with the drop both ways."""
    server_file = folder.with_name(f"{folder.name}-server.json")
    made = run_server("pair", "--to", server_file, "--config", drop.config)
    assert made.returncode == 0, made.stderr
    desk = Desk(folder, newsroom, server_file)
    pair(drop, desk)
    return desk


def pair(drop: Drop, desk: Desk) -> None:
    """Introduce the desk to the drop."""
    file = desk.folder / "pairing.json"
    done = run_server("pair", file, *words(file), "--config", drop.config)
    assert done.returncode == 0, done.stderr


def exported(drop: Drop, to: Path) -> Path:
    """Export; return the bag."""
    done = run_server("export", "--to", to, "--config", drop.config, "--json")
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["bag"])
