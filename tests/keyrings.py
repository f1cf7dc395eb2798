"""Throw-away GNUPGHOMEs with real keys, and what a test does with gpg by hand."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crypto.gpg import Gpg

LONG_AGO = "20240101T000000"


@dataclass(frozen=True)
class Keyring:
    """One GNUPGHOME."""

    home: Path

    @property
    def gpg(self) -> Gpg:
        return Gpg(self.home)

    def run(self, *arguments: str, given: bytes = b"", at: str = "") -> bytes:
        """Run gpg by hand and return what it wrote, whatever it thinks of it."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--no-tty"]
        command += ["--faked-system-time", f"{at}!"] if at else []
        done = subprocess.run([*command, *arguments], input=given, capture_output=True, timeout=60)
        return done.stdout

    def new_key(
        self,
        name: str,
        algorithm: str = "future-default",
        usage: str = "default",
        expires: str = "never",
        *,
        passphrase: str = "",
        at: str = "",
        digest: str = "SHA256",
    ) -> str:
        """Make a key, bound by signatures with that digest, and return its fingerprint."""
        secret = ["--pinentry-mode", "loopback", "--passphrase", passphrase]
        secret += ["--cert-digest-algo", digest]
        self.run(*secret, "--quick-generate-key", name, algorithm, usage, expires, at=at)
        return self.fingerprints(name)[0]

    def new_subkey(
        self,
        fingerprint: str,
        algorithm: str = "cv25519",
        *,
        expires: str = "never",
        at: str = "",
        digest: str = "SHA256",
    ) -> str:
        """Add a subkey for encryption and return its fingerprint."""
        before = self.fingerprints(fingerprint)
        secret = ["--pinentry-mode", "loopback", "--passphrase", "", "--cert-digest-algo", digest]
        self.run(*secret, "--quick-add-key", fingerprint, algorithm, "encr", expires, at=at)
        (new,) = set(self.fingerprints(fingerprint)) - set(before)
        return new

    def fingerprints(self, name: str) -> list[str]:
        """Return the fingerprints of one key and its subkeys."""
        listed = self.run("--list-keys", "--with-colons", "--with-subkey-fingerprint", name)
        lines = listed.decode().splitlines()
        return [line.split(":")[9] for line in lines if line.startswith("fpr")]

    def revoke(self, fingerprint: str) -> None:
        made = (self.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_bytes()
        # gpg puts a colon in front, so that nobody revokes a key by mistake.
        self.run("--import", given=made.replace(b":-----BEGIN", b"-----BEGIN"))

    def sign_anew(self, fingerprint: str, *, digest: str) -> None:
        """Bind a key, and all its subkeys, by new signatures with that digest."""
        secret = ["--pinentry-mode", "loopback", "--passphrase", "", "--cert-digest-algo", digest]
        self.run(*secret, "--quick-set-expire", fingerprint, "2y")
        self.run(*secret, "--quick-set-expire", fingerprint, "2y", "*")

    def disable(self, fingerprint: str) -> None:
        self.run("--command-fd", "0", "--edit-key", fingerprint, given=b"disable\nsave\n")

    def export(self, *fingerprints: str) -> bytes:
        return self.run("--export", *fingerprints)

    def export_secret(self, fingerprint: str) -> bytes:
        return self.run("--pinentry-mode", "loopback", "--export-secret-keys", fingerprint)

    def encrypt(self, plaintext: bytes, *arguments: str) -> bytes:
        """Encrypt as a stranger might, who has the public keys and gpg."""
        options = ["--trust-model", "always", *arguments]
        if "-z" not in options:
            options += ["--compress-algo", "none"]
        return self.run(*options, "--encrypt", given=plaintext)

    def packets(self, sealed: bytes) -> str:
        """Return gpg's own account of the packets of a message."""
        return self.run("--list-packets", given=sealed).decode(errors="replace")


@contextmanager
def keyring(*exported: bytes) -> Iterator[Keyring]:
    """Give a new GNUPGHOME that holds these keys, and clean up after it."""
    # An agent's socket has a path of at most 108 bytes, so not below pytest's own folders.
    home = Path(tempfile.mkdtemp(prefix="td-", dir="/tmp"))
    made = Keyring(home)
    try:
        for keys in exported:
            made.run("--import", given=keys)
        yield made
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True)
        shutil.rmtree(home, ignore_errors=True)
