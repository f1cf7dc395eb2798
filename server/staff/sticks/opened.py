"""Which drops the desks have opened: what was carried out, joined with what they say of it.

    exported          48 bytes a drop: its envelope's SHA-256, then its name, 16 bytes; sorted
    <desk>.opened     32 bytes an envelope: the SHA-256; sorted

All lie beside the receipts. Both lists are sorted so that a million drops are joined by reading
each once, in the memory of a few records. Every export lists all drops there are, also those
that an earlier bag holds because one bag can't: what the last one doesn't name is gone, or has yet
to be carried out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from server.files import replace
from server.staff.desks.desk import Desk

_DIGEST: Final = 32
_EXPORTED: Final = _DIGEST + 16
_FROM_TWO: Final = 2


def exported_drops(folder: Path) -> dict[str, bytes]:
    """Return the digest of each drop that was carried out last, by its name in the store."""
    try:
        noted = (folder / "exported").read_bytes()
    except FileNotFoundError:
        return {}
    records = (noted[at : at + _EXPORTED] for at in range(0, len(noted), _EXPORTED))
    return {f"drops/{record[_DIGEST:].hex()}": record[:_DIGEST] for record in records}


def keep_exported(folder: Path, digests: Mapping[str, bytes]) -> None:
    """Note the digest of each drop that was carried out, by its name in the store."""
    records = [
        digest + bytes.fromhex(name.removeprefix("drops/")) for name, digest in digests.items()
    ]
    replace(folder / "exported", b"".join(sorted(records)))


def exported_names(folder: Path) -> Iterator[bytes]:
    """Yield the name of each drop that the last export carried out, 16 bytes."""
    try:
        exported = (folder / "exported").open("rb")
    except FileNotFoundError:
        return
    with exported:
        for record in iter(partial(exported.read, _EXPORTED), b""):
            yield record[_DIGEST:]


def keep_opened(folder: Path, desk: Desk, digests: Iterable[bytes]) -> None:
    """Note which envelopes a desk has opened."""
    replace(_of(desk, folder), b"".join(sorted(digests)))


def desks_required(setting: int, desks: Sequence[Desk]) -> int:
    """Return how many desks must have opened a drop: as set, or two once two are paired."""
    return setting or min(max(len(desks), 1), _FROM_TWO)


def opened_drops(folder: Path, desks: Sequence[Desk], required: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and envelope digest of each drop that so many of these desks have opened."""
    with ExitStack() as stack:
        try:
            exported = stack.enter_context((folder / "exported").open("rb"))
        except FileNotFoundError:
            return
        said = [
            _Sorted(stack.enter_context(_of(desk, folder).open("rb")))
            for desk in desks
            if _of(desk, folder).exists()
        ]
        for record in iter(partial(exported.read, _EXPORTED), b""):
            digest, name = record[:_DIGEST], record[_DIGEST:]
            # Every list is asked for every digest: each is read once, in step.
            if sum([each.holds(digest) for each in said]) >= required:
                yield f"drops/{name.hex()}", digest


class _Sorted:
    """A list of digests, asked for one after the other in their order."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._next = file.read(_DIGEST)

    def holds(self, digest: bytes) -> bool:
        while self._next and self._next < digest:
            self._next = self._file.read(_DIGEST)
        return self._next == digest


def _of(desk: Desk, folder: Path) -> Path:
    return folder / f"{desk.signing_key[:32]}.opened"
