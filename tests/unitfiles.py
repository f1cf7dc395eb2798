"""What `deploy/server/places` puts on a machine, laid out in a folder, and systemd's units in it.

A unit is read with its drop-ins as systemd reads them (systemd.unit(5)), and each setting with the
comment above its paragraph: an exception has to say there why it is one.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundling.folders import places
from bundling.source import source_at

ROOT: Final = Path(__file__).parents[1]
SERVER: Final = ROOT / "deploy/server"
SYSTEM: Final = "lib/systemd/system"
PROGRAM: Final = "/usr/lib/tapedrop/current/bin/tapedrop-server"


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of a unit: its section, name and value, and the comment above its paragraph."""

    section: str
    name: str
    value: str
    why: str


class Unit:
    """A unit and its drop-ins, in the order in which systemd reads them."""

    def __init__(self, name: str, files: list[Path]) -> None:
        self.name = name
        self.settings = [each for file in files for each in _settings(file.read_text())]

    def all(self, name: str) -> list[str]:
        """Return every value of a list, after the last line that empties it."""
        values: list[str] = []
        for setting in self.settings:
            if setting.name == name:
                values = [*values, *setting.value.split()] if setting.value else []
        return values

    def one(self, name: str) -> str:
        """Return what the last line says; nothing where none does."""
        return next((each.value for each in reversed(self.settings) if each.name == name), "")

    def why(self, name: str) -> str:
        """Return the comment above the last line that says it."""
        return next((each.why for each in reversed(self.settings) if each.name == name), "")


class Machine:
    """A folder with everything at its place; the programs that units start are stubs."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        for place in places(source_at(ROOT)):
            there = folder / place.destination.lstrip("/")
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SERVER / place.source, there)
            there.chmod(place.mode)
        self.units = folder / SYSTEM

    def names(self, ending: str = "") -> list[str]:
        """Return our own units, `ending` so."""
        return sorted(each.name for each in self.units.glob(f"tapedrop*{ending}") if each.is_file())

    def services(self) -> list[Unit]:
        """Return every service of ours."""
        return [self.unit(name) for name in self.names(".service")]

    def unit(self, name: str) -> Unit:
        """Return one with its drop-ins, of which those for all come by file name among them."""
        stem, _, kind = name.rpartition(".")
        folders = [f"{name}.d"]
        if "-" in stem:
            folders.append(f"{stem.partition('-')[0]}-.{kind}.d")
        dropped = [file for each in folders for file in (self.units / each).glob("*.conf")]
        return Unit(name, [self.units / name, *sorted(dropped, key=lambda file: file.name)])

    def verified(self, *names: str) -> str:
        """Return what systemd-analyze says against units; each program is there as a stub."""
        stub = self.root / "stub"
        stub.write_text("#!/bin/sh\n")
        stub.chmod(0o755)
        for file in self.units.rglob("*.service"):
            lines = file.read_text().splitlines(keepends=True)
            file.write_text("".join(_with_stub(line, stub) for line in lines))
        here = f"{self.units}:"  # and then where systemd's own units lie
        said = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *names],
            env=os.environ | {"SYSTEMD_UNIT_PATH": here},
            capture_output=True,
            text=True,
        )
        return said.stdout + said.stderr


def _with_stub(line: str, stub: Path) -> str:
    name, equals, command = line.partition("=")
    if not name.startswith("Exec") or not command.startswith("/") or name == "ExecPaths":
        return line
    return f"{name}{equals}{stub} {command.partition(' ')[2]}"


def _settings(text: str) -> Iterator[Setting]:
    section, why, told = "", "", False
    for line in text.splitlines():
        if line.startswith("["):
            section, why = line.strip("[]"), ""
        elif line.startswith("#"):
            why = f"{'' if told else why}{line.lstrip('# ')} "
            told = False
        elif line:
            name, _, value = line.partition("=")
            yield Setting(section, name, value, why.strip())
            told = True
        else:
            why, told = "", False
