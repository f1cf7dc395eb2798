"""What of a drop's status needs somebody, and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from server.config import Config
from server.newsroom import SOON_DAYS
from server.staff.overview.counted import Free
from server.staff.overview.status import KeyStatus, Status

WAITING_DAYS: Final = 7
CANARY_DAYS: Final = 30
ARRIVED_DAYS: Final = 7
SWEEP_DAYS: Final = 2
HEARTBEAT_DAYS: Final = 2
_NEW_KEY: Final = {
    "newsroom": "have a new one made at the desk: docs/operator.md, Changing a key",
    "staff": "make a new one well before, and: tapedrop-server keys add --staff FILE.asc",
}


@dataclass(frozen=True, slots=True)
class Attention:
    """What somebody should know, and what to do."""

    says: str
    todo: str


def attention_to(status: Status, config: Config) -> tuple[Attention, ...]:
    """Return what needs somebody, the worst first; none where all is well."""
    found = [
        *_running(status, config),
        *_keys(status),
        *_room(status),
        *_desks(status),
        *_work(status, config),
        *_alerts(status, config),
    ]
    return tuple(Attention(says, todo) for says, todo in found)


_Found = Iterator[tuple[str, str]]


def _running(status: Status, config: Config) -> _Found:
    if config.work.unfenced_scrubbing:
        todo = "take unfenced_scrubbing out of the configuration; no source may use this drop"
        yield "recordings are read without a sandbox", todo
    if not status.running:
        todo = "start it, as root: systemctl enable --now tapedrop.target; or tapedrop-server serve"
        yield "the drop is not running", todo
    if status.locked_down:
        todo = "tapedrop-server unlock, once you know that the machine is yours"
        yield "the drop is locked down: no uploads are taken", todo


def _keys(status: Status) -> _Found:
    if not status.newsroom_keys:
        todo = "pair a desk, whose file brings its key: docs/operator.md, Pairing"
        yield "the newsroom has no key: every recording is refused", todo
    elif all(key.problem for key in status.newsroom_keys):
        todo = "tapedrop-server keys list says why; add one: tapedrop-server keys add FILE.asc"
        yield "no newsroom key can be sealed to: every recording is refused", todo
    elif all(key.problem or _ends_soon(key) for key in status.newsroom_keys):
        yield f"no newsroom key can be sealed to {SOON_DAYS} days from now", _NEW_KEY["newsroom"]
    for whose, keys in (("newsroom", status.newsroom_keys), ("staff", status.staff_keys)):
        for key in keys:
            named = f"the {whose}'s key {key.fingerprint[-16:]} ({key.name})"
            if key.problem:
                option = " --staff" if whose == "staff" else ""
                todo = f"tapedrop-server keys retire {key.fingerprint}{option}"
                yield f"{named}: {key.problem}", todo
            elif _ends_soon(key):
                yield f"{named} ends in {key.days_left} days", _NEW_KEY[whose]
    if not status.staff_keys:
        todo = "tapedrop-server keys add --staff FILE.asc"
        yield "there is no staff key: no alert and no backup can be made", todo


def _ends_soon(key: KeyStatus) -> bool:
    return key.days_left is not None and key.days_left <= SOON_DAYS


def _room(status: Status) -> _Found:
    for name, free in (("spool", status.store.spool), ("store", status.store.store)):
        if free in {Free.LITTLE, Free.TOO_LITTLE}:
            todo = "carry drops out, have them opened, and sweep; or give it a larger disk"
            yield f"free on the {name}'s disk: {free}", todo


def _desks(status: Status) -> _Found:
    if not status.desks:
        yield "no desk is paired", "tapedrop-server pair --to FILE, and on: docs/operator.md"
    elif not any(desk.may_sign for desk in status.desks):
        yield "no desk may sign key lists", "pair a desk anew: tapedrop-server pair DESK_FILE"


def _work(status: Status, config: Config) -> _Found:
    drops, today = status.store.drops, status.day
    waited = (today - drops.oldest_waiting).days if drops.oldest_waiting is not None else 0
    if waited > WAITING_DAYS:
        todo = "tapedrop-server export --to /media/…"
        yield f"drops have waited for {waited} days to be carried out", todo
    kept = (today - drops.oldest).days if drops.oldest is not None else 0
    missed = (today - status.swept).days if status.swept is not None else kept
    if config.keeping.sweep_nightly and abs(missed) > SWEEP_DAYS:
        todo = "look at the clock, and at the log for sweep_failed or sweep_held_back"
        ahead = f"the last sweep was on {status.swept}, a day to come"
        yield ahead if missed < 0 else f"the store was not swept for {missed} days", todo
    if status.arrived is not None and (today - status.arrived).days > ARRIVED_DAYS:
        todo = "tapedrop-server canary says what is wrong; or start its timer again"
        yield f"no canary arrived since {status.arrived}", todo
    if status.canary is None or (today - status.canary).days > CANARY_DAYS:
        said = f"since {status.canary}" if status.canary is not None else "yet"
        todo = "tapedrop-server canary; then carry out, open at the desk, import its receipts"
        yield f"no desk has opened a canary {said}", todo


def _alerts(status: Status, config: Config) -> _Found:
    if not config.staff.alert_command:
        yield "nobody is alerted", "set staff.alert_command: docs/operator.md, Alerts"
        return
    if status.heartbeat is None or (status.day - status.heartbeat).days > HEARTBEAT_DAYS:
        said = f"since {status.heartbeat}" if status.heartbeat is not None else "yet"
        todo = "tapedrop-server heartbeat says what is wrong; or start its timer again"
        yield f"no heartbeat was written {said}", todo
    if status.letters.oldest is not None and status.letters.oldest < status.day:
        todo = "tapedrop-server mail says what is wrong; or start its timer again"
        yield f"letters to staff wait since {status.letters.oldest}", todo
