"""What a desktop notes by itself of the recordings that somebody looks at, or exports.

Only names of folders and files are looked at, never what is in them.
"""

from collections.abc import Mapping
from typing import Final

from intake.checks import Answers, Machine, look, ok
from intake.checks.devices import Lies, where

_KEPT: Final[Mapping[str, str]] = {
    ".cache/thumbnails": "small pictures of films",
    ".cache/tracker3": "an index of texts and tags",
    ".local/share/recently-used.xbel": "a list of files that were opened",
    ".local/share/Trash/files": "files that were thrown away",
}


def traces(machine: Machine) -> Answers:
    """The desk writes nothing there; file managers, players and searches do."""
    found = []
    for name, what in _KEPT.items():
        path = machine.home / name
        filled = any(path.iterdir()) if path.is_dir() else path.is_file()
        if filled and where(machine, path) is not Lies.IN_MEMORY:
            found.append(f"{what} (~/{name})")
    if found:
        todo = "remove them, and turn off thumbnails, search and history; or work on Tails"
        yield look(f"the desktop keeps {', '.join(found)}", todo)
    else:
        yield ok("none of a desktop's usual ones are kept")
