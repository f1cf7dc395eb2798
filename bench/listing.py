"""A desk of months to look through: `list` of every drop, and what `show` reads of one.

Each drop is open and has a status, a summary, two tags, a case, a step and five notes.
"""

import statistics
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from crypto.manifest import Condition, Manifest, Source
from intake import catalogue
from intake.catalogue import Catalogue
from intake.catalogue.glances import NOTHING
from intake.pen import Pen
from intake.records import Checked, Kind, WorkStatus
from intake.vault import new_vault
from intake.views.rows import cells, clipped

NOTES_EACH: Final = 5
CASES: Final = 20
SOURCES: Final = 300
ROUNDS: Final = 5
LOOKS: Final = 200
DAY: Final = date(2026, 11, 20)
_STATUSES: Final = tuple(WorkStatus)


def measure(folder: Path, recordings: int) -> dict[str, float]:
    """Fill a catalogue, list it and look at drops; milliseconds."""
    with catalogue.opened(folder / "catalogue.db", new_vault()) as desk:
        with desk.whole():
            digests = fill(desk, recordings)
        whole = [_took(lambda: _listed(desk)) for _ in range(ROUNDS)]
        one = [_took(partial(_looked_at, desk, digests[at])) for at in _spread(recordings)]
    return {
        "recordings": recordings,
        "notes": recordings * NOTES_EACH,
        "list_ms": statistics.median(whole),
        "show_p95_ms": statistics.quantiles(one, n=20)[-1],
    }


def fill(desk: Catalogue, recordings: int) -> list[bytes]:
    """Add drops, all that `list` tells of them, and notes; return their digests."""
    pen = Pen(desk.records, "AB", DAY)
    digests = sorted(sha256(str(number).encode()).digest() for number in range(recordings))
    desk.drops.adopt(arrived=digests, promised=[])
    cases = [pen.case(f"Case {number}") for number in range(CASES)]
    for number, digest in enumerate(digests):
        desk.drops.opened(desk.drops.drop(number + 1), _manifest(number), [])
        pen.say(Kind.STATUS, digest, _STATUSES[number % len(_STATUSES)])
        pen.say(Kind.SUMMARY, digest, f"What is heard in recording {number}, in a few words")
        pen.tag(digest, f"tag{number % 40}")
        pen.tag(digest, f"other{number % 7}")
        pen.put_in(cases[number % CASES], digest)
        pen.check(digest, "place", Checked.DONE, "the bell of the yard")
        for note in range(NOTES_EACH):
            pen.note("a door, then a second voice", about=digest, at_ms=note * 1000)
    return digests


def _manifest(number: int) -> Manifest:
    source = number % SOURCES
    return Manifest(
        name="recording.wav", size=number, sha256="00" * 32, format="WAV", day="2026-11-20",
        condition=Condition.CLEANED, newsroom_digest="00" * 32, recipients=2, values=(),
        source=Source(f"word number{source}", f"{source:032x}", "00"),
        removed={"location": 1, "device": 2}, remains={"codec_data": 1},
    )  # fmt: skip


def _listed(desk: Catalogue) -> object:
    glances = desk.records.glances()
    drops = desk.drops.all()
    return clipped([cells(drop, glances.get(drop.digest, NOTHING)) for drop in drops])


def _looked_at(desk: Catalogue, digest: bytes) -> object:
    records = desk.records
    return desk.drops.of(digest), records.glance(digest), records.about(digest)


def _spread(recordings: int) -> range:
    return range(0, recordings, max(recordings // LOOKS, 1))


def _took(what: Callable[[], object]) -> float:
    """Return how many milliseconds of this process's own time something takes.

    Not the clock's: what else the machine does is no business of a catalogue's.
    """
    started = time.process_time()
    what()
    return (time.process_time() - started) * 1000
