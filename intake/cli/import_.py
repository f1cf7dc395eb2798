"""tapedrop-intake import: carry bags from a stick into the desk."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from crypto.errors import CryptoError
from intake.arriving.evidence import Evidence
from intake.arriving.provenance import Provenance
from intake.arriving.stick import bags_in
from intake.cli.desk import as_json, at_desk
from intake.cli.exits import DONE, NEEDS_A_PERSON, exit_code, gravest
from intake.cli.talk import Progress, complain, note, print_json, print_table
from intake.errors import BagRefused, ImportStopped, NoRoom, WrongKind
from intake.layout import Layout
from intake.locking import working_at
from intake.pipeline import Arrival, Outcome, Taken, take_in
from intake.settings import read_settings
from intake.unlocked import today
from intake.wording import plain, told

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk import /media/stick
  envelope                              sha256            outcome
  6d1f0c…e2.gpg                         91b2c4d1a07f33e8  stored
"""
_SHOWN: Final = 8
"""Letters of a bag's name that fit beside how far its import is."""
_MOST_ROWS: Final = 20
_SET_ASIDE: Final = {Outcome.DAMAGED, Outcome.UNREADABLE}


@click.command("import", epilog=_EPILOG)
@click.argument("path", metavar="BAG", type=click.Path(path_type=Path))
@at_desk
@as_json
def command(path: Path, desk: Layout, as_json: bool) -> int:
    """Import BAG, or every bag of the stick BAG; needs no PIN.

    A bag whose signature doesn't hold is refused whole. An envelope that is damaged is set aside,
    and the others are imported. Where the stick is pulled or the power goes, importing again goes
    on from there.
    """
    settings = read_settings(desk.settings)
    evidence = Evidence(desk.evidence)
    provenance = Provenance(desk.bags, settings.server.signer)
    bags = bags_in(path)
    with working_at(desk.folder):
        outcomes = list(_each(bags, evidence, provenance))
        # Of a bag that was refused nobody knows here what it lists: there may be no room just now.
        if all(each.is_through for each in outcomes):
            evidence.tidy({each.digest for taken in outcomes for each in taken.arrivals})
    if as_json:
        print_json({"bags": [_row(each) for each in outcomes]})
    else:
        _print([arrival for each in outcomes for arrival in each.arrivals])
    # Said last: it is what somebody has to do something about.
    for each in outcomes:
        if each.stopped:
            complain(each.stopped, about=each.bag)
    return gravest(*(each.code for each in outcomes))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one bag: `refused` whole for this reason, or else `taken`."""

    bag: str
    code: int
    refused: Exception | None = None
    taken: Taken | None = None

    @property
    def arrivals(self) -> Sequence[Arrival]:
        return self.taken.arrivals if self.taken else ()

    @property
    def is_through(self) -> bool:
        """Whether all that could be taken was taken, or there was nothing for a desk in it."""
        if self.taken is None:
            return isinstance(self.refused, WrongKind)
        return self.taken.stopped is None

    @property
    def stopped(self) -> ImportStopped | None:
        return self.taken.stopped if self.taken else None


def _each(bags: Sequence[Path], evidence: Evidence, provenance: Provenance) -> Iterator[_Outcome]:
    """Take in each bag, but none after one at which the import had to stop."""
    for bag in bags:
        outcome = _take(bag, evidence, provenance, alone=len(bags) == 1)
        yield outcome
        if outcome.stopped:
            return


def _take(bag: Path, evidence: Evidence, provenance: Provenance, *, alone: bool) -> _Outcome:
    name = plain(bag.name)
    try:
        with Progress(f"importing {name[:_SHOWN]}") as progress:
            taken = take_in(
                bag, evidence=evidence, provenance=provenance, day=today(), told=progress
            )
    except KeyboardInterrupt:
        note("what was copied stays; importing again goes on from there")
        raise
    except (BagRefused, CryptoError, NoRoom) as error:
        # On a stick that travels both ways, our own answers are in nobody's way.
        if isinstance(error, WrongKind) and not alone:
            note(f"passed over: {told(error, about=name)[0]}")
            return _Outcome(name, DONE, error)
        complain(error, about=name)
        return _Outcome(name, exit_code(error), error)
    if taken.stopped:
        return _Outcome(name, exit_code(taken.stopped), None, taken)
    set_aside = any(arrival.outcome in _SET_ASIDE for arrival in taken.arrivals)
    return _Outcome(name, NEEDS_A_PERSON if set_aside else DONE, None, taken)


def _row(outcome: _Outcome) -> dict[str, Any]:
    """Return what another program may want to know of a bag; what isn't known is null."""
    bag = outcome.taken.bag if outcome.taken else None
    return {
        "bag": outcome.bag,
        "day": bag.day.isoformat() if bag else None,
        "newsroom": list(bag.newsroom) if bag else None,
        "refused": told(outcome.refused, about=outcome.bag)[0] if outcome.refused else None,
        "stopped": told(outcome.stopped, about=outcome.bag)[0] if outcome.stopped else None,
        "listed": len(bag.digests) if bag else None,
        "envelopes": [
            {
                "name": each.name,
                "sha256": each.digest.hex(),
                "size": each.size,
                "outcome": each.outcome,
            }
            for each in outcome.arrivals
        ],
        "exit_code": outcome.code,
    }


def _print(arrivals: Sequence[Arrival]) -> None:
    if not arrivals:
        return
    # Among 500 that are well nobody would find the one that isn't; --json has them all.
    shown = [each for each in arrivals if len(arrivals) <= _MOST_ROWS or each.outcome in _SET_ASIDE]
    rows = [(each.name, each.digest.hex()[:16], each.outcome) for each in shown]
    if rows:
        print_table(("envelope", "sha256", "outcome"), rows)
    counts = Counter(each.outcome for each in arrivals)
    note(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
