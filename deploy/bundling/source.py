"""Our own files, as git knows them: which, of which version, of which day."""

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bundling import BuildFailed


@dataclass(frozen=True, slots=True)
class Source:
    """A checkout; `made` is when its commit was made, in seconds since 1970."""

    root: Path
    version: str
    made: int
    files: tuple[str, ...]
    changed: tuple[str, ...]
    """Files that are not as the commit has them: what is built is nobody else's."""

    def below(self, folder: str) -> tuple[str, ...]:
        """Return the files in a folder of the checkout, sorted."""
        return tuple(file for file in self.files if file.startswith(f"{folder}/"))

    def read(self, file: str) -> bytes:
        """Return a file's bytes; raises BuildFailed when git doesn't know it."""
        if file not in self.files:
            raise BuildFailed(f"git knows no file {file}", f"git add {file}")
        return (self.root / file).read_bytes()


def source_at(root: Path) -> Source:
    """Return the checkout at `root`. Raises BuildFailed where there is no git."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    listed = _git(root, "ls-files", "-z").split("\0")
    # A file that is deleted and not yet committed as that is listed all the same.
    files = sorted(name for name in listed if name and (root / name).is_file())
    return Source(
        root=root,
        version=project["version"],
        made=int(_git(root, "log", "-1", "--format=%ct")),
        files=tuple(files),
        changed=tuple(_git(root, "diff", "--name-only", "HEAD").split("\n")[:-1]),
    )


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildFailed(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout
