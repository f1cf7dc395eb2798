"""Write CHANGELOG.md as Debian reads a changelog (deb-changelog(5)).

## 0.2.0 (2026-11-21)          tapedrop-server (0.2.0) stable; urgency=medium
- What changed.         →
                                 * What changed.

                                -- maintainer  Sat, 21 Nov 2026 00:00:00 +0000
"""

import re
import textwrap
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

_RELEASE: Final = re.compile(r"^## (\d[\w.~]*) \((\d{4}-\d{2}-\d{2})\)$", re.MULTILINE)
_HEADING: Final = re.compile(r"^#", re.MULTILINE)
_LINK: Final = re.compile(r"\[([^]]+)\]\([^)]+\)")
_WIDTH: Final = 78


def debian_changelog(
    changes: str, *, package: str, version: str, maintainer: str, seconds: int
) -> str:
    """Return the releases in `changes`, newest first, and first of all `version`.

    A version that no release is named for, as one that was built to try it out, is said to be that;
    its day is that of `seconds`.
    """
    releases = [
        (found[1], datetime.fromisoformat(found[2]).replace(tzinfo=UTC), _items(changes, found))
        for found in _RELEASE.finditer(changes)
    ]
    if version not in [name for name, _, _ in releases]:
        day = datetime.fromtimestamp(seconds, UTC)
        releases.insert(0, (version, day, ["Built to be tried out; not released."]))
    return "\n".join(
        _entry(f"{package} ({name})", items, f"{maintainer}  {format_datetime(day)}")
        for name, day, items in releases
    )


def _items(changes: str, heading: re.Match[str]) -> list[str]:
    """Return what stands in a release's list, an item a line, with the words of links only."""
    below = changes[heading.end() :]
    end = re.search(r"^## ", below, re.MULTILINE)
    part = below[: end.start() if end else None]
    items = re.split(r"^- ", part, flags=re.MULTILINE)[1:]
    return [" ".join(_LINK.sub(r"\1", _HEADING.split(item)[0]).split()) for item in items]


def _entry(title: str, items: list[str], trailer: str) -> str:
    wrapper = textwrap.TextWrapper(
        _WIDTH, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False
    )
    told = "\n".join(wrapper.fill(item) for item in items)
    return f"{title} stable; urgency=medium\n\n{told}\n\n -- {trailer}\n"
