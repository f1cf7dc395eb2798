"""Only keys that can be sealed to at this moment are sealed to, and a desk can tell the list."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest
from keyrings import LONG_AGO, Keyring, keyring

from crypto.errors import KeyRefused, NoUsableKey
from crypto.gpg import Gpg
from crypto.newsroom import Newsroom, NewsroomKey, add_keys, list_digest, read_newsroom

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Maker:
    """Someone with every kind of key that gives trouble, by name."""

    own: Keyring
    keys: dict[str, str]
    subkeys: dict[str, str]

    def exported(self, *names: str) -> bytes:
        return self.own.export(*(self.keys[name] for name in names))


@pytest.fixture(scope="session")
def maker() -> Iterator[Maker]:
    with keyring() as own:
        keys = {
            "good": own.new_key("good"),
            "ended": own.new_key("ended", expires="1y", at=LONG_AGO),
            "revoked": own.new_key("revoked"),
            "sign-only": own.new_key("sign-only", "ed25519", "sign"),
            "subkey-ended": own.new_key("subkey-ended", "ed25519", "cert", at=LONG_AGO),
            "two-subkeys": own.new_key("two-subkeys", "ed25519", "cert", at=LONG_AGO),
            "newest-ended": own.new_key("newest-ended", "ed25519", "cert", at=LONG_AGO),
            "ends-in-a-week": own.new_key("ends-in-a-week", expires="7d"),
        }
        own.revoke(keys["revoked"])
        own.new_subkey(keys["subkey-ended"], expires="1y", at=LONG_AGO)
        subkeys = {
            "older": own.new_subkey(keys["two-subkeys"], at="20240201T000000"),
            "newer": own.new_subkey(keys["two-subkeys"], at="20240301T000000"),
            "lasting": own.new_subkey(keys["newest-ended"], at="20240201T000000"),
        }
        own.new_subkey(keys["newest-ended"], expires="1m", at="20240301T000000")
        yield Maker(own, keys, subkeys)


@pytest.fixture(scope="session")
def everything(maker: Maker) -> Iterator[Newsroom]:
    """A keyring into which all of them got somehow."""
    with keyring(maker.own.export()) as made:
        yield read_newsroom(made.gpg, now=NOW)


@pytest.fixture
def empty(tmp_path: Path) -> Gpg:
    return Gpg(tmp_path)


def key_of(newsroom: Newsroom, fingerprint: str) -> NewsroomKey:
    (found,) = [key for key in newsroom.keys if key.fingerprint == fingerprint]
    return found


class TestJudging:
    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("ended", "expired"),
            ("revoked", "revoked"),
            ("sign-only", "it can't encrypt"),
            ("subkey-ended", "its encryption key is expired"),
        ],
    )
    def test_a_key_that_can_not_be_sealed_to_is_named_with_its_problem(
        self, maker: Maker, everything: Newsroom, name: str, problem: str
    ) -> None:
        found = key_of(everything, maker.keys[name])
        assert found.problem == problem
        assert f"{maker.keys[name]}: {problem}" in everything.problems
        assert found.subkey not in everything.recipients()

    @pytest.mark.parametrize("name", ["good", "two-subkeys", "newest-ended", "ends-in-a-week"])
    def test_a_key_that_can_be_sealed_to_is_a_recipient(
        self, maker: Maker, everything: Newsroom, name: str
    ) -> None:
        found = key_of(everything, maker.keys[name])
        assert found.problem == ""
        assert found.name == name
        assert found.subkey in everything.recipients()

    def test_the_newest_subkey_is_the_one(self, maker: Maker, everything: Newsroom) -> None:
        found = key_of(everything, maker.keys["two-subkeys"])
        assert found.subkey == maker.subkeys["newer"]

    def test_a_newest_subkey_that_ended_gives_way_to_an_older_one(
        self, maker: Maker, everything: Newsroom
    ) -> None:
        found = key_of(everything, maker.keys["newest-ended"])
        assert found.subkey == maker.subkeys["lasting"]

    def test_rsa_and_curve_keys_both_count(self, newsroom: Keyring) -> None:
        assert len(read_newsroom(newsroom.gpg, now=NOW).recipients()) == 2

    def test_a_key_that_ends_before_the_day_does_counts_no_more(self, maker: Maker) -> None:
        with keyring(maker.exported("ends-in-a-week")) as made:
            (found,) = read_newsroom(made.gpg, now=NOW).keys
            assert found.expires is not None
            ends = datetime.fromtimestamp(found.expires, UTC)
            last_day = ends.replace(hour=0, minute=0, second=0)
            (the_day_before,) = read_newsroom(made.gpg, now=last_day - timedelta(hours=1)).keys
            (that_morning,) = read_newsroom(made.gpg, now=last_day).keys
            elsewhere = last_day.astimezone(timezone(timedelta(hours=-9)))
            (west_of_greenwich,) = read_newsroom(made.gpg, now=elsewhere).keys
        assert the_day_before.problem == ""
        assert that_morning.problem == "expired, or expires today"
        assert west_of_greenwich == that_morning

    def test_looking_leaves_nothing_beside_the_keys(self, maker: Maker, tmp_path: Path) -> None:
        # Root looks too, and the keyring's own user could not open what root left.
        (tmp_path / "pubring.gpg").write_bytes(maker.exported("good"))

        assert read_newsroom(Gpg(tmp_path), now=NOW).usable
        assert [path.name for path in tmp_path.iterdir()] == ["pubring.gpg"]

    def test_a_disabled_key_counts_no_more(self, maker: Maker) -> None:
        with keyring(maker.exported("good")) as made:
            made.disable(maker.keys["good"])
            (found,) = read_newsroom(made.gpg, now=NOW).keys
        assert found.problem == "disabled"

    def test_a_key_revoked_since_the_last_envelope_counts_no_more(self, maker: Maker) -> None:
        with keyring() as own, keyring() as made:
            fingerprint = own.new_key("x")
            add_keys(made.gpg, own.export(), now=NOW)
            before = read_newsroom(made.gpg, now=NOW)
            own.revoke(fingerprint)
            made.run("--import", given=own.export())
            after = read_newsroom(made.gpg, now=NOW)
        assert before.problems == ()
        assert after.problems == (f"{fingerprint}: revoked",)

    def test_without_any_usable_key_nothing_is_sealed(self, maker: Maker, empty: Gpg) -> None:
        with pytest.raises(NoUsableKey):
            read_newsroom(empty, now=NOW).recipients()
        with keyring(maker.exported("ended", "revoked")) as made:
            ended = read_newsroom(made.gpg, now=NOW)
            with pytest.raises(NoUsableKey) as raised:
                ended.recipients()
        assert sorted(raised.value.problems) == sorted(ended.problems)
        assert len(ended.problems) == 2


class TestAdding:
    def test_a_key_that_was_added_is_sealed_to(self, maker: Maker, empty: Gpg) -> None:
        (added,) = add_keys(empty, maker.exported("good"), now=NOW)
        newsroom = read_newsroom(empty, now=NOW)
        assert newsroom.fingerprints == (maker.keys["good"],)
        assert newsroom.recipients() == (added.subkey,)

    def test_an_armoured_file_will_do(self, maker: Maker, empty: Gpg) -> None:
        armoured = maker.own.run("--armor", "--export", maker.keys["good"])
        assert [key.name for key in add_keys(empty, armoured, now=NOW)] == ["good"]

    def test_adding_it_again_changes_nothing(self, maker: Maker, empty: Gpg) -> None:
        add_keys(empty, maker.exported("good"), now=NOW)
        add_keys(empty, maker.exported("good"), now=NOW)
        assert len(read_newsroom(empty, now=NOW).keys) == 1

    @pytest.mark.parametrize("name", ["ended", "revoked", "sign-only", "subkey-ended"])
    def test_a_key_that_can_not_be_sealed_to_is_refused(
        self, maker: Maker, empty: Gpg, name: str
    ) -> None:
        with pytest.raises(KeyRefused) as raised:
            add_keys(empty, maker.exported(name), now=NOW)
        assert raised.value.fingerprint == maker.keys[name]

    def test_one_bad_key_in_a_file_keeps_all_of_it_out(self, maker: Maker, empty: Gpg) -> None:
        with pytest.raises(KeyRefused):
            add_keys(empty, maker.exported("good", "ended"), now=NOW)
        assert read_newsroom(empty, now=NOW).keys == ()

    def test_a_secret_key_is_refused_and_none_of_it_stays(self, maker: Maker, empty: Gpg) -> None:
        secret = maker.own.export_secret(maker.keys["good"])
        assert secret
        for exported in (secret, maker.exported("two-subkeys") + secret):
            with pytest.raises(KeyRefused) as raised:
                add_keys(empty, exported, now=NOW)
            assert str(raised.value) == "it holds a secret key"
        assert not empty.holds_secret_keys()
        assert not list(empty.home.glob("S.gpg-agent*"))
        assert read_newsroom(empty, now=NOW).keys == ()

    @pytest.mark.parametrize("exported", [b"", b"not a key", bytes(1000), b"\x99" * 50])
    def test_a_file_without_a_key_is_refused(self, empty: Gpg, exported: bytes) -> None:
        with pytest.raises(KeyRefused):
            add_keys(empty, exported, now=NOW)


class TestDigest:
    def test_it_is_what_the_documentation_says(self) -> None:
        listed = b"tapedrop newsroom 1\n" + b"A" * 40 + b"\n" + b"B" * 40 + b"\n"
        assert list_digest(["B" * 40, "A" * 40]) == sha256(listed).digest()

    def test_one_reader_more_changes_it(self, newsroom: Keyring) -> None:
        ours = read_newsroom(newsroom.gpg, now=NOW)
        one_more = Newsroom((*ours.keys, replace(ours.keys[0], fingerprint="F" * 40)))
        assert one_more.digest != ours.digest

    def test_a_key_that_ends_stays_in_the_list(self, maker: Maker, everything: Newsroom) -> None:
        assert maker.keys["ended"] in everything.fingerprints
        assert everything.digest == list_digest(maker.keys.values())
