"""What there is to type: every verb and its options; and every line that our pages type."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeGuard

import click

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = sorted([
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("deploy/*/*.txt"),
])  # fmt: skip


def verbs(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield each verb's words, such as `keys add`, and its command."""
    for command in below(group):
        if isinstance(command, click.Group):
            yield from verbs(command, f"{before}{command.name} ")
        else:
            yield f"{before}{command.name}", command


def below(group: click.Group) -> list[click.Command]:
    """Return the commands of a group."""
    with click.Context(group) as context:
        found = [group.get_command(context, name) for name in group.list_commands(context)]
    return [command for command in found if command is not None]


def options(command: click.Command) -> set[str]:
    """Return a command's options by their long names."""
    named = {name for each in command.params for name in [*each.opts, *each.secondary_opts]}
    return {name for name in named if name.startswith("--")}


def typed(program: str) -> list[tuple[str, str]]:
    """Return every line of our pages that types a command: the page, and the words behind it."""
    line = re.compile(rf"^ {{4,}}(?:sh )?(?:\S+/)?{program} ([^#\n]+)", re.MULTILINE)
    # What stands further to the right is about the line.
    return [
        (page.name, re.split(r" {4,}", words)[0])
        for page in PAGES
        for words in line.findall(page.read_text())
    ]


def parse(command: click.Command, words: str) -> None:
    """Read a line as click does, but for looking whether its files are there.

    Raises click.UsageError.
    """
    _parse(command, shlex.split(words), command.name or "")


def _parse(command: click.Command, arguments: list[str], name: str) -> None:
    if {"--help", "-h"} & set(arguments):
        return
    context = click.Context(command, info_name=name, **command.context_settings)
    if isinstance(command, click.Group):
        rest = _without_desk(arguments)
        if command.name == "checklist" and rest[:1] not in (
            ["set"],
            ["show"],
        ):  # it may be left out there
            rest = ["show", *rest]
        if not rest:
            raise click.UsageError("no verb")
        _, below_it, rest = command.resolve_command(context, rest)
        assert below_it is not None
        _parse(below_it, rest, rest[0] if rest else "")
        return
    said, left, _ = command.make_parser(context).parse_args(list(arguments))
    if left:
        raise click.UsageError(f"not expected: {left}")
    for each in command.params:
        value = said.get(each.name or "")
        words = [value] if isinstance(value, str) else value
        given = [one for one in words if isinstance(one, str)] if _is_several(words) else []
        if each.required and not given:
            raise click.MissingParameter(ctx=context, param=each)
        for one in given if isinstance(each.type, click.Choice) else []:
            each.type.convert(one, each, context)


def _is_several(words: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    return isinstance(words, list | tuple)


def _without_desk(arguments: list[str]) -> list[str]:
    return arguments[2:] if arguments[:1] == ["--desk"] else arguments
