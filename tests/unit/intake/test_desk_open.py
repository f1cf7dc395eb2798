"""Opening: what is believed, what raises an alarm, and what is left behind when it fails."""

import errno
import os
import resource
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from desk import words
from desks import CANARY, Answer, DeskAt, Person, Server, flipped, manifest, public_home
from kernel import kernel_keeps

from crypto import chunks
from crypto.envelope import seal
from crypto.gpg import Gpg
from crypto.manifest import NOT_READ
from crypto.newsroom import Newsroom, read_newsroom
from intake.catalogue.keys import DropKeys
from intake.cli.desk import unlocked
from intake.errors import EvidenceDamaged
from intake.layout import Layout
from intake.pipeline import open_drop
from intake.views.drop import value_line
from intake.wording import spaced

NEEDLE = CANARY[:24]


class TestAnEnvelopeThatIsWhole:
    @pytest.fixture
    def opened(self, desk: DeskAt, server: Server, stick: Path) -> DeskAt:
        server.receive()
        desk("import", server.export(stick))
        answer = desk("open", "--all")
        assert (answer.code, answer.err) == (0, "")
        return desk

    def test_the_catalogue_knows_what_its_manifest_says(self, opened: DeskAt) -> None:
        (row,) = opened("list", "--json").json
        today = datetime.now(UTC).date().isoformat()
        expected = {
            "id": "drop-0001", "status": "opened", "set_aside": None, "alarms": [], "day": today,
            "pseudonym": "ozone fiber", "kind": "recording", "name": "recording.wav",
            "format": "WAV", "size": len(CANARY), "condition": "cleaned",
            "removed": {"location": 1, "device": 2}, "remains": {"codec_data": 1},
        }  # fmt: skip
        assert {name: row[name] for name in expected} == expected

    def test_the_list_says_it_in_a_reporters_words(self, opened: DeskAt) -> None:
        head, line = opened("list").out.splitlines()
        assert head.split()[:3] == ["id", "day", "from"]
        cells = [cell.strip() for cell in line.split("  ") if cell]
        assert cells[0] == "drop-0001"
        assert cells[2:] == ["ozone fiber", "WAV", "960 B", "new", "-"]

    def test_what_was_removed_is_shown_in_words_and_steers_nothing(self, opened: DeskAt) -> None:
        shown = opened("show", "1").out

        assert "location (1), device name (2) removed; decoder data remains\n" in shown
        assert "it said    location: TXXX:GPS: 52.5 N\n" in shown
        assert "it said    device name: TXXX:model: Dicta\ufffdphone\n" in shown
        assert opened("show", "1", "--json").json["values"][0]["text"] == "52.5 N"

    def test_values_that_could_not_be_read_are_not_what_it_said(self) -> None:
        assert value_line(**asdict(NOT_READ)) == "values     what was taken out could not be listed"

    def test_no_byte_of_it_lies_in_the_clear(self, opened: DeskAt, reporter: Person) -> None:
        assert len(opened.files("working")) == 1
        assert not opened.holds(NEEDLE)
        assert not DeskAt(reporter.home, opened.tell).holds(NEEDLE)

    def test_opening_it_again_does_nothing(self, opened: DeskAt) -> None:
        before = opened.files("working")[0].read_bytes()
        again = opened("open", "drop-0001")
        assert (again.code, again.err) == (0, "tapedrop-intake: drop-0001 is open already\n")
        assert opened.files("working")[0].read_bytes() == before

    def test_a_working_copy_that_was_dropped_is_made_anew(self, opened: DeskAt) -> None:
        opened.files("working")[0].unlink()
        assert opened("open", "1").code == 0
        assert len(opened.files("working")) == 1

    def test_one_that_a_bad_sector_keeps_from_being_read_is_made_anew(
        self, opened: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bad = opened.files("working")[0].stat().st_ino

        def read(fd: int, buffers: list[memoryview], offset: int) -> int:
            if os.fstat(fd).st_ino == bad:
                raise OSError(errno.EIO, "Input/output error")
            return os.preadv(fd, buffers, offset)

        monkeypatch.setattr(chunks, "os", SimpleNamespace(**vars(os) | {"preadv": read}))
        answer = opened("open", "1")
        assert answer.code == 0
        assert "its working copy is damaged: it is made again" in answer.err
        assert "is open already" in opened("open", "1").err

    def test_without_a_working_copy_show_says_how_to_have_one(self, opened: DeskAt) -> None:
        assert "working copy" not in opened("show", "1").out
        for copy in opened.folder.joinpath("working").iterdir():
            copy.unlink()

        assert "gone: tapedrop-intake open drop-0001" in opened("show", "1").out

    def test_what_a_version_without_session_keys_opened_waits_once_more(
        self, opened: DeskAt
    ) -> None:
        digest = bytes.fromhex(opened("show", "1", "--json").json["sha256"])
        with unlocked(Layout(opened.folder)) as room:
            room.catalogue.keys.destroy(digest)

        (subkey, *_) = opened("keys", "spent", "--json").json
        assert any("1 drop is to be opened once more" in why for why in subkey["needed"])
        assert [row["id"] for row in opened("open", "--all", "--json").json] == ["drop-0001"]
        with unlocked(Layout(opened.folder)) as room:
            assert room.catalogue.keys.of(digest) is not None

    def test_either_reporters_desk_opens_it(
        self, opened: DeskAt, make_desk: Callable[..., DeskAt], colleague: Person, stick: Path
    ) -> None:
        other = make_desk(colleague, "other")
        other("import", stick)
        assert other("open", "--all").code == 0

    def test_the_numbers_of_drops_stay_when_more_arrive(
        self, opened: DeskAt, server: Server, tmp_path: Path
    ) -> None:
        server.receive(b"another")
        opened("import", server.export(tmp_path / "second"))
        opened("open", "--all")
        sizes = {row["id"]: row["size"] for row in opened("list", "--json").json}
        assert sizes == {"drop-0001": len(CANARY), "drop-0002": len(b"another")}


class TestAnEnvelopeThatWasAltered:
    def altered(self, desk: DeskAt, server: Server, stick: Path, place: int) -> Answer:
        """Open an envelope that was altered before the server signed for it."""
        whole = server.sealed[server.receive(CANARY * 400)]
        server.sealed.clear()
        server.hold(flipped(whole, place))
        desk("import", server.export(stick))
        return desk("open", "--all")

    def test_one_byte_that_gpg_finds_only_at_the_end_leaves_no_file(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        answer = self.altered(desk, server, stick, place=-30)
        assert answer.code == 3
        assert "error: drop-0001 is not what was sealed" in answer.err
        assert desk.files("working") == []
        assert not desk.holds(NEEDLE)

    def test_until_gpg_vouches_for_it_what_was_opened_has_no_name(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        server.receive(CANARY * 4000)
        desk("import", server.export(stick))
        seen: list[list[Path]] = []
        with unlocked(Layout(desk.folder)) as room:
            open_drop(
                room.drop("1"), evidence=room.evidence, working=room.working,
                catalogue=room.catalogue, gpg=room.gpg, own=room.own_keys(),
                server=room.settings.server, by=room.by, day=datetime.now(UTC).date(),
                passed=lambda _size: seen.append(desk.files("working")),
            )  # fmt: skip
        assert len(seen) > 20
        assert not any(seen)
        assert len(desk.files("working")) == 1

    def test_it_is_set_aside_with_the_reason(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        self.altered(desk, server, stick, place=2000)
        (row,) = desk("list", "--json").json
        assert (row["status"], row["set_aside"]) == ("set aside", "gpg does not vouch for it")
        assert len(desk.files("evidence")) == 1

    def test_it_does_not_cost_the_one_beside_it(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        whole = server.sealed[server.receive()]
        server.hold(flipped(whole, -30))
        desk("import", server.export(stick))
        assert desk("open", "--all").code == 3
        statuses = sorted(row["status"] for row in desk("list", "--json").json)
        assert statuses == ["opened", "set aside"]

    def test_what_gpg_opens_but_is_no_envelope_is_set_aside(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        message = bytearray()
        server.gpg.encrypt(
            [NEEDLE * 1000], message.extend, to=server.newsroom.recipients(),
            day=datetime.now(UTC).date(), limit_seconds=60,
        )  # fmt: skip
        server.hold(bytes(message))
        desk("import", server.export(stick))
        answer = desk("open", "--all")
        assert answer.code == 3
        assert "not laid out as an envelope" in answer.err
        assert desk.files("working") == []

    def test_evidence_that_rotted_on_the_desk_is_not_blamed_on_the_server(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        server.receive()
        bag = server.export(stick)
        desk("import", bag)
        (evidence,) = desk.files("evidence")
        evidence.write_bytes(flipped(evidence.read_bytes(), 3000))
        answer = desk("open", "1")
        assert answer.code == 3
        assert "the envelope of drop-0001 is missing, or is not what was imported" in answer.err
        desk("import", bag)
        assert desk("open", "1").code == 0

    @pytest.mark.parametrize("whole", [True, False], ids=["another envelope", "no envelope"])
    def test_evidence_that_is_exchanged_after_it_was_verified_is_not_opened(
        self, desk: DeskAt, server: Server, stick: Path, *, whole: bool
    ) -> None:
        server.receive(CANARY)
        desk("import", server.export(stick))
        (evidence,) = desk.files("evidence")
        other = server.sealed[server.receive(b"said by nobody")]
        left = evidence.stat().st_size

        def exchanged(size: int) -> None:
            nonlocal left
            left -= size
            if left == 0:
                evidence.write_bytes(other if whole else flipped(other, 3000))

        with unlocked(Layout(desk.folder)) as room, pytest.raises(EvidenceDamaged):
            open_drop(
                room.drop("1"), evidence=room.evidence, working=room.working,
                catalogue=room.catalogue, gpg=room.gpg, own=room.own_keys(),
                server=room.settings.server, by=room.by, day=datetime.now(UTC).date(),
                passed=exchanged,
            )  # fmt: skip
        (row,) = desk("list", "--json").json
        assert row["status"] == "stored"
        assert desk.files("working") == []


class TestAKeyThatIsNotThere:
    @pytest.fixture
    def elsewhere(
        self, tell: Callable[..., Answer], server: Server, stranger: Person, tmp_path: Path
    ) -> DeskAt:
        pairing = server.pairing(tmp_path / "server.json")
        tell("init", tmp_path / "elsewhere", "--server", pairing, "--gnupg", stranger.home,
             "--key", stranger.fingerprint, "--outside-newsroom", *words(pairing))  # fmt: skip
        return DeskAt(tmp_path / "elsewhere", tell)

    def test_the_desk_says_so_and_keeps_the_drop_for_one_that_can(
        self, elsewhere: DeskAt, server: Server, stick: Path
    ) -> None:
        server.receive()
        elsewhere("import", server.export(stick))
        answer = elsewhere("open", "--all")
        assert answer.code == 4
        assert "drop-0001 was not sealed to a key of this desk (2 keys can open it)" in answer.err
        assert "hint: " in answer.err
        (row,) = elsewhere("list", "--json").json
        assert row["status"] == "stored"
        assert elsewhere.files("working") == []

    def test_the_keys_that_the_signed_bag_names_are_told(
        self,
        elsewhere: DeskAt,
        server: Server,
        stick: Path,
        reporter: Person,
        colleague: Person,
    ) -> None:
        server.receive()
        elsewhere("import", server.export(stick))
        answer = elsewhere("open", "--all")
        assert (
            "the bag of 2026-11-20 that brought it names these keys of the newsroom:" in answer.err
        )
        for person in (reporter, colleague):
            assert spaced(person.fingerprint) in answer.err

    def test_a_bag_whose_list_rotted_keeps_no_other_drop_from_being_tried(
        self, elsewhere: DeskAt, server: Server, stick: Path
    ) -> None:
        server.receive()
        server.receive()
        elsewhere("import", server.export(stick))
        (elsewhere.files("bags")[0] / "bag-info.txt").write_bytes(b"rotten")
        answer = elsewhere("open", "--all")
        assert answer.code == 4
        for drop in ("drop-0001", "drop-0002"):
            assert f"{drop} was not sealed to a key of this desk" in answer.err
            assert elsewhere("show", drop).code == 0

    def test_a_vault_whose_key_is_elsewhere_stays_shut(
        self, desk: DeskAt, stranger: Person, reporter: Person
    ) -> None:
        settings = desk.folder / "desk.toml"
        settings.write_text(settings.read_text().replace(str(reporter.home), str(stranger.home)))
        answer = desk("list")
        assert answer.code == 4
        assert "no key here opens the vault" in answer.err

    def test_a_vault_that_holds_more_than_a_key_is_none(
        self, desk: DeskAt, reporter: Person
    ) -> None:
        sealed = bytearray()
        (key,) = Gpg(reporter.home).secret_keys()
        day = datetime.now(UTC).date()
        Gpg(reporter.home).encrypt(
            [bytes(1000)], sealed.extend, to=[key.fingerprint], day=day, limit_seconds=60
        )
        (desk.folder / "vault.key.gpg").write_bytes(sealed)
        answer = desk("list")
        assert answer.code == 3
        assert "vault.key.gpg is not what was written" in answer.err

    def test_a_vault_that_was_altered_says_so(self, desk: DeskAt) -> None:
        sealed = desk.folder / "vault.key.gpg"
        sealed.write_bytes(flipped(sealed.read_bytes(), -5))
        answer = desk("list")
        assert answer.code == 3
        assert "vault.key.gpg is not what was written" in answer.err


class TestASessionKeyThatIsKept:
    @pytest.fixture
    def digest(self, desk: DeskAt, server: Server, stick: Path) -> bytes:
        """The envelope of a drop that was opened, and whose working copy was dropped."""
        envelope = server.sealed[server.receive()]
        desk("import", server.export(stick))
        assert desk("open", "--all").code == 0
        desk.files("working")[0].unlink()
        return sha256(envelope).digest()

    def keep(self, desk: DeskAt, digest: bytes, session: str) -> DropKeys:
        """Keep another session key for a drop; return the keys that were kept."""
        with unlocked(Layout(desk.folder)) as room:
            keys = room.catalogue.keys.of(digest)
            assert keys is not None
            room.catalogue.keys.keep(digest, replace(keys, session=session, subkey=None))
            return keys

    @pytest.mark.parametrize("session", [f"9:{'A7' * 32}", f"99:{'A7' * 32}", "9:A7", "", "9"])
    def test_one_that_is_not_its_own_is_found_anew_with_a_note(
        self, desk: DeskAt, digest: bytes, session: str
    ) -> None:
        before = self.keep(desk, digest, session)
        answer = desk("open", "1")
        assert answer.code == 0
        assert "drop-0001: the session key kept for it is not its own" in answer.err
        assert self.keep(desk, digest, before.session) == before

    @kernel_keeps
    def test_and_where_no_key_is_at_hand_the_drop_waits_for_one(
        self, desk: DeskAt, digest: bytes, reporter: Person, stranger: Person
    ) -> None:
        self.keep(desk, digest, f"9:{'A7' * 32}")
        desk("unlock")
        settings = desk.folder / "desk.toml"
        settings.write_text(settings.read_text().replace(str(reporter.home), str(stranger.home)))
        answer = desk("open", "1")
        (row,) = desk("list", "--json").json
        desk("lock")
        assert answer.code == 4
        assert row["status"] == "opened"
        assert desk.files("working") == []

    def test_it_is_in_nothing_that_is_printed(self, desk: DeskAt, digest: bytes) -> None:
        keys = self.keep(desk, digest, "9:")
        assert keys.session not in repr(keys)
        assert keys.session.split(":")[1] not in desk("open", "1").err


class TestAnEnvelopeThatRaisesAnAlarm:
    def opened(self, desk: DeskAt, server: Server, stick: Path) -> Answer:
        desk("import", server.export(stick))
        return desk("open", "--all")

    @pytest.fixture
    def three(
        self, tmp_path: Path, reporter: Person, colleague: Person, stranger: Person
    ) -> Newsroom:
        """The key list of a server that seals to one reader more."""
        home = public_home(tmp_path / "n3", [reporter, colleague, stranger])
        return read_newsroom(Gpg(home), now=datetime.now(UTC))

    def test_one_reader_more_is_not_hidden(
        self, desk: DeskAt, server: Server, stick: Path, three: Newsroom, tmp_path: Path
    ) -> None:
        server.home = tmp_path / "n3"
        server.receive(newsroom=three)
        answer = self.opened(desk, server, stick)
        assert answer.code == 1
        assert "ALARM: drop-0001: it is sealed to more keys than the newsroom has" in answer.err
        assert "sealed it for another list of keys" in answer.err
        assert "new (ALARM)" in desk("list").out
        assert "ALARM      it is sealed to more keys" in desk("show", "1").out

    def test_each_drop_that_has_one_is_named(
        self, desk: DeskAt, server: Server, stick: Path, three: Newsroom, tmp_path: Path
    ) -> None:
        server.home = tmp_path / "n3"
        for content in (CANARY, CANARY + b"other"):
            server.receive(content, newsroom=three)
        answer = self.opened(desk, server, stick)
        assert "ALARM: drop-0001" in answer.err
        assert "ALARM: drop-0002" in answer.err

    def test_one_reader_more_who_is_kept_quiet_is_not_hidden_either(
        self, desk: DeskAt, server: Server, stick: Path, three: Newsroom, tmp_path: Path
    ) -> None:
        honest, server.home = server.newsroom, tmp_path / "n3"
        envelope = bytearray()
        # The server says what the desk expects to hear, and seals to three.
        lying = Liar(three.keys, honest=honest)
        seal([CANARY], manifest(len(CANARY)), newsroom=lying, gpg=server.gpg,
             day=datetime.now(UTC).date(), sink=envelope.extend, limit_seconds=60)  # fmt: skip
        server.hold(bytes(envelope))
        assert self.opened(desk, server, stick).code == 1
        (row,) = desk("list", "--json").json
        assert row["alarms"] == ["sealed to more keys than the newsroom has"]

    def test_one_reader_fewer_is_told(
        self, desk: DeskAt, server: Server, stick: Path, reporter: Person
    ) -> None:
        kept = tuple(key for key in server.newsroom.keys if key.fingerprint == reporter.fingerprint)
        server.receive(newsroom=replace(server.newsroom, keys=kept))
        assert self.opened(desk, server, stick).code == 1
        (row,) = desk("list", "--json").json
        assert "sealed to fewer keys than the newsroom has" in row["alarms"]


class Liar(Newsroom):
    """A key list that gives out the digest of another."""

    def __init__(self, keys: object, *, honest: Newsroom) -> None:
        object.__setattr__(self, "keys", keys)
        object.__setattr__(self, "honest", honest)

    @property
    def digest(self) -> bytes:
        return self.honest.digest  # type: ignore[attr-defined,no-any-return]


class TestADiskThatIsFull:
    def test_it_leaves_nothing_and_the_drop_can_be_opened_later(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        server.receive(CANARY * 400)
        desk("import", server.export(stick))
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
        try:
            answer = desk("open", "--all")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert answer.code == 5
        assert desk.files("working") == []
        assert desk("open", "--all").code == 0


class TestWhatIsNamed:
    @pytest.mark.parametrize("name", ["drop-0009", "9", "nonsense", "drop-0", "-", "drop-\u0661"])
    def test_a_drop_that_is_not_there_is_said_to_be_unknown(self, desk: DeskAt, name: str) -> None:
        answer = desk("open", "--", name)
        assert answer.code == 2
        assert "there is no drop" in answer.err

    def test_neither_names_nor_all_is_a_question_of_usage(self, desk: DeskAt) -> None:
        answer = desk("open")
        assert answer.code == 2
        assert "name the drops to open, or say --all" in answer.err
        assert "hint: tapedrop-intake open --help" in answer.err
