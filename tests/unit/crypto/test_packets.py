"""Every reader of an envelope can be counted from outside."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto.errors import NotAnEnvelope
from crypto.packets import Outline

SESSION_KEY = b"\xc1\x0d\x03" + bytes(8) + b"\x12abc"
DATA = b"\xd2\x05\x01data"


def outlined(message: bytes, *, step: int = 4096) -> int:
    outline = Outline()
    blocks = [message[start : start + step] for start in range(0, len(message), step)]
    assert list(outline.watch(blocks)) == blocks
    return outline.recipients()


class TestOutline:
    @examples(60)
    @given(st.integers(1, 9), st.integers(1, 40))
    def test_every_session_key_is_a_recipient(self, recipients: int, step: int) -> None:
        assert outlined(SESSION_KEY * recipients + DATA, step=step) == recipients

    @pytest.mark.parametrize(
        "data",
        [
            b"\xd2\x05\x01data",  # a length of one byte
            b"\xd2\xc0\x00\x01" + bytes(191),  # of two
            b"\xd2\xff\x00\x01\x00\x00\x01" + bytes(65_535),  # of five
            b"\xd2\xe9\x01" + bytes(511) + b"\xe0x\x02ab",  # in parts of 512, 1 and 2
            b"\xd2\xe1ab\x00",  # a last part that is empty
            b"\xd4\x05\x01data",  # authenticated (tag 20)
        ],
        ids=["short", "two bytes", "five bytes", "parts", "empty part", "authenticated"],
    )
    @pytest.mark.parametrize("step", [1, 7, 4096])
    def test_data_of_any_length_and_in_any_parts_is_followed_to_its_end(
        self, data: bytes, step: int
    ) -> None:
        assert outlined(SESSION_KEY + data, step=step) == 1
        for wrong in (data[:-1], data + b"\x00"):
            with pytest.raises(NotAnEnvelope):
                outlined(SESSION_KEY + wrong, step=step)

    def test_packets_with_headers_of_old_are_understood(self) -> None:
        assert (
            outlined(b"\x84\x0d" + SESSION_KEY[2:] + b"\x85\x00\x0d" + SESSION_KEY[2:] + DATA) == 2
        )

    @pytest.mark.parametrize(
        "message",
        [
            b"",
            SESSION_KEY,
            DATA,
            b"\xc3\x04\x04\x09\x00\x08" + DATA,
            SESSION_KEY + b"\xc3\x04\x04\x09\x00\x08" + DATA,
            b"\xc1\x0d\x03" + b"\x00" * 7 + b"\x01\x12abc" + DATA,
            b"\xc1\x0d\x06" + bytes(12) + DATA,
            SESSION_KEY + b"\xca\x03PGP" + DATA,
            SESSION_KEY + DATA + b"\xca\x03PGP",
            SESSION_KEY + DATA + SESSION_KEY + DATA,
            SESSION_KEY + b"\xcb\x07b\x00\x00\x00\x00\x00x",
            b"\xc1\xff\xff\xff\xff\xff\x03" + bytes(20),
            b"\xc1\xe4" + SESSION_KEY[2:] + DATA,
            SESSION_KEY + b"\xcb" + DATA,
            SESSION_KEY + b"\x4b" + DATA,
        ],
        ids=[
            "nothing",
            "no data",
            "no recipient",
            "a passphrase alone",
            "a passphrase beside the keys",
            "a recipient that shows",
            "a recipient of a later version",
            "a packet between",
            "a packet behind",
            "two messages",
            "nothing encrypted",
            "a session key of four gibibytes",
            "a session key in parts",
            "other data",
            "no packet",
        ],
    )
    @pytest.mark.parametrize("step", [1, 4096])
    def test_anything_else_is_no_envelope(self, message: bytes, step: int) -> None:
        with pytest.raises(NotAnEnvelope):
            outlined(message, step=step)

    @examples(300)
    @given(st.binary(max_size=80), st.integers(1, 20))
    def test_no_bytes_at_all_do_more_harm_than_that(self, message: bytes, step: int) -> None:
        for prefix in (b"", SESSION_KEY, SESSION_KEY + b"\xd2"):
            with suppress(NotAnEnvelope):
                assert outlined(prefix + message, step=step) >= 1
