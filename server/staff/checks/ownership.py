"""Who may enter the drop's folders and read its files, and whose they are."""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Final

from server.config import Engine
from server.staff.checks import Answers, Ground, fail, look, ok

_OTHERS: Final = 0o007
_GROUP: Final = 0o070
_ANYBODY_ELSE: Final = _OTHERS | _GROUP
_ENTER: Final = 0o010
_CHANGE: Final = 0o022
_SETTINGS: Final = "tapedrop.toml"


def permissions(ground: Ground) -> Answers:
    """Nobody else may enter a folder or read a file; tor's user only passes through the first."""
    answered = False
    mode = ground.folder.stat().st_mode
    if mode & _OTHERS or mode & _GROUP & ~_ENTER:
        answered = True
        todo = f"chmod 710 {quote(str(ground.folder))}, where tor's user is in its group; else 700"
        yield fail(f"others can look into {ground.folder}", todo)
    for folder in _folders(ground):
        if folder.is_dir() and folder.stat().st_mode & _ANYBODY_ELSE:
            answered = True
            yield fail(f"others can enter {folder}", f"chmod 700 {quote(str(folder))}")
    for file in _files(ground):
        if file.stat().st_mode & _ANYBODY_ELSE:
            answered = True
            yield fail(f"others can read {file}", f"chmod 600 {quote(str(file))}")
    settings = ground.at(_SETTINGS)
    if settings.is_file() and settings.stat().st_mode & _CHANGE:
        answered = True  # they name programs that the drop runs
        yield fail(f"others can change {settings}", f"chmod 600 {quote(str(settings))}")
    if not answered:
        yield ok("folders and files are for the drop's user alone")


def owner(ground: Ground) -> Answers:
    """Everything belongs to one user, who is the one that asks, and isn't root."""
    whose = ground.folder.stat().st_uid
    answered = False
    if whose != os.geteuid():
        answered = True
        why = f"the drop belongs to {_name(whose)}, and you are {_name(os.geteuid())}"
        yield fail(why, f"run its commands as {_name(whose)}: what you make, it can't read")
    elif whose == 0:
        answered = True
        todo = "let a user that does nothing else have the folder (chown -R), and run it as that"
        yield look("the drop belongs to root", todo)
    for place in (*_folders(ground), *_files(ground)):
        if place.exists() and place.stat().st_uid != whose:
            answered = True
            says = f"{place} belongs to {_name(place.stat().st_uid)}"
            yield fail(says, f"chown {_name(whose)} {quote(str(place))}")
    if not answered:
        yield ok(f"everything belongs to {_name(whose)}")


def _folders(ground: Ground) -> Iterator[Path]:
    config = ground.config
    names = [config.places.spool, config.places.desks, config.places.receipts]
    names += [config.places.outbox, config.newsroom.keyring, config.staff.keyring]
    if config.store.engine is Engine.FOLDER:
        names.append(config.places.store)
    yield from (ground.at(name) for name in names)
    yield from {file.parent for file in _secrets(ground)} - {ground.folder}


def _files(ground: Ground) -> Iterator[Path]:
    """Yield the files whose content is for the drop's user alone, as far as they are there."""
    places = ground.config.places
    yield from (file for file in _secrets(ground) if file.is_file())
    for folder in (places.desks, places.receipts):
        for entry in sorted(ground.at(folder).glob("*")):
            if stat.S_ISREG(entry.lstat().st_mode):
                yield entry


def _secrets(ground: Ground) -> list[Path]:
    credentials = ground.config.credentials
    names = [credentials.salt, credentials.export_key, credentials.canary]
    if ground.config.store.engine is Engine.S3:
        names.append(ground.config.store.credentials)
    return [ground.at(name) for name in names]


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
