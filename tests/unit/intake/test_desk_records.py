"""Records: what reporters add, kept whole, so that desks which add to each other's agree."""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake import catalogue
from intake.catalogue import Catalogue
from intake.catalogue.records import Records
from intake.errors import BadRecord, BadText
from intake.pen import Pen, as_said, one_line, tag_of
from intake.records import (
    CONTENT,
    LARGEST_REVISION,
    LONGEST_TEXT,
    Checked,
    Kind,
    Note,
    Retention,
    Revision,
    Text,
    record_of,
    revision,
)
from intake.vault import Vault

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where no disk is waited for, if there is such a place."""
MIGRATIONS = Path(catalogue.__file__).parent / "migrations"
DROP, OTHER = bytes(32), bytes([1]) * 32
TODAY, TOMORROW = date(2026, 11, 21), date(2026, 11, 22)
SAID = Revision(
    record=bytes(16), kind=Kind.NOTE, about=DROP, within=None, content=Note("a bell", 192_000),
    parents=(), day="2026-11-21", by="AB",
)  # fmt: skip


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Callable[[str], Catalogue]]:
    """Catalogues by the name of their desk."""
    with ExitStack() as stack:
        made: dict[str, Catalogue] = {}

        def desk(name: str) -> Catalogue:
            if name not in made:
                path = tmp_path / f"{name}.db"
                made[name] = stack.enter_context(catalogue.opened(path, Vault(bytes(32))))
            return made[name]

        yield desk


@pytest.fixture
def here(desks: Callable[[str], Catalogue]) -> Records:
    return desks("here").records


def pen(records: Records, by: str = "AB", day: date = TODAY) -> Pen:
    return Pen(records, by, day)


class TestARevision:
    def test_is_read_as_it_was_said(self) -> None:
        assert revision(SAID.said) == SAID

    def test_is_named_by_all_it_says(self) -> None:
        others = (
            replace(SAID, day="2026-11-22"), replace(SAID, by="CD"), replace(SAID, content=None),
            replace(SAID, content=Note("a bell", 192_001)), replace(SAID, about=OTHER),
            replace(SAID, parents=(bytes(16),)), replace(SAID, record=bytes([1]) * 16),
        )  # fmt: skip
        assert len({SAID.id, *(other.id for other in others)}) == 1 + len(others)

    @given(st.binary(max_size=400))
    def test_whatever_else_is_handed_in_is_refused(self, untrusted: bytes) -> None:
        with pytest.raises(BadRecord):
            revision(untrusted)

    @given(st.data())
    def test_one_that_was_altered_is_another_or_refused(self, data: st.DataObject) -> None:
        altered = bytearray(SAID.said)
        place = data.draw(st.integers(0, len(altered) - 1))
        altered[place] ^= data.draw(st.integers(1, 255))
        try:
            found = revision(bytes(altered))
        except BadRecord:
            return
        assert found.id != SAID.id
        assert found.said == bytes(altered)

    @pytest.mark.parametrize(
        "member",
        [
            {"content": {"text": ""}},
            {"content": {"text": "a" * (LONGEST_TEXT + 1)}},
            {"content": {"text": "a", "at_ms": -1}},
            {"content": {"text": "a", "at_ms": 10**11}},
            {"content": {"text": "a", "mood": "grim"}},
            {"content": {"text": 7}},
            {"content": ["a"]},
            {"kind": "verdict"},
            {"parents": ["00" * 16, "00" * 16]},
            {"parents": ["ff" * 16, "00" * 16]},
            {"parents": ["00"]},
            {"record": "AA" * 16},
            {"about": "00"},
            {"day": "yesterday"},
            {"day": "2026-02-30"},
            {"kind": "retention", "content": {"hold": None, "until": "2026-99-99"}},
            {"kind": "retention", "content": {"hold": None, "until": "0000-01-01"}},
            {"by": "a" * 41},
            {"by": ""},
            {"version": "tapedrop record 2"},
            {"more": 1},
        ],
    )
    def test_one_that_says_more_or_other_than_there_is_room_for_is_refused(
        self, member: dict[str, object]
    ) -> None:
        told = json.loads(SAID.said) | member
        said = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        with pytest.raises(BadRecord):
            revision(said.encode())

    def test_one_that_is_nested_deeper_than_anything_is_refused(self) -> None:
        deep = b"[" * 200_000 + b"]" * 200_000
        with pytest.raises(BadRecord):
            revision(SAID.said.replace(b'{"at_ms"', deep + b'{"at_ms"'))
        with pytest.raises(BadRecord):
            revision(b'{"content":' + deep + b"}")

    def test_one_larger_than_any_is_not_even_read(self) -> None:
        with pytest.raises(BadRecord, match="larger"):
            revision(b" " * (LARGEST_REVISION + 1))

    def test_the_same_said_in_another_way_is_refused(self) -> None:
        with pytest.raises(BadRecord):
            revision(json.dumps(json.loads(SAID.said)).encode())


class TestWhatIsKept:
    def test_every_earlier_version_stays(self, here: Records) -> None:
        note = pen(here).note("a bell", about=DROP)
        pen(here).rewrite(note, "two bells", at_ms=None, until_ms=None, quote=False)
        here.remove(note, by="CD", day=TODAY)
        assert [each.content for each in here.revisions(record=note.id)] == [
            Note("a bell"), Note("two bells"), None,
        ]  # fmt: skip
        assert here.all(Kind.NOTE) == []

    def test_saying_the_same_again_is_no_new_version(self, here: Records) -> None:
        for _ in range(2):
            pen(here).say(Kind.STATUS, DROP, "verified")
        assert len(list(here.revisions(about=DROP))) == 1

    def test_what_another_desk_would_refuse_is_not_kept_here(self, here: Records) -> None:
        for text in ("a" * (LONGEST_TEXT + 1), "half of \ud83d"):
            with pytest.raises(BadRecord):
                here.put(Kind.NOTE, Note(text), by="AB", day=TODAY, about=DROP)
        assert list(here.revisions(about=DROP)) == []

    def test_what_was_never_said_is_not_taken_back(self, here: Records) -> None:
        pen(here).tag(DROP, "yard", on=False)
        pen(here).say(Kind.SUMMARY, DROP, "")
        assert list(here.revisions(about=DROP)) == []

    def test_a_glance_holds_what_is_shown_now(self, here: Records) -> None:
        hand = pen(here)
        case = hand.case("Cellar")
        hand.say(Kind.STATUS, DROP, "verifying")
        hand.say(Kind.SUMMARY, DROP, "A guard counts")
        hand.tag(DROP, "Cells")
        hand.tag(DROP, "gone")
        hand.tag(DROP, "GONE", on=False)
        hand.put_in(case, DROP)
        hand.note("a bell", about=DROP)
        hand.check(DROP, "place", Checked.DONE, "the bell of the yard")
        hand.check(OTHER, "place", Checked.OPEN, "")
        hand.say(Kind.ASSIGNEE, OTHER, "CD")
        hand.say(Kind.ASSIGNEE, OTHER, "")
        found = here.glances()
        assert found[DROP] == catalogue.Glance(
            "verifying", "", "A guard counts", ("cells",), ("case-0001",), notes=1, done=1
        )
        assert found.get(OTHER, catalogue.Glance()) == catalogue.Glance()


class TestTwoDesks:
    def test_what_both_say_is_no_conflict(self, desks: Callable[[str], Catalogue]) -> None:
        one, two = desks("one").records, desks("two").records
        pen(one, "AB").tag(DROP, "Border")
        pen(two, "CD", TOMORROW).tag(DROP, "border")
        assert one.merge(two.revisions(about=DROP)).conflicts == ()
        assert len(one.all(Kind.TAG, about=DROP)) == 1

    def test_what_they_say_differently_is_shown_with_both_until_somebody_decides(
        self, desks: Callable[[str], Catalogue]
    ) -> None:
        one, two = desks("one").records, desks("two").records
        pen(one, "AB").say(Kind.SUMMARY, DROP, "three voices")
        pen(two, "CD").say(Kind.SUMMARY, DROP, "four voices")
        (conflict,) = one.merge(two.revisions(about=DROP)).conflicts
        assert {head.content for head in conflict.heads} == {
            Text("three voices"), Text("four voices"),
        }  # fmt: skip
        assert one.glances()[DROP].conflicts == 1
        pen(one, "AB", TOMORROW).say(Kind.SUMMARY, DROP, "four voices")
        two.merge(one.revisions(about=DROP))
        for records in (one, two):
            (decided,) = records.all(Kind.SUMMARY, about=DROP)
            assert (decided.in_conflict, decided.content) == (False, Text("four voices"))
            assert records.glances()[DROP].conflicts == 0

    def test_what_one_removed_and_the_other_changed_is_not_lost(
        self, desks: Callable[[str], Catalogue]
    ) -> None:
        one, two = desks("one").records, desks("two").records
        note = pen(one).note("a bell", about=DROP)
        two.merge(one.revisions(about=DROP))
        one.remove(note, by="AB", day=TOMORROW)
        pen(two, "CD").rewrite(note, "two bells", at_ms=None, until_ms=None, quote=False)
        (conflict,) = one.merge(two.revisions(about=DROP)).conflicts
        assert {head.content for head in conflict.heads} == {None, Note("two bells")}
        assert one.all(Kind.NOTE, about=DROP) == [conflict]

    def test_a_version_that_came_before_the_one_it_follows_gives_way_when_that_comes(
        self, desks: Callable[[str], Catalogue]
    ) -> None:
        one, two = desks("one").records, desks("two").records
        pen(one).say(Kind.STATUS, DROP, "listening")
        pen(one).say(Kind.STATUS, DROP, "verified")
        earlier, later = one.revisions(about=DROP)
        two.merge([later])
        assert two.merge([earlier]).conflicts == ()
        assert two.glances()[DROP].status == "verified"

    def test_a_version_gives_way_only_to_one_of_its_own_record(self, here: Records) -> None:
        hiding = replace(SAID, record=bytes([9]) * 16, parents=(SAID.id,))
        here.merge([SAID, hiding])
        assert {each.id for each in here.all(Kind.NOTE)} == {SAID.record, hiding.record}

    def test_one_that_has_the_name_of_anothers_gives_way_to_what_belongs_there(
        self, here: Records
    ) -> None:
        # A colleague can call a note as a drop's hold is called on every desk.
        hold = record_of(Kind.RETENTION, DROP)
        here.merge([replace(SAID, record=hold, about=OTHER)])
        here.put(Kind.RETENTION, Retention(hold="a court"), about=DROP, record=hold,
                 by="AB", day=TODAY)  # fmt: skip
        assert [each.content for each in here.about(DROP)] == [Retention(hold="a court")]
        assert here.about(OTHER) == []

    def test_a_record_can_not_become_one_about_something_else(self, here: Records) -> None:
        here.merge([SAID])
        for other in (
            replace(SAID, about=OTHER),
            replace(SAID, kind=Kind.TAG, content=Text("a")),
            replace(SAID, within=bytes(16)),
        ):
            with pytest.raises(BadRecord):
                here.merge([replace(SAID, record=bytes([9]) * 16, about=OTHER), other])
        assert list(here.revisions(about=OTHER)) == []

    def test_purged_is_every_version_of_everything_about_a_drop(self, here: Records) -> None:
        pen(here).say(Kind.SUMMARY, DROP, "three voices")
        pen(here).say(Kind.SUMMARY, DROP, "four voices")
        pen(here).note("stays", about=OTHER)
        here.purge(DROP)
        assert list(here.revisions(about=DROP)) == []
        assert [each.content for each in here.revisions(about=OTHER)] == [Note("stays")]

    def test_a_number_is_never_given_twice(self, here: Records) -> None:
        pen(here).note("goes", about=DROP)
        here.purge(DROP)
        assert pen(here).note("comes", about=OTHER).name == "note-0002"


DEED = st.tuples(
    st.integers(0, 2),  # at which desk
    st.sampled_from(["say", "tag", "untag", "note", "rewrite", "remove", "send"]),
    st.sampled_from(["one", "two", "three"]),
    st.integers(0, 2),  # to which desk
)


def do(desks: Sequence[Records], deed: tuple[int, str, str, int]) -> None:
    at, what, text, other = deed
    records = desks[at]
    hand = pen(records, by=f"D{at}", day=TODAY)
    notes = records.all(Kind.NOTE)
    match what:
        case "say":
            hand.say(Kind.SUMMARY, DROP, text)
        case "tag" | "untag":
            hand.tag(DROP, text, on=what == "tag")
        case "note":
            records.put(
                Kind.NOTE, Note(text), by=hand.by, day=TODAY, about=DROP,
                record=record_of(Kind.NOTE, DROP, text.encode()),
            )  # fmt: skip
        case "rewrite" if notes:
            hand.rewrite(notes[0], text, at_ms=None, until_ms=None, quote=False)
        case "remove" if notes:
            hand.change(notes[0], None)
        case "send":
            desks[other].merge(records.revisions(about=DROP))


class TestMerging:
    @settings(max_examples=20, deadline=None)
    @given(st.lists(DEED, max_size=12))
    def test_whatever_was_done_in_whatever_order_all_desks_end_alike(
        self, deeds: list[tuple[int, str, str, int]]
    ) -> None:
        with TemporaryDirectory(dir=MEMORY) as folder, ExitStack() as stack:
            desks = [
                stack.enter_context(
                    catalogue.opened(Path(folder, f"{each}.db"), Vault(bytes(32)))
                ).records
                for each in range(3)
            ]
            for deed in deeds:
                do(desks, deed)
            everything = [set(records.revisions(about=DROP)) for records in desks]
            # There and back: each hears of what the first has heard of the others.
            for records in desks[1:]:
                desks[0].merge(records.revisions(about=DROP))
            for records in desks[1:]:
                records.merge(desks[0].revisions(about=DROP))
            for records in desks:
                assert set(records.revisions(about=DROP)) == set().union(*everything)
            assert len({self.shown(records) for records in desks}) == 1
            for records in desks:
                assert records.merge(desks[0].revisions(about=DROP)).new == 0

    def shown(self, records: Records) -> frozenset[object]:
        found = [record for kind in Kind for record in records.all(kind, about=DROP)]
        return frozenset((record.id, record.heads) for record in found)

    def test_the_order_of_three_versions_makes_no_difference(self, tmp_path: Path) -> None:
        told = [
            replace(SAID, content=Note("first")),
            replace(SAID, content=Note("second"), by="CD"),
            replace(SAID, content=Note("third"), parents=(SAID.id,)),
        ]
        shown = set()
        for number, order in enumerate(permutations(told)):
            with catalogue.opened(tmp_path / f"{number}.db", Vault(bytes(32))) as desk:
                for each in order:
                    desk.records.merge([each])
                (record,) = desk.records.all(Kind.NOTE)
                shown.add(record.heads)
        assert len(shown) == 1


class TestWhatPeopleType:
    @given(st.text(max_size=300))
    def test_any_text_is_kept_or_refused_and_keeping_it_twice_changes_nothing(
        self, typed: str
    ) -> None:
        for kept in (as_said, one_line, tag_of):
            try:
                said = kept(typed)
            except BadText:
                continue
            assert kept(said) == said
            assert "\x1b" not in said
            assert "\r" not in said

    def test_line_ends_of_other_systems_are_line_ends(self) -> None:
        assert as_said("\ufeffone\r\ntwo\rthree\n") == "one\ntwo\nthree"

    def test_accents_typed_in_two_ways_are_one_tag(self) -> None:
        assert tag_of(" Cafe\u0301  Noir") == tag_of("caf\u00e9 noir")

    def test_marks_of_direction_stay_in_what_is_kept(self) -> None:
        assert as_said("\u200fشهادة") == "\u200fشهادة"

    def test_a_note_does_not_end_before_it_begins(self, here: Records) -> None:
        for at_ms, until_ms in ((2, 1), (None, 1)):
            with pytest.raises(BadText):
                pen(here).note("a", about=DROP, at_ms=at_ms, until_ms=until_ms)


class TestThePage:
    PAGE = (Path(__file__).parents[3] / "docs/vault.md").read_text()

    def test_says_of_each_kind_what_it_says(self) -> None:
        for kind, content in CONTENT.items():
            (row,) = re.findall(rf"^\| `{kind}` \|.*$", self.PAGE, re.MULTILINE)
            assert all(f"`{name}`" in row for name in content.__struct_fields__)

    def test_says_how_a_revision_is_written(self) -> None:
        (example,) = re.findall(r'^    (\{"about".*\})$', self.PAGE, re.MULTILINE)
        whole = example.replace("6e34…", "6e" * 32).replace("0f1e…", "0f" * 16)
        assert revision(whole.encode()).content == Note("Count them.", 192_000, quote=True)

    def test_says_how_ids_are_made(self) -> None:
        passed = b"tapedrop record 1\ntag\n" + (32).to_bytes(8, "big") + DROP
        passed += (5).to_bytes(8, "big") + b"cells"
        assert record_of(Kind.TAG, DROP, b"cells") == sha256(passed).digest()[:16]

    def test_names_every_label_of_the_vaults_keys(self) -> None:
        code = (Path(__file__).parents[3] / "intake/vault.py").read_text()
        labels = {*re.findall(r'_derived\("([a-z ]+)"\)', code), "desk signing key"}
        part = self.PAGE.partition("## Keys")[2].partition("\n## ")[0]
        assert labels == set(re.findall(r"^\| `([a-z ]+)` \|", part, re.MULTILINE))

    def test_names_every_table_of_the_catalogue(self) -> None:
        made = "\n".join(each.read_text() for each in MIGRATIONS.glob("*.sql"))
        tables = set(re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", made))
        part = self.PAGE.partition("## The catalogue")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| (`.*?) \|", part, re.MULTILINE)
        assert tables == {name for row in rows for name in re.findall(r"`(\w+)`", row)}


class TestMigrations:
    def test_are_numbered_without_a_gap(self) -> None:
        numbers = sorted(int(each.name[:4]) for each in MIGRATIONS.glob("*.sql"))
        assert numbers == list(range(1, len(numbers) + 1))
