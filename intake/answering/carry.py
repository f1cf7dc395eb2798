"""Put a signed bag on a stick, and read it back before anyone is told that it is there.

<to>/TAPEDROP/<32 hex digits>/    the bag, under a `.part` name until it has been read back

The server's user may read it, and write beside it: what a stick carries is signed, and sealed
where it matters.
"""

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.bag import DATA, FOLDER, UNFINISHED, Bag, tag_files
from intake.durable import (
    FOLDER_FOR_ANYONE,
    PRIVATE_FOLDER,
    SHARED_FOLDER,
    carry_out,
    sync_folder,
)
from intake.errors import CopyDiffers


def put_bag(
    to: Path, bag: Bag, payload: Mapping[str, bytes], signing_key: Ed25519PrivateKey
) -> Path:
    """Write the bag below `to`, which is made if need be; return the bag's folder.

    Raises CopyDiffers, and leaves no bag, when it reads back as something else.
    """
    folder = to / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = secrets.token_hex(16)
    part = folder / f"{name}{UNFINISHED}"
    files = {**payload, **tag_files(bag, signing_key)}
    try:
        (part / DATA).mkdir(parents=True, mode=PRIVATE_FOLDER)
        for file_name, content in files.items():
            carry_out(part / file_name, content)
        for file_name, content in files.items():
            _read_back(part / file_name, content)
        for each in (part / DATA, part):
            _open(each, FOLDER_FOR_ANYONE)
        part.rename(folder / name)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _open(folder, SHARED_FOLDER)
    sync_folder(folder)
    sync_folder(to)
    return folder / name


def _open(folder: Path, mode: int) -> None:
    """Let the other machine's user in, who is none of this one's."""
    with suppress(OSError):  # somebody else's, or a stick (FAT) that knows no modes
        folder.chmod(mode)


def _read_back(path: Path, content: bytes) -> None:
    with path.open("rb") as file:
        # What is read must come from the stick, not from memory.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if file.read() != content:
            raise CopyDiffers(path)
