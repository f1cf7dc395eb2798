"""A small file as a QR code on the terminal, for a camera instead of a stick."""

import io

import click
import segno


def show(content: bytes) -> bool:
    """Draw `content` (ASCII) as a QR code, beside the results; say whether one can hold it."""
    try:
        code = segno.make_qr(content.decode("ascii"), error="l", boost_error=False)
    except segno.DataOverflowError:
        return False
    drawn = io.StringIO()
    code.terminal(drawn, compact=True, border=2)
    click.echo(drawn.getvalue(), err=True)
    return True
