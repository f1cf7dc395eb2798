"""What `receipts import` and `replies import` share: every bag on the stick, one answer."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crypto.errors import CryptoError
from server.cli.options import answer
from server.cli.talk import note
from server.errors import NotFit, NotPaired, ServerError
from server.staff.answers import Answers, bags_at, read_answers
from server.staff.desks import paired

Told = tuple[dict[str, Any], str]
"""What one bag came to: for a program, and as a line for a person."""


def take_each(place: Path, desks: Path, take: Callable[[Answers], Told], *, as_json: bool) -> None:
    """Take every bag at `place`; one that is refused does not keep the next from being read.

    The last refusal is raised when all are done. Raises BadBag, WrongSignature, NotPaired, and
    NotFit while another import runs.
    """
    with _alone(desks):
        _take_each(place, desks, take, as_json=as_json)


@contextmanager
def _alone(desks: Path) -> Iterator[None]:
    """Keep another import from running beside this one: each adds to what the last one wrote."""
    descriptor = os.open(desks, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotFit(["another import is running; wait for its end"]) from None
        yield
    finally:
        os.close(descriptor)


def _take_each(place: Path, desks: Path, take: Callable[[Answers], Told], *, as_json: bool) -> None:
    known = paired(desks)
    told: list[Told] = []
    refused: Exception | None = None
    for bag in bags_at(place):
        try:
            said, line = take(read_answers(bag, known))
        except (CryptoError, NotPaired, ServerError) as error:
            if refused is not None:
                note(f"error: {refused}")
            refused = error
            said, line = {"refused": str(error)}, f"refused: {error}"
        told.append(({"bag": bag.name, **said}, f"{bag.name}: {line}"))
    answer({"bags": [said for said, _ in told]}, [line for _, line in told], as_json=as_json)
    if refused is not None:
        raise refused
