"""Found a desk: everything in `layout.py`, made once, whole or not at all."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.gpg import Gpg
from crypto.newsroom import NewsroomKey, read_newsroom
from intake import catalogue
from intake.durable import PRIVATE_FOLDER, sync_folder, write
from intake.errors import FolderTaken, KeyNotUsable, NotInNewsroom
from intake.layout import Layout
from intake.pairing import ServerPairing, desk_pairing
from intake.readers import blocks_from
from intake.settings import Desk, Reporter, Server, Settings, written
from intake.vault import new_vault, sealed_key, unlock


def found_desk(
    folder: Path,
    *,
    server: ServerPairing,
    gpg: Gpg,
    fingerprint: str,
    now: datetime,
    name: str | None = None,
    initials: str = "",
    outside_newsroom: bool = False,
) -> Settings:
    """Make a desk in `folder`, which is new or empty, for the reporter whose key this is.

    Without a `name`, it is called after its signing key. The vault is opened once before the
    desk is there, so a key that can't open it is found out now. Raises FolderTaken, KeyNotUsable,
    NotInNewsroom (unless `outside_newsroom`), VaultLocked, GpgFailed.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise FolderTaken(folder)
    key = _reporters_key(gpg, fingerprint, now)
    # A server that nobody has given a key yet learns the reporter's when the two are paired.
    newsroom = server.newsroom or (key.fingerprint,)
    if key.fingerprint not in newsroom and not outside_newsroom:
        raise NotInNewsroom(key.fingerprint)
    signing_key = Ed25519PrivateKey.generate()
    public = signing_key.public_key().public_bytes_raw()
    settings = Settings(
        desk=Desk(name=name or f"desk-{public.hex()[:8]}"),
        server=Server(
            export_key=server.export_key,
            newsroom=tuple(sorted(newsroom)),
            signers=server.desks,
            canary=server.canary,
        ),
        reporter=Reporter(key=key.fingerprint, gnupg_home=str(gpg.home), initials=initials),
    )
    block = gpg.export_keys([key.fingerprint])
    others = blocks_from(gpg, set(newsroom) - {key.fingerprint})
    vault = new_vault()
    sealed = sealed_key(vault, gpg=gpg, subkey=key.subkey, day=now.date())
    unlock(sealed, gpg=gpg, fingerprint=key.fingerprint)

    def furnish(desk: Layout) -> None:
        for subfolder in desk.subfolders:
            subfolder.mkdir(mode=PRIVATE_FOLDER)
        write(desk.vault_key, sealed)
        write(desk.signing_key, vault.hold_signing_key(signing_key))
        for fingerprint, public_key in (others | {key.fingerprint: block}).items():
            write(desk.keys / f"{fingerprint}.asc", public_key.encode())
        write(desk.pairing, desk_pairing(settings, public.hex(), block))
        write(desk.settings, written(settings))
        with catalogue.opened(desk.catalogue, vault):
            pass

    _appearing_folder(folder, furnish)
    return settings


def _reporters_key(gpg: Gpg, fingerprint: str, now: datetime) -> NewsroomKey:
    for key in read_newsroom(gpg, now=now).keys:
        if key.fingerprint == fingerprint:
            if key.problem:
                raise KeyNotUsable(fingerprint, key.problem)
            return key
    raise KeyNotUsable(fingerprint, f"not in the keyring {gpg.home}")


def _appearing_folder(folder: Path, furnish: Callable[[Layout], None]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f"{folder.name}.part")
    # Left by one that was interrupted; nothing was ever told of it.
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=PRIVATE_FOLDER)
    try:
        furnish(Layout(part))
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync_folder(folder.parent)
