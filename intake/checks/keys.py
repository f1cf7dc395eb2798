"""gpg, and the keyring that it goes by."""

import os
import stat
from typing import Final

from crypto.errors import GpgFailed
from crypto.gpg import Gpg
from intake.checks import Answers, Machine, fail, look, ok

_OLDEST: Final = (2, 2, 40)
"""Debian 12's, with which all of this is tested."""
_OF_OTHERS: Final = 0o077


def gpg(machine: Machine) -> Answers:
    """Whether a message was altered is gpg's to say; nobody else may change what it goes by."""
    try:
        found = machine.gnupg.stat()
    except OSError:
        yield look(f"there is no keyring in {machine.gnupg}", "copy it there, or make a key")
        return
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & _OF_OTHERS:
        todo = f"chmod 700 {machine.gnupg}; and see that it is yours"
        yield fail(f"others may read or change the keyring {machine.gnupg}", todo)
    try:
        version = Gpg(machine.gnupg).version
    except GpgFailed as error:
        yield fail(str(error), "install gnupg and gpg-agent")
        return
    said = ".".join(map(str, version))
    if version < _OLDEST:
        yield fail(f"gpg {said or '?'} is older than this program knows", "take Debian 12 or newer")
    else:
        yield ok(f"gpg {said}")
