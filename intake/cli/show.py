"""tapedrop-intake show: all that is known of one drop, and what a message says."""

from dataclasses import asdict
from typing import Any, Final

import click

from crypto.manifest import NOT_READ, Condition
from intake.cli.desk import Unlocked, as_json, at_desk, unlocked
from intake.cli.rows import HEAD, MESSAGE, cells, row
from intake.cli.talk import note, print_json
from intake.drop import Drop
from intake.export import message_text
from intake.layout import Layout
from intake.provenance import Provenance
from intake.wording import ALARMS, kind_text, plain, scrubbed

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk show drop-0002
"""


@click.command("show", epilog=_EPILOG)
@click.argument("drop_id", metavar="ID")
@at_desk
@as_json
def show_drop(drop_id: str, desk: Layout, as_json: bool) -> None:
    """Show one drop; of a message, its text."""
    with unlocked(desk) as room:
        drop = room.drop(drop_id)
        bags = _bags(room, drop)
        text = _text(room, drop)
    if as_json:
        print_json(row(drop) | {"values": _values(drop), "bags": bags, "text": text})
        return
    for name, cell in zip(HEAD, cells(drop), strict=True):
        if name not in {"removed", "remains"}:
            click.echo(f"{name:10} {cell}")
    if drop.manifest is not None and drop.manifest.condition is Condition.CLEANED:
        found = scrubbed(drop.manifest.removed, drop.manifest.remains)
        click.echo(f"{'scrubbed':10} {found}")
    click.echo(f"{'evidence':10} {drop.digest.hex()}")
    for bag in bags:
        click.echo(f"{'bag':10} {bag['bag']}, signed on {bag['day']}")
    for alarm in drop.alarms:
        click.echo(f"{'ALARM':10} {ALARMS[alarm]}")
    for value in _values(drop):
        click.echo(value_line(**value))
    if text is not None:
        click.echo(f"\n{plain(text, lines=True)}")


def value_line(kind: str, name: str, text: str) -> str:
    """Return a line for a value that was taken out, or that says that they could not be read."""
    if kind == NOT_READ.kind:  # nothing that the recording said
        return f"{'values':10} {plain(text)}"
    return f"{'it said':10} {kind_text(kind)}: {plain(name)}: {plain(text)}"


def _values(drop: Drop) -> list[dict[str, str]]:
    return [asdict(value) for value in drop.manifest.values] if drop.manifest is not None else []


def _bags(room: Unlocked, drop: Drop) -> list[dict[str, Any]]:
    provenance = Provenance(room.layout.bags, room.settings.server.signer)
    return [
        {"bag": name, "day": bag.day.isoformat()}
        for name, bag in provenance.bags()
        if drop.digest in bag.digests.values()
    ]


def _text(room: Unlocked, drop: Drop) -> str | None:
    if drop.manifest is None or drop.manifest.name != MESSAGE:
        return None
    if not room.working.has(drop.digest):
        note(f"its working copy was dropped; tapedrop-intake open {drop.id} makes it anew")
        return None
    return message_text(drop, working=room.working)
