"""Share drops, and what reporters added to them, with a colleague on another air-gapped desk.

A signed bag holds the envelopes as they arrived, and data/case.gpg: all the rest, sealed to the
colleague alone (`casefile.py`). What goes along is what is about the drops: their
session keys, every revision of their notes and of the case, the persons heard in them, the lists by
which the server vouched for them, and what this desk did with them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto import manifest
from crypto.bag import CASE_FILE, DATA, Bag, Kind, tag_files
from crypto.gpg import Gpg
from crypto.newsroom import NewsroomKey
from intake.arriving.evidence import Evidence
from intake.arriving.provenance import Provenance
from intake.catalogue import Catalogue
from intake.catalogue.records import Records
from intake.drop import CleaningOutcome, Drop
from intake.proving.custody import Act
from intake.records import Kind as RecordKind
from intake.records import Revision
from intake.settings import Settings
from intake.sharing.casefile import CaseFile, Condition, SharedDrop, Teller, belonging, written
from intake.sharing.outgoing import Told, outgoing
from intake.vault import Vault

_SEALING_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a desk shares from."""

    settings: Settings
    catalogue: Catalogue
    evidence: Evidence
    provenance: Provenance
    vault: Vault
    gpg: Gpg
    """One that has the colleague's public key."""
    signing_key: Ed25519PrivateKey

    def put(
        self,
        drops: Sequence[Drop],
        cases: Collection[bytes],
        *,
        colleague: NewsroomKey,
        to: Path,
        by: str,
        day: date,
        copying: Told,
        reading: Told,
    ) -> Path:
        """Put drops and cases on the stick `to`, for one colleague; return the bag.

        The custody log says so before anything that opens a drop is written. Raises StickFull,
        TooLargeForStick, EvidenceDamaged, CaseTooLarge, CopyDiffers, DeskBusy,
        GpgFailed.
        """
        owner = self.signing_key.private_bytes_raw() + colleague.fingerprint.encode()
        with outgoing(to, owner) as bag:
            names = bag.envelopes(self.evidence, [drop.digest for drop in drops], copying)
            with self.catalogue.whole():
                for drop in drops:
                    self.catalogue.custody.add(
                        Act.SHARED, drop=drop.digest, by=by, day=day, to=colleague.fingerprint
                    )
                told = written(self.case_file(names, cases))
            sealed = self._sealed(told, colleague.subkey, day)
            payload = {f"{DATA}/{name}": digest for digest, name in names.items()}
            payload[CASE_FILE] = sha256(sealed).digest()
            said = Bag(Kind.CASE, day, self.settings.server.newsroom, payload)
            lists = tag_files(said, self.signing_key)
            digests = payload | {name: sha256(text).digest() for name, text in lists.items()}
            return bag.finish({CASE_FILE: sealed, **lists}, digests, reading)

    def _sealed(self, told: bytes, subkey: str, day: date) -> bytes:
        sealed = bytearray()
        self.gpg.encrypt(
            [told], sealed.extend, to=[subkey], day=day, limit_seconds=_SEALING_SECONDS
        )
        return bytes(sealed)

    def case_file(self, names: Mapping[bytes, str], cases: Collection[bytes]) -> CaseFile:
        """Return what is told of these drops, by the names that their envelopes have in the bag."""
        head = self.catalogue.custody.head
        teller = Teller(
            desk=self.settings.desk.name,
            server=self.settings.server.export_key,
            cases=tuple(sorted(case.hex() for case in cases)),
            custody_entries=head.number,
            custody_head=head.hash.hex(),
        )
        drops = []
        for digest, name in names.items():
            keys = self.catalogue.keys.of(digest)
            drops.append(
                SharedDrop(
                    digest_hex=digest.hex(),
                    file=name,
                    mark_salt=self.vault.mark_salt(digest).hex(),
                    session_key=keys.session if keys else None,
                    inside_key=self.catalogue.keys.inside(digest),
                    condition=condition(self.catalogue, digest),
                )
            )
        marks = {self.vault.mark(digest) for digest in names}
        return CaseFile(
            teller=teller,
            drops=tuple(drops),
            revisions=tuple(told_of(self.catalogue.records, drops=names.keys(), cases=cases)),
            lists=tuple(self._server_lists(names.keys())),
            entries=tuple(
                entry for entry in self.catalogue.custody.entries() if entry.drop in marks
            ),
        )

    def _server_lists(self, digests: Collection[bytes]) -> Iterator[dict[str, bytes]]:
        """Yield the lists of the fewest bags, one after the other, that name these envelopes."""
        unnamed = set(digests)
        for name, bag in self.provenance.bags():
            if bag.kind is Kind.DROPS and unnamed & set(bag.digests.values()):
                unnamed -= set(bag.digests.values())
                yield self.provenance.tag_files(name)


def condition(catalogue: Catalogue, digest: bytes) -> Condition | None:
    """Return how far a drop is cleaned; None where it is not known yet."""
    drop = catalogue.drops.of(digest)
    if drop is None or drop.manifest is None:
        return None
    if drop.manifest.condition is manifest.Condition.UNCLEANED:
        cleaning = catalogue.studies.cleaning(digest)
        cleaned = cleaning is not None and cleaning.outcome is CleaningOutcome.CLEANED
        return Condition.CLEANABLE if cleaned else Condition.UNCLEANED
    return Condition(str(drop.manifest.condition))


def told_of(
    records: Records, *, drops: Collection[bytes], cases: Collection[bytes]
) -> list[Revision]:
    """Return every revision that travels with these drops and cases, the earlier ones first."""
    found: dict[bytes, Revision] = {}
    for case in cases:
        found |= {each.id: each for each in records.revisions(record=case)}
        found |= {each.id: each for each in records.revisions(within=case)}
    for digest in drops:
        found |= {each.id: each for each in records.revisions(about=digest)}
    persons = {each.within for each in found.values() if each.kind is RecordKind.APPEARANCE}
    for person in sorted(each for each in persons if each):
        found |= {each.id: each for each in records.revisions(record=person)}
        found |= {each.id: each for each in records.revisions(within=person)}
    return list(belonging(found.values(), drops=drops, cases=cases))
