"""Finding a session key: with the keys that may be tried, by few operations, and told exactly."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyrings import LONG_AGO, Keyring, keyring

from crypto.card import _SERIAL, _TRIES
from crypto.errors import CardAbsent, GpgFailed, NoKeyOpens, NotAnEnvelope, PinRefused
from crypto.gpg import SESSION_KEY, Gpg
from crypto.own_keys import _SOME_DATA, OwnKeys
from crypto.packets import MOST_SESSION_KEYS, sealed_keys
from crypto.secret_keys import (
    SecretKey,
    agent_failed,
    asks_for_pin,
    card_is_out,
    fits,
    read_secret_keys,
)

SAID = b"what a source said"
NO_CARD = "D2760001240103040006999999990000"


class Counting(Gpg):
    """gpg, and what it was asked to try."""

    tried: list[str]

    def session_key(self, message: bytes, *, subkey: str) -> str | None:
        self.tried.append(subkey)
        return super().session_key(message, subkey=subkey)


@pytest.fixture(scope="module")
def ring() -> Iterator[Keyring]:
    """One home with the keys of three people, of whom two are of the curve, and one is RSA."""
    with keyring() as made:
        for name, algorithm in (("a", "future-default"), ("b", "future-default"), ("r", "rsa3072")):
            made.new_key(name, algorithm, at=LONG_AGO)
        made.new_subkey(made.fingerprints("r")[0], "rsa3072", at=LONG_AGO)
        yield made


@pytest.fixture
def gpg(ring: Keyring) -> Counting:
    counting = Counting(ring.home)
    counting.tried = []
    return counting


@pytest.fixture
def keys(ring: Keyring) -> list[SecretKey]:
    """The subkeys of a, b and r, in this order."""
    found = {key.primary: key for key in ring.gpg.secret_keys()}
    return [found[ring.fingerprints(name)[0]] for name in ("a", "b", "r")]


def sealed(gpg: Gpg, to: Sequence[SecretKey], *, hidden: bool = True) -> bytes:
    message = bytearray()
    gpg.encrypt(
        [SAID], message.extend, to=[key.fingerprint for key in to],
        day=datetime.now(UTC).date(), limit_seconds=60, hidden=hidden,
    )  # fmt: skip
    return bytes(message)


class TestFindingASessionKey:
    def test_it_opens_the_message_and_says_which_key_found_it(
        self, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        message = sealed(gpg, keys)
        for key in keys:
            found = OwnKeys(gpg, [key]).session_key(message)
            opened = bytearray()
            gpg.decrypt([message], opened.extend, session_key=found.session_key)
            assert (opened, found.subkey) == (SAID, key.fingerprint)
            assert SESSION_KEY.fullmatch(found.session_key)
            assert found.session_key not in repr(found)

    def test_gpg_looks_at_nothing_that_a_session_key_makes_of_no_message(
        self, ring: Keyring, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        # Noise, taken for packets, had it ask for a passphrase, one time in eight.
        a, *_ = keys
        only = sealed_keys(sealed(gpg, [a]))[0].naming(a.fingerprint)
        command = ["gpg", "--homedir", str(ring.home), "--batch", "--status-fd", "1"]
        told = subprocess.run(
            [*command, "--show-session-key", "-d"], input=only + _SOME_DATA, capture_output=True
        ).stdout.decode()
        said = [line.split()[1] for line in told.splitlines()]
        assert said[said.index("BEGIN_DECRYPTION") :] == [
            "BEGIN_DECRYPTION", "DECRYPTION_INFO", "SESSION_KEY", "DECRYPTION_FAILED",
            "END_DECRYPTION",
        ]  # fmt: skip

    def test_a_key_that_may_not_be_tried_is_not_tried_though_it_would_open_it(
        self, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        a, b, _ = keys
        with pytest.raises(NoKeyOpens) as refused:
            OwnKeys(gpg, [a]).session_key(sealed(gpg, [b]))
        assert refused.value.recipients == 1
        assert gpg.tried == [a.fingerprint]

    def test_a_key_of_another_algorithm_is_not_tried(
        self, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        a, b, r = keys
        OwnKeys(gpg, [r, a]).session_key(sealed(gpg, [b, r]))
        assert r.fingerprint in gpg.tried
        assert gpg.tried.count(a.fingerprint) <= 1

    def test_where_the_last_one_was_found_the_next_is_looked_for_first(
        self, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        a, b, _ = keys
        own = OwnKeys(gpg, [b])
        own.session_key(sealed(gpg, [a, b]))
        gpg.tried.clear()
        own.session_key(sealed(gpg, [a, b]))
        assert gpg.tried == [b.fingerprint]

    def test_nothing_to_try_is_no_key_that_opens_it(
        self, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        with pytest.raises(NoKeyOpens):
            OwnKeys(gpg, []).session_key(sealed(gpg, keys))

    def test_recipients_who_are_not_hidden_are_none_of_ours(
        self, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        with pytest.raises(NotAnEnvelope):
            OwnKeys(gpg, keys).session_key(sealed(gpg, keys, hidden=False))

    def test_a_card_that_is_not_in_is_told_only_where_nothing_else_opens_it(
        self, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        a, b, _ = keys
        absent = replace(b, card=NO_CARD)
        assert OwnKeys(gpg, [absent, a]).session_key(sealed(gpg, [b, a])).subkey == a.fingerprint
        with pytest.raises(CardAbsent, match=NO_CARD):
            OwnKeys(gpg, [absent]).session_key(sealed(gpg, [b, a]))

    def test_a_passphrase_that_nobody_gives_is_told_as_that(self) -> None:
        with keyring() as careful:
            careful.new_key("careful", passphrase="1234")
            (key,) = careful.gpg.secret_keys()
            message = sealed(careful.gpg, [key])
            subprocess.run(["gpgconf", "--homedir", careful.home, "--kill", "all"], check=True)
            with pytest.raises(PinRefused) as refused:
                OwnKeys(careful.gpg, [key]).session_key(message)
            assert refused.value.tries_left is None


class TestAMessageToAVisibleRecipient:
    def test_a_passphrase_that_nobody_gives_says_nothing_against_it(self) -> None:
        with keyring() as careful:
            careful.new_key("careful", passphrase="1234")
            message = sealed(careful.gpg, careful.gpg.secret_keys(), hidden=False)
            subprocess.run(["gpgconf", "--homedir", careful.home, "--kill", "all"], check=True)
            with pytest.raises(PinRefused):
                careful.gpg.decrypt([message], lambda _block: None)


class TestThePrice:
    def test_it_counts_what_a_card_may_be_asked_and_nothing_else(
        self, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        a, b, r = keys
        message = sealed(gpg, [a, b, r])
        carded = [replace(key, card=NO_CARD) for key in keys]
        assert OwnKeys(gpg, keys).card_operations(message) == 0
        assert OwnKeys(gpg, carded[:1]).card_operations(message) == 2
        assert OwnKeys(gpg, carded[2:]).card_operations(message) == 1
        assert OwnKeys(gpg, [a, *carded[1:]]).card_operations(message) == 3
        assert gpg.tried == []


class TestTheHeadOfAnEnvelope:
    def test_its_session_keys_are_those_that_gpg_lists(
        self, ring: Keyring, gpg: Counting, keys: list[SecretKey]
    ) -> None:
        message = sealed(gpg, keys)
        listed = re.findall(r"pubkey enc packet: version 3, algo (\d+)", ring.packets(message))
        assert [str(each.algorithm) for each in sealed_keys(message)] == listed

    @given(st.data())
    def test_one_that_is_cut_off_is_none(self, data: st.DataObject) -> None:
        head = b"\x84\x0e\x03" + bytes(8) + b"\x12abcd"
        whole = head * 2 + b"\xd2"
        assert len(sealed_keys(whole + b"\x05")) == 2
        cut = data.draw(st.integers(0, len(whole)))
        with pytest.raises(NotAnEnvelope):
            sealed_keys(whole[:cut])

    def test_one_with_more_session_keys_than_anybody_seals_to_is_none(self) -> None:
        # Each is tried with every key of the desk's, and a card takes a second for it.
        key, data = b"\x84\x0e\x03" + bytes(8) + b"\x12abcd", b"\xd2\x05"
        assert len(sealed_keys(key * MOST_SESSION_KEYS + data)) == MOST_SESSION_KEYS
        with pytest.raises(NotAnEnvelope):
            sealed_keys(key * (MOST_SESSION_KEYS + 1) + data)

    @given(st.binary(max_size=300))
    def test_whatever_it_is_it_is_read_or_refused(self, untrusted: bytes) -> None:
        try:
            found = sealed_keys(untrusted)
        except NotAnEnvelope:
            return
        assert found


class TestWhatGpgSaysOfSecretKeys:
    LISTING = b"\n".join([
        b"sec:u:255:22:137A0B0B9D05B691:1795289383:::u:::scESC:::+::ed25519:::0:",
        b"fpr:::::::::6DAE093F3D658CA4D0D7B672137A0B0B9D05B691:",
        b"grp:::::::::ADFDE78E55A48978A364939A0C3610EFBB276BF6:",
        b"uid:u::::1795289383::9B0A::rep::::::::::0:",
        b"ssb:e:255:18:D40D69F2C418E239:1795289383:1795299999:::::e:::#::cv25519::",
        b"fpr:::::::::3033D5C3C6E4C09CD9A534C8D40D69F2C418E239:",
        b"ssb:e:255:18:53C89E7BCF0C2984:1795289387:1795299999:::::e:::D2760001::cv25519::",
        b"fpr:::::::::A8125CD700BE6B0F839F983553C89E7BCF0C2984:",
    ])  # fmt: skip

    def test_only_what_decrypts_and_can_be_reached_is_a_key(self) -> None:
        (key,) = read_secret_keys(self.LISTING)
        assert key == SecretKey(
            fingerprint="A8125CD700BE6B0F839F983553C89E7BCF0C2984",
            primary="6DAE093F3D658CA4D0D7B672137A0B0B9D05B691",
            algorithm=18,
            created=1795289387,
            expires=1795299999,
            card="D2760001",
        )

    @given(st.lists(st.sampled_from([*LISTING.splitlines(), b"ssb:::::::::::e", b"fpr:"])))
    def test_lines_in_any_order_are_read_or_refused(self, lines: list[bytes]) -> None:
        try:
            found = read_secret_keys(b"\n".join(lines))
        except GpgFailed:
            return
        assert all(key.fingerprint and key.primary for key in found)

    @given(st.binary())
    def test_junk_is_no_key(self, untrusted: bytes) -> None:
        assert read_secret_keys(untrusted) == ()

    @pytest.mark.parametrize("error", [67108875, 83918950, 100663383, 100663426, 83886179])
    def test_a_pin_that_was_wrong_or_not_given_is_known_by_its_code(self, error: int) -> None:
        assert asks_for_pin(error)

    @pytest.mark.parametrize("error", [0, 16777226, 100663408, 67108983, 17])
    def test_a_key_that_does_not_fit_or_a_card_that_is_out_is_not_taken_for_that(
        self, error: int
    ) -> None:
        assert not asks_for_pin(error)

    @pytest.mark.parametrize(
        ("error", "out"),
        [(100663408, True), (67108983, True), (16777226, False), (100663383, False)],
    )
    def test_a_card_that_is_out_is_known_by_its_code(self, error: int, out: bool) -> None:
        assert card_is_out(error) == out

    @pytest.mark.parametrize(
        ("error", "failed"),
        [
            (67108941, True),
            (67125247, True),
            (67141741, True),
            (83918950, False),
            (16777226, False),
        ],
    )
    def test_an_agent_that_went_away_is_not_taken_for_a_key_that_does_not_fit(
        self, error: int, failed: bool
    ) -> None:
        assert agent_failed(error) == failed

    def test_the_three_numbers_of_rsa_are_one_algorithm(self) -> None:
        (key,) = read_secret_keys(self.LISTING)
        rsa = replace(key, algorithm=1)
        assert [fits(rsa, number) for number in (1, 2, 3, 16, 18)] == [True] * 3 + [False] * 2


class TestWhatAnAgentSaysOfACard:
    @pytest.mark.parametrize("said", ["+1+127+127+127+3+0+3", " 0 32 32 32 3 0 3"])
    def test_the_tries_of_the_users_pin_are_read(self, said: str) -> None:
        found = _TRIES.search(f"S SERIALNO D276000124\nOK\nS CHV-STATUS {said}\nOK\n")
        assert found is not None
        assert found[1] == "3"

    @given(st.text())
    def test_anything_else_is_no_card(self, untrusted: str) -> None:
        assert _SERIAL.search(untrusted) is None
        assert _TRIES.search(untrusted) is None
