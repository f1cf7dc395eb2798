"""Import → verify → open → catalogue: the way of a drop at the desk.

`take_in` carries bags from a stick into the evidence folder; it needs no PIN. `open_drop` opens
what lies there, once the vault is unlocked. Between the two, the catalogue adopts what arrived.
"""

import errno
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from crypto.bag import DATA, Bag
from crypto.envelope import Opened, open_sealed
from crypto.errors import NotAnEnvelope, Tampered
from crypto.gpg import Gpg
from crypto.own_keys import HEAD_SIZE, OwnKeys
from intake.arriving.evidence import Evidence
from intake.arriving.pace import Step
from intake.arriving.provenance import Provenance
from intake.arriving.stick import Envelope, StickBag
from intake.catalogue import Catalogue
from intake.catalogue.keys import DropKeys
from intake.drop import Alarm, Drop, SetAside
from intake.errors import (
    BagRefused,
    DiskFilled,
    ImportStopped,
    NotWhatWasSigned,
    StickPulled,
    TooLarge,
)
from intake.proving.custody import Act
from intake.searching.indexing import index_drop
from intake.settings import Server
from intake.vault import KEY_SIZE
from intake.working import WorkingCopies


class Outcome(StrEnum):
    """What became of one envelope of a bag."""

    STORED = "stored"
    HERE = "already here"
    DAMAGED = "set aside: not the bytes that were signed for"
    UNREADABLE = "set aside: the stick can't be read there"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One envelope of a bag, and what became of it. `size` is in bytes."""

    name: str
    digest: bytes
    size: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken from a bag; where the import had to stop, why, and that is all there is."""

    bag: Bag
    arrivals: Sequence[Arrival]
    stopped: ImportStopped | None = None


def take_in(
    folder: Path,
    *,
    evidence: Evidence,
    provenance: Provenance,
    day: date,
    told: Callable[[Step], None] = lambda _step: None,
) -> Taken:
    """Carry one bag from a stick into the evidence folder.

    Nothing is copied before the signature over the whole list holds; an envelope that isn't what
    was signed for is left out, and costs the others nothing. What an interrupted import left is
    hashed and gone on from. Raises BagRefused, BadBag, WrongSignature, NewerVersion, NoRoom,
    DeskBusy.
    """
    with StickBag(folder, provenance.signer) as stick:
        return take_from(stick, evidence=evidence, provenance=provenance, day=day, told=told)


def take_from(
    stick: StickBag,
    *,
    evidence: Evidence,
    provenance: Provenance,
    day: date,
    told: Callable[[Step], None],
    but: Collection[bytes] = (),
) -> Taken:
    """Carry what an open bag holds into the evidence folder, `but` the files of these digests.

    Raises NoRoom, TooLarge, DeskBusy.
    """
    envelopes = [each for each in stick.envelopes if each.digest not in but]
    _require_room(envelopes, evidence)
    arrivals: list[Arrival] = []
    total, before = sum(each.size for each in envelopes), 0
    for number, envelope in enumerate(envelopes, start=1):
        passed = 0

        def told_more(size: int, at: int = number, before: int = before) -> None:
            nonlocal passed
            passed += size
            told(Step(before + passed, total, at, len(envelopes)))

        outcome = _taken(stick, envelope, evidence, told_more)
        if not isinstance(outcome, Outcome):
            with suppress(OSError):  # a full disk may not even take this
                evidence.sync()
            kept = sum(evidence.has(each.digest) for each in envelopes)
            return Taken(stick.bag, arrivals, outcome(kept=kept, listed=len(envelopes)))
        arrivals.append(Arrival(envelope.name, envelope.digest, envelope.size, outcome))
        before += envelope.size
    evidence.sync()
    provenance.keep(stick.tag_files, day)
    return Taken(stick.bag, arrivals)


def open_drop(
    drop: Drop,
    *,
    evidence: Evidence,
    working: WorkingCopies,
    catalogue: Catalogue,
    gpg: Gpg,
    own: OwnKeys,
    server: Server,
    by: str,
    day: date,
    passed: Callable[[int], None] = lambda _size: None,
    kept_key_failed: Callable[[], None] = lambda: None,
) -> Drop:
    """Verify, open and catalogue one drop; return it as the catalogue then knows it.

    What the server's canary sent is no drop: nothing but its day is kept, unless it raises an
    alarm, which somebody must see. A drop whose session key is kept needs no other key; one that
    is not the envelope's is told to `kept_key_failed`, and looked for anew. `passed` hears of the
    envelope's bytes twice: when they are verified, and when they are opened.

    gpg gives out plaintext before it knows that the message is whole: it goes into a container
    that has no name until `open_sealed` has returned. A drop that can never be opened is set
    aside, and its error raised all the same: Tampered, NotAnEnvelope. Raises NoKeyOpens,
    PinRefused, CardAbsent, NewerVersion, GpgFailed, EvidenceDamaged.
    """
    evidence.verify(drop.digest, passed)
    try:
        opened, keys = _opened(
            drop,
            catalogue.keys.of(drop.digest),
            evidence=evidence,
            working=working,
            gpg=gpg,
            own=own,
            passed=passed,
            kept_key_failed=kept_key_failed,
        )
    except (Tampered, NotAnEnvelope) as error:
        evidence.verify(drop.digest)  # what a failing disk gave since says nothing against it
        why = SetAside.TAMPERED if isinstance(error, Tampered) else SetAside.NOT_AN_ENVELOPE
        with catalogue.whole():
            catalogue.drops.set_aside(drop, why)
            catalogue.custody.add(Act.SET_ASIDE, drop=drop.digest, by=by, day=day, why=why)
        raise
    raised = alarms(opened, server)
    if server.canary and server.canary.sent(opened.manifest.source) and not raised:
        working.forget(drop.digest)
        with catalogue.whole():
            catalogue.custody.add(Act.OPENED, drop=drop.digest, by=by, day=day, canary=1)
            return catalogue.drops.canary(drop, opened.manifest.day)
    with catalogue.whole():
        catalogue.keys.keep(drop.digest, keys)
        catalogue.custody.add(Act.OPENED, drop=drop.digest, by=by, day=day)
        known = catalogue.drops.opened(drop, opened.manifest, raised)
        index_drop(known, catalogue=catalogue, working=working)
    return known


def _opened(
    drop: Drop,
    kept: DropKeys | None,
    *,
    evidence: Evidence,
    working: WorkingCopies,
    gpg: Gpg,
    own: OwnKeys,
    passed: Callable[[int], None],
    kept_key_failed: Callable[[], None],
) -> tuple[Opened, DropKeys]:
    """Open an envelope into its working copy; return what it said, and the keys that did it."""

    def opened_by(key: DropKeys) -> Opened:
        with working.new(drop.digest, key.copy) as copy:
            return open_sealed(
                _told_of(evidence.verified_blocks(drop.digest), passed),
                gpg=gpg,
                into=lambda: copy,
                largest_bytes=evidence.size(drop.digest),
                session_key=key.session,
            )

    def looked_for() -> DropKeys:
        try:
            found = own.session_key(evidence.start(drop.digest, HEAD_SIZE))
        except NotAnEnvelope:
            # Nothing that gpg could vouch for: no more can be said of bytes that never opened.
            raise Tampered("it has no session keys that could be tried") from None
        copy_key = kept.copy if kept else secrets.token_bytes(KEY_SIZE)
        return DropKeys(copy_key, found.session_key, found.subkey)

    keys = kept or looked_for()
    try:
        return opened_by(keys), keys
    except Tampered:
        # The bytes are those that were imported: the key may have come from another desk.
        if kept is None or (keys := looked_for()).session == kept.session:
            raise
    kept_key_failed()
    return opened_by(keys), keys


def alarms(opened: Opened, server: Server) -> list[Alarm]:
    """Return what a reporter must be told of an envelope, although it opened.

    A server that was taken over could seal to one reader more; these are where that shows.
    """
    manifest, raised = opened.manifest, []
    keys = len(server.newsroom)
    if manifest.newsroom_digest != server.newsroom_digest:
        earlier = server.earlier_list(manifest.newsroom_digest)
        if earlier is None:
            raised.append(Alarm.OTHER_NEWSROOM)
        else:
            keys = earlier.keys
            if earlier.until is not None and manifest.day > earlier.until:
                raised.append(Alarm.EARLIER_KEYS)
    if manifest.recipients != opened.recipients:
        raised.append(Alarm.MISCOUNTED)
    if opened.recipients > keys:
        raised.append(Alarm.MORE_READERS)
    if opened.recipients < keys:
        raised.append(Alarm.FEWER_READERS)
    return raised


def _told_of(blocks: Iterable[bytes], passed: Callable[[int], None]) -> Iterator[bytes]:
    for block in blocks:
        yield block
        passed(len(block))


def _require_room(envelopes: Sequence[Envelope], evidence: Evidence) -> None:
    """Raise NoRoom, with numbers, unless all that is to come has room beside what has come.

    Raises TooLarge for an envelope that no disk like this one could ever have held.
    """
    coming = [each for each in envelopes if not evidence.has(each.digest)]
    disk, _ = evidence.room
    for each in coming:
        if each.size > disk:
            raise TooLarge(f"{DATA}/{each.name}")
    here = sum(min(evidence.size_of_part(each.digest), each.size) for each in coming)
    evidence.require_room(sum(each.size for each in coming) - here)


def _taken(
    stick: StickBag, envelope: Envelope, evidence: Evidence, told: Callable[[int], None]
) -> Outcome | type[ImportStopped]:
    """Have one envelope in the evidence folder; return what became of it, or why to go no further.

    Raises DeskBusy.
    """
    try:
        if evidence.has(envelope.digest):
            if evidence.is_whole(envelope.digest, told):
                return Outcome.HERE
            told(-evidence.size(envelope.digest))
        evidence.keep(
            envelope.digest,
            lambda start: stick.blocks(envelope, start),
            untrusted_name=envelope.name,
            told=told,
        )
    except NotWhatWasSigned:
        return Outcome.DAMAGED
    except BagRefused:  # unreadable, or no plain file any more
        return Outcome.UNREADABLE if stick.is_there() else StickPulled
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return DiskFilled
        raise
    return Outcome.STORED
