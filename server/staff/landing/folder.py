"""Write the page's files into a folder, and over nothing that isn't ours.

SHA256SUMS in it names what we wrote, one line a file as `sha256sum -c` reads it, below a line that
says what this is and of which version. By it the next page knows its former one, and staff see
whether somebody changed the one on their website.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from server.errors import SettingsRefused, out_of_reach
from server.files import read_regular, replace

SUMS: Final = "SHA256SUMS"
_HEAD: Final = "# A landing page by tapedrop-server, version 1\n"
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9-]+\.(?:html|css|png))")
_LARGEST_SUMS: Final = 64 * 1024
_FOR_ANYONE: Final = 0o644
_FOR_ANYONE_TO_ENTER: Final = 0o755
_TAKE_ANOTHER: Final = "take a folder that isn't there yet, or remove this one"


def write(folder: Path, files: Mapping[str, bytes]) -> int:
    """Write what is new or changed, take away what is no more, and return how many files that was.

    Raises SettingsRefused before anything is written, where the folder holds something else, or a
    file of ours that was changed by hand since; OSError when it can't be written.
    """
    former = _former(folder)
    sums = {name: sha256(content).hexdigest() for name, content in files.items()}
    for name in sorted({*former, *sums}):
        _refuse_others(folder / name, former.get(name))
    if not folder.is_dir():
        folder.mkdir(parents=True)
        _open_up(folder, _FOR_ANYONE_TO_ENTER)
    gone = [name for name in former if name not in sums and (folder / name).exists()]
    new = [name for name in files if former.get(name) != sums[name] or not (folder / name).exists()]
    for name in new:
        _put(folder / name, files[name])
    for name in gone:
        (folder / name).unlink()
    lines = [f"{digest}  {name}\n" for name, digest in sorted(sums.items())]
    if new or gone:
        _put(folder / SUMS, (_HEAD + "".join(lines)).encode())
    return len(new) + len(gone)


def _former(folder: Path) -> dict[str, str]:
    """Return the digest of each file that we wrote before. Raises SettingsRefused."""
    try:
        if not any(folder.iterdir()):
            return {}
        text = read_regular(folder / SUMS, _LARGEST_SUMS).decode("ascii")
    except FileNotFoundError:
        if not folder.exists():
            return {}
        text = ""
    except ValueError:
        text = ""
    except OSError as error:
        said = f"can't write into {folder}: {error.strerror}"
        raise SettingsRefused(said, hint=out_of_reach(error)) from None
    matches = [_LINE.fullmatch(line) for line in text.removeprefix(_HEAD).splitlines()]
    if not text.startswith(_HEAD) or not all(matches):
        raise SettingsRefused(f"{folder} holds something else already", hint=_TAKE_ANOTHER)
    return {match[2]: match[1] for match in matches if match}


def _refuse_others(path: Path, written: str | None) -> None:
    """Raise SettingsRefused unless nothing is there, or just what was `written` (SHA-256, hex)."""
    try:
        file = path.open("rb") if not path.is_symlink() else None
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsRefused(f"can't read {path}: {error.strerror}") from None
    if file is not None:
        with file:
            if sha256(file.read()).hexdigest() == written:
                return
    raise SettingsRefused(f"{path} is not as we wrote it; nothing was changed", hint=_TAKE_ANOTHER)


def _put(path: Path, content: bytes) -> None:
    replace(path, content)
    _open_up(path, _FOR_ANYONE)


def _open_up(path: Path, mode: int) -> None:
    with suppress(OSError):  # a stick (FAT) refuses to be told, and lets anyone read
        path.chmod(mode)
