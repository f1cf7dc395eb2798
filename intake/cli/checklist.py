"""tapedrop-intake checklist: the steps of verification, and what was found."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import print_json
from intake.cli.texts import given_text, text_from
from intake.layout import Layout
from intake.records import Check, Checked, Kind, Record, record_of
from intake.verifying import STEPS
from intake.views import indented
from intake.wording import plain


class _ShownByItself(click.Group):
    """A group that takes an id in the place of a verb as `show` and that id."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb in where it was left out."""
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(
    "checklist",
    cls=_ShownByItself,
    short_help="The steps of verification, and what was found.",
    subcommand_metavar="ID | VERB …",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk checklist drop-0002
  $ tapedrop-intake --desk desk checklist set drop-0002 place --done --text "the yard's bell, 3:12"
""",
)
def command() -> None:
    """The steps of verification of a drop, and what was found; with an ID alone, all of them.

    No step is a proof. Together they are what an editor asks for before a recording is used.
    """


@command.command(
    "show",
    short_help="Show every step of a drop, and how far it is.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk checklist drop-0002
""",
)
@click.argument("drop_id", metavar="ID")
@at_desk
@as_json
def show(drop_id: str, desk: Layout, as_json: bool) -> None:
    """Show every step of a drop: what it asks, how far it is, what was found."""
    with unlocked(desk) as room:
        drop = room.drop(drop_id)
        records = room.catalogue.records.all(Kind.CHECK, about=drop.digest)
    _print(drop.id, records, as_json=as_json)


@command.command(
    "set",
    short_help="Say how far a step is, and what was found.",
    epilog="""\b
Example: by its name, or its number
  $ tapedrop-intake --desk desk checklist set drop-0002 place --done --text "the yard's bell, 3:12"
  $ tapedrop-intake --desk desk checklist set drop-0002 9 --not-possible
""",
)
@click.argument("drop_id", metavar="ID")
@click.argument("step", metavar="STEP", shell_complete=lambda _context, _step, begun: [
    each for each in STEPS if each.startswith(begun)])  # fmt: skip
@click.option("--done", "state", flag_value=Checked.DONE.value, help="It holds.")
@click.option("--failed", "state", flag_value=Checked.FAILED.value, help="It doesn't hold.")
@click.option("--not-possible", "state", flag_value=Checked.NOT_POSSIBLE.value,
              help="Nobody can tell.")  # fmt: skip
@click.option("--open", "state", flag_value=Checked.OPEN.value, help="It is to be looked at again.")
@click.option("--text", metavar="TEXT", help="What was found.")
@text_from
@at_desk
@as_json
def set_(
    drop_id: str,
    step: str,
    state: str | None,
    text: str | None,
    file: BinaryIO | None,
    desk: Layout,
    as_json: bool,
) -> None:
    """Say how far a step is, and what was found; what isn't said stays as it was."""
    name = _step(step)
    if state is None and text is None and file is None:
        raise click.UsageError("say how far it is: --done, --failed, --not-possible or --open")
    found = given_text(text, file, "what was found") if text is not None or file else None
    with unlocked(desk) as room, room.catalogue.whole():
        drop = room.drop(drop_id)
        before = room.catalogue.records.get(record_of(Kind.CHECK, drop.digest, name.encode()))
        said = before.content if before and before.content else Check(name, Checked.OPEN)
        room.pen.check(
            drop.digest,
            name,
            said.state if state is None else Checked(state),
            said.text if found is None else found,
        )
        records = room.catalogue.records.all(Kind.CHECK, about=drop.digest)
    _print(drop.id, records, as_json=as_json)


def _step(typed: str) -> str:
    names = list(STEPS)
    if typed.isascii() and typed.isdecimal() and 1 <= int(typed[:3]) <= len(names):
        return names[int(typed[:3]) - 1]
    if typed not in names:
        raise click.UsageError(f"there is no step {plain(typed)}; there are {', '.join(names)}")
    return typed


def _print(drop_id: str, records: list[Record], *, as_json: bool) -> None:
    said = {each.content.step: each for each in records if each.content}
    # A colleague's later version may know steps that this one doesn't.
    steps = [*STEPS, *(step for step in sorted(said) if step not in STEPS)]
    if as_json:
        print_json({"id": drop_id, "steps": [_row(step, said.get(step)) for step in steps]})
        return
    for number, step in enumerate(steps, 1):
        for line in _lines(number, step, said.get(step)):
            click.echo(line)


def _row(step: str, record: Record | None) -> dict[str, Any]:
    row: dict[str, Any] = {"step": step, "asks": STEPS.get(step), "state": Checked.OPEN.value}
    if record is None:
        return row | {"text": "", "by": None, "day": None, "conflict": False}
    head = record.heads[-1]
    found = {"state": record.content.state, "text": record.content.text}
    return row | found | {"by": head.by, "day": head.day, "conflict": record.in_conflict}


def _lines(number: int, step: str, record: Record | None) -> Iterator[str]:
    """Yield a step's lines: what it asks while it is open, then what was found."""
    check = record.content if record else Check(step, Checked.OPEN)
    head = record.heads[-1] if record else None
    who = f"{plain(head.by)}, {plain(head.day)}" if head else ""
    split = "  IN CONFLICT: say it anew" if record and record.in_conflict else ""
    yield f"{number:>2}  {plain(step):<15} {check.state:<13} {who}{split}".rstrip()
    if check.state is Checked.OPEN and step in STEPS:
        yield f"    {STEPS[step]}"
    if check.text:
        yield from indented(check.text, 4)
