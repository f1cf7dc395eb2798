"""A recording is sealed for decades: no weak key is among its readers, and none that just ended."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyrings import LONG_AGO, Keyring, keyring
from steady import examples

from crypto.errors import GpgFailed, KeyRefused
from crypto.gpg import Gpg
from crypto.listing import Half
from crypto.newsroom import UNSIGNED, Newsroom, NewsroomKey, add_keys, look_at, read_newsroom
from crypto.strength import algorithm_text, weakness

pytestmark = pytest.mark.xdist_group("weak_keys")

NOW = datetime.now(UTC)
CURVE = Half("A" * 40, "-", 22, 255, 1, None, "scESC", frozenset({8}))


def at(ago: timedelta) -> str:
    """Return a moment in the past as gpg is told it."""
    return f"{NOW - ago:%Y%m%dT%H%M%S}"


@dataclass(frozen=True)
class Weak:
    """Someone with keys that are weak in every way, by name; each has a subkey to encrypt to."""

    own: Keyring
    keys: dict[str, str]

    def exported(self, name: str) -> bytes:
        return self.own.export(self.keys[name])


@pytest.fixture(scope="module")
def weak() -> Iterator[Weak]:
    with keyring() as own:
        kinds = {
            "rsa-2048": ("rsa2048", "cv25519"),
            "dsa": ("dsa1024", "cv25519"),
            "encrypts-by-rsa-2048": ("ed25519", "rsa2048"),
            "encrypts-by-elgamal": ("ed25519", "elg1024"),
            "name-by-sha1": ("ed25519", ""),
            "subkey-by-sha1": ("ed25519", ""),
            "mended": ("ed25519", ""),
            "older-is-strong": ("ed25519", "rsa1024"),
        }
        keys = {}
        for name, (primary, subkey) in kinds.items():
            sha1 = "SHA1" if name in ("name-by-sha1", "mended") else "SHA256"
            keys[name] = own.new_key(name, primary, "cert", digest=sha1, at=LONG_AGO)
            if subkey:
                own.new_subkey(keys[name], subkey, at="20240301T000000")
        own.new_subkey(keys["name-by-sha1"])
        own.new_subkey(keys["subkey-by-sha1"], digest="SHA1")
        own.new_subkey(keys["mended"], digest="SHA1", at=LONG_AGO)
        own.sign_anew(keys["mended"], digest="SHA256")
        own.new_subkey(keys["older-is-strong"], at="20240201T000000")
        yield Weak(own, keys)


@pytest.fixture(scope="module")
def read(weak: Weak) -> Iterator[Newsroom]:
    """A keyring into which all of them got somehow."""
    with keyring(weak.own.export()) as made:
        yield read_newsroom(made.gpg, now=NOW)


def key_of(newsroom: Newsroom, fingerprint: str) -> NewsroomKey:
    (found,) = [key for key in newsroom.keys if key.fingerprint == fingerprint]
    return found


class TestWeakKeys:
    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("rsa-2048", "RSA of 2048 bits, and 3072 is the least"),
            ("dsa", "DSA, which is too weak"),
            ("encrypts-by-rsa-2048", "its encryption key is RSA of 2048 bits"),
            ("encrypts-by-elgamal", "its encryption key is ElGamal, which is too weak"),
            ("name-by-sha1", "bound by a signature with SHA-1, which can be forged"),
            ("subkey-by-sha1", "its encryption key is bound by a signature with SHA-1"),
        ],
    )
    def test_one_is_refused_and_never_sealed_to_with_a_sentence(
        self, weak: Weak, read: Newsroom, tmp_path: Path, name: str, problem: str
    ) -> None:
        found = key_of(read, weak.keys[name])
        with pytest.raises(KeyRefused) as refused:
            add_keys(Gpg(tmp_path), weak.exported(name), now=NOW)

        assert found.problem.startswith(problem)
        assert str(refused.value) == found.problem
        assert read_newsroom(Gpg(tmp_path), now=NOW).keys == ()
        assert found not in read.usable

    def test_one_that_its_owner_signed_anew_is_good(self, weak: Weak, read: Newsroom) -> None:
        assert key_of(read, weak.keys["mended"]).problem == ""

    def test_a_weak_newest_subkey_gives_way_to_an_older_strong_one(
        self, weak: Weak, read: Newsroom
    ) -> None:
        found = key_of(read, weak.keys["older-is-strong"])
        assert (found.problem, found.algorithm) == ("", "ed25519, cv25519")

    def test_what_a_key_is_made_of_can_be_said(self, weak: Weak, read: Newsroom) -> None:
        assert key_of(read, weak.keys["rsa-2048"]).algorithm == "RSA 2048, cv25519"
        assert algorithm_text(CURVE) == "curve 255"
        assert algorithm_text(replace(CURVE, algorithm=17)) == "DSA"
        assert algorithm_text(replace(CURVE, algorithm=99)) == "algorithm 99"

    @pytest.mark.parametrize(
        ("half", "why"),
        [
            (replace(CURVE, algorithm=99), "isn't known here"),
            (replace(CURVE, bits=160), "isn't known here"),
            (replace(CURVE, digests=frozenset()), "no signature that gpg vouches for"),
            (replace(CURVE, digests=frozenset({8, 1})), "MD5"),
            (replace(CURVE, digests=frozenset({77})), "digest 77"),
            (replace(CURVE, algorithm=1, bits=3071), "3071"),
        ],
    )
    def test_what_is_not_known_to_be_strong_is_taken_for_weak(self, half: Half, why: str) -> None:
        assert weakness(CURVE) == ""
        assert why in weakness(half)


class TestTheClock:
    def test_a_key_one_minute_old_is_sealed_to(self, tmp_path: Path) -> None:
        with keyring() as own:
            own.new_key("new", at=at(timedelta(minutes=1)))
            add_keys(Gpg(tmp_path), own.export(), now=NOW)
            sealed, opened = bytearray(), bytearray()
            to = read_newsroom(Gpg(tmp_path), now=NOW).recipients()
            day = NOW.date()
            Gpg(tmp_path).encrypt([b"heard"], sealed.extend, to=to, day=day, limit_seconds=60)
            own.gpg.decrypt([bytes(sealed)], opened.extend)

        assert opened == b"heard"

    def test_a_subkey_that_ended_an_hour_ago_is_not(self) -> None:
        with keyring() as own:
            fingerprint = own.new_key("x", "ed25519", "cert", at=LONG_AGO)
            own.new_subkey(fingerprint, expires=at(timedelta(hours=1)), at=LONG_AGO)
            (found,) = read_newsroom(own.gpg, now=NOW).keys

        assert found.problem == "its encryption key is expired"

    def test_one_revoked_a_minute_ago_is_not(self) -> None:
        with keyring() as own:
            fingerprint = own.new_key("x", at=at(timedelta(minutes=1)))
            before = read_newsroom(own.gpg, now=NOW)
            own.revoke(fingerprint)
            after = read_newsroom(own.gpg, now=NOW)

        assert before.problems == ()
        assert after.problems == (f"{fingerprint}: revoked",)

    def test_one_that_was_made_tomorrow_is_not(self) -> None:
        with keyring() as own:
            own.new_key("x", at=at(timedelta(days=-2)))
            (found,) = read_newsroom(own.gpg, now=NOW).keys

        assert found.problem == "made later than now, by the clocks of its maker and this machine"

    def test_a_key_is_named_sixty_days_before_the_first_of_its_halves_ends(self) -> None:
        with keyring() as own:
            fingerprint = own.new_key("x", "ed25519", "cert", "2y", at=at(timedelta(days=1)))
            own.new_subkey(fingerprint, expires="61d", at=at(timedelta(days=1)))
            own.new_key("lasting")
            newsroom = read_newsroom(own.gpg, now=NOW)

        assert [key.fingerprint for key in newsroom.ends_within(60, NOW)] == [fingerprint]
        assert newsroom.ends_within(58, NOW) == ()
        assert not newsroom.none_left_within(60, NOW)
        assert replace(newsroom, keys=newsroom.ends_within(60, NOW)).none_left_within(60, NOW)

    def test_days_left_are_those_on_which_it_can_be_sealed_to_whatever_the_hour(self) -> None:
        ends = datetime(2030, 3, 10, 6, tzinfo=UTC)
        key = NewsroomKey("A" * 40, "B" * 40, "x", int(ends.timestamp()), "")

        early, late = datetime(2030, 3, 9, 1, tzinfo=UTC), datetime(2030, 3, 9, 23, tzinfo=UTC)
        assert [key.days_left(early), key.days_left(late), key.days_left(ends)] == [1, 1, 0]
        assert Newsroom((key,)).ends_within(1, early) == Newsroom((key,)).ends_within(1, late)
        assert replace(key, expires=None).days_left(early) is None

    def test_no_key_is_left_where_there_is_none(self) -> None:
        assert Newsroom(()).none_left_within(60, NOW)


class TestSignedFor:
    def test_a_key_that_no_desk_signed_for_is_not_sealed_to_nor_in_the_list(
        self, newsroom: Keyring
    ) -> None:
        everyone = read_newsroom(newsroom.gpg, now=NOW)
        known, stranger = everyone.fingerprints

        judged = read_newsroom(newsroom.gpg, now=NOW, signed={known})

        assert judged.problems == (f"{stranger}: {UNSIGNED}",)
        assert [key.fingerprint for key in judged.usable] == [known]
        assert judged.fingerprints == (known,)

    def test_where_nobody_signs_every_key_counts(self, newsroom: Keyring) -> None:
        assert read_newsroom(newsroom.gpg, now=NOW, signed=None).problems == ()


class TestLooking:
    def test_looking_at_a_file_adds_nothing(self, newsroom: Keyring, tmp_path: Path) -> None:
        keys = look_at(Gpg(tmp_path), newsroom.export(), now=NOW)

        assert len(keys) == 2
        assert read_newsroom(Gpg(tmp_path), now=NOW).keys == ()

    def test_a_file_that_gpg_can_not_read_to_its_end_is_refused(
        self, newsroom: Keyring, tmp_path: Path
    ) -> None:
        with pytest.raises(KeyRefused):
            look_at(Gpg(tmp_path), newsroom.export()[:-20], now=NOW)

    @given(where=st.floats(0, 1, exclude_max=True), flipped=st.integers(1, 255))
    @examples(60)
    def test_an_altered_key_is_refused_or_is_the_one_it_was(
        self, newsroom: Keyring, tmp_path: Path, where: float, flipped: int
    ) -> None:
        exported = bytearray(newsroom.export())
        exported[int(where * len(exported))] ^= flipped

        with suppress(KeyRefused, GpgFailed):
            keys = look_at(Gpg(tmp_path), bytes(exported), now=NOW)
            known = {
                (key.fingerprint, key.subkey) for key in read_newsroom(newsroom.gpg, now=NOW).keys
            }
            assert {(key.fingerprint, key.subkey) for key in keys} <= known
