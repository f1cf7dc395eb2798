"""One drop as others see it: a row of JSON, or cells of a table."""

from typing import Any, Final

from intake.drop import Drop, Status
from intake.wording import CONDITIONS, kinds, plain, size_text

HEAD: Final = ("id", "day", "from", "what", "size", "condition", "removed", "remains", "status")
MESSAGE: Final = "message.txt"


def row(drop: Drop) -> dict[str, Any]:
    """Return everything a program may want to know; what isn't known yet is null."""
    known: dict[str, Any] = dict.fromkeys(
        ["day", "pseudonym", "kind", "name", "format", "size", "condition", "removed", "remains"]
    )
    if drop.manifest is not None:
        known = {name: getattr(drop.manifest, name, None) for name in known}
        known["pseudonym"] = drop.manifest.source.pseudonym
        known["kind"] = "message" if drop.manifest.name == MESSAGE else "recording"
    return {
        "id": drop.id,
        "sha256": drop.digest.hex(),
        "status": drop.status,
        "set_aside": drop.set_aside,
        "canary_day": drop.canary_day,
        "alarms": list(drop.alarms),
        **known,
    }


def cells(drop: Drop) -> tuple[str, ...]:
    """Return one cell for each of HEAD."""
    status = str(drop.status)
    if drop.status is Status.SET_ASIDE:
        status += f": {drop.set_aside}"
    if drop.canary_day is not None:
        status += f": sent on {plain(drop.canary_day)}"
    if drop.alarms:
        status += " (ALARM)"
    manifest = drop.manifest
    if manifest is None:
        return (drop.id, *["-"] * (len(HEAD) - 2), status)
    return (
        drop.id,
        plain(manifest.day),
        plain(manifest.source.pseudonym),
        "message" if manifest.name == MESSAGE else plain(manifest.format),
        size_text(manifest.size),
        CONDITIONS[manifest.condition],
        kinds(manifest.removed),
        kinds(manifest.remains),
        status,
    )
