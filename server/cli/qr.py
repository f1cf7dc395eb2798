"""A small file as a QR code on the terminal, for a camera instead of a stick."""

import io
import shutil
import sys

import click
import segno

from server.cli.talk import note

_BORDER = 2


def show(content: bytes, *, asked: bool | None) -> None:
    """Draw `content` (ASCII) as a QR code, beside the results, where it can be read.

    Unless somebody `asked` for it, only on a terminal that is wide enough: a code that wraps is
    none, and pushes everything else off the screen.
    """
    if asked is None:
        asked = sys.stderr.isatty()
        columns: float = shutil.get_terminal_size().columns
    else:
        columns = float("inf")
    if not asked:
        return
    try:
        code = segno.make_qr(content.decode("ascii"), error="l", boost_error=False)
    except segno.DataOverflowError:
        note("it is too long for a QR code; carry the file")
        return
    width, _ = code.symbol_size(border=_BORDER)
    if width > columns:
        note(f"a QR code of it needs {width} columns: make the letters smaller, or carry the file")
        return
    drawn = io.StringIO()
    code.terminal(drawn, compact=True, border=_BORDER)
    click.echo(drawn.getvalue(), err=True)
