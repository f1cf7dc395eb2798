"""The status as text for node_exporter's textfile collector (Prometheus text format 0.0.4).

    # HELP tapedrop_drops …
    # TYPE tapedrop_drops gauge
    tapedrop_drops 12

All are gauges: a number that is taken now and then, never a count that goes up when somebody comes.
What isn't known is left out. docs/operator.md has a row for each.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from server.staff.overview.counted import Free
from server.staff.overview.status import KeyStatus, Status

FIGURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tapedrop_running": "1 while the drop runs",
        "tapedrop_locked_down": "1 while no uploads are taken",
        "tapedrop_attention": "how many things need somebody; status says which",
        "tapedrop_drops": "sealed drops in the store at the end of yesterday",
        "tapedrop_drops_oldest_days": "age of the oldest of them",
        "tapedrop_drops_waiting": "those that no export has taken yet",
        "tapedrop_drops_waiting_oldest_days": "age of the oldest of these",
        "tapedrop_drops_may_go": "those that the next sweep may delete",
        "tapedrop_mailboxes": "mailboxes at the end of yesterday",
        "tapedrop_replies": "replies in them at the end of yesterday",
        "tapedrop_free_step": "free space: 4 half, 3 a quarter, 2 a tenth, 1 less, 0 too little",
        "tapedrop_export_days": "days since the last export",
        "tapedrop_sweep_days": "days since the last sweep",
        "tapedrop_canary_days": "days since the newest canary that a desk opened was sent",
        "tapedrop_canary_arrived_days": "days since a canary last came as far as the store",
        "tapedrop_heartbeat_days": "days since the last heartbeat to staff was written",
        "tapedrop_letters": "letters to staff that wait to be carried away",
        "tapedrop_letters_oldest_days": "age of the oldest of them",
        "tapedrop_desk_receipts_days": "days since the desk's receipts were last imported",
        "tapedrop_desk_may_sign": "1 if the desk may sign key lists",
        "tapedrop_key_usable": "1 if the key can be used now",
        "tapedrop_key_days_left": "days until the key ends",
        "tapedrop_told_days": "days since the log told a day's counts",
        "tapedrop_told_step": "the day's count as the log told it: 0 none, 1 one to nine, 2 more",
    }
)
"""Each figure, and what it says of itself."""

_STEPS: Final = {"0": 0, "1-9": 1, "10+": 2}
_FREE: Final = {Free.HALF: 4, Free.QUARTER: 3, Free.TENTH: 2, Free.LITTLE: 1, Free.TOO_LITTLE: 0}


class _Figure(NamedTuple):
    name: str
    value: int | None
    labels: Mapping[str, str] = MappingProxyType({})


def prometheus_text(status: Status, attention: int) -> str:
    """Return the whole file; `attention` is how many things need somebody."""
    figures = list(_figures(status, attention))
    lines = []
    for name, help_text in FIGURES.items():
        samples = [each for each in figures if each.name == name and each.value is not None]
        if samples:
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
            lines += [f"{name}{_labels(each.labels)} {each.value}" for each in samples]
    return "".join(f"{line}\n" for line in lines)


def _figures(status: Status, attention: int) -> Iterator[_Figure]:
    store, drops = status.store, status.store.drops

    def days(since: date | None) -> int | None:
        return (status.day - since).days if since is not None else None

    yield _Figure("tapedrop_running", int(status.running))
    yield _Figure("tapedrop_locked_down", int(status.locked_down))
    yield _Figure("tapedrop_attention", attention)
    yield _Figure("tapedrop_drops", drops.number)
    yield _Figure("tapedrop_drops_oldest_days", days(drops.oldest))
    yield _Figure("tapedrop_drops_waiting", drops.waiting)
    yield _Figure("tapedrop_drops_waiting_oldest_days", days(drops.oldest_waiting))
    yield _Figure("tapedrop_drops_may_go", drops.may_go)
    yield _Figure("tapedrop_mailboxes", store.mailboxes)
    yield _Figure("tapedrop_replies", store.replies)
    yield _Figure("tapedrop_free_step", _FREE.get(store.spool), {"of": "spool"})
    yield _Figure("tapedrop_free_step", _FREE.get(store.store), {"of": "store"})
    yield _Figure("tapedrop_export_days", days(status.exported))
    yield _Figure("tapedrop_sweep_days", days(status.swept))
    yield _Figure("tapedrop_canary_days", days(status.canary))
    yield _Figure("tapedrop_canary_arrived_days", days(status.arrived))
    yield _Figure("tapedrop_heartbeat_days", days(status.heartbeat))
    yield _Figure("tapedrop_letters", status.letters.number)
    yield _Figure("tapedrop_letters_oldest_days", days(status.letters.oldest))
    for desk in status.desks:
        yield _Figure("tapedrop_desk_receipts_days", days(desk.heard), {"desk": desk.name})
        yield _Figure("tapedrop_desk_may_sign", int(desk.may_sign), {"desk": desk.name})
    yield from _of_keys("newsroom", status.newsroom_keys)
    yield from _of_keys("staff", status.staff_keys)
    if status.told is not None:
        yield _Figure("tapedrop_told_days", days(status.told.day))
        for count in status.told.counts:
            labels = {"event": count.event, **count.facts}
            yield _Figure("tapedrop_told_step", _STEPS.get(count.today), labels)


def _of_keys(whose: str, keys: tuple[KeyStatus, ...]) -> Iterator[_Figure]:
    for key in keys:
        labels = {"of": whose, "fingerprint": key.fingerprint}
        yield _Figure("tapedrop_key_usable", int(not key.problem), labels)
        yield _Figure("tapedrop_key_days_left", key.days_left, labels)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
