"""What became of a case that was merged: a row of JSON, or what a reporter reads."""

from dataclasses import dataclass, field
from typing import Any, Final

import click

from intake.cli.exits import DONE
from intake.cli.talk import note, print_table
from intake.drop import Drop
from intake.pipeline import Outcome, Taken
from intake.records import Record
from intake.sharing.casefile import CaseFile, Condition
from intake.sharing.taking import Accepted
from intake.views.record import conflict_lines, record_row
from intake.wording import CONDITIONS, plain

SET_ASIDE: Final = {Outcome.DAMAGED, Outcome.UNREADABLE}
_HEAD: Final = ("id", "sha256", "status", "new", "signed by", "condition", "outcome")
_CONDITIONS: Final = {str(each): words for each, words in CONDITIONS.items()} | {
    str(Condition.CLEANABLE): "NOT cleaned"
}
_PURGED: Final = "left out: it was purged here"


@dataclass(frozen=True)
class Conflict:
    """A record of which desks say different things; `drop` and `within` are as people call them."""

    record: Record
    drop: str
    within: str


@dataclass
class Merged:
    """What became of one bag. `refused` and `stopped` are sentences."""

    bag: str
    code: int = DONE
    passed_over: bool = False
    refused: str | None = None
    stopped: str | None = None
    case: CaseFile | None = None
    taken: Taken | None = None
    accepted: Accepted | None = None
    drops: list[Drop] = field(default_factory=list)
    by_server: frozenset[bytes] = frozenset()
    """The envelopes that this desk's server has signed for."""
    conflicts: list[Conflict] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    """Drops that the other desk has released from a hold that was known here."""
    shortened: list[str] = field(default_factory=list)
    """Drops that may go sooner by its word."""

    @property
    def row(self) -> dict[str, Any]:
        """All of it, for another program."""
        return {
            "bag": self.bag,
            "refused": self.refused,
            "stopped": self.stopped,
            "desk": self.case.teller.desk if self.case else None,
            "drops": [self.drop_row(drop) for drop in self.drops],
            "new_revisions": self.accepted.said if self.accepted else 0,
            "conflicts": [
                record_row(each.record, drop=each.drop, within=each.within)
                for each in self.conflicts
            ],
            "released_from_hold": self.released,
            "kept_shorter": self.shortened,
            "custody_told_twice": self.accepted.two_stories if self.accepted else None,
            "exit_code": self.code,
        }

    def drop_row(self, drop: Drop) -> dict[str, Any]:
        """One drop of it."""
        arrivals = self.taken.arrivals if self.taken else ()
        outcomes = {each.digest: str(each.outcome) for each in arrivals}
        said = self.accepted.said_of if self.accepted else {}
        told = {each.digest: each.condition for each in self.case.drops} if self.case else {}
        return {
            "id": drop.id,
            "sha256": drop.digest.hex(),
            "status": drop.status,
            "new_revisions": said.get(drop.digest, 0),
            "signed_by_server": drop.digest in self.by_server,
            "condition": drop.manifest.condition if drop.manifest else told.get(drop.digest),
            "outcome": outcomes.get(drop.digest, _PURGED),
        }


def print_merged(merged: Merged) -> None:
    """Print a table of the drops, and say what needs a person."""
    if merged.case is None or merged.accepted is None:
        return
    desk = plain(merged.case.teller.desk)
    rows = []
    for row in map(merged.drop_row, merged.drops):
        signed = "the server" if row["signed_by_server"] else f"only {desk}"
        condition = _CONDITIONS.get(str(row["condition"]), "-")
        new = str(row["new_revisions"])
        rows.append((row["id"], row["sha256"][:16], row["status"], new, signed, condition,
                     row["outcome"]))  # fmt: skip
    print_table(_HEAD, rows)
    if merged.accepted.said:
        note(f"{merged.accepted.said} notes and the like are new, from {desk}")
    else:
        note(f"nothing that {desk} says of it is new")
    for drop in merged.released:
        note(f"warning: {desk} has released {drop} from the hold that was on it here")
        note(f"hint: if it is to stay: tapedrop-intake retain {drop} --hold WHY")
    for drop in merged.shortened:
        note(f"warning: {desk} keeps {drop} for less long than was said here; that counts now")
        note(f"hint: if it is to stay: tapedrop-intake retain {drop} --until DAY")
    if merged.accepted.two_stories is not None:
        number = merged.accepted.two_stories
        note(f"warning: {desk} tells another story of entry {number} of its custody log")
        note(f"hint: ask {desk}; it was set back to an older copy, or its log written anew")
    for each in merged.conflicts:
        for line in conflict_lines(each.record, each.drop, each.within):
            click.echo(line)
