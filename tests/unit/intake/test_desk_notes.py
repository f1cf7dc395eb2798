"""What reporters add to drops, by the verbs: note, case, person, checklist; and how it is shown."""

import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from desks import Answer, DeskAt, Person, Ready, Server
from hypothesis import given
from hypothesis import strategies as st

from intake import catalogue
from intake.cli.desk import unlocked
from intake.cli.naming import kind_and_number
from intake.layout import Layout
from intake.records import Kind, Reply, Text
from intake.verifying import STEPS

pytestmark = pytest.mark.usefixtures("opened_once")


def bring(desk: DeskAt, server: Server, stick: Path) -> None:
    """Have a recording and a message of one source open."""
    server.receive(b"RECORDING" * 100)
    server.message("Two men.\nOne limps.\x1b[2J")
    assert desk("import", server.export(stick)).code == 0
    assert desk("open", "--all").code == 0


@pytest.fixture
def working(ready: Ready, server: Server, stick: Path) -> DeskAt:
    """A desk at which a recording and a message of one source are open."""

    def prepare(desk: DeskAt) -> None:
        bring(desk, server, stick)

    return ready(prepare)


def ids(desk: DeskAt) -> tuple[str, str]:
    """Return the recording and the message; which is first is the lot of their digests."""
    by_kind = {row["kind"]: row["id"] for row in desk("list", "--json").json}
    return by_kind["recording"], by_kind["message"]


def disagree(desk: DeskAt, kind: Kind, content: Any) -> None:
    """Have another desk's version of the only record of a kind beside this desk's."""
    with unlocked(Layout.of(desk.folder)) as room:
        (here,) = room.catalogue.records.all(kind)
        (first, *_) = room.catalogue.records.revisions(record=here.id)
        with catalogue.opened(desk.folder / "other.db", room.vault) as other:
            other.records.merge([first])
            other.records.put(
                kind,
                content,
                by="EF",
                day=date.fromisoformat(first.day),
                record=here.id,
                about=here.about,
            )
            room.catalogue.records.merge(list(other.records.revisions(record=here.id)))


def plain_bytes(catalogue_file: Path, key: bytes) -> bytes:
    """Return the catalogue's pages decrypted, those that are free too (SQLCipher 4's format)."""
    page_size, iv_at = 4096, 4096 - 80
    held, plain = catalogue_file.read_bytes(), b""
    for start in range(0, len(held), page_size):
        page = held[start : start + page_size]
        salt = 0 if start else 16
        initial = page[iv_at : iv_at + 16]
        decryptor = Cipher(algorithms.AES256(key), modes.CBC(initial)).decryptor()
        plain += decryptor.update(page[salt:iv_at])
    return plain


class TestNotes:
    def test_are_listed_in_the_order_of_time_and_then_those_about_the_whole(
        self, working: DeskAt
    ) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "of the whole")
        working("note", "add", drop, "later", "--at", "1:02:03.5")
        added = working("note", "add", drop, "Count.", "--at", "3:12", "--until", "3:20", "--quote")
        assert added.out == f"note-0003 of {drop} at 3:12-3:20\n"
        listed = working("note", "list", drop).out.splitlines()
        assert [line.split()[0] for line in listed] == ["note-0003", "note-0002", "note-0001"]
        assert "3:12-3:20" in listed[0]
        assert listed[0].endswith("“Count.”")
        assert "1:02:03.5" in listed[1]

    def test_of_several_lines_stand_below_each_other(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "first\nsecond", "--at", "5", "--quote")
        first, second = working("note", "list", drop).out.splitlines()
        assert first.index("first") == second.index("second") + 1  # the quotation mark
        assert second.endswith("second”")

    def test_stand_below_their_drop(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "a bell", "--at", "45")
        shown = working("show", drop).out
        assert "\nnotes:\n  note-0001" in shown
        assert "0:45" in shown
        note = working("show", drop, "--json").json["notes"][0]
        assert (note["content"]["text"], note["content"]["at_ms"]) == ("a bell", 45_000)

    def test_may_be_read_from_a_file_or_typed(
        self, working: DeskAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drop, _ = ids(working)
        (tmp_path / "n.txt").write_bytes("\ufeffone\r\ntwo\n".encode())
        assert working("note", "add", drop, "--text-from", tmp_path / "n.txt").code == 0
        keyboard, terminal = os.openpty()
        os.write(keyboard, "schön\n\x04".encode())
        with os.fdopen(terminal) as typed:
            monkeypatch.setattr(sys, "stdin", typed)
            asked = working("note", "add", drop)
            monkeypatch.undo()
        os.close(keyboard)
        assert "write the note, and end with Ctrl-D" in asked.err
        texts = [row["content"]["text"] for row in working("note", "list", drop, "--json").json]
        assert texts == ["one\ntwo", "schön"]

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            ([""], "that can't be kept: it is empty"),
            (["\x1b[2J"], "that can't be kept: it holds characters that are not text"),
            (["a" * 70_000], "that can't be kept: it is longer than 64 thousand letters"),
            ([], "nobody is here to type"),
            (["a", "--at", "3:77"], "59"),
            (["a", "--at", "soon"], "a time code looks like 1:02:03.5, 3:12 or 45"),
            (["a", "--at", "9", "--until", "8"], "it ends before it begins"),
            (["a", "--until", "8"], "it ends before it begins"),
            (["a", "--text-from", "/dev/null"], "not both"),
        ],
    )
    def test_what_can_not_be_kept_is_said_and_changes_nothing(
        self, working: DeskAt, arguments: list[str], why: str
    ) -> None:
        answer = working("note", "add", "1", *arguments)
        assert answer.code == 2
        assert why in answer.err
        assert working("note", "list", "1", "--json").json == []

    def test_that_are_written_anew_keep_what_is_not_said_and_what_they_said(
        self, working: DeskAt
    ) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "a bell", "--at", "3:12", "--until", "3:20", "--quote")
        working("note", "edit", "note-0001", "two bells")
        working("note", "edit", "1", "--at", "3:14", "--no-quote")
        said = working("show", "note-0001", "--json").json
        assert said["content"] == {
            "text": "two bells", "at_ms": 194_000, "until_ms": None, "quote": False,
        }  # fmt: skip
        assert [each["content"]["text"] for each in said["versions"]] == [
            "a bell", "two bells", "two bells",
        ]  # fmt: skip
        assert "3:12-3:20  “a bell”" in working("show", "note-0001").out

    def test_that_are_removed_are_gone_from_every_list(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "a bell")
        assert working("note", "remove", "note-0001").out == "removed note-0001\n"
        assert working("note", "list", drop).err == f"tapedrop-intake: no notes of {drop}\n"
        assert "notes:" not in working("show", drop).out
        gone = working("note", "edit", "note-0001", "back")
        assert (gone.code, "there is no note-0001" in gone.err) == (2, True)

    def test_that_are_removed_are_kept_aside(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "a bell")
        working("note", "remove", "note-0001")
        assert "a bell" in working("show", "note-0001").out

    def test_that_are_removed_for_good_are_nowhere_any_more(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "quokka")
        working("note", "add", drop, "a bell of the yard")
        working("note", "edit", "note-0001", "wombat")
        working("note", "remove", "note-0001")
        refused = working("note", "remove", "note-0001", "--for-good", "--confirm", "note-0002")
        assert refused.code == 3
        assert "backups and desks with which it was shared keep it" in refused.err
        gone = working("note", "remove", "note-0001", "--for-good", "--confirm", "note-0001")
        assert gone.out == "removed note-0001 for good\n"
        assert working("show", "note-0001").code == 2
        with unlocked(Layout.of(working.folder)) as room:
            key = room.vault.catalogue_key
        plain = plain_bytes(working.folder / "catalogue.db", key)
        assert b"CREATE TABLE records" in plain
        assert b"a bell of the yard" in plain
        assert b"quokka" not in plain
        assert b"wombat" not in plain

    def test_are_all_removed_or_none(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "a bell")
        assert working("note", "remove", "note-0001", "note-0009").code == 2
        assert len(working("note", "list", drop, "--json").json) == 1

    def test_of_a_case_or_a_person_stand_below_those(self, working: DeskAt) -> None:
        working("case", "add", "Cellar")
        working("person", "add", "the guard")
        assert working("note", "add", "case-0001", "call the lawyer").out.endswith("case-0001\n")
        working("note", "add", "person-0001", "limps")
        assert "call the lawyer" in working("show", "case-0001").out
        assert "limps" in working("show", "person-0001").out

    def test_steer_no_terminal(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "left \u202eright")
        assert "\u202e" not in working("note", "list", drop).out
        assert "\u202e" in working("note", "list", drop, "--json").json[0]["content"]["text"]


class TestInitials:
    def test_name_who_said_what_and_may_be_changed(
        self, make_desk: Callable[..., DeskAt], reporter: Person
    ) -> None:
        desk = make_desk(reporter, "desk", "--initials", "AB")
        desk("case", "add", "Cellar")
        changed = desk("pair", "--initials", "Ö")
        assert "notes and the custody log say Ö from now on" in changed.err
        desk("case", "rename", "1", "Attic")
        versions = desk("show", "case-0001", "--json").json
        assert versions["by"] == "Ö"
        desk("pair", "--initials", "")
        desk("case", "rename", "1", "Loft")
        assert desk("show", "case-0001", "--json").json["by"].startswith("desk-")

    @pytest.mark.parametrize("initials", ["ABCDE", "A B", "\x1b", '"'])
    def test_are_up_to_four_letters(self, working: DeskAt, initials: str) -> None:
        assert working("pair", "--initials", initials).code == 2


class TestTheWork:
    def test_is_set_for_several_drops_at_once(self, working: DeskAt) -> None:
        drop, message = ids(working)
        done = working(
            "note", "set", drop, message, "--status", "verifying", "--assign", "AB",
            "--tag", "Cells", "--tag", "yard", "--summary", "A guard\ncounts",
        )  # fmt: skip
        assert done.code == 0, done.err
        for row in working("list", "--json").json:
            assert row["work"] | {"notes": 0} == {
                "status": "verifying", "assignee": "AB", "summary": "A guard counts",
                "tags": ["cells", "yard"], "cases": [], "notes": 0, "steps_done": 0, "conflicts": 0,
            }  # fmt: skip
        assert "A guard counts #cells #yard" in working("list").out

    def test_is_set_for_all_of_a_case(self, working: DeskAt) -> None:
        drop, message = ids(working)
        working("case", "add", "Cellar")
        working("case", "put", "Cellar", message)
        working("note", "set", "case-0001", "--status", "listening")
        by_id = {row["id"]: row["work"]["status"] for row in working("list", "--json").json}
        assert by_id == {drop: "new", message: "listening"}

    def test_may_be_taken_back(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "set", drop, "--assign", "AB", "--tag", "a", "--summary", "b")
        working("note", "set", drop, "--assign", "", "--untag", "A", "--summary", "")
        row = working("show", drop, "--json").json["work"]
        assert (row["assignee"], row["tags"], row["summary"]) == ("", [], "")

    @pytest.mark.parametrize(
        "arguments",
        [["--status", "finished"], [], ["--assign", "ABCDE"], ["--tag", " "],
         ["--summary", "a" * 201]],
    )  # fmt: skip
    def test_is_not_set_to_what_there_is_not(self, working: DeskAt, arguments: list[str]) -> None:
        assert working("note", "set", "1", *arguments).code == 2
        assert working("list", "--json").json[0]["work"]["tags"] == []


class TestListing:
    @pytest.fixture
    def sorted_out(self, ready: Ready, server: Server, stick: Path) -> DeskAt:
        def prepare(desk: DeskAt) -> None:
            bring(desk, server, stick)
            drop, message = ids(desk)
            desk("case", "add", "Cellar")
            desk("case", "put", "cellar", drop)
            cleared = ["--status", "cleared", "--assign", "AB", "--tag", "a", "--tag", "b"]
            desk("note", "set", drop, *cleared)
            desk("note", "set", message, "--status", "listening", "--tag", "b")

        return ready(prepare)

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            (["--status", "cleared"], "r"),
            (["--status", "new"], ""),
            (["--tag", "B"], "rm"),
            (["--tag", "a", "--tag", "b"], "r"),
            (["--case", "Cellar"], "r"),
            (["--case", "1"], "r"),
            (["--source", "ozone fiber"], "rm"),
            (["--source", "source-0001", "--kind", "message"], "m"),
            (["--assignee", "ab"], "r"),
            (["--assignee", "-"], "m"),
            (["--since", "2026-01-01"], "rm"),
            (["--since", "2999-01-01"], ""),
            (["--unopened"], ""),
            (["--alarms"], ""),
            (["--conflicts"], ""),
            (["--sort", "status"], "mr"),
            (["--sort", "size", "--reverse"], "rm"),
        ],
    )
    def test_shows_what_is_asked_for(
        self, sorted_out: DeskAt, asked: list[str], found: str
    ) -> None:
        names = dict(zip(ids(sorted_out), "rm", strict=True))
        rows = sorted_out("list", "--json", *asked).json
        listed = "".join(names[row["id"]] for row in rows)
        assert listed == found if "--sort" in asked else sorted(listed) == sorted(found)

    @pytest.mark.parametrize(
        "asked",
        [["--case", "Attic"], ["--source", "nobody here"], ["--source", "7"], ["--since", "today"],
         ["--sources", "--purged"]],
    )  # fmt: skip
    def test_says_when_there_is_no_such_thing(self, sorted_out: DeskAt, asked: list[str]) -> None:
        assert sorted_out("list", *asked).code == 2

    def test_names_sources_by_all_that_is_known_of_them(self, sorted_out: DeskAt) -> None:
        (source,) = sorted_out("list", "--sources", "--json").json
        assert (source["id"], source["pseudonym"]) == ("source-0001", "ozone fiber")
        assert (source["drops"], source["messages"]) == (2, 1)
        assert sorted_out("list", "--sources").out.splitlines()[1].startswith("source-0001")

    def test_lines_are_no_longer_than_a_hundred_letters(self, sorted_out: DeskAt) -> None:
        sorted_out("note", "set", "1", "2", "--summary", "word " * 39)
        lines = sorted_out("list").out.splitlines()
        assert max(map(len, lines)) <= 100
        assert lines[1].endswith("…")

    def test_a_day_is_asked_for_in_the_same_words_by_every_verb(self, working: DeskAt) -> None:
        for asked in (["list", "--since"], ["log", "--since"], ["retain", "1", "--until"]):
            refused = working(*asked, "tomorrow")
            assert refused.code == 2
            assert "a day looks like 2026-11-21" in refused.err


class TestWhatIsOpenAlready:
    def test_is_shown_with_the_work_that_was_done_on_it(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "set", drop, "--status", "verifying", "--summary", "A guard counts")
        assert "verifying" in working("open", drop).out
        assert working("open", drop, "--json").json[0]["work"]["summary"] == "A guard counts"

    def test_does_not_wait_to_be_opened(self, working: DeskAt) -> None:
        done = working("open", "--all")
        assert (done.code, done.out) == (0, "")
        assert "nothing waits to be opened" in done.err


class TestCases:
    def test_of_one_name_are_pointed_out(self, working: DeskAt) -> None:
        working("case", "add", "The cellar")
        second = working("case", "add", "the Cellar")
        assert second.code == 0
        assert "case-0001 is called so, too" in second.err
        assert "name one by its id" in working("case", "show", "the cellar").err

    def test_hold_drops_and_give_them_back(self, working: DeskAt) -> None:
        drop, message = ids(working)
        assert working("case", "add", "The cellar", "--summary", "below").out == (
            "case-0001 The cellar\n"
        )
        put = working("case", "put", "the CELLAR", drop, message)
        assert put.out.endswith("put in case-0001 The cellar; it has 2 now\n")
        assert working("case", "take", "1", message).code == 0
        shown = working("case", "show", "case-0001").out
        assert "below" in shown
        assert drop in shown
        assert message not in shown
        assert "cases      case-0001\n" in working("show", drop).out

    def test_are_closed_opened_again_and_renamed(self, working: DeskAt) -> None:
        working("case", "add", "Cellar")
        working("case", "close", "Cellar")
        assert working("case", "list").err == "tapedrop-intake: no cases\n"
        assert "closed  Cellar" in working("case", "list", "--closed").out
        working("case", "reopen", "Cellar")
        assert working("case", "rename", "Cellar", " Attic ").out == "case-0001 Attic\n"
        assert working("case", "describe", "Attic", "above").code == 0
        assert working("case", "show", "Attic", "--json").json["content"] == {
            "name": "Attic", "summary": "above", "closed": False,
        }  # fmt: skip

    def test_are_removed_without_their_drops(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("case", "add", "Cellar")
        working("case", "put", "1", drop)
        assert working("case", "remove", "Cellar").out == "removed case-0001\n"
        assert working("show", drop, "--json").json["work"]["cases"] == []

    def test_of_one_name_are_told_apart_by_their_ids(self, working: DeskAt) -> None:
        working("case", "add", "Cellar")
        working("case", "add", "cellar")
        answer = working("case", "show", "Cellar")
        assert answer.code == 2
        assert "several are called so: case-0001, case-0002" in answer.err


class TestPeople:
    def test_are_in_drops_by_a_role(self, working: DeskAt) -> None:
        drop, message = ids(working)
        working("person", "add", "the second voice", "--about", "from the coast")
        said = working("person", "in", drop, "The second voice", "--role", "guard")
        assert said.out == f"person-0001 the second voice: guard in {drop}\n"
        assert "person     person-0001 the second voice: guard\n" in working("show", drop).out
        shown = working("show", "person-0001").out
        assert "from the coast" in shown
        assert f"\nin:\n  {drop}  guard\n" in shown
        assert message not in shown
        working("person", "out", drop, "1")
        assert working("person", "show", "1", "--json").json["drops"] == []

    def test_are_changed_and_removed_from_every_drop(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("person", "add", "a voice")
        working("person", "in", drop, "1", "--role", "guard")
        working("person", "edit", "1", "--name", "the guard", "--about", "limps")
        assert "the guard" in working("person", "list").out
        working("note", "add", "person-0001", "seen twice")
        working("person", "remove", "the guard")
        assert working("person", "list").err == "tapedrop-intake: nobody yet\n"
        assert working("show", drop, "--json").json["people"] == []
        done = working("person", "remove", "1", "--for-good", "--confirm", "person-0001")
        assert done.code == 0, done.err
        for name in ("person-0001", "appearance-0001", "note-0001"):
            assert working("show", name).code == 2


class TestTheChecklist:
    def test_asks_what_verification_desks_ask(self, working: DeskAt) -> None:
        listed = working("checklist", "1").out
        assert 8 <= len(STEPS) <= 12
        for number, (step, asks) in enumerate(STEPS.items(), 1):
            assert f"{number:>2}  {step}" in listed
            assert asks in listed

    def test_keeps_what_was_found(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("checklist", "set", drop, "place", "--done", "--text", "the bell of the yard")
        working("checklist", "set", drop, "9", "--not-possible")
        working("checklist", "set", drop, "edits", "--failed", "--text", "a jump at 2:10")
        working("checklist", "set", drop, "place", "--text", "two bells")
        steps = {each["step"]: each for each in working("checklist", drop, "--json").json["steps"]}
        assert (steps["place"]["state"], steps["place"]["text"]) == ("done", "two bells")
        assert steps["second-source"]["state"] == "not possible"
        assert steps["legal"]["state"] == "open"
        assert "checklist  3 of 12 steps, 1 failed: " in working("show", drop).out
        assert working("list", "--json").json[int(drop[-1]) - 1]["work"]["steps_done"] == 3

    @pytest.mark.parametrize("step", ["smell", "0", "13", "٣", "9" * 5000])
    def test_has_no_other_steps(self, working: DeskAt, step: str) -> None:
        assert working("checklist", "set", "1", step, "--done").code == 2

    def test_asks_for_an_id_or_a_verb(self, working: DeskAt) -> None:
        assert working("checklist").code == 2
        assert working("checklist", "--help").out.startswith("Usage: tapedrop-intake checklist")


class TestAThread:
    def test_reads_what_they_sent_and_what_was_answered_in_the_order_of_days(
        self, working: DeskAt
    ) -> None:
        drop, message = ids(working)
        with unlocked(Layout.of(working.folder)) as room:
            room.catalogue.records.put(
                Kind.REPLY, Reply("Which door?"), by="AB", day=date.fromisoformat("2999-01-01"),
                about=room.drop(message).digest,
            )  # fmt: skip
        working("note", "set", drop, "--summary", "steps")
        said = working("show", "ozone fiber")
        assert said.code == 0, said.err
        lines = said.out.splitlines()
        assert lines[0] == "id         source-0001"
        assert lines[2] == "sent       1 recording, 1 message"
        assert "  Two men." in lines
        assert "  One limps.\ufffd[2J" in lines
        assert any("[recording: WAV, 900 B, cleaned. steps]" in line for line in lines)
        assert lines[-2:] == ["2999-01-01  AB (the newsroom)  reply-0001", "  Which door?"]
        thread = working("show", "source-0001", "--json").json["thread"]
        assert [each["from"] for each in thread] == ["source", "source", "newsroom"]

    def test_says_where_a_message_must_be_opened_anew(self, working: DeskAt) -> None:
        _, message = ids(working)
        for copy in working.files("working"):
            copy.unlink()
        said = working("show", "source-0001")
        assert f"[message: tapedrop-intake open {message} shows it]" in said.out


class TestAConflict:
    def test_is_shown_with_both_versions_and_how_to_decide(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "set", drop, "--summary", "three voices")
        disagree(working, Kind.SUMMARY, Text("four voices"))
        working("note", "set", drop, "--summary", "three voices, or five")
        # What is said here afterwards stands in for both.
        assert "IN CONFLICT" not in working("show", drop).out

        working("note", "add", drop, "unrelated")
        disagree(working, Kind.SUMMARY, Text("nine voices"))
        shown = working("show", drop).out
        assert "IN CONFLICT: summary-0001, of which desks say different things" in shown
        assert "three voices, or five" in shown
        assert "nine voices" in shown
        assert f"to decide: tapedrop-intake note set {drop} --summary" in shown
        assert [row["id"] for row in working("list", "--conflicts", "--json").json] == [drop]
        assert "IN CONFLICT" in working("list").out
        versions = working("show", drop, "--json").json["conflicts"][0]["conflict"]
        assert {each["content"]["text"] for each in versions} == {
            "three voices, or five", "nine voices",
        }  # fmt: skip

    def test_of_a_note_that_one_desk_removed_is_not_lost(self, working: DeskAt) -> None:
        drop, _ = ids(working)
        working("note", "add", drop, "a bell")
        working("note", "edit", "1", "two bells")
        disagree(working, Kind.NOTE, None)
        assert "IN CONFLICT: note-0001" in working("show", drop).out
        assert working("note", "list", drop).code == 0
        working("note", "edit", "note-0001", "three bells")
        assert "IN CONFLICT" not in working("show", drop).out


class TestShowing:
    @given(st.text(max_size=30))
    def test_no_text_is_anything_but_an_id_or_none(self, untrusted: str) -> None:
        found = kind_and_number(untrusted)
        assert found is None or (found[1] > 0 and found[0].isascii())

    @pytest.mark.parametrize(
        "thing",
        ["note-0001", "case-0009", "source-0009", "drop-0009", "verdict-0001", "nobody here", "",
         "note-", "drop-0", "\x1b[2J"],
    )  # fmt: skip
    def test_what_is_not_there_is_a_question_of_usage(self, working: DeskAt, thing: str) -> None:
        answer = working("show", thing)
        assert answer.code == 2
        assert "\x1b" not in answer.err

    def test_takes_cases_and_people_by_their_names(self, working: DeskAt) -> None:
        working("case", "add", "Cellar")
        working("person", "add", "The guard")
        assert working("show", "cellar", "--json").json["id"] == "case-0001"
        assert working("show", "the guard", "--json").json["id"] == "person-0001"
        working("person", "add", "Cellar")
        assert working("show", "cellar").code == 2

    def test_every_kind_of_record_can_be_shown_with_what_it_said_before(
        self, working: DeskAt, tell: Callable[..., Answer]
    ) -> None:
        drop, _ = ids(working)
        working("case", "add", "Cellar")
        working("case", "put", "1", drop)
        working("person", "add", "The guard")
        working("person", "in", drop, "1", "--role", "guard")
        working("note", "set", drop, "--status", "verified", "--tag", "a", "--assign", "AB")
        working("checklist", "set", drop, "place", "--done", "--text", "a bell")
        for name in ("member-0001", "appearance-0001", "status-0001", "tag-0001", "check-0001"):
            shown = working("show", name)
            assert shown.code == 0, shown.err
            assert f"about      {drop}\n" in shown.out
