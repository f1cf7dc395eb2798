"""The verbs as help lists them: in the order in which staff need them, not by the alphabet."""

from collections.abc import Mapping, Sequence
from typing import Final

import click

CHAPTERS: Final[Mapping[str, Sequence[str]]] = {
    "Setting up": ("init", "keys", "pair", "serve"),
    "Export day": ("export", "receipts", "replies"),
    "Looking after it": ("status", "check", "canary", "sweep"),
    "Moving": ("backup", "restore"),
    "Emergencies": ("lockdown", "unlock", "destroy"),
}


class Chapters(click.Group):
    """A group of verbs whose help has chapters."""

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each chapter's verbs and what they do."""
        widest = max(map(len, self.commands))
        for title, names in CHAPTERS.items():
            verbs = [(name, self.commands[name]) for name in names if name in self.commands]
            if verbs:
                with formatter.section(title):
                    limit = formatter.width - 6 - widest
                    rows = [(name.ljust(widest), verb.get_short_help_str(limit))
                            for name, verb in verbs]  # fmt: skip
                    formatter.write_dl(rows)
