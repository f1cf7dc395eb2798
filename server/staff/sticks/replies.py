"""Deliver answers from a desk's bag to the mailboxes they are sealed to.

Each bag carries all that its desk ever answered. So that what a source deletes stays deleted, the
names that were delivered are kept, a file a desk: a JSON list of 32 hex digits each. They are
random, and say of no mailbox whether it was answered.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec

from crypto.errors import BadBag
from crypto.reply import LARGEST_SEALED
from server.errors import NoSuchObject
from server.files import replace
from server.staff.sticks.answers import Answers, kept
from server.store import Store, small

_ANSWER: Final = re.compile(r"data/([0-9a-f]{32})-([0-9a-f]{32})\.reply")
_Name = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many answers of a bag are new, were there before, and had no mailbox to go to."""

    new: int
    known: int
    nowhere: int


async def deliver_replies(
    answers: Answers,
    store: Store,
    folder: Path,
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Delivered:
    """Put each answer of the bag into its mailbox; keep in `folder` which ones they were.

    Raises BadBag, StoreFailed, NotFit. What an answer says, and of which kind it is, can't be
    known here. A mailbox that was closed stays closed: what comes for it is left out. `progress`
    is told how many of how many files are done.
    """
    path = folder / f"{answers.desk.signing_key[:32]}.delivered.json"
    before = set(kept(path, list[_Name]) or ())
    new: set[str] = set()
    known = nowhere = 0
    try:
        for done, listed in enumerate(sorted(answers.digests)):
            progress(done, len(answers.digests))
            match = _ANSWER.fullmatch(listed)
            if match is None:
                continue
            mailbox_id, name = match.groups()
            if name in before or await _is_there(store, f"replies/{mailbox_id}/{name}"):
                known += 1
            elif not await _holds_any(store, f"mailboxes/{mailbox_id}/"):
                nowhere += 1
            else:
                await store.put(f"replies/{mailbox_id}/{name}", small(_read(answers, listed)))
                new.add(name)
    finally:
        if new:
            replace(path, msgspec.json.encode(sorted(before | new)))
    return Delivered(len(new), known, nowhere)


def _read(answers: Answers, listed: str) -> bytes:
    sealed = answers.read(listed)
    if len(sealed) > LARGEST_SEALED:
        raise BadBag("larger than an answer can be", name=listed)
    return sealed


async def _is_there(store: Store, name: str) -> bool:
    try:
        async for _ in store.get(name):
            break
    except NoSuchObject:
        return False
    return True


async def _holds_any(store: Store, folder: str) -> bool:
    async for _ in store.names(folder):
        return True
    return False
