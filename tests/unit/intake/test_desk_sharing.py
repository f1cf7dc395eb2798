"""A case goes to a colleague's desk and comes back; nothing is lost, and nothing more travels."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from desks import CANARY, Answer, DeskAt, Person, Server, flipped, manifest, snapshot
from sounds import talk, wav
from test_desk_cleaning import SECRET, encrypted, sent, tagged

from crypto.envelope import seal
from crypto.gpg import Gpg
from crypto.manifest import Condition
from intake.cli import run
from intake.cli.desk import unlocked
from intake.layout import Layout
from intake.proving.custody import Act
from intake.records import (
    Appearance,
    Case,
    Kind,
    Member,
    Note,
    Retention,
    Revision,
    Text,
    record_of,
)
from intake.records import Person as Somebody
from intake.sharing.casefile import CaseFile
from intake.sharing.giving import Sharing
from intake.unlocked import Unlocked

pytestmark = pytest.mark.usefixtures("opened_once")

DAY = date(2026, 11, 21)
FALSE = Revision(bytes(16), Kind.NOTE, bytes(32), None, Note("false"), (), "2026-11-21", "AB")
"""What is about a drop that nobody shares."""


@dataclass(frozen=True)
class Newsroom:
    """Two desks that know each other, one server, and the stick between them."""

    a: DeskAt
    b: DeskAt
    server: Server
    stick: Path
    reporter: Person
    colleague: Person

    def receive(self, *recordings: bytes, on_both: bool = False) -> None:
        """Have the server receive recordings, and carry them to desk a, or to both."""
        for recording in recordings:
            self.server.receive(recording)
        bag = self.server.export(self.stick.with_name("from-server"))
        for desk in (self.a, self.b) if on_both else (self.a,):
            assert desk("import", bag).code == 0

    def there(self, *ids: str) -> Answer:
        """Share from a; merge at b."""
        return self.carry(self.a, self.b, self.colleague, *ids)

    def back(self, *ids: str) -> Answer:
        """Share from b; merge at a."""
        return self.carry(self.b, self.a, self.reporter, *ids)

    def carry(self, giver: DeskAt, taker: DeskAt, to: Person, *ids: str) -> Answer:
        shutil.rmtree(self.stick, ignore_errors=True)
        shared = giver("share", *ids, "--key", to.fingerprint, "--to", self.stick)
        assert shared.code == 0, shared.err
        return taker("merge", self.stick, "--json")


@pytest.fixture(scope="session")
def two_desks(
    tmp_path_factory: pytest.TempPathFactory,
    newsroom_home: Path,
    reporter: Person,
    colleague: Person,
) -> tuple[Path, Server]:
    folder = tmp_path_factory.mktemp("desks")
    server = Server(newsroom_home, Ed25519PrivateKey.generate())
    pairing = server.pairing(folder / "server.json")
    for name, person in (("a", reporter), ("b", colleague)):
        made = ["init", str(folder / name), "--name", f"desk-{name}", "--server", str(pairing)]
        made += ["--key", person.fingerprint, "--gnupg", str(person.home), *words(pairing)]
        assert run(made) == 0
    for name, other in (("a", "b"), ("b", "a")):
        file = folder / other / "pairing.json"
        assert run(["keys", "add", str(file), *words(file), "--desk", str(folder / name)]) == 0
    return folder, server


@pytest.fixture
def newsroom(
    two_desks: tuple[Path, Server],
    tmp_path: Path,
    tell: Callable[..., Answer],
    reporter: Person,
    colleague: Person,
) -> Newsroom:
    made, server = two_desks
    for name in ("a", "b"):
        shutil.copytree(made / name, tmp_path / name)
    a, b = DeskAt(tmp_path / "a", tell), DeskAt(tmp_path / "b", tell)
    fresh = Server(server.home, server.key)
    return Newsroom(a, b, fresh, tmp_path / "stick", reporter, colleague)


@contextmanager
def at(desk: DeskAt) -> Iterator[Unlocked]:
    with unlocked(Layout.of(desk.folder)) as room, room.catalogue.whole():
        yield room


def case_of(desk: DeskAt, *ids: str, name: str = "the seven minutes") -> None:
    """Make case-0001 of these drops."""
    with at(desk) as room:
        records = room.catalogue.records
        case = records.put(Kind.CASE, Case(name), by="AB", day=DAY)
        for drop in room.drops(ids):
            record = record_of(Kind.MEMBER, drop.digest, case.id)
            records.put(Kind.MEMBER, Member(), by="AB", day=DAY, about=drop.digest,
                        within=case.id, record=record)  # fmt: skip


def say(desk: DeskAt, drop_id: str, kind: Kind, text: str, by: str = "AB") -> None:
    """Have a desk say the one thing of this kind about a drop, or one note more."""
    with at(desk) as room:
        drop = room.drop(drop_id)
        content = Note(text) if kind is Kind.NOTE else Text(text)
        record = None if kind is Kind.NOTE else record_of(kind, drop.digest)
        room.catalogue.records.put(kind, content, by=by, day=DAY, about=drop.digest, record=record)


def said(desk: DeskAt, kind: Kind) -> list[object]:
    """Return what a desk shows of every record of a kind."""
    with at(desk) as room:
        return [each.content for each in room.catalogue.records.all(kind)]


def known(desk: DeskAt) -> list[tuple[object, ...]]:
    """Return all that a desk's catalogue holds, but for its custody log."""
    with at(desk) as room:
        found = [(drop.digest, drop.status, drop.manifest) for drop in room.catalogue.drops.all()]
        told = [each.said for kind in Kind for record in room.catalogue.records.all(kind)
                for each in room.catalogue.records.revisions(record=record.id)]  # fmt: skip
        keys = [room.catalogue.keys.of(digest) for digest, *_ in found]
        return [*found, *((each,) for each in sorted(told)), *((each,) for each in keys)]


def entries(desk: DeskAt) -> list[tuple[str, dict[str, str | int]]]:
    with at(desk) as room:
        return [(each.act, dict(each.said)) for each in room.catalogue.custody.entries()]


class TestACaseForAColleague:
    def test_opens_there_without_a_key_of_theirs_and_brings_what_was_said(
        self, newsroom: Newsroom
    ) -> None:
        newsroom.receive(CANARY, CANARY + b"the second")
        assert newsroom.a("open", "--all").code == 0
        case_of(newsroom.a, "1", "2")
        say(newsroom.a, "1", Kind.SUMMARY, "what the guard says")
        say(newsroom.a, "2", Kind.NOTE, "a child recites a number")

        merged = newsroom.there("case-0001")

        assert merged.code == 0, merged.err
        (case,) = merged.json["cases"]
        assert [(row["status"], row["outcome"], row["new_revisions"], row["signed_by_server"])
                for row in case["drops"]] == [("opened", "stored", 2, True)] * 2  # fmt: skip
        assert said(newsroom.b, Kind.CASE) == [Case("the seven minutes")]
        assert said(newsroom.b, Kind.SUMMARY) == [Text("what the guard says")]
        assert said(newsroom.b, Kind.NOTE) == [Note("a child recites a number")]
        with at(newsroom.b) as room:
            assert [drop.id for drop in room.drops(["case-0001"])] == ["drop-0001", "drop-0002"]
            assert all(room.catalogue.keys.of(d.digest).subkey is None for d in room.drops(["1"]))
        exported = newsroom.b("export", "1", "--to", newsroom.stick / "x.wav")
        assert exported.code == 0, exported.err
        assert (newsroom.stick / "x.wav").read_bytes() in {CANARY, CANARY + b"the second"}

    def test_comes_back_with_the_work_of_both_sides(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)
        newsroom.a("open", "--all")
        case_of(newsroom.a, "1")
        newsroom.there("case-0001")
        say(newsroom.a, "1", Kind.NOTE, "from a")
        say(newsroom.b, "1", Kind.NOTE, "from b", by="CD")
        say(newsroom.b, "1", Kind.STATUS, "verifying", by="CD")

        assert newsroom.back("case-0001").code == 0
        assert newsroom.there("case-0001").code == 0

        for desk in (newsroom.a, newsroom.b):
            assert set(said(desk, Kind.NOTE)) == {Note("from a"), Note("from b")}
            assert said(desk, Kind.STATUS) == [Text("verifying")]

    def test_of_which_both_said_something_else_waits_for_a_person_and_loses_nothing(
        self, newsroom: Newsroom
    ) -> None:
        newsroom.receive(CANARY, on_both=True)
        say(newsroom.a, "1", Kind.SUMMARY, "a guard speaks")
        say(newsroom.b, "1", Kind.SUMMARY, "a nurse speaks", by="CD")

        merged = newsroom.there("1")

        assert merged.code == 1
        (conflict,) = merged.json["cases"][0]["conflicts"]
        assert conflict["drop"] == "drop-0001"
        told = {(head["by"], head["content"]["text"]) for head in conflict["conflict"]}
        assert told == {("AB", "a guard speaks"), ("CD", "a nurse speaks")}
        again = newsroom.b("merge", newsroom.stick)
        assert again.code == 1
        assert "a guard speaks" in again.out
        assert "a nurse speaks" in again.out
        assert "to decide: tapedrop-intake note set drop-0001 --summary" in again.out
        say(newsroom.b, "1", Kind.SUMMARY, "a guard and a nurse speak", by="CD")
        assert newsroom.back("1").code == 0
        assert said(newsroom.a, Kind.SUMMARY) == [Text("a guard and a nurse speak")]

    def test_merged_once_more_changes_nothing(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)
        newsroom.a("open", "--all")
        say(newsroom.a, "1", Kind.NOTE, "from a")
        newsroom.there("1")
        before = known(newsroom.b), entries(newsroom.b), snapshot(newsroom.b.folder / "evidence")

        again = newsroom.b("merge", newsroom.stick)

        assert again.code == 0
        assert "nothing that desk-a says of it is new" in again.err
        after = known(newsroom.b), entries(newsroom.b), snapshot(newsroom.b.folder / "evidence")
        assert after == before

    def test_is_in_the_custody_logs_of_both(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)
        newsroom.a("open", "--all")
        say(newsroom.a, "1", Kind.NOTE, "from a")
        newsroom.there("1")

        assert entries(newsroom.a)[-1] == ("shared", {"to": newsroom.colleague.fingerprint})
        assert entries(newsroom.b) == [
            ("imported", {}),
            ("merged", {"sender": "desk-a", "revisions": 1}),
            ("opened", {}),
        ]

    def test_that_was_never_opened_travels_as_it_is(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)

        merged = newsroom.there("1")

        assert merged.code == 0
        assert merged.json["cases"][0]["drops"][0]["status"] == "stored"
        assert newsroom.b("open", "1").code == 0

    def test_reaches_a_third_desk_by_way_of_the_second(
        self,
        newsroom: Newsroom,
        make_desk: Callable[..., DeskAt],
        stranger: Person,
        tmp_path: Path,
    ) -> None:
        newsroom.receive(CANARY)
        newsroom.a("open", "--all")
        say(newsroom.a, "1", Kind.NOTE, "from a")
        newsroom.there("1")
        third = make_desk(stranger, "third", "--outside-newsroom")
        exported = tmp_path / "stranger.asc"
        exported.write_text(public_key(stranger))
        newsroom.b("keys", "add", exported, "--fingerprint", stranger.fingerprint)
        file = newsroom.b.folder / "pairing.json"
        shutil.rmtree(newsroom.stick)
        newsroom.b("share", "1", "--key", stranger.fingerprint, "--to", newsroom.stick)

        merged = third("merge", newsroom.stick, "--from", file, *words(file), "--json")

        (row,) = merged.json["cases"][0]["drops"]
        assert row["status"] == "opened", merged.err
        assert said(third, Kind.NOTE) == [Note("from a")]
        # It is another newsroom's, and its server is none of theirs.
        assert not row["signed_by_server"]
        receipt = third("receipt", "--to", tmp_path / "back", "--json").json
        assert (receipt["envelopes"], receipt["sources_told"]) == (0, 0)
        refused = third("reply", "1", "--text-from", exported)
        assert refused.code == 2
        assert "not from this desk's server" in refused.err


def public_key(person: Person) -> str:
    return Gpg(person.home).export_keys([person.fingerprint])


class TestWhatTravels:
    def test_is_what_is_about_the_case_and_nothing_else(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY, CANARY + b"other")
        newsroom.a("open", "--all")
        case_of(newsroom.a, "1")
        case_of(newsroom.a, "1", "2", name="another story")
        say(newsroom.a, "2", Kind.NOTE, "not for them")
        with at(newsroom.a) as room:
            records, drop, other = room.catalogue.records, room.drop("1"), room.drop("2")
            heard = records.put(Kind.PERSON, Somebody("a guard"), by="AB", day=DAY)
            unheard = records.put(Kind.PERSON, Somebody("a judge"), by="AB", day=DAY)
            for person, where in ((heard, drop), (unheard, other)):
                record = record_of(Kind.APPEARANCE, where.digest, person.id)
                records.put(Kind.APPEARANCE, Appearance("speaks"), by="AB", day=DAY,
                            about=where.digest, within=person.id, record=record)  # fmt: skip

        assert newsroom.there("case-0001").code == 0

        assert said(newsroom.b, Kind.CASE) == [Case("the seven minutes")]
        assert said(newsroom.b, Kind.PERSON) == [Somebody("a guard")]
        assert said(newsroom.b, Kind.NOTE) == []
        assert len(said(newsroom.b, Kind.MEMBER)) == 1
        assert len(newsroom.b("list", "--json").json) == 1

    def test_are_the_servers_lists_too_which_promise_nothing(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY, CANARY + b"other")
        newsroom.there("1")
        assert len(newsroom.b("list", "--json").json) == 1
        (row,) = newsroom.b("merge", newsroom.stick, "--json").json["cases"][0]["drops"]
        assert row["signed_by_server"]

        assert newsroom.b("import", newsroom.stick.with_name("from-server")).code == 0

        assert len(newsroom.b("list", "--json").json) == 2
        bags = newsroom.b.folder / "bags"
        assert not list(bags.glob("*/passed-on"))
        assert len(list(bags.glob("*/taken"))) == 2

    def test_is_sealed_to_the_colleague_and_nothing_on_the_stick_says_more(
        self, newsroom: Newsroom
    ) -> None:
        newsroom.receive(CANARY)
        newsroom.a("open", "--all")
        say(newsroom.a, "1", Kind.NOTE, "a child recites a number")
        newsroom.there("1")

        held = b"".join(each.read_bytes() for each in newsroom.stick.rglob("*") if each.is_file())
        for secret in (b"child", CANARY[:24], b"ozone", b"desk-a"):
            assert secret not in held

    def test_what_was_taken_out_of_a_case_is_out_of_it_there_too(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY, CANARY + b"other", on_both=True)
        case_of(newsroom.a, "1", "2")
        newsroom.there("case-0001")
        with at(newsroom.a) as room:
            gone = room.drop("2").digest
            (member,) = room.catalogue.records.all(Kind.MEMBER, about=gone)
            room.catalogue.records.remove(member, by="AB", day=DAY)

        newsroom.there("case-0001")

        with at(newsroom.b) as room:
            assert [drop.digest != gone for drop in room.drops(["case-0001"])] == [True]

    def test_what_a_source_encrypted_to_one_desk_is_opened_at_the_other_that_could_not(
        self, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        sent(newsroom.server, encrypted(tagged(), newsroom.reporter))
        newsroom.receive(on_both=True)
        assert "cleaned at this desk" in newsroom.a("open", "--all").err
        assert "no key here opens it" in newsroom.b("open", "--all").err

        there = newsroom.there("1")

        assert there.code == 0, there.err
        assert newsroom.b("export", "1", "--to", tmp_path / "clean.wav").code == 0
        assert SECRET not in (tmp_path / "clean.wav").read_bytes()

    def test_a_hold_that_another_desk_releases_is_told(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)
        with at(newsroom.a) as room:
            digest = room.drop("1").digest
            record = record_of(Kind.RETENTION, digest)
            room.catalogue.records.put(Kind.RETENTION, Retention(hold="a court"), by="AB",
                                       day=DAY, about=digest, record=record)  # fmt: skip
        newsroom.there("1")
        with at(newsroom.b) as room:
            room.catalogue.records.put(Kind.RETENTION, Retention(), by="CD", day=DAY,
                                       about=digest, record=record)  # fmt: skip

        back = newsroom.back("1")

        assert back.code == 1
        assert back.json["cases"][0]["released_from_hold"] == ["drop-0001"]
        assert newsroom.a("purge", "1", "--confirm", "purge 1 drop").code == 0
        acts = [(row["act"], row["said"]) for row in newsroom.a("log", "1", "--json").json]
        assert acts[-2:] == [("released from hold", {"sender": "desk-b"}), ("purged", {})]
        there = [row["act"] for row in newsroom.b("log", "1", "--json").json]
        assert there.count("put on hold") == 1

    def test_a_drop_that_another_desk_keeps_for_less_long_is_told(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)
        with at(newsroom.a) as room:
            digest = room.drop("1").digest
            record = record_of(Kind.RETENTION, digest)
            room.catalogue.records.put(Kind.RETENTION, Retention(until="2030-01-31"), by="AB",
                                       day=DAY, about=digest, record=record)  # fmt: skip
        assert newsroom.there("1").json["cases"][0]["kept_shorter"] == []
        with at(newsroom.b) as room:
            room.catalogue.records.put(Kind.RETENTION, Retention(until="2027-01-31"), by="CD",
                                       day=DAY, about=digest, record=record)  # fmt: skip

        back = newsroom.back("1")

        assert back.code == 1
        assert back.json["cases"][0]["kept_shorter"] == ["drop-0001"]

    def test_a_key_outside_the_newsroom_is_asked_about(
        self, newsroom: Newsroom, stranger: Person, tmp_path: Path
    ) -> None:
        newsroom.receive(CANARY)
        asked = newsroom.a("share", "1", "--key", stranger.fingerprint, "--to", newsroom.stick)
        assert asked.code == 2
        assert "neither this desk nor its keyring has it" in asked.err
        (newsroom.a.folder / "keys" / f"{stranger.fingerprint}.asc").write_text(
            public_key(stranger)
        )
        share = ["share", "1", "--key", stranger.fingerprint, "--to", newsroom.stick]
        assert "--confirm" in newsroom.a(*share).err
        assert newsroom.a(*share, "--confirm", "another").code == 3
        assert not newsroom.stick.exists()
        assert newsroom.a(*share, "--confirm", stranger.fingerprint).code == 0


def came_encrypted(newsroom: Newsroom, recording: bytes) -> None:
    """Have desk-a open what its source had encrypted to the reporter there, and to no one else."""
    command = ["gpg", "--homedir", str(newsroom.reporter.home), "--batch", "--quiet"]
    command += ["--trust-model", "always", "--recipient", newsroom.reporter.fingerprint, "-e"]
    content = subprocess.run(command, input=recording, check=True, capture_output=True).stdout
    came_uncleaned(newsroom, content)


def came_uncleaned(newsroom: Newsroom, content: bytes) -> None:
    envelope = bytearray()
    said = replace(manifest(len(content)), name="recording.bin", format="unknown",
                   condition=Condition.UNCLEANED, removed={}, values=())  # fmt: skip
    seal([content], said, newsroom=newsroom.server.newsroom, gpg=newsroom.server.gpg,
         day=datetime.now(UTC).date(), sink=envelope.extend, limit_seconds=60)  # fmt: skip
    newsroom.server.hold(bytes(envelope))
    newsroom.receive()
    newsroom.a("open", "1")


class TestWhatAColleagueSays:
    def edited(self, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, **said: object) -> Answer:
        """Share drop-0001 from a desk that says something else of it; merge."""

        def case_file(self: Sharing, *told: Any) -> CaseFile:
            case = honest(self, *told)
            drops = tuple(msgspec.structs.replace(drop, **said) for drop in case.drops)
            return replace(case, drops=drops)

        honest = Sharing.case_file
        monkeypatch.setattr(Sharing, "case_file", case_file)
        return newsroom.there("1")

    def test_opens_a_drop_if_gpg_vouches_for_it_and_costs_it_nothing_if_not(
        self, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newsroom.receive(CANARY)

        self.edited(newsroom, monkeypatch, session_key="9:" + "0" * 64)

        (row,) = newsroom.b("list", "--json").json
        assert row["status"] == "opened"
        with at(newsroom.b) as room:
            keys = room.catalogue.keys.of(room.drop("1").digest)
            assert keys is not None
            assert keys.session != "9:" + "0" * 64

    @pytest.mark.parametrize("told", [{}, {"inside_key": "9:" + "0" * 64}], ids=["true", "false"])
    def test_opens_what_a_source_had_encrypted_only_by_the_key_that_does(
        self, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
    ) -> None:
        came_encrypted(newsroom, wav(talk(1, seed=3)))
        assert newsroom.a("list", "--json").json[0]["cleaned_format"] == "WAV"

        self.edited(newsroom, monkeypatch, **told)

        assert newsroom.b("list", "--json").json[0]["cleaned_format"] == (None if told else "WAV")
        with at(newsroom.a) as room:
            true = room.catalogue.keys.inside(room.drop("1").digest)
        with at(newsroom.b) as room:
            kept = room.catalogue.keys.inside(room.drop("1").digest)
        assert true is not None
        assert kept == (None if told else true)

    def test_of_a_drop_that_the_server_did_not_sign_for_is_named_as_only_theirs(
        self, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        forged = Server(newsroom.server.home, Ed25519PrivateKey.generate())
        forged.receive(CANARY)
        (held,) = forged.sealed.values()
        name = f"{sha256(held).hexdigest()}.gpg"
        (newsroom.a.folder / "evidence" / name).write_bytes(held)

        newsroom.there("1")
        said = newsroom.b("merge", newsroom.stick)

        assert "only desk-a" in said.out
        assert "the server" not in said.out

    def test_of_its_custody_log_must_stay_the_same_story(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)
        old = newsroom.a.folder.with_name("old")
        shutil.copytree(newsroom.a.folder, old)
        assert newsroom.there("1").code == 0
        newsroom.a("open", "1")
        assert newsroom.there("1").code == 0
        with at(newsroom.b) as room:
            told = room.catalogue.elsewhere.of(room.drop("1").digest)
            assert [(each.desk, each.entry.act) for each in told] == [
                ("desk-a", act) for act in ("imported", "shared", "opened", "shared")
            ]
        stated = newsroom.b("statement", "1").out
        assert "What other desks say they did with it" in stated
        assert f"to: {newsroom.colleague.fingerprint}" in stated

        shutil.rmtree(newsroom.a.folder)
        shutil.copytree(old, newsroom.a.folder)
        newsroom.a("export", "1", "--to", newsroom.stick.with_name("x"))
        newsroom.a("open", "1")
        merged = newsroom.there("1")

        assert merged.code == 1
        assert merged.json["cases"][0]["custody_told_twice"] == 2
        assert newsroom.b("merge", newsroom.stick).code == 0


class TestWhatIsNotCleaned:
    def test_is_shared_only_if_somebody_says_so_and_is_labelled(self, newsroom: Newsroom) -> None:
        came_uncleaned(newsroom, b"no format that anybody knows" * 40)
        share = ["share", "1", "--key", newsroom.colleague.fingerprint, "--to", newsroom.stick]

        refused = newsroom.a(*share)

        assert refused.code == 3
        assert "not shared: drop-0001" in refused.err
        assert not newsroom.stick.exists()
        shared = newsroom.a(*share, "--uncleaned")
        assert shared.code == 0
        assert "drop-0001 is not cleaned" in shared.err
        assert "NOT cleaned" in newsroom.b("merge", newsroom.stick).out


class TestWhatWasPurged:
    def test_does_not_come_back_and_nothing_said_of_it_does(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY, CANARY + b"other")
        newsroom.a("open", "--all")
        case_of(newsroom.a, "1", "2")
        newsroom.there("case-0001")
        with at(newsroom.b) as room:
            drop = room.drop("1")
            entry = room.catalogue.custody.add(Act.PURGED, drop=drop.digest, by="CD", day=DAY)
            room.catalogue.purged.destroy(drop, day=DAY, entry=entry.number)
        say(newsroom.a, "1", Kind.NOTE, "of what they purged")

        merged = newsroom.there("case-0001")

        assert merged.code == 0
        rows = {row["id"]: row["outcome"] for row in merged.json["cases"][0]["drops"]}
        assert rows["drop-0001"] == "left out: it was purged here"
        assert said(newsroom.b, Kind.NOTE) == []
        assert len(newsroom.b.files("evidence")) == 1
        assert [row["id"] for row in newsroom.b("list", "--json").json] == ["drop-0002"]


class TestOnTheStick:
    def test_a_share_that_was_broken_off_goes_on(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY, CANARY + b"other")
        newsroom.there("1", "2")
        (bag,) = (newsroom.stick / "TAPEDROP").iterdir()
        with at(newsroom.a) as room:
            owner = room.signing_key.private_bytes_raw()
        whose = sha256(b"tapedrop unfinished case\x00" + owner
                       + newsroom.colleague.fingerprint.encode()).hexdigest()[:16]  # fmt: skip
        part = bag.with_name(f"{'7' * 32}.{whose}.part")
        bag.rename(part)
        kept, spoilt = sorted(part.glob("data/[0-9a-f]*[0-9a-f].gpg"), key=names_hex)[:2]
        spoilt.write_bytes(b"half")
        inode = kept.stat().st_ino
        (part / "data" / "aa").symlink_to("/etc/passwd")
        (part / "stray").mkdir()
        theirs = bag.with_name(f"{'8' * 32}.{'0' * 16}.part")
        theirs.mkdir()

        again = newsroom.a("share", "1", "2", "--key", newsroom.colleague.fingerprint,
                           "--to", newsroom.stick)  # fmt: skip

        assert again.code == 0, again.err
        assert theirs.exists()
        assert (bag.with_name("7" * 32) / "data" / kept.name).stat().st_ino == inode
        assert newsroom.b("merge", newsroom.stick).code == 0

    def test_too_little_room_is_named_before_anything_is_copied(
        self, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newsroom.receive(CANARY)
        usage = shutil.disk_usage("/")._replace(free=1000)
        monkeypatch.setattr("intake.sharing.outgoing.shutil.disk_usage", lambda _place: usage)

        full = newsroom.a("share", "1", "--key", newsroom.colleague.fingerprint,
                          "--to", newsroom.stick)  # fmt: skip

        assert full.code == 5
        assert "are needed on the stick, and 1.0 kB are free" in full.err
        assert not list(newsroom.stick.rglob("*.gpg"))
        assert [act for act, _ in entries(newsroom.a)] == ["imported"]

    def test_a_drop_that_fat32_can_not_hold_is_named(
        self, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newsroom.receive(CANARY)
        monkeypatch.setattr("intake.sharing.outgoing._file_system", lambda _place: "vfat")
        monkeypatch.setattr("intake.sharing.outgoing._FAT_LIMIT", 1000)

        full = newsroom.a("share", "1", "--key", newsroom.colleague.fingerprint,
                          "--to", newsroom.stick)  # fmt: skip

        assert full.code == 5
        assert "the stick is FAT32, where a file ends at 4 GiB" in full.err

    def test_an_envelope_that_is_damaged_at_the_desk_is_named_and_not_shared(
        self, newsroom: Newsroom
    ) -> None:
        newsroom.receive(CANARY, CANARY + b"other")
        shown = newsroom.a("show", "2", "--json").json["sha256"]
        evidence = newsroom.a.folder / "evidence" / f"{shown}.gpg"
        evidence.write_bytes(flipped(evidence.read_bytes(), 1000))

        refused = newsroom.a("share", "1", "2", "--key", newsroom.colleague.fingerprint,
                             "--to", newsroom.stick)  # fmt: skip

        assert refused.code == 3
        assert "the envelope of drop-0002 is missing, or is not what" in refused.err
        assert not [bag for bag in (newsroom.stick / "TAPEDROP").iterdir() if not bag.suffix]

    def test_one_that_was_damaged_on_the_way_costs_the_others_nothing(
        self, newsroom: Newsroom
    ) -> None:
        newsroom.receive(CANARY, CANARY + b"other")
        newsroom.a("open", "--all")
        say(newsroom.a, "1", Kind.NOTE, "from a")
        newsroom.a("share", "1", "2", "--key", newsroom.colleague.fingerprint,
                   "--to", newsroom.stick)  # fmt: skip
        spoilt = min(newsroom.stick.glob("TAPEDROP/*/data/*.gpg"), key=names_hex)
        whole = spoilt.read_bytes()
        spoilt.write_bytes(flipped(whole, 1000))

        merged = newsroom.b("merge", newsroom.stick, "--json")

        assert merged.code == 1
        drops = merged.json["cases"][0]["drops"]
        assert {row["status"] for row in drops} == {"opened", "set aside"}
        spoilt.write_bytes(whole)
        again = newsroom.b("merge", newsroom.stick, "--json").json["cases"][0]
        assert [row["status"] for row in again["drops"]] == ["opened", "opened"]
        assert said(newsroom.b, Kind.NOTE) == [Note("from a")]


def names_hex(path: Path) -> tuple[bool, str]:
    """Put envelopes before the case file."""
    return path.stem == "case", path.stem


class TestACaseIsRefused:
    def test_from_a_desk_that_is_not_known_unless_its_words_are_typed(
        self, newsroom: Newsroom, make_desk: Callable[..., DeskAt]
    ) -> None:
        newsroom.receive(CANARY)
        newsroom.there("1")
        fresh = make_desk(newsroom.colleague, "fresh")

        refused = fresh("merge", newsroom.stick)

        assert refused.code == 3
        assert "not signed by a desk that this one knows" in refused.err
        assert "--from pairing.json" in refused.err
        file = newsroom.a.folder / "pairing.json"
        merge = ["merge", newsroom.stick, "--from", file]
        differs = fresh(*merge, "--words", "one two")
        assert differs.code == 3
        assert "read it from the other machine's screen, or from paper" in differs.err
        assert fresh(*merge).code == 2
        assert fresh("list", "--json").json == []
        assert fresh(*merge, *words(file)).code == 0

    def test_by_import_which_names_the_verb_that_takes_it(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)
        newsroom.there("1")

        refused = newsroom.b("import", newsroom.stick)

        assert refused.code == 3
        assert "it carries case" in refused.err
        assert "tapedrop-intake merge" in refused.err

    def test_whose_case_file_was_altered_on_the_stick(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)
        newsroom.a("share", "1", "--key", newsroom.colleague.fingerprint, "--to", newsroom.stick)
        (sealed,) = newsroom.stick.glob("TAPEDROP/*/data/case.gpg")
        sealed.write_bytes(flipped(sealed.read_bytes(), 500))

        refused = newsroom.b("merge", newsroom.stick)

        assert refused.code == 3
        assert newsroom.b("list", "--json").json == []

    def test_and_others_on_the_stick_are_taken_in(
        self, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newsroom.receive(CANARY, CANARY + b"other")
        share = ["--key", newsroom.colleague.fingerprint, "--to", newsroom.stick]
        newsroom.a("share", "1", *share)
        with monkeypatch.context() as forging:
            forging.setattr("intake.sharing.giving.told_of", lambda *_, **__: [FALSE])
            newsroom.a("share", "2", *share)
        newsroom.a("share", "2", "--key", newsroom.reporter.fingerprint, "--to", newsroom.stick)
        newsroom.a("receipt", "--to", newsroom.stick)

        merged = newsroom.b("merge", newsroom.stick, "--json")

        assert merged.code == 3
        refused = [case["refused"] for case in merged.json["cases"]]
        assert sorted(each or "" for each in refused) == [
            "", "the case can't be taken in: it speaks of what was not shared; nothing was changed",
        ]  # fmt: skip
        assert merged.err.count("passed over") == 2
        assert len(newsroom.b("list", "--json").json) == 1

    def test_sealed_to_somebody_else(self, newsroom: Newsroom) -> None:
        newsroom.receive(CANARY)
        newsroom.there("1")

        assert newsroom.a("merge", newsroom.stick).code == 4
