"""Every check, in the order in which `check` tells them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from crypto.errors import CryptoError
from intake.checks import Answer, Answers, Desk, Machine, Verdict, cards, clock, disk, keys, memory
from intake.checks.network import network
from intake.checks.traces import traces
from intake.errors import IntakeError
from intake.wording import told

OF_THE_MACHINE: Final[Mapping[str, Callable[[Machine], Answers]]] = MappingProxyType(
    {
        "network": network,
        "swap": memory.swap,
        "core dumps": memory.cores,
        "temporary": memory.temporary,
        "clock": clock.clock,
        "home": disk.home,
        "gpg": keys.gpg,
        "traces": traces,
    }
)
OF_THE_DESK: Final[Mapping[str, Callable[[Desk], Answers]]] = MappingProxyType(
    {
        "encryption": disk.encryption,
        "permissions": disk.modes,
        "key": cards.key,
        "room": disk.room,
        "bags": clock.bags,
        "imports": disk.imports,
    }
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line: which check, what it thinks, what is so, and what to do about it."""

    name: str
    verdict: Verdict
    says: str
    todo: str


def every_check(machine: Machine, desk: Desk | None) -> Iterator[Check]:
    """Yield each line as soon as it is known. One that fails keeps no other from being told."""
    asked: dict[str, Callable[[], Answers]] = {
        name: partial(check, machine) for name, check in OF_THE_MACHINE.items()
    }
    if desk is not None:
        asked |= {name: partial(check, desk) for name, check in OF_THE_DESK.items()}
    for name, check in asked.items():
        for answer in _answers(check):
            yield Check(name, *answer)


def _answers(check: Callable[[], Answers]) -> list[Answer]:
    found: list[Answer] = []
    try:
        found += check()
    except (CryptoError, IntakeError, OSError) as error:
        says, todo = told(error)
        found.append(Answer(Verdict.FAIL, f"can't look: {says}", todo or "see what it names"))
    return found
