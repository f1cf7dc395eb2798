"""A codename's keys, made elsewhere: the same as anywhere, bounded, and able to begin again."""

import asyncio
import os
import signal
from collections.abc import Iterator
from io import FileIO

import pytest

from crypto.codename import derive, new_codename
from server.deriving import Deriver
from server.errors import Busy

SALT = bytes(32)


@pytest.fixture
def deriver() -> Iterator[Deriver]:
    made = Deriver(SALT, longest_queue=2)
    yield made
    made.close()


class TestTheChild:
    def test_makes_the_keys_that_the_codename_has(self, deriver: Deriver) -> None:
        codename = new_codename()

        assert asyncio.run(deriver.keys_of(codename)) == derive(codename, SALT)

    def test_one_that_was_killed_is_started_anew(self, deriver: Deriver) -> None:
        async def run() -> None:
            codename = new_codename()
            first = await deriver.keys_of(codename)
            assert deriver._child is not None
            os.kill(deriver._child.pid, signal.SIGKILL)
            with pytest.raises(Busy):
                await deriver.keys_of(codename)

            assert await deriver.keys_of(codename) == first

        asyncio.run(run())

    def test_one_that_hangs_is_ended_and_another_started(self, deriver: Deriver) -> None:
        async def run() -> None:
            codename = new_codename()
            await deriver.keys_of(new_codename())
            assert deriver._child is not None
            os.kill(deriver._child.pid, signal.SIGSTOP)
            patience, deriver._limit_ms = deriver._limit_ms, 1
            with pytest.raises(Busy):
                await deriver.keys_of(codename)

            deriver._limit_ms = patience
            assert await deriver.keys_of(codename) == derive(codename, SALT)

        asyncio.run(run())

    def test_more_than_may_wait_are_told_so_at_once(self, deriver: Deriver) -> None:
        async def run() -> None:
            asked = [deriver.keys_of(new_codename()) for _ in range(4)]

            answers = await asyncio.gather(*asked, return_exceptions=True)

            assert sum(isinstance(answer, Busy) for answer in answers) == 1

        asyncio.run(run())

    def test_somebody_who_asks_for_many_gives_way_to_one_who_asks_for_one(
        self, deriver: Deriver
    ) -> None:
        async def run() -> None:
            done: list[str] = []

            async def ask(whose: str) -> None:
                await deriver.keys_of(new_codename(), whose=whose)
                done.append(whose)

            asked = [ask("guesser"), ask("guesser"), ask("guesser"), ask("source")]
            await asyncio.gather(*asked, return_exceptions=True)

            assert done == ["guesser", "guesser", "source"]

        asyncio.run(run())

    def test_what_is_being_sent_waits_instead_behind_all_of_them(self, deriver: Deriver) -> None:
        async def run() -> None:
            sent = new_codename()
            guessed = [deriver.keys_of(new_codename()) for _ in range(4)]

            *_, keys = await asyncio.gather(
                *guessed, deriver.keys_for_sending(sent), return_exceptions=True
            )

            assert keys == derive(sent, SALT)

        asyncio.run(run())

    def test_what_is_being_sent_is_not_lost_with_a_child_that_was_killed(
        self, deriver: Deriver
    ) -> None:
        async def run() -> None:
            codename = new_codename()
            await deriver.keys_of(new_codename())
            assert deriver._child is not None
            os.kill(deriver._child.pid, signal.SIGKILL)

            assert await deriver.keys_for_sending(codename) == derive(codename, SALT)

        asyncio.run(run())

    def test_leaves_with_the_drop(self, deriver: Deriver) -> None:
        asyncio.run(deriver.keys_of(new_codename()))
        assert deriver._child is not None
        child = deriver._child

        deriver.close()

        assert child.returncode is not None

    def test_is_spoken_to_without_a_buffer_that_would_hold_what_was_said(
        self, deriver: Deriver
    ) -> None:
        asyncio.run(deriver.keys_of(new_codename()))

        assert deriver._child is not None
        assert isinstance(deriver._child.stdin, FileIO)
        assert isinstance(deriver._child.stdout, FileIO)
