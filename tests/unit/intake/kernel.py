"""Whether this machine's kernel keeps keys: in most containers it doesn't."""

import os

import pytest

from intake import keyring
from intake.errors import KeyringRefused

NAME = f"tapedrop test {os.getpid()}"
SECRET = bytes(range(32))


def _keeps() -> bool:
    try:
        keyring.keep(NAME, SECRET, seconds=60)
    except KeyringRefused:
        return False
    return keyring.forget(NAME)


kernel_keeps = pytest.mark.skipif(not _keeps(), reason="this kernel keeps no keys")
