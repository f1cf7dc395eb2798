"""Import → verify → open → catalogue: the way of a drop at the desk.

`take_in` carries bags from a stick into the evidence folder; it needs no PIN. `open_drop` opens
what lies there, once the vault is unlocked. Between the two, the catalogue adopts what arrived.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from crypto.envelope import Opened, open_sealed
from crypto.errors import NotAnEnvelope, Tampered
from crypto.gpg import Gpg
from intake.catalogue import Catalogue
from intake.drop import Alarm, Drop, SetAside
from intake.errors import NotWhatWasSigned, Unreadable
from intake.evidence import Evidence
from intake.provenance import Provenance
from intake.settings import Server
from intake.stick import Envelope, StickBag
from intake.working import WorkingCopies


class Outcome(StrEnum):
    """What became of one envelope of a bag."""

    STORED = "stored"
    HERE = "already here"
    DAMAGED = "set aside: not the bytes that were signed for"
    UNREADABLE = "set aside: the stick can't be read there"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One envelope of a bag, and what became of it."""

    name: str
    digest: bytes
    outcome: Outcome


def take_in(
    folder: Path,
    *,
    evidence: Evidence,
    provenance: Provenance,
    told: Callable[[int, int], None] = lambda _passed, _total: None,
) -> list[Arrival]:
    """Carry one bag from a stick into the evidence folder.

    Nothing is copied before the signature over the whole list holds; an envelope that isn't what
    was signed for is left out, and costs the others nothing. `told` hears how many bytes of how
    many have passed. Raises BagRefused, BadBag, WrongSignature, NewerVersion, NoRoom.
    """
    with StickBag(folder, provenance.signer) as stick:
        waiting = [each for each in stick.envelopes if not evidence.is_whole(each.digest)]
        total = sum(envelope.size for envelope in waiting)
        evidence.require_room(total)
        passed = 0

        def told_more(size: int) -> None:
            nonlocal passed
            passed += size
            told(passed, total)

        new = {each.name: _copy(stick, each, evidence, told_more) for each in waiting}
        provenance.keep(stick.tag_files)
        return [
            Arrival(each.name, each.digest, new.get(each.name, Outcome.HERE))
            for each in stick.envelopes
        ]


def open_drop(
    drop: Drop,
    *,
    evidence: Evidence,
    working: WorkingCopies,
    catalogue: Catalogue,
    gpg: Gpg,
    server: Server,
) -> Drop:
    """Verify, open and catalogue one drop; return it as the catalogue then knows it.

    What the server's canary sent is no drop: nothing but its day is kept, unless it raises an
    alarm, which somebody must see.

    gpg gives out plaintext before it knows that the message is whole: it goes into a container
    that has no name until `open_sealed` has returned. A drop that can never be opened is set
    aside, and its error raised all the same: Tampered, NotAnEnvelope. Raises NoKeyOpens,
    NewerVersion, GpgFailed, EvidenceDamaged.
    """
    evidence.verify(drop.digest)
    try:
        with working.new(drop.digest) as copy:
            opened = open_sealed(
                evidence.blocks(drop.digest),
                gpg=gpg,
                into=lambda: copy,
                largest_bytes=evidence.size(drop.digest),
            )
    except Tampered:
        catalogue.set_aside(drop, SetAside.TAMPERED)
        raise
    except NotAnEnvelope:
        catalogue.set_aside(drop, SetAside.NOT_AN_ENVELOPE)
        raise
    raised = alarms(opened, server)
    if server.canary and server.canary.sent(opened.manifest.source) and not raised:
        working.forget(drop.digest)
        return catalogue.canary(drop, opened.manifest.day)
    return catalogue.opened(drop, opened.manifest, raised)


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


def _copy(
    stick: StickBag, envelope: Envelope, evidence: Evidence, told: Callable[[int], None]
) -> Outcome:
    try:
        evidence.keep(
            envelope.digest, stick.blocks(envelope), untrusted_name=envelope.name, told=told
        )
    except NotWhatWasSigned:
        return Outcome.DAMAGED
    except Unreadable:
        return Outcome.UNREADABLE
    return Outcome.STORED
