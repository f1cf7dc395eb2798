"""A small file as a QR code in letters, for a camera instead of a stick."""

import io
from typing import Final

import segno

_BORDER: Final = 2


def in_letters(content: bytes, *, columns: int | None) -> str:
    """Return `content` (ASCII) as a QR code of block letters, to be read off a terminal.

    Raises ValueError, with a clause, where it is too long for one, or wider than `columns`: a code
    that wraps is none, and pushes everything else off the screen.
    """
    try:
        code = segno.make_qr(content.decode("ascii"), error="l", boost_error=False)
    except segno.DataOverflowError:
        raise ValueError("it is too long for a QR code; carry the file") from None
    width, _ = code.symbol_size(border=_BORDER)
    if columns is not None and width > columns:
        what = f"a QR code of it needs {width} columns"
        raise ValueError(f"{what}: make the letters smaller, or carry the file")
    drawn = io.StringIO()
    code.terminal(drawn, compact=True, border=_BORDER)
    return drawn.getvalue()
