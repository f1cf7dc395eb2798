"""Find the desk that a verb works at, and unlock it."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from crypto.gpg import WHERE_IT_ASKS, Gpg
from intake import catalogue
from intake.catalogue import Catalogue
from intake.drop import Drop, number_of
from intake.evidence import Evidence
from intake.layout import Layout
from intake.provenance import Provenance
from intake.settings import Settings, read_settings
from intake.vault import Vault, unlock
from intake.working import WorkingCopies

Verb = Callable[..., Any]


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

    def drop(self, untrusted_id: str) -> Drop:
        """Return the drop that a person named. Raises UnknownDrop."""
        return self.catalogue.drop(number_of(untrusted_id))


def _found(context: click.Context, _option: click.Parameter, folder: Path | None) -> Layout:
    return Layout.of(folder or context.find_root().params.get("desk") or Path())


at_desk: Final[Callable[[Verb], Verb]] = click.option(
    "--desk",
    metavar="DIR",
    type=click.Path(path_type=Path),
    callback=_found,
    help="The desk's folder (default: where you are).",
)
as_json: Final[Callable[[Verb], Verb]] = click.option(
    "--json", "as_json", is_flag=True, help="Answer as JSON."
)


@contextmanager
def unlocked(layout: Layout) -> Iterator[Unlocked]:
    """Give the desk, its vault opened by gpg, which may ask for a PIN.

    Raises BadSettings, VaultLocked, VaultDamaged, CatalogueNewer, GpgFailed.
    """
    settings = read_settings(layout.settings)
    gpg = desk_gpg(Path(settings.reporter.gnupg_home))
    sealed = layout.vault_key.read_bytes()
    vault = unlock(sealed, gpg=gpg, fingerprint=settings.reporter.key)
    evidence = Evidence(layout.evidence)
    with catalogue.opened(layout.catalogue, vault.catalogue_key) as open_catalogue:
        promised = Provenance(layout.bags, settings.server.signer).digests()
        open_catalogue.adopt(arrived=evidence.digests(), promised=promised)
        yield Unlocked(
            layout=layout,
            settings=settings,
            gpg=gpg,
            vault=vault,
            evidence=evidence,
            working=WorkingCopies(layout.working, vault),
            catalogue=open_catalogue,
        )


def desk_gpg(home: Path) -> Gpg:
    """Return the reporter's gpg, which asks for a PIN where the reporter sits.

    Raises GpgFailed.
    """
    asks_at = {name: os.environ[name] for name in WHERE_IT_ASKS if name in os.environ}
    if sys.stdin.isatty():
        asks_at.setdefault("GPG_TTY", os.ttyname(sys.stdin.fileno()))
    return Gpg(home, asks_at=asks_at)
