"""Remember the vault's key for 15 idle minutes, in the kernel's keyring.

    name      "tapedrop vault " and the SHA-256 of desk.key, which no two desks share
    secret    the vault key, 32 bytes

Who may read it there may as well ask gpg-agent while it remembers a PIN: the same user, on the same
running machine. What is found is believed only if it opens the desk's own signing key.
"""

import os
from hashlib import sha256
from typing import Final

from intake.errors import KeyringRefused, VaultDamaged
from intake.keyring import forget, keep, kept
from intake.layout import Layout
from intake.vault import Vault

IDLE_SECONDS: Final = 15 * 60


def remember(layout: Layout, vault: Vault) -> None:
    """Keep the key of an open vault until nobody has used it for 15 minutes.

    Raises KeyringRefused.
    """
    keep(_name(layout.signing_key.read_bytes()), vault.key, seconds=IDLE_SECONDS)


def remembered(layout: Layout) -> Vault | None:
    """Return the vault, if its key is remembered still: 15 minutes more, from now."""
    try:
        container = layout.signing_key.read_bytes()
        key = kept(_name(container), seconds=IDLE_SECONDS)
        if key is not None:
            vault = Vault(key)
            vault.signing_key(container)
            return vault
    except (OSError, KeyringRefused, VaultDamaged):
        pass  # gpg decides whether it is the desk or the key that is wrong
    return None


def lock(layout: Layout) -> bool:
    """Forget the key, and have open pages end; return whether the key was remembered.

    Raises KeyringRefused, OSError.
    """
    try:
        return forget(_name(layout.signing_key.read_bytes()))
    finally:
        end_pages(layout)


def last_locked(layout: Layout) -> int:
    """Return a number that is another once the desk was locked; pages that are open look at it."""
    try:
        return layout.signing_key.stat().st_mtime_ns
    except OSError:
        return 0


def end_pages(layout: Layout) -> None:
    """Have open pages of the desk end: they hold its vault open. Raises OSError."""
    os.utime(layout.signing_key)


def _name(container: bytes) -> str:
    return f"tapedrop vault {sha256(container).hexdigest()}"
