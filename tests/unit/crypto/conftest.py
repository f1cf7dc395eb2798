"""A newsroom of two, one with a key on a curve and one with RSA, and people who are not in it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from keyrings import Keyring, keyring

from crypto.gpg import Gpg
from crypto.newsroom import add_keys


@pytest.fixture(scope="session")
def reporter() -> Iterator[Keyring]:
    """A reporter's own keyring, with her secret key."""
    with keyring() as made:
        made.new_key("reporter")
        yield made


@pytest.fixture(scope="session")
def colleague() -> Iterator[Keyring]:
    """Her colleague's, with an RSA key."""
    with keyring() as made:
        fingerprint = made.new_key("colleague", "ed25519", "cert")
        secret = ["--pinentry-mode", "loopback", "--passphrase", ""]
        made.run(*secret, "--quick-add-key", fingerprint, "rsa3072", "encr", "never")
        yield made


@pytest.fixture(scope="session")
def stranger() -> Iterator[Keyring]:
    with keyring() as made:
        made.new_key("stranger")
        yield made


@pytest.fixture(scope="session")
def newsroom(reporter: Keyring, colleague: Keyring) -> Iterator[Keyring]:
    """The server's keyring: the public keys of both, and nothing else."""
    with keyring() as made:
        add_keys(made.gpg, reporter.export() + colleague.export(), now=datetime.now(UTC))
        yield made


@pytest.fixture
def gpg(newsroom: Keyring) -> Gpg:
    return newsroom.gpg
