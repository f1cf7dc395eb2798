"""Say who may come to an onion service: tor's client authorization.

    authorized_clients/NAME.auth     descriptor:x25519:PUBLIC           in the service's own folder
    what NAME's tor has              ADDRESS:descriptor:x25519:SECRET   ends in .auth_private

PUBLIC and SECRET are an X25519 pair in base32 without its padding, ADDRESS is the onion's 56
letters without `.onion` (tor(1), CLIENT AUTHORIZATION; rend-spec-v3, "Client authorization"). As
long as one such file is there, the service's descriptor can only be read with one of their keys:
nobody else learns where to knock. Without any, everybody may come who knows the address. tor reads
the files when it starts and when it is told to (SIGHUP).
"""

import os
import re
from base64 import b32encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from server.errors import SettingsRefused
from server.files import read_regular, write_new
from server.staff.moving.backup import CLIENT, CLIENTS

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_HOST_NAME: Final = re.compile(rb"([a-z2-7]{56})\.onion\n?")
_LONGEST: Final = 256
_KIND: Final = "descriptor:x25519"


def address_of(onion: Path) -> str:
    """Return the address of the service in this folder, 56 letters. Raises SettingsRefused."""
    with _as_its_owner(onion):
        try:
            said = _HOST_NAME.fullmatch(read_regular(onion / "hostname", _LONGEST))
        except (OSError, ValueError) as error:
            raise _unreadable(onion, error) from None
    if said is None:
        raise SettingsRefused(f"{onion} holds no onion service's address")
    return said[1].decode()


def clients_of(onion: Path) -> list[str]:
    """Return the names of those who may come; of none, everybody may. Raises SettingsRefused."""
    with _as_its_owner(onion):
        try:
            found = sorted((onion / CLIENTS).iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(onion, error) from None
    # tor takes whatever ends so, also what somebody put there by hand.
    return [path.name.removesuffix(CLIENT) for path in found if path.suffix == CLIENT]


def checked(name: str) -> str:
    """Return a name that a client's file may have. Raises SettingsRefused."""
    if not _NAME.fullmatch(name):
        hint = "letters, digits, - and _, 32 of them at most"
        raise SettingsRefused("that is no name for a client", hint=hint)
    return name


def authorise(onion: Path, name: str, to: Path) -> None:
    """Let `name` come: their key goes into the new file `to`, and its public half to tor.

    The key is nowhere else. Raises SettingsRefused; then nothing is left of it.
    """
    own = _file(onion, name)
    if name in clients_of(onion):
        raise SettingsRefused(f"{name} may come already", hint="another name, or first: --remove")
    address, key = address_of(onion), X25519PrivateKey.generate()
    secret = f"{address}:{_KIND}:{_base32(key.private_bytes_raw())}\n"
    public = f"{_KIND}:{_base32(key.public_key().public_bytes_raw())}\n"
    try:
        # First, so that nobody is let in whose key nobody has.
        write_new(to, secret.encode())
    except FileExistsError:
        raise SettingsRefused(f"{to} is there already; a key never replaces anything") from None
    try:
        with _as_its_owner(onion):
            own.parent.mkdir(mode=0o700, exist_ok=True)
            write_new(own, public.encode())
    except BaseException as error:
        to.unlink()
        if isinstance(error, OSError):
            raise _unreadable(onion, error) from None
        raise


def remove(onion: Path, name: str) -> None:
    """Let `name` no longer come. Raises SettingsRefused."""
    with _as_its_owner(onion):
        try:
            _file(onion, name).unlink()
        except FileNotFoundError:
            raise SettingsRefused(f"there is no {name} among those who may come") from None
        except OSError as error:
            raise _unreadable(onion, error) from None


def _file(onion: Path, name: str) -> Path:
    return onion / CLIENTS / f"{checked(name)}{CLIENT}"


def _base32(key: bytes) -> str:
    return b32encode(key).decode().rstrip("=")


def _unreadable(onion: Path, error: Exception) -> SettingsRefused:
    why = error.strerror if isinstance(error, OSError) else str(error)
    hint = "type it as root; the folder is tor's HiddenServiceDir"
    return SettingsRefused(f"can't use {onion}: {str(why).lower()}", hint=hint)


@contextmanager
def _as_its_owner(onion: Path) -> Iterator[None]:
    """Let root be the folder's owner, tor's user, while something is done there.

    What tor reads must be tor's; and whoever took tor over could put links there, by which root
    would read or write elsewhere. Raises SettingsRefused.
    """
    if os.geteuid() != 0:
        yield
        return
    try:
        found = onion.lstat()
    except OSError as error:
        raise _unreadable(onion, error) from None
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(found.st_gid)
    os.seteuid(found.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
