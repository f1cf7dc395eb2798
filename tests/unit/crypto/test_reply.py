"""An answer is read by the source it was written to, in its own place, or by nobody."""

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto.errors import NewerVersion, Tampered
from crypto.reply import (
    LARGEST_SEALED,
    LONGEST_BYTES,
    MOST_COUNTED,
    PUBLIC_KEY_SIZE,
    Reply,
    Stage,
    State,
    open_answer,
    public_key_of,
    seal_reply,
    seal_state,
)

SEED = bytes(range(32))
MAILBOX = bytes(range(16))
NAME = "ab" * 16
DAY = "2026-11-20"
TEXT = "We have it. Is the second voice in danger?"
STATE = State(Stage.OPENED, DAY, 3)
REPLY_LABEL, STATE_LABEL = b"tapedrop reply 1\x00", b"tapedrop state 1\x00"


def sealed(text: str = TEXT, day: str = DAY) -> bytes:
    return seal_reply(Reply(day, text), to=public_key_of(SEED), mailbox_id=MAILBOX, name=NAME)


def sealed_state(state: State = STATE) -> bytes:
    return seal_state(state, to=public_key_of(SEED), mailbox_id=MAILBOX, name=NAME)


def opened(
    answer: bytes, *, seed: bytes = SEED, mailbox: bytes = MAILBOX, name: str = NAME
) -> Reply | State | None:
    return open_answer(answer, reply_seed=seed, mailbox_id=mailbox, name=name)


def sealed_by_someone(padded: bytes, label: bytes = REPLY_LABEL) -> bytes:
    """Seal anything at all to the source's key, as whoever has it can."""
    key = public_key_of(SEED)
    public = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(key[:1184]),
        X25519PublicKey.from_public_bytes(key[1184:]),
    )
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    return b"TDR1" + suite.encrypt(padded, public, label + MAILBOX + NAME.encode())


def padded(inside: bytes) -> bytes:
    return (len(inside).to_bytes(4, "big") + inside).ljust(4096, b"\x00")


class TestReplies:
    @pytest.mark.parametrize("text", ["", TEXT, "ñandú 漢字 🎙", "x" * 4082, "x" * 4083])
    def test_what_was_written_is_read_with_its_day(self, text: str) -> None:
        assert opened(sealed(text)) == Reply(DAY, text)

    @examples(30)
    @given(st.text(max_size=300))
    def test_any_text_comes_back(self, text: str) -> None:
        assert opened(sealed(text)) == Reply(DAY, text)

    def test_it_is_laid_out_as_documented(self) -> None:
        assert opened(sealed_by_someone(padded(b"2026-11-20\xc3\xb1"))) == Reply(DAY, "ñ")

    @pytest.mark.parametrize(("shorter", "longer"), [("", "x" * 4082), ("x" * 4083, "x" * 8178)])
    def test_replies_of_about_one_length_can_not_be_told_apart(
        self, shorter: str, longer: str
    ) -> None:
        assert len(sealed(shorter)) == len(sealed(longer))

    def test_the_longest_is_256_kibibytes(self) -> None:
        longest = sealed("x" * LONGEST_BYTES)
        assert opened(longest) == Reply(DAY, "x" * LONGEST_BYTES)
        assert len(longest) == LARGEST_SEALED
        with pytest.raises(ValueError):
            sealed("ñ" * (LONGEST_BYTES // 2) + "x")

    @pytest.mark.parametrize("day", ["", "20261120", "2026-11-31", "26-11-20"])
    def test_its_day_is_a_day(self, day: str) -> None:
        with pytest.raises(ValueError):
            sealed(day=day)
        with pytest.raises(Tampered):
            opened(sealed_by_someone(padded(day.encode().ljust(10))))

    def test_the_same_reply_is_never_sealed_to_the_same_bytes(self) -> None:
        assert sealed() != sealed()


class TestStates:
    @pytest.mark.parametrize("count", [1, MOST_COUNTED])
    def test_what_the_desk_said_is_read(self, count: int) -> None:
        state = State(Stage.OPENED, DAY, count)
        assert opened(sealed_state(state)) == state

    def test_it_is_laid_out_as_documented(self) -> None:
        said = b'{"day": "2026-11-20", "count": 3, "state": "opened"}'
        assert opened(sealed_by_someone(padded(said), STATE_LABEL)) == STATE

    def test_nobody_who_stores_it_can_tell_it_from_a_short_reply(self) -> None:
        assert len(sealed_state()) == len(sealed("Yes."))
        assert sealed_state()[:4] == sealed("Yes.")[:4]

    def test_one_that_only_a_later_version_knows_is_nothing(self) -> None:
        said = b'{"state": "archived", "day": "2026-11-20", "count": 1, "more": []}'
        assert opened(sealed_by_someone(padded(said), STATE_LABEL)) is None

    def test_words_that_look_like_a_state_are_still_a_reply(self) -> None:
        text = '{"state": "opened", "day": "2026-11-20", "count": 3}'
        assert opened(sealed(text)) == Reply(DAY, text)

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"null",
            b"[]",
            b"[" * 4000,
            b'"state"',
            b"\xff",
            b"{}",
            b'{"state": "opened", "day": "2026-11-20"}',
            b'{"state": "opened", "day": "2026-11-20", "count": 0}',
            b'{"state": "opened", "day": "2026-11-20", "count": -1}',
            b'{"state": "opened", "day": "2026-11-20", "count": true}',
            b'{"state": "opened", "day": "2026-11-20", "count": 1.5}',
            b'{"state": "opened", "day": "2026-11-20", "count": 1000000001}',
            b'{"state": "opened", "day": "2026-11-31", "count": 1}',
            b'{"state": "opened", "day": 20261120, "count": 1}',
            b'{"state": ["opened"], "day": "2026-11-20", "count": 1}',
        ],
    )
    def test_whoever_has_the_public_key_can_not_make_one_say_anything_else(
        self, said: bytes
    ) -> None:
        with pytest.raises(Tampered):
            opened(sealed_by_someone(padded(said), STATE_LABEL))

    @examples(60)
    @given(st.integers(4, 4 + 1120 + 4096 + 16 - 1), st.integers(0, 7))
    def test_a_single_flipped_bit_is_noticed(self, place: int, bit: int) -> None:
        state = bytearray(sealed_state())
        state[place] ^= 1 << bit
        with pytest.raises(Tampered):
            opened(bytes(state))


class TestKeys:
    def test_the_key_pair_is_the_one_of_the_x_wing_draft(self) -> None:
        # The first of the test vectors in draft-connolly-cfrg-xwing-kem.
        seed = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")
        key = public_key_of(seed).hex()
        assert key.startswith("e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5")
        assert key.endswith("859edb06eff389b27dce59844570216223593d4ba32d9abac8cd049040ef6534")

    def test_it_is_1216_bytes_and_always_the_same(self) -> None:
        assert len(public_key_of(SEED)) == PUBLIC_KEY_SIZE == 1216
        assert public_key_of(SEED) == public_key_of(SEED)

    @pytest.mark.parametrize(
        "key",
        [b"", bytes(1215), bytes(1217), b"\xff" * 1216, public_key_of(SEED)[:1184] + bytes(32)],
    )
    def test_what_is_no_public_key_is_refused(self, key: bytes) -> None:
        with pytest.raises(ValueError):
            seal_reply(Reply(DAY, TEXT), to=key, mailbox_id=MAILBOX, name=NAME)
        with pytest.raises(ValueError):
            seal_state(STATE, to=key, mailbox_id=MAILBOX, name=NAME)


class TestTampering:
    @pytest.mark.parametrize("answer", [sealed(), sealed_state()], ids=["reply", "state"])
    def test_only_the_right_codename_opens_it_and_only_in_its_place(self, answer: bytes) -> None:
        with pytest.raises(Tampered):
            opened(answer, seed=bytes(32))
        with pytest.raises(Tampered):
            opened(answer, name="cd" * 16)
        with pytest.raises(Tampered):
            opened(answer, mailbox=bytes(16))

    @examples(60)
    @given(st.integers(4, 4 + 1120 + 4096 + 16 - 1), st.integers(0, 7))
    def test_a_single_flipped_bit_is_noticed(self, place: int, bit: int) -> None:
        reply = bytearray(sealed())
        reply[place] ^= 1 << bit
        with pytest.raises(Tampered):
            opened(bytes(reply))

    @examples(60)
    @given(st.integers(0, 4 + 1120 + 4096 + 16 - 1))
    def test_a_reply_cut_short_is_refused(self, size: int) -> None:
        with pytest.raises((Tampered, NewerVersion) if size == 3 else Tampered):
            opened(sealed()[:size])

    @examples(100)
    @given(st.binary(max_size=2000))
    def test_bytes_that_are_no_answer_are_refused(self, answer: bytes) -> None:
        for some in (answer, b"TDR1" + answer):
            with pytest.raises((Tampered, NewerVersion)):
                opened(some)

    def test_one_longer_than_any_reply_is_not_even_tried(self) -> None:
        with pytest.raises(Tampered):
            opened(sealed_by_someone(padded(b"2026-11-20x").ljust(LARGEST_SEALED)))

    def test_a_later_version_is_named(self) -> None:
        with pytest.raises(NewerVersion) as raised:
            opened(b"TDR2" + bytes(2000))
        assert raised.value.found == "TDR2"

    @pytest.mark.parametrize(
        "inside",
        [
            b"",
            b"\x00",
            b"\x00\x00\x00",
            b"\x00\x00\x00\x01",
            b"\xff" * 8,
            b"\x00\x00\x00\x01\xff",
            b"\x00\x00\x00\x0b2026-11-20\xff",
        ],
        ids=["nothing", "one", "three", "no text", "four gibibytes", "no day", "no UTF-8"],
    )
    def test_whoever_has_the_public_key_can_not_make_a_reply_say_anything_else(
        self, inside: bytes
    ) -> None:
        with pytest.raises(Tampered):
            opened(sealed_by_someone(inside))
