"""Choose a wheel for each package that server and desk need, for each Python: `make requirements`.

Writes requirements/wheels.sha256; nothing else is ever built from (`bundling/wheels.py`). Needs a
package index that offers every file that the pins name: from fewer, others might be chosen.
"""

import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

from bundling import BuildFailed
from bundling.wheels import CHOSEN, PYTHONS, download

REQUIREMENTS: Final = Path(__file__).resolve().parent.parent / "requirements"
_LISTS: Final = ("server-s3", "intake")
"""Between them all that is ever carried: server-s3 is the server with more."""


def main() -> int:
    """Write the list; return 0, or 2 when a wheel can't be had."""
    found: set[str] = set()
    try:
        for name in _LISTS:
            for python in PYTHONS:
                found |= chosen((REQUIREMENTS / f"{name}.txt").read_text(), python)
    except (BuildFailed, OSError) as error:
        print(f"choose_wheels: error: {error}", file=sys.stderr)
        return 2
    lines = sorted(found, key=lambda line: line.partition("  ")[2])
    (REQUIREMENTS / CHOSEN).write_text("".join(f"{line}\n" for line in lines))
    return 0


def chosen(pins: str, python: str) -> set[str]:
    """Return the files that pip takes for a list of pins: `DIGEST  NAME`."""
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder, "wheels")
        download(pins, python, wheels)
        return {
            f"{sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in wheels.iterdir()
        }


if __name__ == "__main__":
    sys.exit(main())
