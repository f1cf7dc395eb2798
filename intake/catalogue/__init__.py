"""The desk's catalogue, encrypted on disk; the only rooms that hold SQL."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from intake.catalogue.backups import Backups
from intake.catalogue.custody import CustodyLog
from intake.catalogue.database import database
from intake.catalogue.drops import Drops
from intake.catalogue.elsewhere import Elsewhere
from intake.catalogue.glances import Glance
from intake.catalogue.keys import Keys
from intake.catalogue.purged import Purged
from intake.catalogue.records import Records
from intake.catalogue.replies import Replies
from intake.catalogue.search import Search
from intake.catalogue.sounds import Sounds
from intake.catalogue.sources import Sources
from intake.catalogue.studies import Studies
from intake.vault import Vault

__all__ = ["Catalogue", "Glance", "opened"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """An open catalogue, by what is in it."""

    drops: Drops
    sources: Sources
    keys: Keys
    records: Records
    search: Search
    custody: CustodyLog
    elsewhere: Elsewhere
    replies: Replies
    backups: Backups
    purged: Purged
    studies: Studies
    sounds: Sounds
    whole: Callable[[], AbstractContextManager[None]]
    """A block whose changes are all made, or none."""
    copy_to: Callable[[Path], None]
    """Writes the catalogue, as it is at one moment, to a new file under the same vault."""
    damage: Callable[[], list[str]]
    """Reads all of it; says what is not as it was written."""


@contextmanager
def opened(path: Path, vault: Vault) -> Iterator[Catalogue]:
    """Give the catalogue at `path`, made if missing.

    Raises VaultDamaged when the vault's key doesn't open it, CatalogueNewer, OSError when the disk
    is full, and CatalogueFailed when another program stands in the way.
    """
    with database(path, vault.catalogue_key) as db:
        search = Search(db)
        records = Records(db, search.index)
        yield Catalogue(
            drops=Drops(db),
            sources=Sources(db),
            keys=Keys(db),
            records=records,
            search=search,
            custody=CustodyLog(db, vault),
            elsewhere=Elsewhere(db),
            replies=Replies(db),
            backups=Backups(db),
            purged=Purged(db, records, search),
            studies=Studies(db),
            sounds=Sounds(db),
            whole=db.whole,
            copy_to=partial(db.copy_to, key=vault.catalogue_key),
            damage=db.damage,
        )
