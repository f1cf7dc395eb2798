"""What `receipts import` and `replies import` share: every bag on the stick, one answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from crypto.errors import CryptoError
from server.cli.options import answer
from server.cli.talk import note
from server.errors import NotPaired, ServerError
from server.staff.alone import alone
from server.staff.desks.desk import paired
from server.staff.sticks.answers import Answers, bags_at, read_answers

Told = tuple[dict[str, Any], str]
"""What one bag came to: for a program, and as a line for a person."""


def take_each(place: Path, desks: Path, take: Callable[[Answers], Told], *, as_json: bool) -> None:
    """Take every bag at `place`; one that is refused does not keep the next from being read.

    The last refusal is raised when all are done. Raises BadBag, WrongSignature, NotPaired, and
    NotFit while another import runs.
    """
    with alone(desks, "import"):  # each adds to what the last one wrote
        _take_each(place, desks, take, as_json=as_json)


def _take_each(place: Path, desks: Path, take: Callable[[Answers], Told], *, as_json: bool) -> None:
    known = paired(desks)
    if not known:
        raise NotPaired("this drop is not paired with any desk yet")
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
