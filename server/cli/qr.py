"""A small file as a QR code on the terminal, for a camera instead of a stick."""

import shutil
import sys

import click

from crypto.qr import in_letters
from server.cli.talk import note


def show(content: bytes, *, asked: bool | None) -> None:
    """Draw `content` (ASCII) as a QR code, beside the results, where it can be read.

    Unless somebody `asked` for it, only on a terminal that is wide enough.
    """
    columns = shutil.get_terminal_size().columns if asked is None else None
    if sys.stderr.isatty() if asked is None else asked:
        try:
            click.echo(in_letters(content, columns=columns), err=True)
        except ValueError as why:
            note(str(why))
