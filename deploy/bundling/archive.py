"""A folder as one file that is the same wherever and whenever it is made.

    SHA256SUMS     in the folder: `DIGEST  PATH` for each file but itself
    NAME.tar.gz    POSIX tar (ustar) in gzip: names sorted, owner 0, one time for all; no name and
                   no time in gzip's own header (RFC 1952)

    NAME.SHA256SUMS    beside the archive, the same as in its folder, to be signed: by it a folder
                   that was unpacked long ago can still be checked

`sha256sum -c SHA256SUMS` checks a folder, and archives where such a list lies beside them.
"""

import gzip
import hashlib
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

SUMS: Final = "SHA256SUMS"
ARCHIVE: Final = ".tar.gz"
_LEVEL: Final = 6
"""A higher one takes four times as long and saves 1 %."""


def write_sums(folder: Path, files: Iterable[Path]) -> Path:
    """Write the sums of files below a folder into it; return the list's path."""
    lines = [f"{_digest_hex(path)}  {path.relative_to(folder)}\n" for path in sorted(files)]
    sums = folder / SUMS
    sums.write_text("".join(lines))
    sums.chmod(0o644)
    return sums


def sums_beside(to: Path, archives: Iterable[Path]) -> Path:
    """Write the sums of archives beside them, and keep those of others that lie there still."""
    listed = to / SUMS
    before = listed.read_text().splitlines() if listed.exists() else []
    lines = {line.split("  ", 1)[1]: line for line in before if "  " in line}
    lines |= {path.name: f"{_digest_hex(path)}  {path.name}" for path in archives}
    kept = [lines[name] for name in sorted(lines) if (to / name).exists()]
    listed.write_text("".join(f"{line}\n" for line in kept))
    return listed


def sums_of(archive: Path) -> Path:
    """Write the list that is in an archive beside it, by the name of its folder."""
    name = archive.name.removesuffix(ARCHIVE)
    beside = archive.with_name(f"{name}.{SUMS}")
    with tarfile.open(archive) as tar, beside.open("wb") as to:
        held = tar.extractfile(f"{name}/{SUMS}")
        assert held is not None
        shutil.copyfileobj(held, to)
    return beside


def packed(folder: Path, to: Path, made: int, *, for_fat: bool = False) -> Path:
    """Write `folder` as `to`/NAME.tar.gz, every time in it `made`; return its path.

    `for_fat` leaves out entries of folders, whose modes tar complains about where there are none.
    """
    archive = to / f"{folder.name}{ARCHIVE}"
    unfinished = archive.with_name(f".{archive.name}")
    with (
        unfinished.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in [folder, *sorted(folder.rglob("*"))]:
            if for_fat and path.is_dir():
                continue
            entry = tar.gettarinfo(path, str(path.relative_to(folder.parent)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = made
            if entry.isreg():
                with path.open("rb") as held:
                    tar.addfile(entry, held)
            else:
                tar.addfile(entry)
    return unfinished.replace(archive)


def unpacked(archive: Path, to: Path) -> Path:
    """Unpack an archive of ours; return the folder that it holds."""
    with tarfile.open(archive) as tar:
        # Ours links to /usr/bin/python3, which the stricter filter refuses.
        tar.extractall(to, filter="tar")
    return to / archive.name.removesuffix(ARCHIVE)


def emptied(folder: Path) -> Path:
    """Return a new, empty folder where another may have been."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    return folder


def _digest_hex(path: Path) -> str:
    with path.open("rb") as held:
        return hashlib.file_digest(held, "sha256").hexdigest()
