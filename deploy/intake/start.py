"""Start tapedrop-intake or tapedrop-scrub with the packages that lie in this folder.

    python3 -I -S -B start.py PROGRAM WORDS…

Python's own library and what lies here are all that is imported from (-I -S), so what else the
machine has installed changes nothing; and nothing is written here (-B).
"""

import os
import sys
from importlib import import_module
from pathlib import Path

_PROGRAMS = {"tapedrop-intake": "intake.cli", "tapedrop-scrub": "scrub.cli"}
_NOT_FIT = 5


def main() -> None:
    """Run the program that is named first, with the words behind it."""
    here = Path(__file__).resolve().parent
    program = sys.argv[1]
    if os.statvfs(here).f_flag & os.ST_NOEXEC:
        # The libraries in here could not be loaded, and what Python says of that helps nobody.
        print(
            f"{program}: error: this disk or stick was mounted so that no program runs from it\n"
            f"{program}: hint: copy the folder into your home folder, and start it there",
            file=sys.stderr,
        )
        sys.exit(_NOT_FIT)
    del sys.argv[0]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path += [str(here / version), str(here / "python3")]
    import_module(_PROGRAMS[program]).main()


main()
