"""tapedrop-intake open: open what was imported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import click
from msgspec import structs

from crypto.errors import CardAbsent, CryptoError, GpgFailed, NoKeyOpens, PinRefused
from crypto.own_keys import OwnKeys
from intake.arriving.pace import Step
from intake.catalogue.glances import NOTHING
from intake.cleaning import look_into, waits
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.exits import DONE, NEEDS_A_PERSON, exit_code, gravest
from intake.cli.keyholders import say_the_price, say_whose
from intake.cli.list_ import print_drops
from intake.cli.talk import Progress, complain, note, print_json, say_error
from intake.drop import Alarm, Cleaning, CleaningOutcome, Drop, Status
from intake.errors import EvidenceDamaged
from intake.layout import Layout
from intake.pipeline import open_drop
from intake.scrubbing import Scrubber
from intake.searching.indexing import index_drop
from intake.unlocked import Unlocked, today
from intake.views.rows import row
from intake.wording import ALARM_HINT, ALARMS, EARLIER_HINT, plain
from intake.working import Of
from scrub import SandboxUnavailable, WorkerFailed

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk open --all
  $ tapedrop-intake --desk desk open drop-0007
"""
_NOBODY_TO_ASK: Final = (PinRefused, CardAbsent, GpgFailed)
"""What the next drop would meet as well: it is not tried."""
WITHOUT_KEY: Final = {CleaningOutcome.NO_KEY, CleaningOutcome.TOO_SLOW}
"""What is tried again when there may be a key."""
_OPENED_INSIDE: Final = {
    CleaningOutcome.CLEANED,
    CleaningOutcome.READ,
    CleaningOutcome.NOT_CLEANABLE,
}
_KEPT_KEY_FAILED: Final = "the session key kept for it is not its own; the desk's keys are tried"


@click.command("open", epilog=_EPILOG)
@click.argument("ids", metavar="[ID|CASE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Open every drop that waits.")
@at_desk
@as_json
def command(ids: tuple[str, ...], everything: bool, desk: Layout, as_json: bool) -> int:
    """Open drops: verify, decrypt, catalogue. ID may be a case: all of its drops.

    What was opened once needs no card again. Where a PIN is wrong, nothing is tried again: what
    was opened until then stays open.

    What the server's canary sent, its own test source, is not listed, and nothing of it is kept
    here but the day. To hear one all the same, name it: `list --canaries` knows them.
    """
    if bool(ids) == everything:
        raise click.UsageError("name the drops to open, or say --all")
    with unlocked(desk) as room, Scrubber() as scrubber:
        drops = _waiting(room) if everything else room.drops(ids)
        opening = Opening(room, scrubber, drops)
        opening.all()
        # As `list` has them: with what the sandbox found, and what was said of them before.
        opened = [room.catalogue.drops.drop(each.number) for each in opening.opened]
        glances = room.catalogue.records.glances() if opened else {}
    code = opening.code
    canaries = [drop for drop in opened if drop.status is Status.CANARY]
    opened = [drop for drop in opened if drop.status is not Status.CANARY]
    if canaries:
        days = ", ".join(sorted({plain(drop.canary_day or "") for drop in canaries}))
        note(f"{len(canaries)} from the server's canary, sent on {days}: not listed, nothing to do")
    if raise_alarms(opened):
        code = gravest(code, NEEDS_A_PERSON)
    if as_json:
        print_json([row(drop, glances.get(drop.digest, NOTHING)) for drop in opened])
    elif opened:
        print_drops(opened, glances)
    elif not opening.drops:
        note("nothing waits to be opened")
    return code


def _waiting(room: Unlocked) -> list[Drop]:
    """Return what is stored, and what was opened and can't be heard, or was not cleaned, here yet.

    A desk that was restored has no copies, and Tapedrop 0.2 kept no keys.
    """

    def is_through(drop: Drop) -> bool:
        return room.working.has(drop.digest) and not waits(
            drop, working=room.working, catalogue=room.catalogue
        )

    drops = room.catalogue.drops.all()
    stored = [drop for drop in drops if drop.status is Status.STORED]
    # Last: what is inside of one may ask for a PIN that nobody has.
    return stored + [
        drop for drop in drops if drop.status is Status.OPENED and not is_through(drop)
    ]


@dataclass
class Opening:
    """Several drops on their way to being open."""

    room: Unlocked
    scrubber: Scrubber
    drops: Sequence[Drop]
    opened: list[Drop] = field(default_factory=list)
    code: int = DONE

    def all(self) -> None:
        """Open one after the other, until a PIN or a card stands in the way of all of them."""
        waiting = [drop for drop in self.drops if not self._is_open(drop)]
        own = self.room.own_keys() if waiting else None
        if own is not None:
            say_the_price(self.room, own, waiting)
        wanted = {drop.digest for drop in waiting}
        at, passed, total = 0, 0, 2 * sum(map(self._size, waiting))
        with Progress("opening") as progress:

            def told(size: int) -> None:
                nonlocal passed
                passed += size
                progress(Step(passed, total, at, len(waiting)))

            for drop in self.drops:
                try:
                    if own is not None and drop.digest in wanted:
                        at += 1
                        self.opened.append(self._open(drop, own, told))
                    else:
                        self.opened.append(drop)
                    _look_into(self.room, self.opened[-1], self.scrubber)
                except _NOBODY_TO_ASK as error:
                    self._failed(drop, error)
                    left = wanted - {each.digest for each in self.opened}
                    note(f"stopped: {len(left)} of {len(waiting)} are not open yet")
                    return
                except (CryptoError, EvidenceDamaged) as error:
                    self._failed(drop, error)

    def _is_open(self, drop: Drop) -> bool:
        working = self.room.working
        if drop.status is not Status.OPENED or not working.has(drop.digest):
            return False
        if drop.manifest is not None and not working.is_whole(drop.digest, drop.manifest.sha256):
            note(f"{drop.id} is open, but its working copy is damaged: it is made again")
            return False
        note(f"{drop.id} is open already")
        return True

    def _size(self, drop: Drop) -> int:
        try:
            return self.room.evidence.size(drop.digest)
        except EvidenceDamaged:
            return 0

    def _failed(self, drop: Drop, error: Exception) -> None:
        self.code = gravest(self.code, exit_code(error))
        complain(error, about=drop.id)
        if isinstance(error, NoKeyOpens):
            say_whose(self.room, drop)

    def _open(self, drop: Drop, own: OwnKeys, passed: Callable[[int], None]) -> Drop:
        room, server = self.room, self.room.settings.server
        if drop.status is Status.CANARY:
            # Somebody wants to hear for themselves: the server says who sent it, and may lie.
            note(f"{drop.id} was taken for the canary's; now it is opened as any other drop")
            server = structs.replace(server, canary=None)
        # Another command may open the same drop: one of two copy keys would be kept, and maybe not
        # the one that the copy was written with.
        with room.evidence.alone(drop.digest):
            return open_drop(
                drop,
                evidence=room.evidence,
                working=room.working,
                catalogue=room.catalogue,
                gpg=room.gpg,
                own=own,
                server=server,
                by=room.by,
                day=today(),
                passed=passed,
                kept_key_failed=lambda: note(f"{drop.id}: {_KEPT_KEY_FAILED}"),
            )


def _look_into(room: Unlocked, drop: Drop, scrubber: Scrubber) -> None:
    """Have the sandbox look at a drop that nobody has looked at; what fails there costs no drop.

    What no key opened inside is tried again: the card may be here now, or the PIN be right. Copies
    that are gone are made again.
    """
    studies = room.catalogue.studies
    before = studies.cleaning(drop.digest)
    no_key = before is not None and before.outcome in WITHOUT_KEY
    looked_at = studies.facts(drop.digest) is not None or before is not None
    gone = before is not None and not _has_copies(room, drop, before)
    if drop.status is not Status.OPENED or (looked_at and not (no_key or gone)):
        return
    try:
        cleaning = look_into(
            drop,
            working=room.working,
            catalogue=room.catalogue,
            gpg=room.gpg,
            scrubber=scrubber,
        )
    except (SandboxUnavailable, WorkerFailed) as error:
        note(f"{drop.id} is open, but the sandbox could not look into it: {plain(str(error))}")
        return
    except GpgFailed as error:
        # What is inside may be made to have it fail, and must not keep the next drop shut.
        note(f"{drop.id} is open, but what its source encrypted is not: {plain(str(error))}")
        return
    if cleaning is not None:
        index_drop(drop, catalogue=room.catalogue, working=room.working)
        note(f"{drop.id} came uncleaned: {cleaning.outcome}")


def _has_copies(room: Unlocked, drop: Drop, cleaning: Cleaning) -> bool:
    """Say whether the copies that cleaning made are here: a desk that was restored has none."""
    wanted = {Of.CLEANED} if cleaning.outcome is CleaningOutcome.CLEANED else set()
    if cleaning.nested and cleaning.outcome in _OPENED_INSIDE:
        wanted.add(Of.INSIDE)
    return all(room.working.has(drop.digest, of) for of in wanted)


def raise_alarms(opened: Sequence[Drop]) -> bool:
    """Say what a reporter must know of drops, although they opened; return whether anything is."""
    for drop in opened:
        _raise_alarms_of(drop)
    return any(drop.alarms for drop in opened)


def _raise_alarms_of(drop: Drop) -> None:
    for alarm in drop.alarms:
        if alarm is Alarm.EARLIER_KEYS:
            note(f"warning: {drop.id}: {ALARMS[alarm]}")
            note(f"hint: {EARLIER_HINT}")
        else:
            say_error(f"ALARM: {drop.id}: {ALARMS[alarm]}", ALARM_HINT)
