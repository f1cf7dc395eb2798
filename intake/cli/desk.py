"""Find the desk that a verb works at, and unlock it."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from crypto.gpg import WHERE_IT_ASKS, Gpg
from intake import catalogue
from intake.arriving.evidence import Evidence
from intake.arriving.provenance import Provenance
from intake.cli.talk import note, say_error
from intake.drop import SetAside, Status
from intake.errors import VaultDamaged
from intake.keeping.purging import sweep
from intake.layout import Layout
from intake.locking import working_at
from intake.proving.custody import Act, Head
from intake.searching.indexing import bring_up_to_date
from intake.settings import read_settings
from intake.unlocked import Unlocked, today
from intake.unlocking import remembered
from intake.vault import unlock
from intake.working import WorkingCopies

Verb = Callable[..., Any]
_GONE: Final = "ALARM: catalogue.db was not there: a new one is made from the envelopes"
_GONE_HINT: Final = (
    "notes, cases, the custody log and the keys of opened drops are not in it, and drops may have "
    "other numbers: do nothing more here, and restore the latest backup"
)
_BAG_HINT: Final = (
    "until it is restored from a backup, nobody here notices which drops never arrived"
)


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
def unlocked(layout: Layout, *, alone: bool = False) -> Iterator[Unlocked]:
    """Give the desk, its vault open, `alone` or beside others.

    Unless `unlock` has its key remembered, gpg opens it, and may ask for a PIN. Raises BadSettings,
    DeskBusy, VaultLocked, PinRefused, CardAbsent, VaultDamaged, CatalogueNewer, GpgFailed.
    """
    with working_at(layout.folder, alone=alone):
        settings = read_settings(layout.settings)
        gpg = desk_gpg(Path(settings.reporter.gnupg_home))
        vault = remembered(layout)
        if vault is None:
            sealed = layout.vault_key.read_bytes()
            vault = unlock(sealed, gpg=gpg, fingerprint=settings.reporter.key)
        # It was made with the desk: without it, what is known begins with the envelopes again.
        is_gone = not (layout.catalogue.exists() and layout.catalogue.stat().st_size)
        with catalogue.opened(layout.catalogue, vault) as open_catalogue:
            if is_gone:
                say_error(_GONE, _GONE_HINT)
            room = Unlocked(
                layout=layout,
                settings=settings,
                gpg=gpg,
                vault=vault,
                evidence=Evidence(layout.evidence),
                working=WorkingCopies(layout.working, vault, open_catalogue.keys),
                catalogue=open_catalogue,
            )
            adopt(room)
            _index(room)
            yield room
        remembered(layout)  # what took an hour was no idle hour


def _index(room: Unlocked) -> None:
    """Make the index of words anew, where an earlier Tapedrop or Python folded them otherwise."""
    if room.catalogue.search.is_stale:
        if any(drop.status is Status.OPENED for drop in room.catalogue.drops.all()):
            note("what can be searched for is made anew, once; with many drops that takes a while")
        bring_up_to_date(room.catalogue, room.working)


def adopt(room: Unlocked) -> None:
    """Take into the catalogue, and the custody log, what was imported while it was locked."""
    try:
        promised = Provenance(room.layout.bags, room.settings.server.signer).promised()
    except VaultDamaged as error:
        # The lists tell what came from where; the evidence opens, and is backed up, without them.
        say_error(f"ALARM: the desk's {error.what} is not what was written", _BAG_HINT)
        promised = {}
    with room.catalogue.whole():
        if room.catalogue.custody.head == Head():
            for drop in room.catalogue.drops.all():
                if drop.set_aside is not SetAside.NOT_ARRIVED:
                    room.catalogue.custody.add(
                        Act.WAS_HERE, drop=drop.digest, by=room.by, day=today()
                    )
        new = room.catalogue.drops.adopt(arrived=room.evidence.digests(), promised=promised)
        for digest in new.arrived:
            day = promised.get(digest) or today()
            room.catalogue.custody.add(Act.IMPORTED, drop=digest, by=room.by, day=day)
        for digest in new.missing:
            room.catalogue.custody.add(
                Act.SET_ASIDE, drop=digest, by=room.by, day=promised[digest] or today(),
                why=SetAside.NOT_ARRIVED,
            )  # fmt: skip
    sweep(room.catalogue, room.evidence, room.working, room.layout.outbox)


def desk_gpg(home: Path) -> Gpg:
    """Return the reporter's gpg, which asks for a PIN where the reporter sits.

    Raises GpgFailed.
    """
    asks_at = {name: os.environ[name] for name in WHERE_IT_ASKS if name in os.environ}
    if sys.stdin.isatty():
        asks_at.setdefault("GPG_TTY", os.ttyname(sys.stdin.fileno()))
    return Gpg(home, asks_at=asks_at)
