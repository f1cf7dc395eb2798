"""The verbs as help lists them: in the order of a reporter's day, not by the alphabet.

A verb's module is imported when the verb is typed: decoding, pages and tables take a while to load.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

import click
from click.shell_completion import CompletionItem

from intake.cli.completion import know_ids

CHAPTERS: Final[Mapping[str, Sequence[str]]] = {
    "Setting up": ("init", "pair", "keys", "unlock", "lock", "check"),
    "A stick came": ("import", "open", "duplicates"),
    "Finding": ("list", "search", "show", "desk"),
    "Working": ("note", "case", "person", "checklist"),
    "Proving": ("log", "statement"),
    "Carrying out": ("export", "reply", "receipt", "share", "merge"),
    "Keeping": ("backup", "restore", "retain", "purge"),
}
_NAMES_OF_PYTHON: Final = {"import": "import_", "open": "open_", "list": "list_", "desk": "pages"}


class Chapters(click.Group):
    """A group of the verbs there are, whose help has chapters."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return every verb's name."""
        return [name for names in CHAPTERS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb of that name."""
        if cmd_name not in self.commands and cmd_name in self.list_commands(ctx):
            module = _NAMES_OF_PYTHON.get(cmd_name, cmd_name)
            self.add_command(know_ids(import_module(f"intake.cli.{module}").command))
        return super().get_command(ctx, cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what a verb, or an option, may become; no verb is imported for it."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [CompletionItem(name) for name in names] or super().shell_complete(ctx, incomplete)

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
