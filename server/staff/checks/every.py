"""Every check, in the order in which `check` tells them. docs/operator.md has a row for each."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from crypto.errors import CryptoError
from server.deriving import read_salt
from server.errors import NotFit, ServerError
from server.staff.checks import Answer, Answers, Ground, Verdict, fail, ok
from server.staff.checks.disks import disk, file_systems
from server.staff.checks.kernel import kernel
from server.staff.checks.keys import gpg, newsroom, secret_keys, secrets, staff
from server.staff.checks.machine import clock, cores, open_files, sandbox, swap
from server.staff.checks.ownership import owner, permissions
from server.staff.checks.reach import listening, tor
from server.staff.checks.service import service
from server.staff.checks.settings import alerts, folders, lockdown, settings
from server.store.opening import open_to_look
from server.store.ours import not_another_s


def store(ground: Ground) -> Answers:
    """The store is this drop's, can be read, and forgets what is deleted."""

    async def asked() -> None:
        salt = read_salt(ground.at(ground.config.credentials.salt))
        async with open_to_look(ground.folder, ground.config) as opened:
            await not_another_s(opened, salt)

    asyncio.run(asked())
    yield ok("it is this drop's own")


_MEND: Final = "see that what it names is there, and may be read by this user"

EVERY: Final[Mapping[str, Callable[[Ground], Answers]]] = MappingProxyType(
    {
        "configuration": settings,
        "folders": folders,
        "permissions": permissions,
        "owner": owner,
        "secrets": secrets,
        "secret_keys": secret_keys,
        "gpg": gpg,
        "newsroom_keys": newsroom,
        "staff_keys": staff,
        "alerts": alerts,
        "swap": swap,
        "core_dumps": cores,
        "kernel": kernel,
        "clock": clock,
        "disk": disk,
        "file_systems": file_systems,
        "store": store,
        "sandbox": sandbox,
        "open_files": open_files,
        "lockdown": lockdown,
        "service": service,
        "listening": listening,
        "tor": tor,
    }
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line: which check, what it thinks, what is so, and what to do about it."""

    name: str
    verdict: Verdict
    says: str
    todo: str


def every_check(ground: Ground) -> Iterator[Check]:
    """Yield each line as soon as it is known. One that fails keeps no other from being told."""
    for name, check in EVERY.items():
        for answer in _answers(check, ground):
            yield Check(name, *answer)


def _answers(check: Callable[[Ground], Answers], ground: Ground) -> list[Answer]:
    found: list[Answer] = []
    try:
        found += check(ground)
    except NotFit as error:
        found += [
            fail(problem, "mend it: the drop does not start so") for problem in error.problems
        ]
    except (CryptoError, ServerError) as error:
        hint = error.hint if isinstance(error, ServerError) else ""
        found.append(fail(str(error), hint or _MEND))
    except OSError as error:
        what = f"{error.filename or 'a file'}: {error.strerror}"
        found.append(fail(f"can't look: {what}", _MEND))
    return found
