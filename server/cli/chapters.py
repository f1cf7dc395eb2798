"""The verbs as help lists them: in the order in which staff need them, not by the alphabet.

A verb's module has its name, and is imported when the verb is typed: most need little, and a web
server and what checks a machine take a second to load.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

import click

CHAPTERS: Final[Mapping[str, Sequence[str]]] = {
    "Setting up": ("init", "keys", "pair", "authorise", "serve", "landing"),
    "Export day": ("export", "receipts", "replies"),
    "Looking after it": ("status", "check", "heartbeat", "mail", "canary", "sweep"),
    "Moving": ("backup", "restore"),
    "Emergencies": ("lockdown", "unlock", "destroy"),
}


class Chapters(click.Group):
    """A group of the verbs there are, whose help has chapters."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return every verb's name."""
        return [name for names in CHAPTERS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb of that name."""
        if cmd_name not in self.commands and cmd_name in self.list_commands(ctx):
            self.add_command(import_module(f"server.cli.{cmd_name}").command)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb that was typed; where there is none, click says which was meant."""
        names = self.list_commands(ctx)
        if args[0] not in names:
            for name in names:  # click proposes only what was imported
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each chapter's verbs and what they do."""
        widest = max(map(len, self.list_commands(ctx)))
        limit = formatter.width - 6 - widest
        for title, names in CHAPTERS.items():
            with formatter.section(title):
                formatter.write_dl([
                    (name.ljust(widest), verb.get_short_help_str(limit))
                    for name in names
                    if (verb := self.get_command(ctx, name))
                ])  # fmt: skip
