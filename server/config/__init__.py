"""The drop's settings: one TOML file, read once, into small frozen parts.

Paths are relative to the folder that the file lies in. Sizes are bytes and say so; times carry
their unit. Secrets are files named by path, never values. `tapedrop-server init` writes a file
with every setting and what it means.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from server.config.keeping import Credentials, Engine, Keeping, Places, StoreSettings
from server.config.serving import (
    MEBIBYTE,
    Admitting,
    Circuits,
    Connections,
    Limits,
    Listen,
    Work,
)
from server.config.staff import Findings, Logs, Newsroom, Staff, Tor
from server.errors import SettingsRefused

__all__ = [
    "MEBIBYTE",
    "VERSION",
    "Admitting",
    "Circuits",
    "Config",
    "Connections",
    "Credentials",
    "Engine",
    "Findings",
    "Keeping",
    "Limits",
    "Listen",
    "Logs",
    "Newsroom",
    "Places",
    "Staff",
    "StoreSettings",
    "Tor",
    "Work",
    "read_config",
]

VERSION: Final = 1
"""Of this file. A later one is refused: what it asks for may be what keeps a source safe."""
_MOST_DAYS: Final = 36_500


_KINDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "words in quotes",
    "bool": "true or false",
    "array": "a list in brackets",
    "object": "a group",
}


_GONE: Final = {
    "staff.heartbeat_at_hour_utc": "take it out: heartbeat is a command of its own now, and its "
    "hour is that of the timer which runs it",
}
"""What an older Tapedrop knew, and what became of it."""


class _Version(msgspec.Struct):
    version: int = VERSION


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    version: int = VERSION
    listen: Listen = Listen()
    connections: Connections = Connections()
    newsroom: Newsroom = Newsroom()
    staff: Staff = Staff()
    tor: Tor = Tor()
    limits: Limits = Limits()
    admission: Admitting = Admitting()
    places: Places = Places()
    store: StoreSettings = StoreSettings()
    credentials: Credentials = Credentials()
    work: Work = Work()
    logs: Logs = Logs()
    keeping: Keeping = Keeping()

    def with_secrets_in(self, handed: Path) -> Self:
        """Return it with what the running drop needs of its secrets read from the folder `handed`.

        systemd puts each there under the name of its file (LoadCredential=, systemd.exec(5)).
        """
        salt = handed.absolute() / Path(self.credentials.salt).name
        store = handed.absolute() / Path(self.store.credentials).name
        return msgspec.structs.replace(
            self,
            credentials=msgspec.structs.replace(self.credentials, salt=str(salt)),
            store=msgspec.structs.replace(self.store, credentials=str(store)),
        )

    def problems(self) -> str:
        """Return the first setting that is out of bounds, or nothing."""
        groups = {"connections": self.connections, "limits": self.limits, "work": self.work}
        numbers = [each for name, part in groups.items() for each in part.numbers(name)]
        for name, value in numbers:
            if value < 1 and not isinstance(value, bool):
                return f"{name} must be 1 or more"
        if problem := self.store.problem() or self.tor.problem():
            return problem
        if problem := self.admission.problem(self.limits.max_visit_bytes):
            return problem
        if self.listen.tcp and self.listen.circuits is not Circuits.NONE:
            return "listen.circuits is for the unix socket: anyone here may connect to listen.tcp"
        for name, value in self.keeping.numbers("keeping"):
            if name.endswith("_days") and not 1 <= value <= _MOST_DAYS:
                return f"{name} must be from 1 to {_MOST_DAYS}"
        if self.keeping.desks_required < 0:
            return "keeping.desks_required must be 0 or more"
        hours = {
            "logs.tell_at_hour_utc": self.logs.tell_at_hour_utc,
            "keeping.sweep_at_hour_utc": self.keeping.sweep_at_hour_utc,
        }
        return "".join(f"{name} is no hour" for name, hour in hours.items() if not 0 <= hour <= 23)


def read_config(path: Path) -> Config:
    """Return the settings in `path`. Raises SettingsRefused, naming the known ones."""
    try:
        written = path.read_bytes()
        _known_version(msgspec.toml.decode(written, type=_Version).version)
        config = msgspec.toml.decode(written, type=Config)
    except OSError as error:
        hint = "tapedrop-server init DIR writes one; --config says where yours is"
        if isinstance(error, PermissionError):
            hint = "type it as root, or as the drop's own user: sudo -u USER tapedrop-server …"
        raise SettingsRefused(f"can't read {path}: {error.strerror}", hint=hint) from None
    except msgspec.ValidationError as error:
        said = _plain(str(error))
        gone = _GONE.get(said.removeprefix("there is no setting "))
        raise SettingsRefused(said, hint=gone or _known(str(error))) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SettingsRefused(f"{path} is not TOML: {error}") from None
    if b"\\u0000" in msgspec.json.encode(config):
        raise SettingsRefused("a setting holds a zero byte, which no path can")
    if problem := config.problems():
        raise SettingsRefused(problem)
    return config


def _known_version(found: int) -> None:
    if found > VERSION:
        raise SettingsRefused(f"the configuration is of version {found}; this Tapedrop is older")
    if found < 1:
        raise SettingsRefused("version must be 1 or more")


def _plain(said: str) -> str:
    """Say msgspec's complaint about a setting as the file's author knows it: by `group.name`."""
    said, _, where = said.partition(" - at `$.")
    where = where.rstrip("`")
    if match := re.fullmatch(r"Object contains unknown field `(.+)`", said):
        return f"there is no setting {where}.{match[1]}" if where else f"there is no [{match[1]}]"
    for kind, words in _KINDS.items():
        said = said.replace(f"`{kind}`", words)
    return f"{where}: {said[:1].lower()}{said[1:]}" if where else said


def _known(said: str) -> str:
    """Name the keys that belong where the unknown one stands, or the words it may be."""
    part: Any = Config
    if match := re.search(r"at `\$\.(\w+)(?:\.(\w+))?", said):
        part = _types(Config).get(match[1], Config)
        if part is int:  # the version
            return ""
        choices = _types(part).get(match[2] or "")
        if isinstance(choices, type) and issubclass(choices, StrEnum):
            return "known here: " + ", ".join(choices)
    return "known here: " + ", ".join(_types(part))


def _types(part: Any) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(part)}
