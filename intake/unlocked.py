"""The open desk: what every verb and page works at, once the vault is unlocked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.gpg import Gpg
from crypto.own_keys import OwnKeys
from intake.arriving.evidence import Evidence
from intake.catalogue import Catalogue
from intake.drop import Drop, number_of
from intake.errors import DropPurged
from intake.layout import Layout
from intake.pen import Pen
from intake.records import Kind
from intake.settings import Settings
from intake.vault import Vault
from intake.working import WorkingCopies

CASE_ID: Final = re.compile(r"case-0{0,8}([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Unlocked:
    """A desk whose vault is open, its catalogue up to date with its evidence."""

    layout: Layout
    settings: Settings
    gpg: Gpg
    vault: Vault
    evidence: Evidence
    working: WorkingCopies
    catalogue: Catalogue

    @property
    def by(self) -> str:
        """Who is at work, as notes and the custody log call them: initials, or the desk."""
        return self.settings.reporter.initials or self.settings.desk.name

    @property
    def pen(self) -> Pen:
        """The pen of who is at work, today."""
        return Pen(self.catalogue.records, self.by, today())

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The desk's own key, by which the server and others know its word. Raises VaultDamaged."""
        return self.vault.signing_key(self.layout.signing_key.read_bytes())

    def own_keys(self) -> OwnKeys:
        """Return the secret keys that drops are opened by: the reporter's, and the newsroom's.

        Other keys that gpg has at hand are nobody's business here. Raises GpgFailed.
        """
        known = {path.stem for path in self.layout.keys.glob("*.asc")}
        known |= {self.settings.reporter.key, *self.settings.server.newsroom}
        return OwnKeys(self.gpg, (key for key in self.gpg.secret_keys() if key.primary in known))

    def drop(self, untrusted_id: str, *, also_purged: bool = False) -> Drop:
        """Return the drop that a person named. Raises UnknownDrop, DropPurged."""
        drop = self.catalogue.drops.drop(number_of(untrusted_id))
        if drop.purged_day is not None and not also_purged:
            raise DropPurged(drop.id, drop.purged_day)
        return drop

    def drops(self, untrusted_ids: Sequence[str], *, also_purged: bool = False) -> list[Drop]:
        """Return the drops that a person named, each once: by itself, or all of a case.

        Raises UnknownDrop, DropPurged, UnknownRecord.
        """
        found: dict[int, Drop] = {}
        for each in untrusted_ids:
            match = CASE_ID.fullmatch(each)
            named = [] if match else [self.drop(each, also_purged=also_purged)]
            for drop in self._of_case(int(match[1])) if match else named:
                found.setdefault(drop.number, drop)
        return list(found.values())

    def _of_case(self, number: int) -> list[Drop]:
        case = self.catalogue.records.one(Kind.CASE, number)
        members = self.catalogue.records.all(Kind.MEMBER, within=case.id)
        drops = [self.catalogue.drops.of(each.about) for each in members if each.about]
        return sorted((drop for drop in drops if drop), key=lambda drop: drop.number)


def today() -> date:
    """Return the day it is, UTC: the finest clock that anything here is told."""
    return datetime.now(UTC).date()
