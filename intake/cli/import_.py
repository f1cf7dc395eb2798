"""tapedrop-intake import: carry bags from a stick into the desk."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from crypto.errors import CryptoError
from intake.cli.desk import as_json, at_desk
from intake.cli.exits import DONE, NEEDS_A_PERSON, exit_code, gravest
from intake.cli.talk import Progress, complain, note, print_json, print_table
from intake.errors import BagRefused, WrongKind
from intake.evidence import Evidence
from intake.layout import Layout
from intake.pipeline import Arrival, Outcome, take_in
from intake.provenance import Provenance
from intake.settings import read_settings
from intake.stick import bags_in
from intake.wording import plain, told

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk import /media/stick
  envelope                              sha256            outcome
  6d1f0c…e2.gpg                         91b2c4d1a07f33e8  stored
"""
_SET_ASIDE: Final = {Outcome.DAMAGED, Outcome.UNREADABLE}


@click.command("import", epilog=_EPILOG)
@click.argument("path", metavar="BAG", type=click.Path(path_type=Path))
@at_desk
@as_json
def import_bags(path: Path, desk: Layout, as_json: bool) -> int:
    """Import BAG, or every bag of the stick BAG; needs no PIN.

    A bag whose signature doesn't hold is refused whole. An envelope that is damaged is set aside,
    and the others are imported.
    """
    settings = read_settings(desk.settings)
    evidence = Evidence(desk.evidence)
    provenance = Provenance(desk.bags, settings.server.signer)
    bags = bags_in(path)
    taken = [_take(bag, evidence, provenance, alone=len(bags) == 1) for bag in bags]
    if as_json:
        print_json({"bags": [_row(each) for each in taken]})
    else:
        _print([arrival for each in taken for arrival in each.arrivals])
    return gravest(*(each.code for each in taken))


@dataclass(frozen=True, slots=True)
class _Taken:
    """What became of one bag. `refused` is a sentence, or None."""

    bag: str
    code: int
    refused: str | None = None
    arrivals: Sequence[Arrival] = ()


def _take(bag: Path, evidence: Evidence, provenance: Provenance, *, alone: bool) -> _Taken:
    name = plain(bag.name)
    try:
        with Progress(f"importing {name}") as progress:
            arrivals = take_in(bag, evidence=evidence, provenance=provenance, told=progress)
    except (BagRefused, CryptoError) as error:
        sentence, _ = told(error, about=name)
        # On a stick that travels both ways, our own answers are in nobody's way.
        if isinstance(error, WrongKind) and not alone:
            note(f"passed over: {sentence}")
            return _Taken(name, DONE, sentence)
        complain(error, about=name)
        return _Taken(name, exit_code(error), sentence)
    set_aside = any(arrival.outcome in _SET_ASIDE for arrival in arrivals)
    return _Taken(name, NEEDS_A_PERSON if set_aside else DONE, None, arrivals)


def _row(taken: _Taken) -> dict[str, Any]:
    envelopes = [
        {"name": each.name, "sha256": each.digest.hex(), "outcome": each.outcome}
        for each in taken.arrivals
    ]
    return {"bag": taken.bag, "refused": taken.refused, "envelopes": envelopes}


def _print(arrivals: Sequence[Arrival]) -> None:
    if not arrivals:
        return
    rows = [(each.name, each.digest.hex()[:16], each.outcome) for each in arrivals]
    print_table(("envelope", "sha256", "outcome"), rows)
    counts = Counter(each.outcome for each in arrivals)
    note(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
