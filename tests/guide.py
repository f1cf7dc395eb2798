"""Read a guide as whoever looks something up does: a section, its tables, a row."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

_DOCS: Final = Path(__file__).parent.parent / "docs"
GUIDE: Final = (_DOCS / "operator.md").read_text()
"""What security staff read."""
REPORTER: Final = (_DOCS / "reporter.md").read_text()
"""What reporters read."""
_TITLE: Final = re.compile(r"^##+ (.+)$", re.MULTILINE)
_IN_BACKTICKS: Final = re.compile(r"`([^`]+)`")
_FILES: Final = "Files in the drop's folder"


def rows(title: str, guide: str = GUIDE) -> dict[str, list[str]]:
    """Return what the tables of a section of a guide document, each with the cells of its row.

    A section is what stands below `## Title` or `### Title`, up to the next; what a row documents
    are the words in backticks in its first cell.
    """
    _, *parts = _TITLE.split(guide)
    lines = dict(zip(parts[::2], parts[1::2], strict=True))[title].splitlines()
    found: dict[str, list[str]] = {}
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("|") and not line.startswith("|-") and not below.startswith("|-"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            for word in _IN_BACKTICKS.findall(cells[0]):
                assert word not in found, f"{word} is documented twice"
                found[word] = cells
    return found


def row_words(row: str) -> str:
    """Return the verb of a row about a command, without what stands for its arguments."""
    return " ".join(word for word in row.split() if word.islower())


def files(*, since: str) -> set[str]:
    """Return the files of a drop's folder that are there since a verb was first used."""
    return {file for file, cells in rows(_FILES).items() if cells[1] == f"`{since}`"}


def undocumented(drop: Path) -> list[str]:
    """Return the files in a drop's folder that no row speaks of.

    A folder's row speaks of all that is in it, unless there are rows for that.
    """
    known = rows(_FILES)
    whole = [
        file
        for file in known
        if file.endswith("/") and not any(row != file and row.startswith(file) for row in known)
    ]
    names = [str(path.relative_to(drop)) for path in drop.rglob("*") if not path.is_dir()]
    return [
        name
        for name in names
        if not any(fnmatch(name, row) for row in known) and not name.startswith(tuple(whole))
    ]
