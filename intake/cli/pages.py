"""tapedrop-intake desk: the desk as pages, for a browser on this machine."""

import asyncio
from functools import partial
from typing import Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import note, print_json
from intake.layout import Layout
from intake.unlocking import last_locked

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk desk
  open this address in a browser on this machine, once:
    http://127.0.0.1:38211/enter/0f1c6a…
"""
_OVER: Final = {
    "idle": "nobody has asked for a page in 15 minutes: ended",
    "locked": "the desk was locked: ended",
}


@click.command(
    "desk", short_help="Show the desk as pages in a browser on this machine.", epilog=_EPILOG
)
@at_desk
@as_json
def command(desk: Layout, as_json: bool) -> None:
    """Show the desk as pages in a browser on this machine, until Ctrl-C, `lock` or 15 idle minutes.

    The address lets one browser in, once. Nobody else on this machine can look, and no other page.
    Use a private window: what a browser keeps of pages lies outside of the vault.
    """
    from intake.desk.serving import serve

    locked_before = last_locked(desk)

    def may_stay() -> bool:
        return last_locked(desk) == locked_before

    def listening(address: str) -> None:
        if as_json:
            print_json({"url": address})
        else:
            click.echo("open this address in a browser on this machine, once:")
            click.echo(f"  {address}")
            note("a private window keeps nothing; Ctrl-C here ends it, or lock, or 15 idle minutes")

    try:
        over = asyncio.run(serve(partial(unlocked, desk), listening, may_stay=may_stay))
        note(_OVER[over.value])
    except KeyboardInterrupt:
        note("ended")
