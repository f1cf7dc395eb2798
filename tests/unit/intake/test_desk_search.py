"""Searching: any text can be asked for, every way of writing a word finds it, nothing lingers."""

import re
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from desks import SOURCE, DeskAt, Server, manifest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlcipher3 import dbapi2 as sqlcipher

from crypto.manifest import Source
from intake import catalogue
from intake.catalogue import Catalogue
from intake.catalogue.finding import Found
from intake.cli.desk import unlocked
from intake.drop import Drop
from intake.layout import Layout
from intake.pen import Pen
from intake.records import Kind, Line, Text, Transcript
from intake.searching.folding import folded, words
from intake.searching.query import Query, query, typed
from intake.searching.snippets import snippet
from intake.vault import Vault

pytestmark = pytest.mark.usefixtures("opened_once")

VAULT = Vault(bytes(range(32)))
DAY = date(2026, 11, 20)
SAID = replace(manifest(5), day="2026-11-20", sha256="ab" * 32, recipients=2, values=())

VALUES = manifest(5).values


@contextmanager
def desk_with(path: Path, drops: int) -> Iterator[tuple[Catalogue, Pen, list[Drop]]]:
    """Give a catalogue with so many open drops, and a pen."""
    digests = [bytes([number]) * 32 for number in range(drops)]
    with catalogue.opened(path, VAULT) as known:
        known.drops.adopt(arrived=digests, promised=[])
        opened = [known.drops.opened(drop, SAID, []) for drop in known.drops.all()]
        for drop in opened:
            known.search.index_drop(drop)
        yield known, Pen(known.records, "AB", DAY), opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.db"


@pytest.fixture(scope="module")
def one_drop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    with desk_with(tmp_path_factory.mktemp("words") / "catalogue.db", 1) as (known, _, _):
        yield known


def ids(known: Catalogue, found: Found) -> list[str]:
    """Return what was found as reporters call it, the best first."""
    names = []
    for hit in found.hits:
        drop = known.drops.of(hit.about) if hit.about else None
        names.append(drop.id if drop else hit.name or "?")
    return names


def asked(known: Catalogue, untrusted: str) -> list[str]:
    return ids(known, known.search.find(query(untrusted)))


class TestFolding:
    @pytest.mark.parametrize(
        ("one", "other"),
        [("Straße", "STRASSE"), ("İstanbul", "istanbul"), ("ısı", "ISI"), ("Łódź", "lodz"),
         ("Đorđe Bjørn", "dorde bjorn"), ("Ёлка", "елка"), ("Ἀθήνα", "αθηνα"),
         ("مَدرسة", "مدرسه"), ("کتابی", "كتابي"), ("أحمد", "احمد"), ("۱۲۳", "123"),
         ("می\u200cخواهم", "میخواهم"), ("كـتاب", "كتاب"), ("שָׁלוֹם", "שלום"),
         ("cafe\u0301", "café"), ("がぎ", "か\u3099き\u3099"), ("e\u00admail", "email")],
    )  # fmt: skip
    def test_a_word_is_one_however_it_is_written(self, one: str, other: str) -> None:
        assert folded(one) == folded(other)

    def test_vowel_signs_stay_where_they_make_another_word(self) -> None:
        assert folded("कि") != folded("की")

    @settings(max_examples=50)
    @given(st.text())
    def test_what_is_folded_stays_as_it_is(self, text: str) -> None:
        assert folded(folded(text)) == folded(text)

    @given(st.text())
    def test_every_word_is_known_by_where_it_stands(self, text: str) -> None:
        found = words(text)
        assert [word for word, _, _ in found] == folded(text).split()
        assert all(0 <= start < end <= len(text) for _, start, end in found)


class TestAsking:
    def test_words_phrases_and_what_is_not_wanted(self) -> None:
        said = query('Phone "of my aunt" -guard -"front door" ph* ab')
        assert [term.expression for term in said.terms] == [
            '"phone" *', '"of my aunt"', '"ph" *', '"ab"',
        ]  # fmt: skip
        assert [term.expression for term in said.without] == ['"guard" *', '"front door"']

    def test_ids_and_named_things_narrow_it_down(self) -> None:
        said = query('drop-0007 -case-12 tag:"border police" from:Ozone kind:quote')
        assert said.terms == ()
        assert [(one.about, one.value, one.wanted) for one in said.filters] == [
            ("drop", "7", True), ("in", "12", False), ("tag", "border police", True),
            ("from", "ozone", True), ("kind", "quote", True),
        ]  # fmt: skip

    def test_what_only_looks_like_a_filter_is_words(self) -> None:
        assert query("https://example.org").terms[0].words == ("https", "example", "org")
        assert not query("tag: drop: drop:x").filters

    def test_a_single_letter_is_a_word_and_begins_none(self) -> None:
        said = query("x*")
        assert said.terms[0].expression == '"x"'
        assert said.too_short == ("x*",)

    def test_a_shell_takes_the_quotes_off_a_phrase(self) -> None:
        assert typed(["guard", "of my aunt", "-front door", "tag:border police"]) == (
            'guard "of my aunt" -"front door" tag:"border police"'
        )

    @pytest.mark.parametrize(
        "argument",
        [
            "doors kind:quote", "kind:quote doors", "doors in:case-0001", "in:case-0001 doors",
            "telephone number -office", "drop-0007 doors", "status:new by:AB",
        ],
    )  # fmt: skip
    def test_a_whole_question_in_one_pair_of_quotes_is_no_phrase(self, argument: str) -> None:
        assert typed([argument]) == argument

    def test_nothing_but_what_is_not_wanted_asks_for_nothing(self) -> None:
        assert not query("-guard").asks
        assert not query('"" * ()').asks
        assert query("tag:x -guard").asks

    @settings(max_examples=100, deadline=None)
    @given(st.text() | st.text(alphabet='ab"*-:()^{}+. \x00ANDORNEAR*tagkind'))
    def test_any_text_can_be_asked_for(self, untrusted: str) -> None:
        said = query(untrusted)
        with closing(sqlcipher.connect(":memory:")) as index:
            index.execute("CREATE VIRTUAL TABLE words USING fts5 (text)")
            for term in (*said.terms, *said.without):
                index.execute("SELECT rowid FROM words WHERE words MATCH ?", (term.expression,))


class TestFinding:
    def test_each_kind_of_thing_is_found_by_what_it_says(self, path: Path) -> None:
        with desk_with(path, 1) as (known, pen, [drop]):
            pen.note("Häftlinge im Hof", about=drop.digest, at_ms=3000)
            pen.say(Kind.SUMMARY, drop.digest, "seven minutes of crying")
            pen.tag(drop.digest, "border police")
            person = pen.person("Żaneta", "an interpreter")
            pen.heard(person, drop.digest, "consular officer")
            pen.case("Detention centre", "children")
            lines = (Line(61_000, "agárrame la mano", speaker="child"),)
            known.records.put(Kind.TRANSCRIPT, Transcript(lines), by="AB", day=DAY,
                              about=drop.digest)  # fmt: skip
            for word in ("haftlinge", "crying", "border", "consular", "agarrame", "child mano"):
                assert asked(known, word) == ["drop-0001"], word
            assert asked(known, "zaneta") == ["person-0001"]
            assert asked(known, "children") == ["case-0001"]
            assert asked(known, "ozone") == ["drop-0001"]
            known.search.index_drop(known.drops.opened(drop, replace(SAID, values=VALUES), []))
            assert asked(known, "dictaphone") == ["drop-0001"]  # a value that was taken out
            assert asked(known, "elsewhere") == []

    def test_words_may_stand_apart_and_those_side_by_side_come_first(self, path: Path) -> None:
        with desk_with(path, 3) as (known, pen, [one, two, three]):
            pen.note("the guard", about=one.digest)
            pen.note("a phone number", about=one.digest)
            pen.note("the guard took the phone", about=two.digest)
            pen.note("the guard", about=three.digest)
            assert asked(known, "guard phone") == ["drop-0002", "drop-0001"]
            assert asked(known, '"guard phone"') == []
            assert asked(known, '"took the phone"') == ["drop-0002"]
            assert asked(known, "guard -phone") == ["drop-0003"]

    def test_a_word_finds_what_begins_with_it_and_a_phrase_only_itself(self, path: Path) -> None:
        with desk_with(path, 1) as (known, pen, [drop]):
            pen.note("telephones", about=drop.digest)
            assert asked(known, "tele") == asked(known, "te*") == ["drop-0001"]
            assert asked(known, '"telephone"') == asked(known, "te") == []

    def test_writing_without_spaces_is_found_in_the_middle(self, path: Path) -> None:
        with desk_with(path, 1) as (known, pen, [drop]):
            pen.note("孩子在拘留所里哭", about=drop.digest)
            assert asked(known, "拘留所") == ["drop-0001"]
            assert asked(known, "留拘所") == []

    def test_filters_leave_only_what_they_name(self, path: Path) -> None:
        with desk_with(path, 3) as (known, pen, [one, two, three]):
            for drop in (one, two, three):
                pen.note("phone", about=drop.digest)
            pen.note("phone", about=two.digest, quote=True)
            pen.tag(one.digest, "border police")
            pen.say(Kind.STATUS, two.digest, "verified")
            pen.say(Kind.ASSIGNEE, three.digest, "CD")
            case = pen.case("Border")
            pen.put_in(case, two.digest)
            assert asked(known, 'phone tag:"Border Police"') == ["drop-0001"]
            assert asked(known, "phone status:verified") == ["drop-0002"]
            assert asked(known, "phone status:new") == ["drop-0003", "drop-0001"]
            assert asked(known, "phone assignee:cd") == ["drop-0003"]
            assert asked(known, "phone in:case-0001") == asked(known, "in:border") == ["drop-0002"]
            assert asked(known, "phone case-0009") == []
            assert asked(known, "phone drop-0003") == ["drop-0003"]
            assert asked(known, "phone source-0001 -drop-3") == ["drop-0002", "drop-0001"]
            assert asked(known, f'from:"{SOURCE.pseudonym}" -case-1') == ["drop-0003", "drop-0001"]
            assert asked(known, "phone kind:quote") == asked(known, "kind:quote") == ["drop-0002"]
            assert len(asked(known, "phone kind:note by:ab")) == 3
            assert asked(known, "phone by:xy") == asked(known, "phone -kind:note -kind:quote") == []

    def test_each_drop_shows_the_lines_that_say_most(self, path: Path) -> None:
        with desk_with(path, 1) as (known, pen, [drop]):
            lines = tuple(Line(number * 1000, f"phone {number}") for number in range(30))
            known.records.put(Kind.TRANSCRIPT, Transcript(lines), by="AB", day=DAY,
                              about=drop.digest)  # fmt: skip
            pen.note("a phone and an aunt", about=drop.digest, at_ms=7000)
            [hit] = known.search.find(query("phone"), lines=2).hits
            assert [(place.name, place.at_ms) for place in hit.places] == [
                ("note-0001", 7000), ("transcript-0001", 0),
            ]  # fmt: skip
            assert hit.lines == 31

    def test_the_total_is_told_where_only_some_are_shown(self, path: Path) -> None:
        with desk_with(path, 5) as (known, pen, drops):
            for drop in drops:
                pen.note("phone", about=drop.digest)
            found = known.search.find(query("phone"), limit=2)
            assert (len(found.hits), found.total) == (2, 5)

    @settings(max_examples=40, deadline=None)
    @given(text=st.text(min_size=1).filter(folded))
    def test_whatever_was_written_is_found_by_its_own_words(
        self, one_drop: Catalogue, text: str
    ) -> None:
        one_drop.search.index_drop(one_drop.drops.drop(1), text)
        every = folded(text).split()[:32]
        assert asked(one_drop, " ".join(f'"{word}"' for word in every)) == ["drop-0001"]


class TestForgetting:
    def test_what_a_note_said_before_is_found_no_more(self, path: Path) -> None:
        with desk_with(path, 1) as (known, pen, [drop]):
            said = pen.note("guard", about=drop.digest)
            pen.rewrite(said, "phone", at_ms=None, until_ms=None, quote=False)
            assert (asked(known, "guard"), asked(known, "phone")) == ([], ["drop-0001"])
            known.records.remove(said, by="AB", day=DAY)
            assert asked(known, "phone") == []

    def test_in_a_conflict_what_either_says_is_found(self, path: Path, tmp_path: Path) -> None:
        with desk_with(path, 1) as (known, pen, [drop]):
            pen.say(Kind.SUMMARY, drop.digest, "guard")
            with desk_with(tmp_path / "other.db", 1) as (theirs, their_pen, _):
                their_pen.say(Kind.SUMMARY, drop.digest, "phone")
                known.records.merge(list(theirs.records.revisions(about=drop.digest)))
            assert asked(known, "guard") == asked(known, "phone") == ["drop-0001"]

    def test_no_word_about_a_purged_drop_stays_in_the_index(self, path: Path) -> None:
        with desk_with(path, 3) as (known, pen, drops):
            for drop in drops:
                pen.note(f"common words of {drop.id}", about=drop.digest)
            pen.note("zzyzx", about=drops[1].digest)
            known.search.index_drop(drops[1], "qqvortex")
            known.search.forget(about=drops[1].digest)
            assert asked(known, "zzyzx") == asked(known, "qqvortex") == []
            assert len(asked(known, "common")) == 2
        indexed = self.plain_pages(path, "words_data")
        assert b"common" in indexed
        assert b"zzyz" not in indexed
        assert b"qqvo" not in indexed

    @settings(max_examples=12, deadline=None)
    @given(said=st.lists(st.text(max_size=40), max_size=4))
    def test_whatever_it_said_not_one_word_is_left(
        self, one_drop: Catalogue, said: list[str]
    ) -> None:
        drop = one_drop.drops.drop(1)
        pen = Pen(one_drop.records, "AB", DAY)
        for text in said:
            one_drop.search.index_drop(drop, text)
            pen.note(f"{text!r}", about=drop.digest)
        one_drop.search.forget(about=drop.digest)
        database = one_drop.search._db
        database.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.left USING fts5vocab (main, words, row)"
        )
        assert database.execute("SELECT term FROM temp.left").fetchall() == []
        one_drop.records.purge(drop.digest)

    def plain_pages(self, path: Path, table: str) -> bytes:
        connection = sqlcipher.connect(str(path))
        connection.execute(f"PRAGMA key = \"x'{VAULT.catalogue_key.hex()}'\"")
        rows = connection.execute(f"SELECT block FROM {table}").fetchall()
        connection.close()
        return b"".join(block for (block,) in rows)

    def test_opening_again_stands_in_for_the_earlier_words(self, path: Path) -> None:
        other = replace(SAID, source=Source("other words", SAID.source.mailbox_id, "00"))
        with desk_with(path, 1) as (known, pen, [drop]):
            pen.note("phone", about=drop.digest)
            known.search.index_drop(drop, "a message")
            known.search.index_drop(known.drops.opened(drop, other, []))
            assert asked(known, "message") == asked(known, "ozone") == []
            assert asked(known, "other phone") == ["drop-0001"]


class TestMakingItAnew:
    def test_an_index_made_anew_finds_the_same(self, path: Path) -> None:
        with desk_with(path, 2) as (known, pen, [one, two]):
            pen.note("phone", about=one.digest)
            case = pen.case("Border")
            pen.note("guard", within=case.id)
            assert known.search.is_stale
            records = [record for kind in Kind for record in known.records.all(kind)]
            known.search.rebuild([(one, None), (two, "a message")], records)
            assert not known.search.is_stale
            assert asked(known, "phone") == ["drop-0001"]
            assert asked(known, "message") == ["drop-0002"]
            assert asked(known, "guard") == ["case-0001"]

    def test_a_desk_does_so_by_itself_when_words_are_folded_otherwise(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        server.message("the telephone of my aunt")
        server.export(stick)
        desk("import", stick)
        desk("open", "--all")
        with unlocked(Layout.of(desk.folder)) as room:
            room.catalogue.search.rebuild([], [])
        assert desk("search", "telephone", "--json").json["total"] == 0
        with unlocked(Layout.of(desk.folder)) as room:
            room.catalogue.search._db.execute("UPDATE folding SET folding = 'earlier'")
        again = desk("search", "telephone", "--json")
        assert again.json["total"] == 1
        assert "made anew" in again.err


class TestSnippets:
    def test_it_shows_where_most_of_the_words_stand(self) -> None:
        text = "phone " + "x " * 200 + "the guard took her phone away " + "y " * 200
        shown = snippet(text, query("guard phone").terms, width=40)
        assert "guard took her phone" in shown.text
        assert shown.text.startswith("…")
        assert shown.text.endswith("…")
        assert [shown.text[start:end] for start, end in shown.marks] == ["guard", "phone"]

    def test_a_phrase_is_marked_whole(self) -> None:
        shown = snippet("Der Straßen-Wächter!", query('"strassen wachter"').terms, width=80)
        assert [shown.text[start:end] for start, end in shown.marks] == ["Straßen-Wächter"]

    @given(st.text(), st.text(min_size=1), st.integers(10, 100))
    def test_it_steers_no_terminal_and_its_marks_lie_within(
        self, text: str, words_asked: str, width: int
    ) -> None:
        shown = snippet(text, query(words_asked).terms, width=width)
        assert not set(shown.text) & {"\x1b", "\r", "\n", "\x9b", "\u202e"}
        assert len(shown.text) <= width + 2
        ends = [0, *(place for mark in shown.marks for place in mark)]
        assert ends == sorted(ends)
        assert ends[-1] <= len(shown.text)


class TestTheVerb:
    @pytest.fixture
    def busy(self, desk: DeskAt, server: Server, stick: Path) -> DeskAt:
        server.receive(secrets.token_bytes(40))
        server.message("the telephone of my aunt\nis in the red book")
        server.export(stick)
        desk("import", stick)
        desk("open", "--all")
        with unlocked(Layout.of(desk.folder)) as room:
            drop = next(one for one in room.catalogue.drops.all() if one.manifest
                        and one.manifest.name != "message.txt")  # fmt: skip
            pen = Pen(room.catalogue.records, "AB", DAY)
            pen.note("She names her aunt \u202etwice", about=drop.digest, at_ms=192_000)
        return desk

    def test_messages_and_notes_are_found_with_where_they_stand(self, busy: DeskAt) -> None:
        answer = busy("search", "aunt")
        assert answer.code == 0
        assert "message" in answer.out
        assert "the telephone of my aunt is in the red book" in answer.out
        assert "note-0001  3:12" in answer.out
        assert "\u202e" not in answer.out

    def test_what_is_not_wanted_needs_no_special_writing(self, busy: DeskAt) -> None:
        assert "note-0001" not in busy("search", "aunt", "-twice").out
        assert "message" not in busy("search", "aunt", "-red book").out

    def test_programs_are_told_all_of_it(self, busy: DeskAt) -> None:
        [one] = busy("search", "telephone of", "--json").json["found"]
        assert one["pseudonym"] == SOURCE.pseudonym
        assert one["lines"][0]["marks"] == [[4, 16]]

    def test_nothing_found_is_no_failure(self, busy: DeskAt) -> None:
        answer = busy("search", "zebra")
        assert (answer.code, answer.out) == (0, "")
        assert "nothing found" in answer.err

    @pytest.mark.parametrize("asked", ["status:verifed", "kind:qoute"])
    def test_a_status_or_kind_that_is_none_is_told_so(self, busy: DeskAt, asked: str) -> None:
        answer = busy("search", "aunt", asked)
        assert (answer.code, answer.out) == (0, "")
        name, _, value = asked.partition(":")
        assert f"no {name} is called {value}; there are " in answer.err

    @pytest.mark.parametrize("asked", ["from:olive", "in:cellar", "tag:cell", "assignee:XY"])
    def test_a_name_that_is_nobodys_is_told_so(self, busy: DeskAt, asked: str) -> None:
        answer = busy("search", "aunt", asked)
        assert (answer.code, answer.out) == (0, "")
        assert f"no drop is {asked.casefold()}; names are said whole" in answer.err
        assert "warning" not in busy("search", f"from:{SOURCE.pseudonym}").err

    def test_a_message_is_called_one_as_in_lists(self, busy: DeskAt) -> None:
        assert busy("search", "red book").out.splitlines()[0].endswith("  message")

    def test_every_kind_that_the_help_names_is_one(self, busy: DeskAt) -> None:
        named = busy("search", "--help").out.partition("Kinds: ")[2].partition("\n\n")[0]
        kinds = re.findall("[a-z]+", named)
        assert "quote" in kinds
        assert "is called" not in busy("search", *(f"kind:{kind}" for kind in kinds)).err

    def test_a_case_that_is_not_there_is_told_so(self, busy: DeskAt) -> None:
        answer = busy("search", "aunt", "case-0009")
        assert answer.code == 2
        assert "there is no case-0009" in answer.err

    @pytest.mark.parametrize("digits", [25, 5000])
    def test_a_number_that_no_case_can_have_finds_nothing(self, busy: DeskAt, digits: int) -> None:
        answer = busy("search", f"in:{'9' * digits}")
        assert (answer.code, answer.out) == (0, "")

    def test_a_question_without_a_word_is_one_of_usage(self, busy: DeskAt) -> None:
        assert busy("search", "-guard").code == 2
        assert busy("search", "phone", "--jsno").code == 2


class TestQueries:
    def test_two_that_ask_the_same_are_the_same(self) -> None:
        assert query("  Phone   phone ") == query("phone") != Query()

    def test_tags_are_found_by_their_words_too(self, path: Path) -> None:
        with desk_with(path, 1) as (known, _, [drop]):
            known.records.put(Kind.TAG, Text("border"), by="AB", day=DAY, about=drop.digest)
            assert asked(known, "bord kind:tag") == ["drop-0001"]
