"""Who reads is what a paired desk signed for: staff can let fewer read, and nobody else."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from signing import DeskKey, Key

from crypto.errors import BadKeyList, GpgFailed, NewerVersion, NoUsableKey, WrongSignature
from crypto.gpg import Gpg
from crypto.keylist import KeyList, signed
from crypto.newsroom import add_keys
from server.errors import NotFit, NotPaired
from server.newsroom import Keyring
from server.staff.desks import keylists, roster
from server.staff.desks.desk import introduced

NOW = datetime.now(UTC)
DROP = "d0" * 32


@dataclass(frozen=True)
class Drop:
    """A drop's keyring and desks, and the desk that it was paired with first."""

    keyring: Keyring
    desks: Path
    desk: DeskKey

    def take(self, untrusted: bytes, *, now: datetime = NOW) -> keylists.Change:
        return keylists.take(untrusted, keyring=self.keyring, desks=self.desks, drop=DROP, now=now)

    @property
    def readers(self) -> set[str]:
        """Whom is sealed to."""
        return {key.fingerprint for key in self.keyring.read(now=NOW).usable}

    @property
    def held(self) -> set[str]:
        """Whose keys lie there, whether or not anything is sealed to them."""
        return {key.fingerprint for key in self.keyring.read(now=NOW).keys}

    def state(self) -> tuple[set[str], bytes]:
        return self.held, (self.desks / "roster").read_bytes()


@pytest.fixture
def drop(tmp_path: Path, keys: dict[str, Key]) -> Drop:
    home, desks, desk = tmp_path / "newsroom", tmp_path / "desks", DeskKey()
    home.mkdir(mode=0o700)
    desks.mkdir()
    add_keys(Gpg(home), keys["One"].block.encode(), now=NOW)
    file = desk.introduction(tmp_path, [keys["One"].fingerprint])
    roster.begin(desks, introduced(file.read_bytes())[0])
    file.rename(desks / file.name)
    return Drop(Keyring(Gpg(home), desks), desks, desk)


def a_list(desk: DeskKey, *readers: Key, at: datetime = NOW, to: str = DROP, **more: str) -> bytes:
    """Return a list that the desk has signed; `more` are blocks in place of the keys' own."""
    blocks = {key.fingerprint: more.get("block", key.block) for key in readers}
    listed = KeyList(to, int(at.timestamp()), blocks, {desk.public: desk.name})
    return signed(listed, desk.key)


class TestWhoIsSignedFor:
    def test_nobody_need_be_while_no_desk_is_paired(self, tmp_path: Path) -> None:
        assert roster.signed_for(tmp_path) is None

    def test_at_first_whom_the_first_desk_was_made_with(
        self, drop: Drop, keys: dict[str, Key]
    ) -> None:
        assert roster.signed_for(drop.desks) == {keys["One"].fingerprint}

    def test_a_key_put_there_by_hand_is_not_and_nothing_is_sealed_to_it(
        self, drop: Drop, keys: dict[str, Key]
    ) -> None:
        drop.keyring.gpg.add_keys(keys["Two"].block.encode())

        assert keys["Two"].fingerprint in drop.held
        assert drop.readers == {keys["One"].fingerprint}

    def test_of_desks_paired_before_there_was_a_roster_what_all_of_them_know(
        self, tmp_path: Path
    ) -> None:
        DeskKey("a").introduction(tmp_path, ["A1" * 20, "B2" * 20])
        DeskKey("b").introduction(tmp_path, ["B2" * 20, "C3" * 20])

        assert roster.signed_for(tmp_path) == {"B2" * 20}

    def test_a_roster_that_is_gone_is_not_made_up_from_the_desks(
        self, drop: Drop, keys: dict[str, Key]
    ) -> None:
        # Every desk could sign then, and what was retired, or signed long ago, would count again.
        second = {"version": 2, "kind": "tapedrop desk 2"}
        DeskKey("other").introduction(drop.desks, [keys["One"].fingerprint], **second)
        (drop.desks / "roster").unlink()

        with pytest.raises(NotFit, match="gone; take it from a backup"):
            roster.signed_for(drop.desks)

    def test_a_retired_key_is_not(self, drop: Drop, keys: dict[str, Key]) -> None:
        roster.retired(drop.desks, keys["One"].fingerprint, now=NOW)

        assert drop.readers == set()

    @pytest.mark.parametrize(
        ("written", "refusal"), [('{"version": 2}', NewerVersion), ("{}", NotFit), ("", NotFit)]
    )
    def test_a_roster_that_cannot_be_read_lets_nobody_read(
        self, drop: Drop, written: str, refusal: type[Exception]
    ) -> None:
        (drop.desks / "roster").write_text(written)

        with pytest.raises(refusal):
            roster.signed_for(drop.desks)


class TestASignedList:
    def test_brings_a_key_and_takes_one_away(self, drop: Drop, keys: dict[str, Key]) -> None:
        change = drop.take(a_list(drop.desk, keys["Two"]))

        assert [key.fingerprint for key in change.added] == [keys["Two"].fingerprint]
        assert change.removed == (keys["One"].fingerprint,)
        assert drop.readers == drop.held == {keys["Two"].fingerprint}

    def test_need_not_bring_a_key_that_is_here(self, drop: Drop, keys: dict[str, Key]) -> None:
        drop.take(a_list(drop.desk, keys["One"], block=""))

        assert drop.readers == {keys["One"].fingerprint}

    def test_brings_a_later_end_for_a_key_that_is_here(
        self, drop: Drop, keys: dict[str, Key]
    ) -> None:
        assert drop.take(a_list(drop.desk, keys["One"])).renewed == ()
        later = a_list(drop.desk, keys["Longer"], at=NOW + timedelta(seconds=1))

        assert drop.take(later).renewed == (keys["One"].fingerprint,)
        (key,) = drop.keyring.read(now=NOW).keys
        assert (key.expires or 0) > (NOW + timedelta(days=700)).timestamp()

    def test_removes_what_somebody_put_there_by_hand(
        self, drop: Drop, keys: dict[str, Key]
    ) -> None:
        drop.keyring.gpg.add_keys(keys["Two"].block.encode())

        assert drop.take(a_list(drop.desk, keys["One"])).removed == (keys["Two"].fingerprint,)

    def test_is_taken_from_no_desk_that_may_not_sign(
        self, drop: Drop, keys: dict[str, Key], tmp_path: Path
    ) -> None:
        other = DeskKey("other")
        other.pair_with(drop.desks)

        self.refused(drop, a_list(other, keys["Two"]), WrongSignature)

    def test_may_name_a_desk_that_signs_the_next(self, drop: Drop, keys: dict[str, Key]) -> None:
        other = DeskKey("other")
        both = {drop.desk.public: "desk", other.public: "other"}
        listed = KeyList(DROP, int(NOW.timestamp()), {keys["One"].fingerprint: ""}, both)
        drop.take(signed(listed, drop.desk.key))

        drop.take(a_list(other, keys["Two"], at=NOW + timedelta(seconds=1)))

        assert drop.readers == {keys["Two"].fingerprint}

    def test_for_another_drop_is_refused(self, drop: Drop, keys: dict[str, Key]) -> None:
        self.refused(drop, a_list(drop.desk, keys["Two"], to="e0" * 32), BadKeyList)

    def test_older_than_the_last_is_refused(self, drop: Drop, keys: dict[str, Key]) -> None:
        before = a_list(drop.desk, keys["One"], keys["Two"], at=NOW - timedelta(days=1))
        drop.take(a_list(drop.desk, keys["One"]))

        self.refused(drop, before, BadKeyList)

    def test_of_a_day_to_come_is_refused(self, drop: Drop, keys: dict[str, Key]) -> None:
        late = a_list(drop.desk, keys["Two"], at=NOW + timedelta(days=2, minutes=1))

        self.refused(drop, late, BadKeyList)

    def test_brings_back_no_key_that_was_retired_since(
        self, drop: Drop, keys: dict[str, Key]
    ) -> None:
        both = a_list(drop.desk, keys["One"], keys["Two"])
        drop.take(both)
        roster.retired(drop.desks, keys["Two"].fingerprint, now=NOW + timedelta(hours=1))
        newer = a_list(drop.desk, keys["One"], keys["Two"], at=NOW + timedelta(minutes=30))

        self.refused(drop, both, BadKeyList)
        self.refused(drop, newer, BadKeyList)
        drop.take(a_list(drop.desk, keys["One"], keys["Two"], at=NOW + timedelta(hours=2)))
        assert keys["Two"].fingerprint in drop.readers

    def test_brings_no_retired_key_back_because_the_desks_clock_was_ahead(
        self, drop: Drop, keys: dict[str, Key]
    ) -> None:
        both = a_list(drop.desk, keys["One"], keys["Two"], at=NOW + timedelta(days=1))
        drop.take(both)
        roster.retired(drop.desks, keys["Two"].fingerprint, now=NOW)

        self.refused(drop, both, BadKeyList)

    def test_brings_no_key_back_that_is_retired_while_it_is_looked_at(
        self, drop: Drop, keys: dict[str, Key]
    ) -> None:
        one, two = keys["One"].fingerprint, keys["Two"].fingerprint
        listed = KeyList(DROP, int(NOW.timestamp()), {one: "", two: ""}, {drop.desk.public: "desk"})
        roster.retired(drop.desks, two, now=NOW)

        roster.replaced(drop.desks, listed)

        assert roster.signed_for(drop.desks) == {one}

    def test_that_leaves_no_usable_key_is_refused(self, drop: Drop, keys: dict[str, Key]) -> None:
        drop.keyring.gpg.add_keys(keys["Ended"].block.encode())
        named = {keys["One"].fingerprint: "", keys["Ended"].fingerprint: ""}
        desks = {drop.desk.public: "desk"}
        roster.replaced(drop.desks, KeyList(DROP, 1, named, desks))

        self.refused(drop, a_list(drop.desk, keys["Ended"], block=""), NoUsableKey)

    def test_with_another_key_than_it_names_is_refused(
        self, drop: Drop, keys: dict[str, Key]
    ) -> None:
        swapped = a_list(drop.desk, keys["Two"], block=keys["One"].block)

        self.refused(drop, swapped, BadKeyList)

    def test_with_a_key_that_is_nowhere_is_refused(self, drop: Drop, keys: dict[str, Key]) -> None:
        self.refused(drop, a_list(drop.desk, keys["Two"], block=""), BadKeyList)

    def test_means_nothing_while_no_desk_is_paired(self, drop: Drop, keys: dict[str, Key]) -> None:
        (drop.desks / "desk.json").unlink()

        self.refused(drop, a_list(drop.desk, keys["Two"]), NotPaired)

    def refused(self, drop: Drop, untrusted: bytes, refusal: type[Exception]) -> None:
        before = drop.state()
        with pytest.raises(refusal):
            drop.take(untrusted)
        assert drop.state() == before


class TestACrash:
    def test_before_the_roster_says_so_lets_nobody_new_read(
        self, drop: Drop, keys: dict[str, Key], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = a_list(drop.desk, keys["Two"])
        with monkeypatch.context() as broken:
            broken.setattr(keylists, "replaced", _killed)
            with pytest.raises(GpgFailed):
                drop.take(file)
        assert drop.readers == {keys["One"].fingerprint}

        drop.take(file)

        assert drop.readers == drop.held == {keys["Two"].fingerprint}

    def test_after_it_lets_nobody_old_read_and_the_same_list_tidies_up(
        self, drop: Drop, keys: dict[str, Key], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = a_list(drop.desk, keys["Two"])
        with monkeypatch.context() as broken:
            broken.setattr(keylists, "remove_keys", _killed)
            with pytest.raises(GpgFailed):
                drop.take(file)
        assert drop.readers == {keys["Two"].fingerprint}

        assert drop.take(file).again

        assert drop.held == {keys["Two"].fingerprint}


class TestTheFile:
    def test_says_its_version_and_nothing_of_when_anybody_came(self, drop: Drop) -> None:
        said = json.loads((drop.desks / "roster").read_bytes())

        assert said.keys() == {"version", "signers", "readers", "signed_at", "taken", "retired"}
        assert said["version"] == 1
        assert (drop.desks / "roster").stat().st_mode & 0o777 == 0o600


def _killed(*_arguments: object) -> None:
    raise GpgFailed("killed here")
