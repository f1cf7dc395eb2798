"""Opening: what is believed, what raises an alarm, and what is left behind when it fails."""

import resource
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from desk import words
from desks import CANARY, Answer, DeskAt, Person, Server, flipped, manifest, public_home

from crypto.envelope import seal
from crypto.gpg import Gpg
from crypto.manifest import NOT_READ
from crypto.newsroom import Newsroom, read_newsroom
from intake.cli.show import value_line

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
        for said in (
            "drop-0001",
            "ozone fiber",
            "WAV",
            "960 B",
            "cleaned",
            "location, device name",
        ):
            assert said in line
        assert line.endswith("decoder data  opened")

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

    def test_a_vault_whose_key_is_elsewhere_stays_shut(
        self, desk: DeskAt, stranger: Person, reporter: Person
    ) -> None:
        settings = desk.folder / "desk.toml"
        settings.write_text(settings.read_text().replace(str(reporter.home), str(stranger.home)))
        answer = desk("list")
        assert answer.code == 4
        assert "no key here opens the vault" in answer.err

    def test_a_vault_that_was_altered_says_so(self, desk: DeskAt) -> None:
        sealed = desk.folder / "vault.key.gpg"
        sealed.write_bytes(flipped(sealed.read_bytes(), -5))
        answer = desk("list")
        assert answer.code == 3
        assert "vault.key.gpg is not what was written" in answer.err


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
        assert desk("list").out.rstrip().endswith("opened (ALARM)")
        assert "ALARM      it is sealed to more keys" in desk("show", "1").out

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
