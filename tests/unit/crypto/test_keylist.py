"""A key list is what one desk signed for one drop, and nothing that can be read in two ways."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto.comparing import canonical, read_object, words_of
from crypto.errors import BadKeyList, CryptoError, NewerVersion, WrongSignature
from crypto.keylist import LARGEST_BYTES, LARGEST_KEY, KeyList, is_list, signed, verified

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DESK = KEY.public_key().public_bytes_raw().hex()
READER = "A1" * 20
LIST = KeyList(drop="d0" * 32, signed_at=1_795_000_000, readers={READER: ""}, desks={DESK: "desk"})
FILE = signed(LIST, KEY)

fingerprints = st.text("0123456789ABCDEF", min_size=40, max_size=40)
lists = st.builds(
    KeyList,
    drop=st.text("0123456789abcdef", min_size=64, max_size=64),
    signed_at=st.integers(1, 2**33),
    readers=st.dictionaries(fingerprints, st.just(""), min_size=1, max_size=5),
    desks=st.dictionaries(
        st.text("0123456789abcdef", min_size=64, max_size=64),
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}", fullmatch=True),
        min_size=1,
        max_size=5,
    ),
)


def armoured(size: int) -> str:
    head, tail = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "\n-----END PGP PUBLIC KEY BLOCK-----\n"
    return head + "x" * (size - len(head) - len(tail)) + tail


class TestSigning:
    @examples(40)
    @given(lists)
    def test_what_was_signed_is_what_is_read(self, keys: KeyList) -> None:
        assert verified(signed(keys, KEY), [DESK]) == keys

    def test_a_list_that_nobody_would_take_is_not_signed(self) -> None:
        with pytest.raises(BadKeyList):
            signed(replace(LIST, readers={}), KEY)

    def test_nor_one_that_is_larger_than_a_stick_should_bring(self) -> None:
        block = armoured(LARGEST_KEY)
        many = {f"{number:040X}": block for number in range(LARGEST_BYTES // LARGEST_KEY + 1)}

        with pytest.raises(BadKeyList, match="larger"):
            signed(replace(LIST, readers=many), KEY)


class TestReading:
    @examples(200)
    @given(st.data())
    def test_a_byte_changed_anywhere_is_refused(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(FILE) - 2))
        altered = bytearray(FILE)
        altered[place] ^= data.draw(st.integers(1, 255))

        try:
            keys = verified(bytes(altered), [DESK])
        except CryptoError:
            return
        assert keys == LIST, "only what stands between members may differ"

    @examples(60)
    @given(st.binary(max_size=200))
    def test_any_bytes_are_refused_by_an_error_of_ours(self, untrusted: bytes) -> None:
        with pytest.raises(BadKeyList):
            verified(untrusted, [DESK])

    def test_no_other_desk_signs_for_it(self) -> None:
        with pytest.raises(WrongSignature):
            verified(FILE, ["00" * 32])

    def test_a_file_that_is_too_large_is_not_read(self) -> None:
        with pytest.raises(BadKeyList, match="larger"):
            verified(FILE + b" " * LARGEST_BYTES, [DESK])

    def test_a_later_one_says_that_it_is_later(self) -> None:
        with pytest.raises(NewerVersion):
            verified(FILE.replace(b"tapedrop keys 1", b"tapedrop keys 2"), [DESK])

    def test_it_is_told_from_a_key(self) -> None:
        assert is_list(FILE)
        assert not is_list(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
        assert not is_list(b"\x99\x01")


class TestComparing:
    @examples(60)
    @given(st.dictionaries(st.text(max_size=8), st.integers(-(2**50), 2**50) | st.text(max_size=8)))
    def test_what_is_written_in_one_way_reads_as_it_was(self, said: dict[str, Any]) -> None:
        assert read_object(canonical(said)) == said

    def test_the_words_are_eight_of_the_english_list(self) -> None:
        assert len(words_of(json.loads(FILE)).split()) == 8

    def test_every_member_changes_them(self) -> None:
        said = json.loads(FILE)
        others = [words_of({k: v for k, v in said.items() if k != name}) for name in said]

        assert len({words_of(said), *others}) == len(said) + 1

    @pytest.mark.parametrize(
        "untrusted", [b'{"a": 1, "a": 2}', b'{"a": 1.0}', b'{"a": NaN}', b'{"a": 1e3}', b"[]", b"1",
                      b'{"a": %d}' % 2**60, b'{"a": ' + b"9" * 5000 + b"}"]
    )  # fmt: skip
    def test_what_two_readers_could_understand_differently_is_refused(
        self, untrusted: bytes
    ) -> None:
        with pytest.raises(ValueError):
            read_object(untrusted)
