"""Settings of what is kept: where, in what, and for how long."""

import re
from enum import StrEnum
from typing import Final

from server.config.part import Part

_ENDPOINT: Final = re.compile(
    r"https://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?/?|"
    r"http://(127\.0\.0\.1|\[::1\])(:\d{1,5})?/?"
)
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class Places(Part, frozen=True):
    """Folders: where sealed objects rest, where recordings are held, encrypted, until then, and
    where letters to staff wait.
    """

    store: str = "store"
    spool: str = "spool"
    desks: str = "desks"
    receipts: str = "receipts"
    outbox: str = "outbox"


class Engine(StrEnum):
    """What keeps sealed objects."""

    FOLDER = "folder"
    S3 = "s3"


class StoreSettings(Part, frozen=True):
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


class Credentials(Part, frozen=True):
    """Files that hold this drop's own secrets. None of them opens a recording."""

    salt: str = "credentials/salt"
    export_key: str = "credentials/export.key"
    canary: str = "credentials/canary"


class Keeping(Part, frozen=True):
    """What is deleted, and when. 0 desks: two once two are paired, else one."""

    desks_required: int = 0
    opened_days: int = 7
    mailbox_idle_days: int = 365
    reply_days: int = 365
    sweep_nightly: bool = True
    sweep_at_hour_utc: int = 3
