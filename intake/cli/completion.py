"""What a shell proposes when Tab is pressed: verbs, options, and ids where the desk is unlocked.

    tapedrop-intake --completion bash    prints what bash is to read once (also zsh, fish)

Ids are read only while `unlock` has the vault's key remembered: Tab never asks for a PIN, and what
it can't find out it leaves unsaid.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from intake.layout import Layout

SHELLS: Final = ("bash", "zsh", "fish")
_VARIABLE: Final = "_TAPEDROP_INTAKE_COMPLETE"
_KINDS: Final = {"ID": ("drop", "case", "person"), "CASE": ("case",), "PERSON": ("person",),
                 "NOTE": ("note",), "SOURCE": ("source",)}  # fmt: skip
"""What is meant where a verb's usage has one of these words."""


def script(shell: str, group: click.Group, program: str) -> str:
    """Return what `shell` is to read, so that it asks this program when Tab is pressed."""
    complete = get_completion_class(shell)
    assert complete is not None
    return complete(group, {}, program, _VARIABLE).source()


def know_ids(command: click.Command) -> click.Command:
    """Have a verb, and those below it, propose ids where its usage speaks of them."""
    for parameter in command.params:
        kinds = _asked(parameter)
        if kinds:

            def proposed(
                context: click.Context,
                _parameter: click.Parameter,
                incomplete: str,
                kinds: tuple[str, ...] = kinds,
            ) -> list[CompletionItem]:
                return ids(context, incomplete, kinds)

            parameter._custom_shell_complete = proposed
    if isinstance(command, click.Group):
        for below in command.commands.values():
            know_ids(below)
    return command


def ids(context: click.Context, incomplete: str, kinds: tuple[str, ...]) -> list[CompletionItem]:
    """Return the ids that `incomplete` may become; none where nobody unlocked the desk."""
    try:
        desk = context.params.get("desk")
        named = context.find_root().params.get("desk") or Path()
        layout = desk if isinstance(desk, Layout) else Layout.of(named)
        return [
            CompletionItem(each) for each in _known(layout, kinds) if each.startswith(incomplete)
        ]
    except Exception:  # noqa: BLE001  whatever is wrong, a verb will say it; Tab stays silent
        return []


def _asked(parameter: click.Parameter) -> tuple[str, ...]:
    said = parameter.metavar if isinstance(parameter, click.Argument | click.Option) else None
    names = re.findall(r"[A-Z]+", said or "")
    return tuple(dict.fromkeys(kind for name in names for kind in _KINDS.get(name, ())))


def _known(layout: Layout, kinds: tuple[str, ...]) -> Iterator[str]:
    from intake import catalogue  # a verb's name is proposed without any of these
    from intake.locking import working_at
    from intake.records import Kind
    from intake.unlocking import remembered

    with working_at(layout.folder):
        vault = remembered(layout)
        if vault is None:
            return
        with catalogue.opened(layout.catalogue, vault) as known:
            if "drop" in kinds:
                yield from (drop.id for drop in known.drops.all())
            if "source" in kinds:
                yield from (source.id for source in known.sources.all())
            for kind in kinds:
                if kind in set(Kind):
                    yield from (record.name for record in known.records.all(Kind(kind)))
