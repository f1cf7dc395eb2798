"""The custody log: every entry holds the one before, and what was changed is named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desks import CANARY, DeskAt, Ready, Server
from hypothesis import example, given
from hypothesis import strategies as st

from intake.catalogue.custody import CustodyLog
from intake.catalogue.database import Database, database
from intake.cli.desk import unlocked
from intake.errors import CustodyBroken, CustodyRewritten, CustodyShorter, NotOurWord
from intake.layout import Layout
from intake.proving.custody import (
    Act,
    Entry,
    Head,
    followed,
    next_entry,
    read_entry,
    verified,
)
from intake.proving.signed import carried_heads, signed_head
from intake.vault import Vault

pytestmark = pytest.mark.usefixtures("opened_once")

DAY = date(2026, 11, 21)
VAULT = Vault(bytes(32))
LENGTH = 6


def a_log(length: int = LENGTH, *, by: str = "AB") -> list[Entry]:
    entries: list[Entry] = []
    for number in range(length):
        head = Head(number, entries[-1].hash) if entries else Head()
        mark = VAULT.mark(bytes([number]) * 32)
        entries.append(next_entry(head, Act.OPENED, day=DAY, drop=mark, by=by, said={"keys": 2}))
    return entries


LOG = [entry.encoded for entry in a_log()]
PLACES = st.integers(0, LENGTH - 1)


def first_bad(encoded: list[bytes]) -> int:
    """Return the number of the entry that verifying names."""
    with pytest.raises(CustodyBroken) as raised:
        list(verified(encoded))
    return raised.value.number


class TestALogThatWasChanged:
    def test_is_not_named_where_nothing_was(self) -> None:
        assert [entry.number for entry in verified(LOG)] == [1, 2, 3, 4, 5, 6]

    @given(place=PLACES, at=st.integers(0, 10_000), bit=st.integers(0, 7))
    def test_by_one_bit_of_an_entry_is_named_there_or_at_the_one_that_holds_its_hash(
        self, place: int, at: int, bit: int
    ) -> None:
        entry = bytearray(LOG[place])
        entry[at % len(entry)] ^= 1 << bit
        changed = [*LOG[:place], bytes(entry), *LOG[place + 1 :]]
        if place == LENGTH - 1:  # nothing holds the hash of the last one but what is carried out
            last = Head(LENGTH, a_log()[-1].hash)
            with pytest.raises((CustodyBroken, CustodyRewritten)):
                followed(verified(changed), [last])
        else:
            assert first_bad(changed) in {place + 1, place + 2}

    @given(place=st.integers(0, LENGTH - 2))
    def test_by_an_entry_that_is_gone_is_named_there(self, place: int) -> None:
        assert first_bad([*LOG[:place], *LOG[place + 1 :]]) == place + 1

    @given(place=PLACES, other=PLACES)
    def test_by_entries_that_changed_places_is_named_at_the_first(
        self, place: int, other: int
    ) -> None:
        first, second = sorted((place, other))
        changed = list(LOG)
        changed[first], changed[second] = changed[second], changed[first]
        if first == second:
            assert len(list(verified(changed))) == LENGTH
        else:
            assert first_bad(changed) == first + 1

    @given(place=PLACES, other=PLACES)
    def test_by_an_entry_that_comes_twice_is_named_there(self, place: int, other: int) -> None:
        changed = [*LOG[:place], LOG[other], *LOG[place:]]
        assert first_bad(changed) == (place + 1 if other != place else place + 2)

    @given(place=PLACES, untrusted=st.binary(max_size=300))
    def test_by_whatever_is_no_entry_is_named_there(self, place: int, untrusted: bytes) -> None:
        assert first_bad([*LOG[:place], untrusted, *LOG[place + 1 :]]) == place + 1

    @pytest.mark.parametrize("number", [-1, 0, 2**63])
    def test_an_entry_has_a_number_that_a_log_can_have(self, number: int) -> None:
        entry = replace(a_log()[0], number=number)
        with pytest.raises(ValueError, match="number"):
            read_entry(entry.encoded)

    @given(said=st.dictionaries(st.text(), st.text() | st.integers(0, 2**63)), by=st.text())
    def test_whatever_an_entry_says_is_read_back_as_it_was(
        self, said: dict[str, str | int], by: str
    ) -> None:
        entry = next_entry(Head(), Act.EXPORTED, day=DAY, drop=None, by=by, said=said)
        assert list(verified([entry.encoded])) == [entry]


class TestWhatWasCarriedOut:
    @given(length=st.integers(0, LENGTH), reach=st.integers(1, LENGTH))
    def test_tells_that_the_end_was_cut_off(self, length: int, reach: int) -> None:
        log = a_log()
        carried = Head(reach, log[reach - 1].hash)
        if reach <= length:
            assert followed(log[:length], [carried]).number == length
            return
        with pytest.raises(CustodyShorter) as raised:
            followed(log[:length], [carried])
        assert (raised.value.number, raised.value.carried_out) == (length, reach)

    def test_tells_that_all_was_written_anew_and_from_where_at_the_earliest(self) -> None:
        ours, theirs = a_log(), a_log(3)
        while len(theirs) < LENGTH:
            head = Head(len(theirs), theirs[-1].hash)
            theirs.append(next_entry(head, Act.SHARED, day=DAY, drop=None, by="AB", said={}))
        heads = [Head(entry.number, entry.hash) for entry in (ours[1], ours[4], ours[5])]

        with pytest.raises(CustodyRewritten) as raised:
            followed(verified(entry.encoded for entry in theirs), heads)

        assert (raised.value.first, raised.value.number) == (3, 5)

    def test_may_not_contradict_itself(self) -> None:
        log = a_log()
        heads = [Head(2, log[1].hash), Head(2, bytes(32))]
        with pytest.raises(CustodyRewritten):
            followed(log, heads)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with database(tmp_path / "catalogue.db", bytes(32)) as opened:
        yield opened


class TestThePage:
    @pytest.mark.parametrize("act", Act)
    def test_names_everything_that_can_be_done(self, act: Act) -> None:
        page = Path(__file__).parents[3] / "docs/custody.md"
        assert f"`{act}`" in page.read_text("utf-8")


class TestInTheCatalogue:
    @pytest.fixture
    def log(self, db: Database) -> CustodyLog:
        log = CustodyLog(db, VAULT)
        for number in range(4):
            log.add(Act.OPENED, by="AB", day=DAY, drop=bytes([number]) * 32)
        return log

    def test_an_entry_is_neither_changed_nor_deleted(self, db: Database, log: CustodyLog) -> None:
        for sql in ("UPDATE custody SET number = 9 WHERE number = 4", "DELETE FROM custody"):
            with pytest.raises(Exception, match="never changed"):
                db.execute(sql)
        assert len(list(log.entries())) == 4

    @pytest.mark.parametrize(
        ("harm", "number"),
        [
            ("UPDATE custody SET entry = replace(entry, '2026', '2025') WHERE number = 2", 3),
            ("UPDATE custody SET entry = CAST('{}' AS BLOB) WHERE number = 2", 2),
            ("UPDATE custody SET number = 9 WHERE number = 4", 4),
            ("DELETE FROM custody WHERE number = 1", 1),
            ("DELETE FROM custody WHERE number = 3", 3),
            ("INSERT INTO custody SELECT 9, entry FROM custody WHERE number = 2", 5),
        ],
    )
    def test_what_somebody_with_the_vaults_key_changes_all_the_same_is_named(
        self, db: Database, log: CustodyLog, harm: str, number: int
    ) -> None:
        db.execute("DROP TRIGGER custody_stays")
        db.execute("DROP TRIGGER custody_is_kept")
        if "replace" in harm:
            harm = harm.replace("replace(entry, ", "CAST(replace(CAST(entry AS TEXT), ")
            harm = harm.replace("'2025')", "'2025') AS BLOB)")
        db.execute(harm)
        with pytest.raises(CustodyBroken) as raised:
            list(log.entries())
        assert raised.value.number == number

    def test_one_drop_has_entries_of_its_own(self, log: CustodyLog) -> None:
        assert [entry.number for entry in log.about(bytes([2]) * 32)] == [3]
        assert log.about(bytes([9]) * 32) == []


KEY = Ed25519PrivateKey.generate()
SIGNED = signed_head(Head(6, bytes(32)), desk="desk", day="2026-11-21", key=KEY)


class TestASignedFile:
    def head_in(self, folder: Path, content: bytes) -> list[Head]:
        (folder / "word").write_bytes(content)
        return carried_heads(folder / "word", KEY.public_key())

    def test_is_believed_where_this_desk_signed_it(self, tmp_path: Path) -> None:
        assert self.head_in(tmp_path, SIGNED) == [Head(6, bytes(32))]

    @given(untrusted=st.binary() | st.builds(lambda text: text.encode(), st.text()))
    @example(untrusted=b'{"signature":"","x":' + b"[" * 2000)
    def test_is_refused_whatever_else_it_is(
        self, tmp_path_factory: pytest.TempPathFactory, untrusted: bytes
    ) -> None:
        folder = tmp_path_factory.getbasetemp()
        for content in (untrusted, SIGNED.partition(b"\n")[0] + b"\n" + untrusted):
            with pytest.raises(NotOurWord):
                self.head_in(folder, content)

    @given(place=st.integers(0, SIGNED.index(b"\n")), bit=st.integers(0, 7))
    def test_is_refused_where_one_bit_of_it_is_another(
        self, tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
    ) -> None:
        content = bytearray(SIGNED)
        content[place] ^= 1 << bit
        with pytest.raises(NotOurWord):
            self.head_in(tmp_path_factory.getbasetemp(), bytes(content))

    def test_of_another_desk_on_the_same_stick_is_passed_over(self, tmp_path: Path) -> None:
        other = Ed25519PrivateKey.generate()
        for name, key in (("a", KEY), ("b", other)):
            data = tmp_path / "TAPEDROP" / name / "data"
            data.mkdir(parents=True)
            word = signed_head(Head(2, bytes(32)), desk="desk", day="2026-11-21", key=key)
            (data / "custody.json").write_bytes(word)
        assert carried_heads(tmp_path, KEY.public_key()) == [Head(2, bytes(32))]
        with pytest.raises(NotOurWord):
            carried_heads(tmp_path, Ed25519PrivateKey.generate().public_key())


@pytest.fixture
def worked(ready: Ready, server: Server, stick: Path, tmp_path: Path) -> DeskAt:
    """A desk that has imported two drops, opened and exported the first."""

    def prepare(desk: DeskAt) -> None:
        server.receive(CANARY)
        server.hold(b"no envelope at all")
        desk("import", server.export(stick))
        desk("open", "--all")
        (row,) = [row for row in desk("list", "--json").json if row["status"] == "opened"]
        assert desk("export", row["id"], "--to", tmp_path / "out.wav").code == 0

    return ready(prepare)


class TestLog:
    def test_tells_what_was_done_with_each_drop_and_by_whom(self, worked: DeskAt) -> None:
        rows = worked("log", "--json").json
        assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
        assert [row["act"] for row in rows[:2]] == ["imported"] * 2
        assert sorted(row["act"] for row in rows[2:4]) == ["opened", "set aside"]
        assert rows[4]["act"] == "exported"
        assert {row["id"] for row in rows} == {"drop-0001", "drop-0002"}
        assert all(row["by"].startswith("desk-") for row in rows)

    def test_of_a_desk_that_is_older_than_its_log_begins_with_what_was_here(
        self, worked: DeskAt
    ) -> None:
        with unlocked(Layout.of(worked.folder)) as room:
            key = room.vault.catalogue_key
        with database(worked.folder / "catalogue.db", key) as db:
            db.execute("DROP TRIGGER custody_is_kept")
            db.execute("DELETE FROM custody")

        rows = worked("log", "--json").json

        assert [(row["id"], row["act"]) for row in rows] == [
            ("drop-0001", "was here before"), ("drop-0002", "was here before"),
        ]  # fmt: skip
        assert worked("log", "--json").json == rows

    def test_tells_what_was_promised_and_did_not_arrive(
        self, worked: DeskAt, server: Server, stick: Path
    ) -> None:
        late = server.hold(b"one that does not arrive")
        bag = server.export(stick)
        (bag / "data" / late).write_bytes(b"damaged")
        worked("import", bag)
        last = worked("log", "--json").json[-1]
        assert (last["act"], last["said"]) == ("set aside", {"why": "did not arrive whole"})

    def test_of_one_drop_or_since_a_day(self, worked: DeskAt) -> None:
        exported = worked("log", "--json").json[-1]["id"]
        acts = [row["act"] for row in worked("log", exported, "--json").json]
        assert acts == ["imported", "opened", "exported"]
        assert worked("log", "--since", "2999-01-01", "--json").json == []

    def test_holds_neither_digest_nor_name_nor_source(self, worked: DeskAt, tmp_path: Path) -> None:
        told = worked("log", "--json").out
        digests = [path.stem for path in worked.files("evidence")]
        assert not any(digest in told for digest in digests)
        assert not any(each in told for each in ("ozone", "recording.wav", str(tmp_path)))

    def test_verify_says_how_far_it_holds(self, worked: DeskAt) -> None:
        answer = worked("log", "verify")
        assert (answer.code, answer.out) == (0, "every entry holds, from 1 to 5\n")

    def test_verify_holds_it_against_what_an_export_carried_out(
        self, worked: DeskAt, tmp_path: Path
    ) -> None:
        answer = worked("log", "verify", "--against", tmp_path / "out.wav.custody", "--json")
        assert answer.json["held_against"] == 1

    def test_verify_believes_nothing_that_this_desk_did_not_sign(
        self, worked: DeskAt, tmp_path: Path
    ) -> None:
        word = tmp_path / "out.wav.custody"
        word.write_bytes(word.read_bytes().replace(b'"entries":5', b'"entries":4'))
        answer = worked("log", "verify", "--against", word)
        assert answer.code == 3
        assert "not signed by this desk" in answer.err
        assert worked("log", "verify", "--against", tmp_path).code == 3

    def test_a_log_of_an_older_desk_is_told_from_a_broken_one(
        self, worked: DeskAt, tmp_path: Path, reporter: object
    ) -> None:
        older = (worked.folder / "catalogue.db").read_bytes()
        worked("export", "drop-0001", "--to", tmp_path / "b.wav")
        worked("export", "drop-0002", "--to", tmp_path / "b.wav")
        (worked.folder / "catalogue.db").write_bytes(older)
        answer = worked("log", "verify", "--against", tmp_path / "b.wav.custody")
        assert answer.code == 3
        assert "the custody log ends at entry 5, and entry 6 was carried out before" in answer.err


class TestExport:
    def test_that_can_not_be_logged_gives_no_file(
        self, worked: DeskAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(*_said: object, **_facts: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(CustodyLog, "add", failing)
        folder = tmp_path / "usb"
        folder.mkdir()
        for each in ("drop-0001", "drop-0002"):
            assert worked("export", each, "--to", folder / "out.wav").code != 0
        assert list(folder.iterdir()) == []

    def test_a_word_that_is_there_already_is_not_overwritten(
        self, worked: DeskAt, tmp_path: Path, tell: Callable[..., object]
    ) -> None:
        before = worked("log", "--json").out
        (tmp_path / "new.wav.custody").write_bytes(b"dear")
        for each in ("drop-0001", "drop-0002"):
            assert worked("export", each, "--to", tmp_path / "new.wav").code == 2
        assert worked("log", "--json").out == before
        assert not (tmp_path / "new.wav").exists()
