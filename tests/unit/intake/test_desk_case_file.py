"""What another desk may tell in a case file, and what makes all of it refused."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.bag import TAG_FILES
from crypto.errors import NewerVersion
from crypto.padding import padme
from intake import catalogue as catalogues
from intake.catalogue import Catalogue
from intake.errors import BadCase, CaseTooLarge
from intake.proving.custody import Act, Head, next_entry
from intake.records import (
    Appearance,
    Case,
    Content,
    Kind,
    Member,
    Note,
    Person,
    Revision,
    Text,
    record_of,
)
from intake.sharing import casefile
from intake.sharing.casefile import CaseFile, SharedDrop, Teller, read, written
from intake.sharing.giving import told_of
from intake.sharing.taking import accept, require_own_names
from intake.vault import Vault, mark_of

DAY = date(2026, 11, 21)
DROP, OTHER = bytes(32), bytes([1]) * 32
CASE, PERSON = bytes([2]) * 16, bytes([3]) * 16
SALT = bytes(16)
VAULT = Vault(bytes(32))


def teller(**said: Any) -> Teller:
    told: dict[str, Any] = {
        "desk": "desk-a", "server": "0" * 64, "cases": (CASE.hex(),),
        "custody_entries": 0, "custody_head": "0" * 64,
    }  # fmt: skip
    return Teller(**(told | said))


def shared(digest: bytes = DROP, **said: Any) -> SharedDrop:
    return SharedDrop(digest.hex(), digest.hex()[:32] + ".gpg", SALT.hex(), **said)


def says(
    kind: Kind,
    content: Content | None,
    *,
    about: bytes | None = DROP,
    within: bytes | None = None,
    record: bytes | None = None,
) -> Revision:
    if record is None:
        record = record_of(kind, *(part for part in (about, within) if part))
    return Revision(record, kind, about, within, content, (), "2026-11-21", "AB")


IN_THE_CASE = says(Kind.MEMBER, Member(), within=CASE)
THE_CASE = says(Kind.CASE, Case("a story"), about=None, record=CASE)
HEARD = says(Kind.APPEARANCE, Appearance("speaks"), within=PERSON)
SOMEBODY = says(Kind.PERSON, Person("a guard"), about=None, record=PERSON)
WHOLE = CaseFile(
    teller(),
    (shared(session_key="9:" + "A1" * 32, condition=casefile.Condition.CLEANED),),
    (THE_CASE, IN_THE_CASE, HEARD, SOMEBODY, says(Kind.NOTE, Note("a child recites"))),
    ({name: f"what {name} says\n".encode() for name in TAG_FILES},),
    (next_entry(Head(), Act.OPENED, day=DAY, drop=mark_of(SALT, DROP), by="AB", said={}),),
)


def of(*revisions: Revision) -> CaseFile:
    return CaseFile(teller(), (shared(),), revisions)


def padded(text: bytes) -> bytes:
    return text.ljust(padme(len(text)), b"\n")


def edited(case: CaseFile, edit: Callable[[bytes], bytes]) -> bytes:
    """Return a case file whose text was changed, and padded as it should be."""
    return padded(edit(written(case).rstrip(b"\n") + b"\n"))


class TestACaseFile:
    def test_says_what_was_written(self) -> None:
        assert read(written(WHOLE)) == WHOLE

    def test_has_a_padded_length(self) -> None:
        assert len(written(WHOLE)) == padme(len(written(WHOLE))) == 64 * 1024

    def test_shows_no_session_key_by_accident(self) -> None:
        assert "A1A1" not in repr(WHOLE)

    def test_that_would_be_too_large_is_not_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(casefile, "LARGEST_BYTES", 1000)
        with pytest.raises(CaseTooLarge):
            written(WHOLE)

    @pytest.mark.parametrize("revision", [
        says(Kind.NOTE, Note("of the story"), about=None, within=CASE),
        says(Kind.MEMBER, None, about=OTHER, within=CASE),
        says(Kind.SUMMARY, None),
        says(Kind.TAG, Text("guard"), record=record_of(Kind.TAG, DROP, b"guard")),
    ], ids=["a note of the case", "a drop taken out of the case", "what was removed",
            "a tag"])  # fmt: skip
    def test_may_speak_of_what_belongs_to_it(self, revision: Revision) -> None:
        assert read(written(of(revision))).revisions == (revision,)

    @pytest.mark.parametrize("revision", [
        says(Kind.NOTE, Note("false"), about=OTHER),
        says(Kind.NOTE, Note("false"), about=None),
        says(Kind.NOTE, Note("false"), within=PERSON),
        says(Kind.CASE, Case("another"), about=None, record=bytes(16)),
        says(Kind.CASE, Case("of a drop"), record=CASE),
        says(Kind.MEMBER, Member(), about=OTHER, within=CASE),
        says(Kind.MEMBER, Member(), within=bytes(16)),
        says(Kind.MEMBER, None, about=None, within=CASE),
        says(Kind.PERSON, Person("unheard"), about=None, record=PERSON),
        says(Kind.APPEARANCE, Appearance("speaks"), about=OTHER, within=PERSON),
        says(Kind.RETENTION, None, about=OTHER),
    ], ids=lambda each: f"{each.kind}")  # fmt: skip
    def test_that_speaks_of_anything_else_is_refused_whole(self, revision: Revision) -> None:
        with pytest.raises(BadCase, match="not shared"):
            read(written(of(THE_CASE, revision)))

    @pytest.mark.parametrize("revision", [
        says(Kind.STATUS, Text("verified"), record=bytes(16)),
        says(Kind.RETENTION, None, record=bytes(16)),
        says(Kind.MEMBER, Member(), within=CASE, record=bytes(16)),
        says(Kind.TAG, Text("guard"), record=record_of(Kind.TAG, DROP, b"nurse")),
    ], ids=lambda each: f"{each.kind}")  # fmt: skip
    def test_can_not_give_a_drop_a_second_of_what_there_is_once(self, revision: Revision) -> None:
        with pytest.raises(BadCase, match="otherwise"):
            read(written(of(THE_CASE, revision)))

    def test_brings_what_was_noted_about_a_person_who_is_heard(self) -> None:
        note = says(Kind.NOTE, Note("left the service in May"), about=None, within=PERSON)
        assert len(read(written(of(HEARD, SOMEBODY, note))).revisions) == 3
        with pytest.raises(BadCase):
            read(written(of(note)))

    def test_can_not_name_a_person_by_an_appearance_elsewhere(self) -> None:
        with pytest.raises(BadCase):
            read(written(of(replace(HEARD, about=OTHER), SOMEBODY)))

    def test_can_not_tell_of_another_drop_by_the_custody_log(self) -> None:
        entry = next_entry(Head(), Act.PURGED, day=DAY, drop=mark_of(SALT, OTHER), by="", said={})
        with pytest.raises(BadCase, match="custody"):
            read(written(replace(WHOLE, entries=(entry,))))

    def test_of_a_later_version_is_said_to_be_one(self) -> None:
        with pytest.raises(NewerVersion):
            read(edited(WHOLE, lambda text: text.replace(b"case 1", b"case 2", 1)))

    @pytest.mark.parametrize("edit", [
        lambda text: text.replace(b"tapedrop", b"tape", 1),
        lambda text: text.replace(b"\nend", b"\nmore {}\nend"),
        lambda text: text.replace(b"\nend 9", b"\nend 8"),
        lambda text: text[: text.index(b"\nend")] + b"\n",
        lambda text: text + b"said more\n",
        lambda text: text.replace(b"desk {", b"told {", 1),
        lambda text: text.replace(b"\nend 9", b"\n" + text.split(b"\n")[1] + b"\nend 10"),
        lambda text: text.replace(b"\nend 9", b"\n" + text.split(b"\n")[2] + b"\nend 10"),
        lambda text: text.replace(b"desk-a", b"\x1b[2J", 1),
        lambda text: text.replace(b'"9:A1', b'"9:ZZ', 1),
        lambda text: text.replace(b".gpg", b"/../x", 1),
        lambda text: text.replace(b"a child", b"\xff\xfe", 1),
        lambda text: text.replace(b'"said":{}', b'"said":{ }', 1),
        lambda text: text.replace(b"bagit.txt", b"bagit.exe", 1),
        lambda text: b"",
    ], ids=["version", "word", "count", "cut", "after the end", "nobody", "two desks", "drop twice",
            "steering name", "session key", "path", "not utf-8", "another writing", "list",
            "nothing"])  # fmt: skip
    def test_that_is_laid_out_otherwise_is_refused(self, edit: Callable[[bytes], bytes]) -> None:
        with pytest.raises(BadCase):
            read(edited(WHOLE, edit))

    def test_with_another_padding_is_refused(self) -> None:
        for changed in (written(WHOLE)[:-1], written(WHOLE) + b"\n"):
            with pytest.raises(BadCase, match="padding"):
                read(changed)

    @given(st.binary(max_size=300), st.integers(0, 2000), st.integers(0, 300))
    def test_whatever_was_done_to_it_is_read_or_refused(
        self, put: bytes, at: int, cut: int
    ) -> None:
        text = written(WHOLE).rstrip(b"\n") + b"\n"
        changed = padded(text[:at] + put + text[at + cut :])
        for untrusted in (changed, put):
            try:
                case = read(untrusted)
            except (BadCase, NewerVersion):
                continue
            assert read(written(case)) == case


class Desk:
    """A catalogue without a desk around it."""

    def __init__(self, name: str, catalogue: Catalogue) -> None:
        self.name = name
        self.catalogue = catalogue
        catalogue.drops.adopt(arrived=[DROP, OTHER], promised=[])

    def tells(self) -> CaseFile:
        records = self.catalogue.records
        revisions = told_of(records, drops=[DROP, OTHER], cases=[CASE])
        said = written(
            CaseFile(teller(desk=self.name), (shared(), shared(OTHER)), tuple(revisions))
        )
        return read(said)

    def hears(self, case: CaseFile) -> int:
        require_own_names(case, self.catalogue)
        with self.catalogue.whole():
            return accept(case, self.catalogue, signer=case.teller.desk, by=self.name,
                          day=DAY).said  # fmt: skip

    def says(self, what: int, text: str) -> None:
        """Say one of a few things that desks also say otherwise."""
        records = self.catalogue.records
        about = (DROP, OTHER)[what % 2]
        match what // 2:
            case 0:
                records.put(Kind.SUMMARY, Text(text), by=self.name, day=DAY, about=about,
                            record=record_of(Kind.SUMMARY, about))  # fmt: skip
            case 1:
                records.put(Kind.NOTE, Note(text), by=self.name, day=DAY, about=about)
            case 2:
                for note in records.all(Kind.NOTE, about=about)[:1]:
                    records.remove(note, by=self.name, day=DAY)
            case _:
                records.put(Kind.MEMBER, Member() if len(text) % 2 else None, by=self.name,
                            day=DAY, about=about, within=CASE,
                            record=record_of(Kind.MEMBER, about, CASE))  # fmt: skip

    @property
    def shows(self) -> list[object]:
        """What it says of each record, and that it is in conflict, in no desk's own order."""
        found = [(each.id, each.heads) for kind in Kind
                 for each in self.catalogue.records.all(kind)]  # fmt: skip
        return sorted(found, key=repr)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "empty.db"
    with catalogues.opened(path, VAULT):
        return path


@contextmanager
def desks(empty: Path, count: int) -> Iterator[list[Desk]]:
    with ExitStack() as stack:
        paths = [empty.with_name(f"{number}.db") for number in range(count)]
        for path in paths:
            copyfile(empty, path)
        found = [stack.enter_context(catalogues.opened(path, VAULT)) for path in paths]
        yield [Desk(f"desk-{number}", each) for number, each in enumerate(found)]


class TestACaseThatTakesAnothersName:
    @pytest.mark.parametrize("of", [DROP, OTHER], ids=["a drop of it", "a drop not shared"])
    def test_is_refused_whole(self, empty: Path, of: bytes) -> None:
        note = says(Kind.NOTE, Note("in the way"), record=record_of(Kind.RETENTION, of))
        with desks(empty, 1) as (desk,):
            with pytest.raises(BadCase, match="otherwise"):
                desk.hears(read(written(CaseFile(teller(), (shared(),), (THE_CASE, note)))))
            assert desk.shows == []


DOINGS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 2), st.integers(0, 7), st.sampled_from(["a", "bb", "ccc"])),
        st.tuples(st.integers(0, 2), st.integers(0, 2)),
    ),
    max_size=12,
)


class TestDesksThatShareInAnyOrder:
    @settings(max_examples=8, deadline=None)
    @given(DOINGS)
    def test_come_to_show_the_same_and_have_lost_nothing(
        self, empty: Path, doings: Sequence[tuple[Any, ...]]
    ) -> None:
        with desks(empty, 3) as three:
            for doing in doings:
                if len(doing) == 3:
                    three[doing[0]].says(doing[1], doing[2])
                else:
                    three[doing[1]].hears(three[doing[0]].tells())
            ever = {each for desk in three for each in desk.tells().revisions}
            for giver, taker in ((0, 1), (1, 2), (2, 0), (0, 1)):
                three[taker].hears(three[giver].tells())

            assert three[0].shows == three[1].shows == three[2].shows
            for desk in three:
                assert ever <= set(desk.tells().revisions)
                assert desk.hears(three[0].tells()) == 0
