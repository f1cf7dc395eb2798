"""How long drops are kept, and what is on hold."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from desks import DeskAt

from intake import catalogue
from intake.catalogue import Catalogue
from intake.cli.desk import unlocked
from intake.drop import Drop
from intake.errors import OnHold
from intake.keeping.retention import require_free, retain, standing_of
from intake.layout import Layout
from intake.records import Kind, Note, Retention, Revision, record_of
from intake.unlocked import today
from intake.vault import Vault

pytestmark = pytest.mark.usefixtures("opened_once")

DAY = date(2026, 11, 21)
DIGEST = bytes(range(32))


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Catalogue]:
    with catalogue.opened(tmp_path / "catalogue.db", Vault(bytes(32))) as desk:
        desk.drops.adopt(arrived=[DIGEST], promised=[])
        yield desk


@pytest.fixture
def drop(known: Catalogue) -> Drop:
    return known.drops.drop(1)


def elsewhere(known: Catalogue, until: str | None, hold: str | None) -> None:
    """Have another desk say how long the drop is kept, and merge with it."""
    record = record_of(Kind.RETENTION, DIGEST)
    said = Revision(record, Kind.RETENTION, DIGEST, None, Retention(until, hold), (),
                    DAY.isoformat(), "other")  # fmt: skip
    known.records.merge([said])


class TestADropThatNobodySpokeOf:
    def test_is_kept_and_never_due(self, known: Catalogue, drop: Drop) -> None:
        found = standing_of(drop, known.records)
        assert (found.until, found.holds) == (None, ())
        assert not found.is_due(date.max)
        require_free(drop, known.records)


class TestAnEnd:
    def test_is_the_last_day_on_which_it_is_kept(self, known: Catalogue, drop: Drop) -> None:
        retain(drop, known.records, until=DAY, hold=None, by="AB", day=DAY)
        found = standing_of(drop, known.records)
        assert not found.is_due(DAY)
        assert found.is_due(DAY + timedelta(1))

    def test_that_two_desks_set_differently_is_the_later(
        self, known: Catalogue, drop: Drop
    ) -> None:
        retain(drop, known.records, until=DAY, hold=None, by="AB", day=DAY)
        elsewhere(known, "2027-01-01", None)
        assert standing_of(drop, known.records).until == date(2027, 1, 1)

    def test_that_one_desk_did_not_set_is_none(self, known: Catalogue, drop: Drop) -> None:
        retain(drop, known.records, until=DAY, hold=None, by="AB", day=DAY)
        elsewhere(known, None, "court")
        assert standing_of(drop, known.records).until is None


class TestAHold:
    def test_keeps_what_is_due(self, known: Catalogue, drop: Drop) -> None:
        retain(drop, known.records, until=DAY, hold="court", by="AB", day=DAY)
        assert not standing_of(drop, known.records).is_due(date.max)
        with pytest.raises(OnHold, match="court"):
            require_free(drop, known.records)

    def test_on_either_desk_holds_until_somebody_decides(
        self, known: Catalogue, drop: Drop
    ) -> None:
        retain(drop, known.records, until=DAY, hold=None, by="AB", day=DAY)
        elsewhere(known, "2026-01-01", "court")
        found = standing_of(drop, known.records)
        assert (found.holds, found.disputed) == (("court",), True)
        with pytest.raises(OnHold, match="disagree"):
            require_free(drop, known.records)
        retain(drop, known.records, until=DAY, hold=None, by="AB", day=DAY)
        require_free(drop, known.records)

    def test_is_not_hidden_by_a_note_that_is_called_so(self, known: Catalogue, drop: Drop) -> None:
        note = Revision(record_of(Kind.RETENTION, DIGEST), Kind.NOTE, bytes(32), None, Note("x"),
                        (), DAY.isoformat(), "other")  # fmt: skip
        known.records.merge([note])
        require_free(drop, known.records)
        retain(drop, known.records, until=None, hold="a court", by="AB", day=DAY)
        with pytest.raises(OnHold):
            require_free(drop, known.records)


class TestTheVerb:
    def test_a_hold_and_an_end_are_set_apart(self, busy: DeskAt) -> None:
        assert busy("retain", "drop-0001", "--until", "2020-01-01").code == 0
        assert busy("retain", "1", "--hold", "court").code == 0
        (row,) = busy("retain", "--json").json
        assert row == {"id": "drop-0001", "until": "2020-01-01", "due": False,
                       "holds": ["court"], "disputed": False}  # fmt: skip
        assert busy("retain", "1", "--release").code == 0
        (row,) = busy("retain", "--json").json
        assert (row["due"], row["holds"]) == (True, [])

    def test_days_count_from_today(self, busy: DeskAt) -> None:
        busy("retain", "1", "--days", "30")
        (row,) = busy("retain", "1", "--json").json
        assert row["until"] == (today() + timedelta(30)).isoformat()

    def test_holds_and_releases_are_in_the_custody_log(self, busy: DeskAt) -> None:
        for said in (("--hold", "court"), ("--hold", "editor"), ("--release",), ("--days", "1")):
            busy("retain", "1", *said)
        with unlocked(Layout.of(busy.folder)) as room:
            acts = [str(entry.act) for entry in room.catalogue.custody.entries()]
            entries = b"".join(entry.encoded for entry in room.catalogue.custody.entries())
        assert acts[-2:] == ["put on hold", "released from hold"]
        assert b"court" not in entries

    @pytest.mark.parametrize(
        "said",
        [("--until", "2027-01-01"), ("1", "--until", "2027-01-01", "--days", "3"),
         ("1", "--hold", "why", "--release"), ("1", "--hold", " "), ("1", "--until", "soon")],
    )  # fmt: skip
    def test_what_it_can_not_do_changes_nothing(self, busy: DeskAt, said: tuple[str, ...]) -> None:
        assert busy("retain", *said).code == 2
        assert busy("retain", "--json").json == []
