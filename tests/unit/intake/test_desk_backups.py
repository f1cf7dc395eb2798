"""What the catalogue knows of backups."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from intake import catalogue
from intake.catalogue.backups import Backups
from intake.proving.custody import Head
from intake.vault import Vault

FIRST, SECOND = (bytes([number]) * 32 for number in range(2))
HERE, THERE = "11" * 16, "22" * 16
MONDAY, FRIDAY = date(2026, 11, 16), date(2026, 11, 20)
HEAD = Head(7, bytes(range(32)))


@pytest.fixture
def backups(tmp_path: Path) -> Iterator[Backups]:
    with catalogue.opened(tmp_path / "catalogue.db", Vault(bytes(32))) as desk:
        yield desk.backups


class TestBackups:
    def test_without_any_there_is_no_last_one_and_nothing_is_held(self, backups: Backups) -> None:
        assert backups.last() is None
        assert not backups.holds(FIRST)

    def test_an_envelope_is_held_once_its_session_key_is_there_too(self, backups: Backups) -> None:
        backups.note(HERE, day=MONDAY, head=HEAD, holds={FIRST: True, SECOND: False})
        assert backups.holds(FIRST)
        assert not backups.holds(SECOND)
        assert [each.medium for each in backups.on(SECOND)] == [HERE]

    def test_any_medium_counts(self, backups: Backups) -> None:
        backups.note(HERE, day=MONDAY, head=HEAD, holds={FIRST: True})
        backups.note(THERE, day=FRIDAY, head=Head(9, HEAD.hash), holds={SECOND: True})
        assert backups.holds(FIRST)
        assert backups.holds(SECOND)
        assert backups.last() == (FRIDAY, 9)

    def test_a_later_one_on_the_same_medium_says_all_that_is_there(self, backups: Backups) -> None:
        backups.note(HERE, day=MONDAY, head=HEAD, holds={FIRST: True, SECOND: True})
        backups.note(THERE, day=MONDAY, head=HEAD, holds={})
        backups.note(HERE, day=FRIDAY, head=HEAD, holds={SECOND: True})
        assert not backups.holds(FIRST)
        assert [(each.medium, each.day) for each in backups.all()] == [
            (HERE, FRIDAY),
            (THERE, MONDAY),
        ]
