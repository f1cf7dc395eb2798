"""Settings of the running drop: where it listens, and how much it takes and does at once."""

import re
from enum import StrEnum
from typing import Final

import msgspec

from server.config.part import Part
from server.errors import SettingsRefused

MEBIBYTE: Final = 1024 * 1024
_TCP: Final = re.compile(r"(127\.0\.0\.1|\[::1\]):(\d{1,5})")


class Circuits(StrEnum):
    """Whether tor begins each connection with a line that names its circuit."""

    NONE = "none"
    HAPROXY = "haproxy"


class Listen(Part, frozen=True):
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


class Connections(Part, frozen=True):
    """How many connections there may be, and how long each may take over one step."""

    max_open: int = 1000
    max_open_per_circuit: int = 16
    max_refused: int = 64
    idle_seconds: int = 120  # Tor Browser closes a connection that was idle for 115 itself
    head_seconds: int = 60
    small_form_seconds: int = 120
    answer_seconds: int = 300
    refused_seconds: int = 30


class Limits(Part, frozen=True):
    """What one visit may send."""

    max_recording_bytes: int = 4096 * MEBIBYTE
    max_recordings: int = 20
    max_message_bytes: int = 64 * 1024
    max_visit_bytes: int = 8192 * MEBIBYTE


class Admitting(Part, frozen=True):
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


class Work(Part, frozen=True):
    """How much is done at once, and how long one step may take."""

    scrubs_at_once: int = 2
    seals_at_once: int = 2
    seal_limit_seconds: int = 1800
    session_idle_minutes: int = 180
    reading_idle_minutes: int = 15
    max_sessions: int = 10_000
    unfenced_scrubbing: bool = False
