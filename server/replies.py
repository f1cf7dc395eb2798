"""Deliver replies from a desk's bag to the mailboxes they are sealed to."""

import re
from typing import Final

from server.answers import Answers
from server.errors import NoSuchObject
from server.store import Store, small

_REPLY: Final = re.compile(r"data/([0-9a-f]{32})-([0-9a-f]{32})\.reply")


async def deliver_replies(answers: Answers, store: Store) -> tuple[int, int]:
    """Put each reply of the bag into its mailbox; return how many are new, and how many were there.

    Raises BadBag, StoreFailed. What a reply says can't be known here.
    """
    new = known = 0
    for listed in sorted(answers.digests):
        match = _REPLY.fullmatch(listed)
        if match is None:
            continue
        name = f"replies/{match[1]}/{match[2]}"
        if await _is_there(store, name):
            known += 1
        else:
            await store.put(name, small(answers.read(listed)))
            new += 1
    return new, known


async def _is_there(store: Store, name: str) -> bool:
    try:
        async for _ in store.get(name):
            break
    except NoSuchObject:
        return False
    return True
