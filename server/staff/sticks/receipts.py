"""Keep what desks say of the envelopes they were given.

    <desk>.json    {"<SHA-256 of an envelope>": state}
    <desk>.said    YYYY-MM-DD: when the desk's newest receipts were written
    canary         YYYY-MM-DD: when the newest canary was sent that any desk opened

A state is "stored", "opened", "set aside: <why>" or "canary: YYYY-MM-DD", which is an opened one
that our own test source sent. No receipt goes back from these two. A stick brings old receipts
again, in any order: of one that is older than the newest only these two count, and what no other
named.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import msgspec

from crypto.errors import BadBag, NewerVersion
from server.files import replace
from server.staff.days import day_in, keep_day
from server.staff.sticks.answers import Answers, kept
from server.staff.sticks.opened import keep_opened

RECEIPTS: Final = "data/receipts.json"
_VERSION: Final = "tapedrop receipt 1"
_WITH_CANARIES: Final = "tapedrop receipt 2"
_VERSIONS: Final = "tapedrop receipt "
_OPENED: Final = "opened"
_CANARY: Final = "canary: "
_NEWEST_CANARY: Final = "canary"

_STORED_OR_NOT: Final = "stored|opened|set aside: [ -~]{1,120}"
_CANARY_TOO: Final = rf"{_STORED_OR_NOT}|canary: [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}"
_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_State = Annotated[str, msgspec.Meta(pattern=rf"\A({_STORED_OR_NOT})\Z")]
_State2 = Annotated[str, msgspec.Meta(pattern=rf"\A({_CANARY_TOO})\Z")]


class _Version(msgspec.Struct):
    version: str


class Receipts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A desk's word on each envelope it ever imported."""

    version: str
    desk: str
    envelopes: dict[_Digest, _State]


class ReceiptsWithCanaries(Receipts, frozen=True, forbid_unknown_fields=True):
    """The same from a desk that has opened a canary."""

    envelopes: dict[_Digest, _State2]


def take_receipts(answers: Answers, folder: Path, *, today: date) -> Counter[str]:
    """Keep the bag's receipts; return how many envelopes the desk has in each state.

    Raises BadBag, NewerVersion, NotFit.
    """
    if RECEIPTS not in answers.digests:
        raise BadBag("missing", name=RECEIPTS)
    said = _read(answers.read(RECEIPTS))
    path = folder / f"{answers.desk.signing_key[:32]}.json"
    newest = folder / f"{answers.desk.signing_key[:32]}.said"
    known: dict[str, str] = kept(path, dict[str, str]) or {}
    if is_old := answers.day < (day_in(newest) or date.min):
        merged = said.envelopes | known
    else:
        merged = known | said.envelopes
    for each in (said.envelopes, known):
        merged |= {digest: state for digest, state in each.items() if _is_opened(state)}
    replace(path, msgspec.json.encode(merged))
    keep_opened(
        folder,
        answers.desk,
        (bytes.fromhex(digest) for digest, state in merged.items() if _is_opened(state)),
    )
    if not is_old:
        # A day that is yet to come would make all that is said until then an old one.
        keep_day(newest, min(answers.day, today))
    _keep_canary(folder, merged.values(), today)
    return Counter(state.partition(":")[0] for state in merged.values())


def last_canary(folder: Path) -> date | None:
    """Return when the newest canary was sent that a desk says it opened, if any was."""
    return day_in(folder / _NEWEST_CANARY)


def _read(untrusted: bytes) -> Receipts:
    try:
        version = msgspec.json.decode(untrusted, type=_Version).version
        if version == _VERSION:
            return msgspec.json.decode(untrusted, type=Receipts)
        if version == _WITH_CANARIES:
            return msgspec.json.decode(untrusted, type=ReceiptsWithCanaries)
    except msgspec.DecodeError:
        raise BadBag("not a receipt that we can read", name=RECEIPTS) from None
    if version.startswith(_VERSIONS):
        raise NewerVersion(version[:100])
    raise BadBag("not a receipt that we can read", name=RECEIPTS)


def _is_opened(state: str) -> bool:
    return state == _OPENED or state.startswith(_CANARY)


def _keep_canary(folder: Path, states: Iterable[str], today: date) -> None:
    days = [last_canary(folder)]
    for state in states:
        if state.startswith(_CANARY):
            with suppress(ValueError):  # it looks like a day, and is none
                days.append(date.fromisoformat(state.removeprefix(_CANARY)))
    # One that is yet to come would stay the newest for as long.
    newest = max((day for day in days if day is not None and day <= today), default=None)
    if newest is not None and newest != days[0]:
        keep_day(folder / _NEWEST_CANARY, newest)
