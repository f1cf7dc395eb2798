"""A small file as a QR code in letters."""

import pytest

from crypto.qr import in_letters


def test_a_code_is_as_wide_as_it_is_allowed_to_be() -> None:
    lines = in_letters(b"eight words", columns=None).splitlines()
    width = max(map(len, (line.replace("\x1b[7m", "").replace("\x1b[0m", "") for line in lines)))

    assert in_letters(b"eight words", columns=width).splitlines() == lines
    with pytest.raises(ValueError, match=f"needs {width} columns"):
        in_letters(b"eight words", columns=width - 1)


def test_what_no_code_holds_is_said_to_be_carried_as_a_file() -> None:
    with pytest.raises(ValueError, match="too long"):
        in_letters(b"x" * 3000, columns=None)
