"""Other people's packages: fetched by hash once, unpacked as often as needed.

    requirements/NAME.txt         name==version, and the SHA-256 of each file of that release
    requirements/wheels.sha256    which of these files we take: `DIGEST  NAME`, sorted by name
    build/wheels/…                one wheel a package, for one Python; then no network is needed
    wheel                         zip; its RECORD has each file's SHA-256 (PEP 427)

pip once chose among a release's files by the platforms below, best first (`choose_wheels.py`); from
then on everybody takes that file or none. Nothing is compiled.
"""

import base64
import csv
import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Final
from zipfile import ZipFile

from bundling import BuildFailed

PYTHONS: Final = ("3.11", "3.13")
"""Debian 12's and Debian 13's (also Tails 7's)."""
PLATFORMS: Final = (
    "manylinux_2_34_x86_64",
    "manylinux_2_28_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
)
"""Debian 12 has glibc 2.36."""

CHOSEN: Final = "wheels.sha256"

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_CODE = ("purelib", "platlib")
_NOT_IN_ITSELF = (".dist-info/RECORD", ".dist-info/RECORD.jws", ".dist-info/RECORD.p7s")


@dataclass(frozen=True, slots=True)
class Wheel:
    """One package, as its authors published it."""

    path: Path
    name: str
    version: str
    digest_hex: str

    def metadata(self) -> Message:
        """Return its METADATA, the headers of the core metadata specification."""
        with ZipFile(self.path) as zipped:
            return message_from_bytes(zipped.read(f"{_dist_info(zipped)}/METADATA"))

    def files(self, wanted: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield what belongs below site-packages: name and bytes, each as RECORD has it.

        `wanted` is a pattern that names must hold. Scripts, manuals and headers (`.data/`) are
        left out: nothing here starts them. Raises BuildFailed when a file is not what RECORD says.
        """
        with ZipFile(self.path) as zipped:
            record = _record(zipped)
            for name in sorted(name for name in zipped.namelist() if not name.endswith("/")):
                place = _place(name)
                if place is None or not re.search(wanted, place, re.IGNORECASE):
                    continue
                held = zipped.read(name)
                if not name.endswith(_NOT_IN_ITSELF) and _record_digest(held) != record.get(name):
                    raise BuildFailed(f"{self.path.name}: {name} is not what its RECORD says")
                yield place, held


def fetched(requirements: Path, python: str, cache: Path) -> tuple[Wheel, ...]:
    """Return the wheels of a list of pins for one Python, from `cache` where they are there.

    Raises BuildFailed when one can't be had, or isn't among the hashes.
    """
    pins = requirements.read_text()
    folder = folder_of(requirements, python, cache)
    allowed = set(_HASH.findall(pins)) & _chosen(requirements)
    if not folder.is_dir():
        download("".join(_narrowed(pins, allowed)), python, folder)
    wheels = tuple(_wheel(path, allowed) for path in sorted(folder.glob("*.whl")))
    wanted = sorted((_plain(name), version) for name, version in _PIN.findall(pins))
    if sorted((wheel.name, wheel.version) for wheel in wheels) != wanted:
        raise BuildFailed(f"{folder} holds other packages than the pins name", "delete it")
    return wheels


def folder_of(requirements: Path, python: str, cache: Path) -> Path:
    """Return where the wheels of a list of pins are kept. Other pins, another folder."""
    chosen_by = "\n".join([requirements.read_text(), *PLATFORMS, *sorted(_chosen(requirements))])
    digest = hashlib.sha256(chosen_by.encode()).hexdigest()
    return cache / f"{requirements.stem}-python{python}-{digest[:16]}"


def download(pins: str, python: str, folder: Path) -> None:
    """Have pip fetch a wheel for each pin; `folder` is there afterwards, and whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    choose = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    target = ["--implementation", "cp", "--python-version", python, *platforms]
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as fetching:
        wheels, requirements = Path(fetching, "wheels"), Path(fetching, "requirements.txt")
        requirements.write_text(pins)
        command = [sys.executable, "-m", "pip", "download", "--quiet", *choose, *target]
        command += ["--requirement", str(requirements), "--dest", str(wheels)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
            raise BuildFailed(
                f"pip can't fetch the wheels for Python {python}: {said[0]}",
                "only the first build needs a network; build/wheels/ is kept for later ones",
            )
        try:
            wheels.rename(folder)
        except OSError:
            if not folder.is_dir():  # nobody else was quicker
                raise


def _chosen(requirements: Path) -> set[str]:
    listed = requirements.with_name(CHOSEN).read_text().splitlines()
    return {line.split("  ")[0] for line in listed}


def _narrowed(pins: str, allowed: set[str]) -> Iterator[str]:
    """Yield each pin with those of its hashes that are allowed."""
    for entry in re.split(r"\n(?=[A-Za-z0-9])", pins):
        if pin := _PIN.match(entry):
            hashes = [f" --hash=sha256:{x}" for x in _HASH.findall(entry) if x in allowed]
            if not hashes:
                raise BuildFailed(f"no wheel of {pin[0]} was chosen", "make requirements")
            yield f"{pin[0]}{''.join(hashes)}\n"


def _wheel(path: Path, allowed: set[str]) -> Wheel:
    digest_hex = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest_hex not in allowed:
        raise BuildFailed(f"{path} is not the file that was pinned", f"delete {path.parent}")
    name, version, _ = path.name.split("-", 2)
    return Wheel(path, _plain(name), version, digest_hex)


def _plain(name: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _dist_info(zipped: ZipFile) -> str:
    return next(name.split("/")[0] for name in zipped.namelist() if ".dist-info/" in name)


def _record(zipped: ZipFile) -> dict[str, str]:
    written = zipped.read(f"{_dist_info(zipped)}/RECORD").decode()
    return {row[0]: row[1] for row in csv.reader(written.splitlines()) if row}


def _record_digest(held: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(held).digest())
    return f"sha256={digest.decode().rstrip('=')}"


def _place(name: str) -> str | None:
    """Return where a wheel's file goes below site-packages; None when it doesn't go there."""
    first, *rest = PurePosixPath(name).parts
    if ".." in (first, *rest) or name.startswith("/"):
        raise BuildFailed(f"a wheel holds a file that would lie elsewhere: {name}")
    if first.endswith(".data"):
        return "/".join(rest[1:]) if rest[0] in _CODE else None
    return name
