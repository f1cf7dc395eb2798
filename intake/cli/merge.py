"""tapedrop-intake merge: take in a case that a colleague's desk has shared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.bag import CASE_FILE, Kind
from crypto.errors import CardAbsent, CryptoError, GpgFailed, NoKeyOpens, PinRefused, WrongSignature
from intake import readers
from intake.arriving.provenance import Provenance
from intake.arriving.stick import StickBag, bags_in
from intake.cli.desk import adopt, as_json, at_desk, unlocked
from intake.cli.exits import NEEDS_A_PERSON, NO_KEY, exit_code, gravest
from intake.cli.merged import SET_ASIDE, Conflict, Merged, print_merged
from intake.cli.open_ import WITHOUT_KEY, Opening, raise_alarms
from intake.cli.talk import Progress, compare, complain, note, print_json, say_error
from intake.drop import Drop, Status
from intake.errors import BadCase, BadRecord, BagRefused, NoRoom, UnknownDesk, WrongKind
from intake.layout import Layout
from intake.pairing import LARGEST_BYTES, read_desk_pairing
from intake.pipeline import take_from
from intake.records import Record
from intake.scrubbing import Scrubber
from intake.settings import read_settings
from intake.sharing.casefile import CaseFile
from intake.sharing.taking import accept, pass_on, read_case, require_own_names
from intake.unlocked import Unlocked, today
from intake.wording import plain, told

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk merge /media/stick
  $ tapedrop-intake --desk desk merge /media/stick --from pairing.json    (another newsroom's)
"""


@click.command("merge", short_help="Take in a case that a colleague has shared.", epilog=_EPILOG)
@click.argument("path", metavar="BAG", type=click.Path(path_type=Path))
@click.option("--from", "pairing", metavar="FILE", type=click.Path(path_type=Path),
              help="The pairing.json of a desk that this one doesn't know.")  # fmt: skip
@click.option("--words", help="The eight words that the other desk shows.")
@at_desk
@as_json
def command(
    path: Path, pairing: Path | None, words: str | None, desk: Layout, as_json: bool
) -> int:
    """Take in the case in BAG, or every case on the stick BAG.

    What is new comes beside what is here, and nothing is lost: where both desks have said
    something else, both is shown, and a person decides. The same case once more changes nothing.
    """
    signers = _signers(desk, pairing, words)
    bags = bags_in(path)
    merged: list[Merged] = []
    with unlocked(desk) as room:
        for bag in bags:
            merged.append(_merge(room, bag, signers, alone=len(bags) == 1))
            if merged[-1].stopped:
                break
    if as_json:
        print_json({"cases": [each.row for each in merged if not each.passed_over]})
    else:
        for each in merged:
            print_merged(each)
    if all(each.passed_over for each in merged):
        say_error("no case on it is for this desk", "it is sealed to the colleague it was made for")
        return NO_KEY
    return gravest(*(each.code for each in merged))


def _signers(desk: Layout, pairing: Path | None, words: str | None) -> list[Ed25519PublicKey]:
    """Return the keys of the desks that are believed, one of them perhaps for this time only."""
    settings = read_settings(desk.settings)
    keys = [*readers.signers(settings, readers.own_key(desk)), readers.own_key(desk)]
    if pairing is not None:
        with pairing.open("rb") as file:
            other, its_words = read_desk_pairing(pairing, file.read(LARGEST_BYTES + 1))
        note(f"a desk called {other.desk}, whose key is {other.signing_key}")
        question = f"type the eight words that {other.desk} shows (there: tapedrop-intake pair)"
        compare(question, its_words, given=words)
        keys = [other.signing_key]
    return [Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)) for key in dict.fromkeys(keys)]


def _merge(
    room: Unlocked, bag: Path, signers: Sequence[Ed25519PublicKey], *, alone: bool
) -> Merged:
    merged = Merged(plain(bag.name))
    try:
        with StickBag(bag, *signers, kind=Kind.CASE) as stick:
            merged.case = read_case(stick, gpg=room.gpg, own=room.own_keys())
            require_own_names(merged.case, room.catalogue)
            _take(room, stick, merged.case, merged)
    except (PinRefused, CardAbsent, GpgFailed):
        raise
    except (WrongKind, NoKeyOpens) as error:
        # On a stick that goes round, what is meant for others is in nobody's way.
        if not alone:
            merged.passed_over = True
            note(f"passed over: {told(error, about=merged.bag)[0]}")
            return merged
        _refuse(merged, error)
    except WrongSignature:
        _refuse(merged, UnknownDesk(bag.name))
    except (BagRefused, BadCase, BadRecord, NoRoom, CryptoError) as error:
        _refuse(merged, error)
    return merged


def _refuse(merged: Merged, error: Exception) -> None:
    complain(error, about=merged.bag)
    merged.refused = told(error, about=merged.bag)[0]
    merged.code = exit_code(error)


def _take(room: Unlocked, stick: StickBag, case: CaseFile, merged: Merged) -> None:
    """Take in a case, and open of it what can be opened without a key of this desk."""
    day = today()
    of_case = Provenance(room.layout.bags, stick.signer)
    of_server = Provenance(room.layout.bags, room.settings.server.signer)
    but = {*room.catalogue.purged.digests(), stick.bag.digests[CASE_FILE]}
    with Progress("taking in") as progress:
        merged.taken = take_from(
            stick, evidence=room.evidence, provenance=of_case, day=day, told=progress, but=but
        )
    if merged.taken.stopped:
        complain(merged.taken.stopped, about=merged.bag)
        merged.stopped = told(merged.taken.stopped, about=merged.bag)[0]
        merged.code = exit_code(merged.taken.stopped)
        return
    pass_on(case, of_server, day)
    with room.catalogue.whole():
        adopt(room)
        merged.accepted = accept(
            case, room.catalogue, signer=stick.signer.public_bytes_raw().hex(), by=room.by, day=day
        )
    merged.by_server = of_server.vouched()
    _open(room, _drops(room, case), merged)
    merged.drops = _drops(room, case)
    names = {drop.digest: drop.id for drop in merged.drops}
    merged.conflicts = [_conflict(room, each, names) for each in merged.accepted.conflicts]
    merged.released = [names[each] for each in merged.accepted.released]
    merged.shortened = [names[each] for each in merged.accepted.shortened]
    set_aside = any(each.outcome in SET_ASIDE for each in merged.taken.arrivals)
    two_stories = merged.accepted.two_stories is not None
    less_kept = merged.released or merged.shortened
    if merged.conflicts or less_kept or set_aside or two_stories:
        merged.code = gravest(merged.code, NEEDS_A_PERSON)


def _conflict(room: Unlocked, record: Record, names: Mapping[bytes, str]) -> Conflict:
    within = room.catalogue.records.get(record.within) if record.within else None
    drop = names.get(record.about, "") if record.about else ""
    return Conflict(record, drop, within.name if within else "")


def _drops(room: Unlocked, case: CaseFile) -> list[Drop]:
    found = [room.catalogue.drops.of(each.digest) for each in case.drops]
    return [drop for drop in found if drop]


def _waits_for_key(room: Unlocked, drop: Drop) -> bool:
    """Say whether a drop, or what its source had encrypted, is closed and there is a key now."""
    if drop.status is Status.STORED:
        return room.catalogue.keys.of(drop.digest) is not None
    cleaning = room.catalogue.studies.cleaning(drop.digest)
    tried = cleaning is not None and cleaning.outcome in WITHOUT_KEY
    return tried and room.catalogue.keys.inside(drop.digest) is not None


def _open(room: Unlocked, drops: Sequence[Drop], merged: Merged) -> None:
    """Open those that the colleague had open; gpg vouches for the keys that came along."""
    with_key = [drop for drop in drops if _waits_for_key(room, drop)]
    if not with_key:
        return
    with Scrubber() as scrubber:
        opening = Opening(room, scrubber, with_key)
        opening.all()
    merged.code = gravest(merged.code, opening.code)
    if raise_alarms(opening.opened):
        merged.code = gravest(merged.code, NEEDS_A_PERSON)
