"""A reply is read by the source it was written to, in its own place, or by nobody."""

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto.errors import NewerVersion, Tampered
from crypto.reply import LONGEST_BYTES, PUBLIC_KEY_SIZE, open_reply, public_key_of, seal_reply

SEED = bytes(range(32))
MAILBOX = bytes(range(16))
NAME = "ab" * 16
TEXT = "We have it. Is the second voice in danger?"


def sealed(text: str = TEXT) -> bytes:
    return seal_reply(text, to=public_key_of(SEED), mailbox_id=MAILBOX, name=NAME)


def opened(reply: bytes, *, seed: bytes = SEED, mailbox: bytes = MAILBOX, name: str = NAME) -> str:
    return open_reply(reply, reply_seed=seed, mailbox_id=mailbox, name=name)


def sealed_by_someone(inside: bytes) -> bytes:
    """Seal anything at all to the source's key, as whoever has it can."""
    key = public_key_of(SEED)
    public = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(key[:1184]),
        X25519PublicKey.from_public_bytes(key[1184:]),
    )
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    info = b"tapedrop reply 1\x00" + MAILBOX + NAME.encode()
    return b"TDR1" + suite.encrypt(inside, public, info)


class TestReplies:
    @pytest.mark.parametrize("text", ["", TEXT, "ñandú 漢字 🎙", "x" * 4092, "x" * 4093])
    def test_what_was_written_is_read(self, text: str) -> None:
        assert opened(sealed(text)) == text

    @examples(30)
    @given(st.text(max_size=300))
    def test_any_text_comes_back(self, text: str) -> None:
        assert opened(sealed(text)) == text

    def test_it_is_laid_out_as_documented(self) -> None:
        text = "ñ".encode()
        by_hand = sealed_by_someone((len(text).to_bytes(4, "big") + text).ljust(4096, b"\x00"))
        assert opened(by_hand) == "ñ"

    @pytest.mark.parametrize(("shorter", "longer"), [("", "x" * 4092), ("x" * 4093, "x" * 8188)])
    def test_replies_of_about_one_length_can_not_be_told_apart(
        self, shorter: str, longer: str
    ) -> None:
        assert len(sealed(shorter)) == len(sealed(longer))

    def test_the_longest_is_256_kibibytes(self) -> None:
        assert len(opened(sealed("x" * LONGEST_BYTES))) == LONGEST_BYTES
        with pytest.raises(ValueError):
            sealed("ñ" * (LONGEST_BYTES // 2) + "x")

    def test_the_same_reply_is_never_sealed_to_the_same_bytes(self) -> None:
        assert sealed() != sealed()


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
            seal_reply(TEXT, to=key, mailbox_id=MAILBOX, name=NAME)


class TestTampering:
    def test_another_codename_does_not_open_it(self) -> None:
        with pytest.raises(Tampered):
            opened(sealed(), seed=bytes(32))

    def test_under_another_name_it_does_not_open(self) -> None:
        with pytest.raises(Tampered):
            opened(sealed(), name="cd" * 16)

    def test_in_another_mailbox_it_does_not_open(self) -> None:
        with pytest.raises(Tampered):
            opened(sealed(), mailbox=bytes(16))

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
    def test_bytes_that_are_no_reply_are_refused(self, reply: bytes) -> None:
        for some in (reply, b"TDR1" + reply):
            with pytest.raises((Tampered, NewerVersion)):
                opened(some)

    def test_a_later_version_is_named(self) -> None:
        with pytest.raises(NewerVersion) as raised:
            opened(b"TDR2" + bytes(2000))
        assert raised.value.found == "TDR2"

    @pytest.mark.parametrize(
        "inside",
        [b"", b"\x00", b"\x00\x00\x00", b"\x00\x00\x00\x01", b"\xff" * 8, b"\x00\x00\x00\x01\xff"],
        ids=["nothing", "one", "three", "no text", "a length of four gibibytes", "no UTF-8"],
    )
    def test_whoever_has_the_public_key_can_not_make_it_say_anything_else(
        self, inside: bytes
    ) -> None:
        with pytest.raises(Tampered):
            opened(sealed_by_someone(inside))
