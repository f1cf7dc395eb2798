"""The drop's settings: one TOML file, read once, into small frozen parts.

Paths are relative to the folder that the file lies in. Sizes are bytes and say so; times carry
their unit. Secrets are files named by path, never values. `tapedrop-server init` writes a file
with every setting and what it means.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from server.errors import SettingsRefused

MEBIBYTE = 1024 * 1024
_MOST_DAYS = 36_500
_TCP = re.compile(r"(127\.0\.0\.1|\[::1\]):(\d{1,5})")
_ENDPOINT = re.compile(
    r"https://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?/?|"
    r"http://(127\.0\.0\.1|\[::1\])(:\d{1,5})?/?"
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A group of settings; an unknown key in it is an error."""


class Circuits(StrEnum):
    """Whether tor begins each connection with a line that names its circuit."""

    NONE = "none"
    HAPROXY = "haproxy"


class Listen(_Part, frozen=True):
    """Where the drop listens: a unix socket for tor, or a port on loopback for trying it out."""

    unix: str = "tapedrop.sock"
    tcp: str = ""
    circuits: Circuits = Circuits.NONE

    def address(self) -> tuple[str, int]:
        """Return host and port of `tcp`. Raises SettingsRefused unless it is loopback."""
        match = _TCP.fullmatch(self.tcp)
        if match is None or int(match[2]) > 65535:
            hint = 'write it as "127.0.0.1:PORT": the drop is reached through tor, never directly'
            raise SettingsRefused(f"listen.tcp is not a loopback address: {self.tcp!r}", hint=hint)
        return match[1].strip("[]"), int(match[2])


class Connections(_Part, frozen=True):
    """How many connections there may be, and how long each may take over one step."""

    max_open: int = 1000
    max_open_per_circuit: int = 16
    max_refused: int = 64
    idle_seconds: int = 120  # Tor Browser closes a connection that was idle for 115 itself
    head_seconds: int = 60
    small_form_seconds: int = 120
    answer_seconds: int = 300
    refused_seconds: int = 30


class Findings(StrEnum):
    """What reporters are told of what was taken out of a recording."""

    KINDS = "kinds"
    VALUES = "values"


class Newsroom(_Part, frozen=True):
    """Whom recordings are sealed to, what sources see of it, and what is told of findings."""

    name: str = "The newsroom"
    logo: str = ""
    keyring: str = "newsroom"
    findings: Findings = Findings.KINDS


class Limits(_Part, frozen=True):
    """What one visit may send."""

    max_recording_bytes: int = 4096 * MEBIBYTE
    max_recordings: int = 20
    max_message_bytes: int = 64 * 1024
    max_visit_bytes: int = 8192 * MEBIBYTE


class Admitting(_Part, frozen=True):
    """What all uploads may take together, and what of it is kept for sources who return."""

    max_uploads: int = 260
    reserved_uploads: int = 20
    max_bytes: int = 512 * 1024 * MEBIBYTE
    reserved_bytes: int = 64 * 1024 * MEBIBYTE
    max_uploads_per_circuit: int = 4
    max_bytes_per_circuit: int = 16 * 1024 * MEBIBYTE
    spool_floor_bytes: int = 256 * MEBIBYTE
    store_floor_bytes: int = 256 * MEBIBYTE
    reserved_room_bytes: int = 1024 * MEBIBYTE
    min_bytes_per_second: int = 1000
    slow_after_seconds: int = 300

    def problem(self, largest_form_bytes: int) -> str:
        """Return the first setting that would admit nobody, or nothing."""
        values: dict[str, int] = msgspec.structs.asdict(self)
        for name, value in values.items():
            # Nothing reserved, and no floor, can be meant; none of the others can.
            least = 0 if name.startswith("reserved_") or name.endswith("_floor_bytes") else 1
            if value < least:
                return f"admission.{name} must be {least} or more"
        if self.reserved_uploads >= self.max_uploads:
            return "admission.reserved_uploads must leave something of admission.max_uploads"
        if self.max_bytes - self.reserved_bytes < largest_form_bytes:
            return "admission.max_bytes less reserved_bytes must be limits.max_visit_bytes or more"
        if self.max_bytes_per_circuit < largest_form_bytes:
            return "admission.max_bytes_per_circuit must be limits.max_visit_bytes or more"
        return ""


class Places(_Part, frozen=True):
    """Folders: where sealed objects rest, and where recordings are held, encrypted, until then."""

    store: str = "store"
    spool: str = "spool"
    desks: str = "desks"
    receipts: str = "receipts"


class Engine(StrEnum):
    """What keeps sealed objects."""

    FOLDER = "folder"
    S3 = "s3"


class StoreSettings(_Part, frozen=True):
    """What keeps sealed objects: the folder `places.store`, or a bucket of an S3-compatible engine.

    `authority` is a file with the certificate authority that the engine's certificate is from.
    """

    engine: Engine = Engine.FOLDER
    endpoint: str = ""
    bucket: str = ""
    region: str = "us-east-1"
    credentials: str = "credentials/store.toml"
    authority: str = ""

    def problem(self) -> str:
        """Return what keeps these settings from being used, or nothing."""
        if self.engine is Engine.FOLDER:
            # Or a front end would keep what it takes in a folder that nobody else looks into.
            named = self.endpoint or self.bucket
            return 'store.endpoint and store.bucket need store.engine = "s3"' if named else ""
        if not _ENDPOINT.fullmatch(self.endpoint):
            return "store.endpoint must be https://HOST[:PORT], or http:// on loopback"
        if not _BUCKET.fullmatch(self.bucket):
            return "store.bucket must be 3 to 63 of a-z, 0-9, dots and hyphens, as S3 names buckets"
        return ""


class Credentials(_Part, frozen=True):
    """Files that hold this drop's own secrets. None of them opens a recording."""

    salt: str = "credentials/salt"
    export_key: str = "credentials/export.key"


class Work(_Part, frozen=True):
    """How much is done at once, and how long one step may take."""

    scrubs_at_once: int = 2
    seals_at_once: int = 2
    seal_limit_seconds: int = 1800
    session_idle_minutes: int = 180
    reading_idle_minutes: int = 15
    max_sessions: int = 10_000
    unfenced_scrubbing: bool = False


class Logs(_Part, frozen=True):
    """When the day's counts are told."""

    tell_at_hour_utc: int = 4


class Keeping(_Part, frozen=True):
    """What is deleted, and when. 0 desks: two once two are paired, else one."""

    desks_required: int = 0
    opened_days: int = 7
    mailbox_idle_days: int = 365
    reply_days: int = 365
    sweep_nightly: bool = True
    sweep_at_hour_utc: int = 3


class Config(_Part, frozen=True):
    """The whole file. `folder` is where it lies."""

    listen: Listen = Listen()
    connections: Connections = Connections()
    newsroom: Newsroom = Newsroom()
    limits: Limits = Limits()
    admission: Admitting = Admitting()
    places: Places = Places()
    store: StoreSettings = StoreSettings()
    credentials: Credentials = Credentials()
    work: Work = Work()
    logs: Logs = Logs()
    keeping: Keeping = Keeping()

    def problems(self) -> str:
        """Return the first setting that is out of bounds, or nothing."""
        groups = {"connections": self.connections, "limits": self.limits, "work": self.work}
        numbers = [each for name, part in groups.items() for each in _numbers(name, part)]
        for name, value in numbers:
            if value < 1 and not isinstance(value, bool):
                return f"{name} must be 1 or more"
        if problem := self.store.problem():
            return problem
        if problem := self.admission.problem(self.limits.max_visit_bytes):
            return problem
        if self.listen.tcp and self.listen.circuits is not Circuits.NONE:
            return "listen.circuits is for the unix socket: anyone here may connect to listen.tcp"
        for name, value in _numbers("keeping", self.keeping):
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
        config = msgspec.toml.decode(path.read_bytes(), type=Config)
    except OSError as error:
        hint = "tapedrop-server init DIR writes one"
        raise SettingsRefused(f"can't read {path}: {error.strerror}", hint=hint) from None
    except msgspec.ValidationError as error:
        raise SettingsRefused(str(error), hint=_known(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{path} is not TOML: {error}") from None
    if problem := config.problems():
        raise SettingsRefused(problem)
    return config


def _numbers(group: str, part: _Part) -> list[tuple[str, int]]:
    values: dict[str, Any] = msgspec.structs.asdict(part)
    return [(f"{group}.{name}", value) for name, value in values.items()]


def _known(said: str) -> str:
    """Name the keys that belong where the unknown one stands, or the words it may be."""
    part: Any = Config
    if match := re.search(r"at `\$\.(\w+)(?:\.(\w+))?", said):
        part = _types(Config).get(match[1], Config)
        choices = _types(part).get(match[2] or "")
        if isinstance(choices, type) and issubclass(choices, StrEnum):
            return "known here: " + ", ".join(choices)
    return "known here: " + ", ".join(_types(part))


def _types(part: Any) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(part)}
