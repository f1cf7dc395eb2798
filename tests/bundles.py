"""What tests of both folders ask of them."""

import subprocess
from pathlib import Path
from typing import Any

PATH = "/usr/bin:/bin"
"""Where programs are, and nothing of the checkout."""
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        try:
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            # Only a store over S3 needs them: the folder server-s3 brings them.
            assert error.name in ("aiobotocore", "botocore"), error
for module in list(sys.modules.values()):
    if getattr(module, "__file__", None):
        print(module.__file__)
"""


def files_of(folder: Path) -> list[str]:
    """Return the files below a folder, links too, by their paths in it."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(str(path.relative_to(folder)) for path in found)


def modes_of(folder: Path) -> dict[str, int]:
    """Return the modes of the files and folders below a folder; links have none of their own."""
    return {
        str(path.relative_to(folder)): path.stat().st_mode & 0o7777
        for path in folder.rglob("*")
        if not path.is_symlink()
    }


def content_of(folder: Path) -> dict[str, bytes]:
    """Return every file's bytes; a link's are where it leads."""
    return {
        name: str((folder / name).readlink()).encode()
        if (folder / name).is_symlink()
        else (folder / name).read_bytes()
        for name in files_of(folder)
    }


def run(*command: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing in its environment but where programs are."""
    environment = {"env": {"PATH": PATH}} | more
    return subprocess.run(command, capture_output=True, text=True, **environment)
