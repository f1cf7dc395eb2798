"""Fetch the wheels that builds and their tests need, so that neither asks for a network later."""

import sys
from pathlib import Path
from typing import Final

from bundling import BuildFailed
from bundling.wheels import PYTHONS, fetched

ROOT: Final = Path(__file__).resolve().parent.parent


def main() -> int:
    """Have them in build/wheels; return 0, or 2 when one can't be had."""
    try:
        for name in ("server", "server-s3", "intake"):
            for python in PYTHONS:
                fetched(ROOT / f"requirements/{name}.txt", python, ROOT / "build/wheels")
    except (BuildFailed, OSError) as error:
        print(f"fetch_wheels: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
