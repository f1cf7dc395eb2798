"""Settings of who reads and who runs the drop: the newsroom, security staff, tor, the log."""

import re
from enum import StrEnum
from typing import Final

from server.config.part import Part

_ONION: Final = re.compile(r"http://[a-z2-7]{56}\.onion")
_SOCKS: Final = re.compile(r"(127\.0\.0\.1|\[::1\]):(\d{1,5})")


class Findings(StrEnum):
    """What reporters are told of what was taken out of a recording."""

    KINDS = "kinds"
    VALUES = "values"


class Newsroom(Part, frozen=True):
    """Whom recordings are sealed to, what sources see of it, and what is told of findings."""

    name: str = "The newsroom"
    logo: str = ""
    keyring: str = "newsroom"
    findings: Findings = Findings.KINDS


class Staff(Part, frozen=True):
    """Security staff: whose keys read alerts and backups, and how alerts leave this machine."""

    keyring: str = "staff"
    alert_command: tuple[str, ...] = ()


class Tor(Part, frozen=True):
    """The drop's onion service, as `check` and `canary` reach it and `backup` finds its keys."""

    onion: str = ""
    socks: str = "127.0.0.1:9050"
    keys: str = ""

    def problem(self) -> str:
        """Return what keeps these settings from being used, or nothing."""
        if self.onion and not _ONION.fullmatch(self.onion):
            return 'tor.onion must be "http://", 56 letters and digits, and ".onion"'
        match = _SOCKS.fullmatch(self.socks)
        if match is None or int(match[2]) > 65535:
            return 'tor.socks must be a loopback address, as in "127.0.0.1:9050"'
        return ""


class Logs(Part, frozen=True):
    """When the day's counts are told."""

    tell_at_hour_utc: int = 4
