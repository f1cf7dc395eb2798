"""Destroy drops for good: first what the vault knows of them, then the files.

    1  in one transaction  the drop's keys, all that was learned or said of it, and the words it
                           is found by go; a tombstone and an entry of the custody log stay
    2  the files           its working copy, its envelope, and of a source with no other drop
                           what waits in the outbox

Killed before 1 is done, nothing has changed. Killed after it, the drop is gone: `sweep`, which
runs whenever the vault is unlocked, takes away what is left, and what a stick brings once more.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from intake.arriving.evidence import Evidence
from intake.catalogue import Catalogue
from intake.drop import Drop
from intake.durable import sync_folder
from intake.proving.custody import Act
from intake.working import WorkingCopies


def purge(
    drops: Sequence[Drop],
    *,
    catalogue: Catalogue,
    evidence: Evidence,
    working: WorkingCopies,
    outbox: Path,
    by: str,
    day: date,
) -> bool:
    """Destroy these drops, all or none of them. Nobody else may be at work at the desk.

    Returns whether there was room to write the catalogue anew afterwards, which shrinks it.
    """
    with catalogue.whole():
        for drop in drops:
            entry = catalogue.custody.add(Act.PURGED, drop=drop.digest, by=by, day=day)
            catalogue.purged.destroy(drop, day=day, entry=entry.number)
    sweep(catalogue, evidence, working, outbox)
    return catalogue.purged.settle()


def sweep(catalogue: Catalogue, evidence: Evidence, working: WorkingCopies, outbox: Path) -> None:
    """Take away every file that belongs to a purged drop."""
    purged = catalogue.purged.digests()
    if purged:
        working.forget_all(purged)
        left = (evidence.digests() | evidence.parts()) & purged
        if left:
            evidence.forget(left)
    mailboxes = catalogue.purged.mailboxes()
    if mailboxes:
        for path in outbox.iterdir():
            if path.name.partition("-")[0] in mailboxes:
                path.unlink()
        sync_folder(outbox)
        catalogue.purged.forget_mailboxes()
