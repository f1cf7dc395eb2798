"""What tests of the keyring share: reporters' keys, made once."""

from collections.abc import Iterator

import pytest
from drops import Newsroom
from signing import Key

NAMES = ("One", "Two", "Ended")


@pytest.fixture(scope="session")
def keys() -> Iterator[dict[str, Key]]:
    """Two that can be sealed to, and one that ended, by name; the first with a later end, too."""
    made = Newsroom(NAMES[0])
    made.gpg("--quick-generate-key", NAMES[1], "future-default", "default", "never")
    past = ["--faked-system-time", "20240101T000000"]
    made.gpg(*past, "--quick-generate-key", NAMES[2], "future-default", "default", "1y")
    listed = made.gpg("--with-colons", "--list-keys").decode().split("pub:")[1:]
    fingerprints = [each.partition("fpr:::::::::")[2].partition(":")[0] for each in listed]
    blocks = [made.gpg("--armor", "--export", name).decode() for name in NAMES]
    found = dict(zip(NAMES, map(Key, fingerprints, blocks), strict=True))
    made.gpg("--quick-set-expire", made.fingerprint, "3y")
    made.gpg("--quick-set-expire", made.fingerprint, "3y", "*")
    longer = made.gpg("--armor", "--export", made.fingerprint).decode()
    yield found | {"Longer": Key(made.fingerprint, longer)}
    made.close()
