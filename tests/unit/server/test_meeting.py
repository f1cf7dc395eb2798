"""Taking a desk on: what its file says is what its words cover, and what it may bring along."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from signing import DeskKey, Key

from crypto.comparing import read_object, words_of
from crypto.errors import KeyRefused, NewerVersion
from crypto.gpg import Gpg
from crypto.newsroom import add_keys
from server.cli.pair import command
from server.errors import NotPaired, SettingsRefused
from server.newsroom import Keyring
from server.staff.desks import pairing, roster
from server.staff.desks.desk import paired

NOW = datetime.now(UTC)
SECOND = {"version": 2, "kind": "tapedrop desk 2"}


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """A drop's keyring, as `init` leaves it."""
    home, desks = tmp_path / "newsroom", tmp_path / "desks"
    home.mkdir(mode=0o700)
    desks.mkdir()
    return Keyring(Gpg(home), desks)


@pytest.fixture
def desk() -> DeskKey:
    return DeskKey()


def planned(keyring: Keyring, file: Path) -> pairing.Meeting:
    assert keyring.desks is not None
    return pairing.planned(file.read_bytes(), keyring=keyring, desks=keyring.desks, now=NOW)


def met(keyring: Keyring, file: Path) -> pairing.Meeting:
    meeting = planned(keyring, file)
    assert keyring.desks is not None
    pairing.pair(meeting, keyring=keyring, desks=keyring.desks, now=NOW)
    return meeting


def held(keyring: Keyring) -> dict[str, str]:
    """Return each key that lies there, and what is wrong with it."""
    return {key.fingerprint: key.problem for key in keyring.read(now=NOW).keys}


class TestTheFirstDesk:
    def test_brings_its_reporters_key_and_signs_from_then_on(
        self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        one = keys["One"]
        file = desk.introduction(tmp_path, [one.fingerprint], **SECOND, key=one.block)
        meeting = met(keyring, file)

        assert meeting.first
        assert [key.fingerprint for key in meeting.adds] == [one.fingerprint]
        assert held(keyring) == {one.fingerprint: ""}
        assert keyring.desks is not None
        known = roster.roster_of(keyring.desks)
        assert known is not None
        assert known.signers == {desk.public: "desk"}

    def test_brings_no_key_that_it_does_not_reckon_with_itself(
        self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        add_keys(keyring.gpg, keys["One"].block.encode(), now=NOW)
        listed = [keys["One"].fingerprint]
        file = desk.introduction(tmp_path, listed, **SECOND, key=keys["Two"].block)

        assert met(keyring, file).adds == ()
        assert set(held(keyring)) == set(listed)

    def test_is_told_of_by_what_it_lacks_and_what_it_does_not_know(
        self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        for name in ("One", "Two"):
            add_keys(keyring.gpg, keys[name].block.encode(), now=NOW)
        meeting = met(keyring, desk.introduction(tmp_path, [keys["One"].fingerprint, "AB" * 20]))

        assert meeting.lacks == ("AB" * 20,)
        assert [key.fingerprint for key in meeting.unsigned] == [keys["Two"].fingerprint]
        assert held(keyring)[keys["Two"].fingerprint] != ""

    def test_is_refused_when_nothing_could_be_sealed_any_more(
        self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        add_keys(keyring.gpg, keys["One"].block.encode(), now=NOW)

        with pytest.raises(NotPaired, match="nothing could be sealed"):
            planned(keyring, desk.introduction(tmp_path, [keys["Two"].fingerprint]))

    def test_brings_no_other_key_beside_its_reporters(
        self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        both = keys["One"].block + keys["Two"].block
        file = desk.introduction(tmp_path, [keys["One"].fingerprint], **SECOND, key=both)

        with pytest.raises(NotPaired, match="more than its reporter's own key"):
            planned(keyring, file)

    def test_brings_no_key_that_keys_add_would_refuse(
        self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        ended = keys["Ended"]
        file = desk.introduction(tmp_path, [ended.fingerprint], **SECOND, key=ended.block)

        with pytest.raises(KeyRefused, match="expired"):
            planned(keyring, file)


class TestAFurtherDesk:
    @pytest.fixture(autouse=True)
    def _first(self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path) -> None:
        add_keys(keyring.gpg, keys["One"].block.encode(), now=NOW)
        met(keyring, desk.introduction(tmp_path, [keys["One"].fingerprint]))

    def test_brings_nobody_and_signs_nothing(
        self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        two, other = keys["Two"], DeskKey("other")
        file = other.introduction(tmp_path, [two.fingerprint], **SECOND, key=two.block)
        meeting = met(keyring, file)

        assert (meeting.first, meeting.adds, meeting.differs) == (False, (), True)
        assert set(held(keyring)) == {keys["One"].fingerprint}
        assert keyring.desks is not None
        assert [each.desk for each in paired(keyring.desks)] in (
            ["desk", "other"],
            ["other", "desk"],
        )
        known = roster.roster_of(keyring.desks)
        assert known is not None
        assert known.signers == {desk.public: "desk"}

    def test_signs_nothing_where_the_first_came_before_there_was_a_roster(
        self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        assert keyring.desks is not None
        (keyring.desks / "roster").unlink()
        met(keyring, DeskKey("other").introduction(tmp_path, [keys["Two"].fingerprint], **SECOND))

        known = roster.roster_of(keyring.desks)
        assert known is not None
        assert known.signers == {desk.public: "desk"}
        assert known.readers == {keys["One"].fingerprint}

    def test_cannot_take_anothers_name_nor_come_by_two(
        self, keyring: Keyring, desk: DeskKey, tmp_path: Path
    ) -> None:
        with pytest.raises(NotPaired, match="another desk"):
            planned(keyring, DeskKey("desk").introduction(tmp_path))
        desk.name = "other"
        with pytest.raises(NotPaired, match="was called desk"):
            planned(keyring, desk.introduction(tmp_path))

    def test_that_is_paired_already_changes_nothing(
        self, keyring: Keyring, desk: DeskKey, tmp_path: Path
    ) -> None:
        assert keyring.desks is not None
        before = {file.name: file.read_bytes() for file in keyring.desks.iterdir()}

        assert met(keyring, tmp_path / "desk.json").again
        assert {file.name: file.read_bytes() for file in keyring.desks.iterdir()} == before


class TestTheFile:
    def test_that_is_not_there_is_a_question_of_usage(self, tmp_path: Path) -> None:
        for folder in ("newsroom", "desks", "receipts"):
            (tmp_path / folder).mkdir(mode=0o700)
        (tmp_path / "tapedrop.toml").write_text("")

        words = [str(tmp_path / "none.json"), "--config", str(tmp_path / "tapedrop.toml")]
        refused = CliRunner().invoke(command, words)

        assert isinstance(refused.exception, SettingsRefused)

    def test_is_covered_by_its_words_whatever_a_later_version_adds(
        self, keyring: Keyring, desk: DeskKey, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        add_keys(keyring.gpg, keys["One"].block.encode(), now=NOW)
        file = desk.introduction(tmp_path, [keys["One"].fingerprint])

        assert planned(keyring, file).words == words_of(read_object(file.read_bytes()))

    @pytest.mark.parametrize("said", ["", "[]", "{}", '{"version": 1}', "\x00" * 10, "{" * 9000])
    def test_that_is_none_is_refused(self, keyring: Keyring, tmp_path: Path, said: str) -> None:
        (tmp_path / "desk.json").write_text(said)

        with pytest.raises(NotPaired):
            planned(keyring, tmp_path / "desk.json")

    def test_of_a_later_version_says_so(
        self, keyring: Keyring, desk: DeskKey, tmp_path: Path
    ) -> None:
        with pytest.raises(NewerVersion):
            planned(keyring, desk.introduction(tmp_path, version=3))

    @pytest.mark.parametrize("name", ["../../etc", "", "a" * 41, "\x1b[2J"])
    def test_names_a_desk_by_letters_and_digits(
        self, keyring: Keyring, tmp_path: Path, name: str
    ) -> None:
        file = DeskKey("desk").introduction(tmp_path, desk=name)

        with pytest.raises(NotPaired):
            planned(keyring, file)
