"""Do things to a store in any order, and the same to a dictionary; they must tell the same."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from engines import QUICK
from server.errors import NoSuchObject, StoreFailed
from server.store import Store, random_name, small

T = TypeVar("T")
Opening = Callable[[Path], AbstractAsyncContextManager[Store]]
FOLDERS = ("drops/", f"mailboxes/{'a' * 32}/", f"mailboxes/{'b' * 32}/", f"replies/{'a' * 32}/")
PART = QUICK.part_bytes
SIZES = st.sampled_from([0, 1, 4096, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 7])


class Operations(RuleBasedStateMachine):
    """A store beside a dictionary that has the same done to it."""

    opening: ClassVar[Any]
    names: Bundle[str] = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.stack = AsyncExitStack()
        self.held: dict[str, bytes] = {}
        opening = type(self).opening(Path(self.folder.name))
        self.store = self.run_now(self.stack.enter_async_context(opening))

    def run_now(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @rule(target=names, folder=st.sampled_from(FOLDERS), size=SIZES, step=st.integers(1, PART))
    def put(self, folder: str, size: int, step: int) -> str:
        name = folder + random_name()
        content = (name.encode() * (size // len(name) + 1))[:size]

        def blob(sink: Callable[[bytes], None]) -> None:
            for start in range(0, size, max(step, 1000)):
                sink(content[start : start + max(step, 1000)])

        self.run_now(self.store.put(name, blob))
        self.held[name] = content
        return name

    @rule(folder=st.sampled_from(FOLDERS), size=SIZES)
    def put_what_fails(self, folder: str, size: int) -> None:
        def blob(sink: Callable[[bytes], None]) -> None:
            sink(bytes(size))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            self.run_now(self.store.put(folder + random_name(), blob))

    @rule(name=names)
    def put_once_more(self, name: str) -> None:
        if name in self.held:
            with pytest.raises(StoreFailed):
                self.run_now(self.store.put(name, small(b"another")))

    @rule(name=names)
    def read(self, name: str) -> None:
        async def read() -> bytes:
            return b"".join([block async for block in self.store.get(name)])

        if name in self.held:
            assert self.run_now(read()) == self.held[name]
        else:
            with pytest.raises(NoSuchObject):
                self.run_now(read())

    @rule(name=names)
    def delete(self, name: str) -> None:
        self.run_now(self.store.delete(name))
        self.held.pop(name, None)

    @rule(some=st.lists(names, max_size=4))
    def rewrite(self, some: list[str]) -> None:
        assert self.run_now(self.store.rewrite(some)) == 0

    @invariant()
    def lists_what_is_held(self) -> None:
        async def sizes(prefix: str) -> dict[str, int]:
            return {each.name: each.size async for each in self.store.listed(prefix)}

        for prefix in ("drops/", "mailboxes/", FOLDERS[1]):
            held = {name: len(self.held[name]) for name in self.held if name.startswith(prefix)}
            assert self.run_now(sizes(prefix)) == held

    def teardown(self) -> None:
        self.run_now(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()


def same_as_a_dictionary(opening_of: Opening, *, examples: int) -> None:
    """Try so many orders of operations on stores that `opening_of` a folder of their own opens."""

    class Opened(Operations):
        opening = staticmethod(opening_of)

    few = settings(max_examples=examples, stateful_step_count=10)
    run_state_machine_as_test(Opened, settings=few)
