"""Take in a case that a colleague's desk has shared: envelopes, session keys, records.

    1  the bag's signature, by a desk that is known; then its case file, whole, within its bounds
    2  the envelopes, each hashed, into the evidence folder; the lists they came with
    3  in one transaction: what reporters said, what opens the drops, an entry of the custody log

Every step may be broken off and done once more. Merging the same case again changes nothing.
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final

from crypto.bag import CASE_FILE, DATA
from crypto.errors import CryptoError, NotAnEnvelope, Tampered
from crypto.gpg import Gpg
from crypto.own_keys import HEAD_SIZE, OwnKeys
from intake.arriving.provenance import Provenance
from intake.arriving.stick import StickBag
from intake.catalogue import Catalogue
from intake.catalogue.elsewhere import Told
from intake.catalogue.keys import DropKeys
from intake.drop import Status
from intake.errors import BadCase, NotWhatWasSigned
from intake.proving.custody import Act
from intake.records import Kind, Record, Retention, Revision, record_of
from intake.sharing.casefile import LARGEST_BYTES, CaseFile, SharedDrop, read
from intake.vault import KEY_SIZE

_ROOM_FOR_OPENPGP: Final = 64 * 1024
_ONCE: Final = (Kind.STATUS, Kind.ASSIGNEE, Kind.SUMMARY, Kind.RETENTION)
_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a case has changed in the catalogue."""

    said: int
    """Revisions that were not known here."""
    said_of: dict[bytes, int]
    """The same of each drop; what is about none isn't in it."""
    conflicts: tuple[Record, ...]
    """Records of the case that are in conflict, since now or before."""
    released: tuple[bytes, ...]
    """Drops that were on hold here, and aren't by the other desk's word."""
    shortened: tuple[bytes, ...]
    """Drops that may go sooner than was said here, by the other desk's word."""
    two_stories: int | None
    """The first entry of the other desk's custody log of which it tells another story now."""
    keys: tuple[bytes, ...]
    """Drops that may open now without any key of this desk."""


def read_case(stick: StickBag, *, gpg: Gpg, own: OwnKeys) -> CaseFile:
    """Return the case of a bag whose signature held; gpg may ask for a PIN.

    Raises BadCase, NoKeyOpens, PinRefused, CardAbsent, GpgFailed, NewerVersion, and the leaves of
    BagRefused.
    """
    name = CASE_FILE.removeprefix(f"{DATA}/")
    sealed = next((each for each in stick.envelopes if each.name == name), None)
    if sealed is None:
        raise BadCase("its bag holds no case.gpg")
    if sealed.size > LARGEST_BYTES + _ROOM_FOR_OPENPGP:
        raise BadCase("it is larger than a case may be")
    content = b"".join(bytes(block) for block in stick.blocks(sealed))
    if sha256(content).digest() != sealed.digest:
        raise NotWhatWasSigned(CASE_FILE)
    opened = bytearray()

    def take(block: bytes) -> None:
        if len(opened) + len(block) > LARGEST_BYTES:
            raise BadCase("it is larger than a case may be")
        opened.extend(block)

    try:
        key = own.session_key(content[:HEAD_SIZE]).session_key
        gpg.decrypt([content], take, limit_seconds=_SECONDS, session_key=key)
    except (Tampered, NotAnEnvelope):
        raise BadCase("gpg does not vouch for it") from None
    case = read(bytes(opened))
    told = {f"{drop.file}": drop.digest for drop in case.drops}
    if told != {each.name: each.digest for each in stick.envelopes if each.name != name}:
        raise BadCase("it speaks of other envelopes than its bag holds")
    return case


def require_own_names(case: CaseFile, catalogue: Catalogue) -> None:
    """Raise BadCase where a record has the name that every desk makes for another's.

    Under the name of a drop's hold a note would stand in its way, also of drops not shared.
    """
    known = {drop.digest for drop in (*catalogue.drops.all(), *catalogue.drops.canaries())}
    digests = known | case.digests
    names = {record_of(kind, digest): (kind, digest) for digest in digests for kind in _ONCE}
    for each in case.revisions:
        said = (each.kind, each.about)
        if names.get(each.record, said) != said:
            raise BadCase("it calls something otherwise than every desk does")


def pass_on(case: CaseFile, provenance: Provenance, day: date) -> None:
    """Keep the lists by which the server vouched for envelopes, if it is this desk's server."""
    for tag_files in case.lists:
        try:
            provenance.pass_on(tag_files, day)
        except CryptoError:
            continue  # another newsroom's; then only the colleague's desk vouches


def accept(case: CaseFile, catalogue: Catalogue, *, signer: str, by: str, day: date) -> Accepted:
    """Take into the catalogue what the case says, but for drops that were purged here.

    `signer` is the key of the desk that signed it, in hex.
    Belongs into one `whole()` with the adoption of its envelopes.
    """
    purged = catalogue.purged.digests()
    told: defaultdict[bytes | None, list[Revision]] = defaultdict(list)
    for each in case.revisions:
        if each.about is None or each.about not in purged:
            told[each.about].append(each)
    held, until = _on_hold(catalogue, case.digests), _kept_until(catalogue, case.digests)
    said = {about: catalogue.records.merge(revisions).new for about, revisions in told.items()}
    keys = [drop.digest for drop in case.drops if _offer(catalogue, drop)]
    known_twice = catalogue.elsewhere.contradictions(signer)
    catalogue.elsewhere.keep(_done(case, signer, purged), signer, case.teller.head)
    for about in dict.fromkeys([*said, *keys]):
        if said.get(about) or about in keys:
            known = about if about and catalogue.drops.of(about) else None
            catalogue.custody.add(
                Act.MERGED, drop=known, by=by, day=day,
                sender=case.teller.desk, revisions=said.get(about, 0),
            )  # fmt: skip
    now_held = _on_hold(catalogue, case.digests)
    for digest in sorted(now_held ^ held):
        # Else the log would tell of a hold, and then of a purge, and of no release.
        act = Act.HELD if digest in now_held else Act.RELEASED
        catalogue.custody.add(act, drop=digest, by=by, day=day, sender=case.teller.desk)
    return Accepted(
        said=sum(said.values()),
        said_of={about: new for about, new in said.items() if about is not None},
        conflicts=tuple(_in_conflict(catalogue, case.revisions)),
        released=tuple(sorted(held - now_held)),
        shortened=tuple(
            sorted(
                digest
                for digest, now in _kept_until(catalogue, case.digests).items()
                if digest in until and now < until[digest]
            )
        ),
        two_stories=min(catalogue.elsewhere.contradictions(signer) - known_twice, default=None),
        keys=tuple(keys),
    )


def _done(case: CaseFile, signer: str, purged: Collection[bytes]) -> Iterator[tuple[bytes, Told]]:
    """Yield each entry of the sender's log, with the digest of its drop, but for purged ones."""
    marks, salts = case.marks, {drop.digest: drop.mark_salt for drop in case.drops}
    for entry in case.entries:
        digest = marks[entry.drop or ""]
        if digest not in purged:
            yield digest, Told(case.teller.desk, signer, entry, salts[digest])


def _offer(catalogue: Catalogue, shared: SharedDrop) -> bool:
    """Keep what is said to open a drop, where nothing does yet; gpg vouches once it is tried."""
    drop, keys = catalogue.drops.of(shared.digest), catalogue.keys
    if drop is None or drop.status not in {Status.STORED, Status.OPENED}:
        return False
    if shared.inside_key and keys.inside(shared.digest) is None:
        keys.keep_inside(shared.digest, shared.inside_key, None)
    if shared.session_key is None or keys.of(shared.digest) is not None:
        return False
    if drop.status is not Status.STORED:
        return False
    keys.keep(shared.digest, DropKeys(secrets.token_bytes(KEY_SIZE), shared.session_key, None))
    return True


def _on_hold(catalogue: Catalogue, digests: Iterable[bytes]) -> frozenset[bytes]:
    """Return those of the drops that are on hold by any head."""
    return frozenset(
        digest
        for digest in digests
        for record in catalogue.records.all(Kind.RETENTION, about=digest)
        if any(isinstance(head.content, Retention) and head.content.hold for head in record.heads)
    )


def _kept_until(catalogue: Catalogue, digests: Iterable[bytes]) -> dict[bytes, str]:
    """Return until which day drops are kept, those of which every head says one."""
    found: dict[bytes, str] = {}
    for digest in digests:
        for record in catalogue.records.all(Kind.RETENTION, about=digest):
            said = [head.content for head in record.heads]
            days = [each.until for each in said if isinstance(each, Retention) and each.until]
            if len(days) == len(said):
                found[digest] = max(days)
    return found


def _in_conflict(catalogue: Catalogue, revisions: Iterable[Revision]) -> Iterable[Record]:
    for record in dict.fromkeys(each.record for each in revisions):
        found = catalogue.records.get(record)
        if found is not None and found.in_conflict:
            yield found
