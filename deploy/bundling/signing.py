"""Who vouches for what was built: detached OpenPGP signatures, which gpg alone can check.

    gpg --verify NAME.tar.gz.asc NAME.tar.gz

The key is one of gpg's own keyring on the machine that builds, or a card's.
"""

import subprocess
from pathlib import Path
from typing import Final

from bundling import BuildFailed

KEY: Final = "tapedrop-release-key.asc"


def key_beside(to: Path, fingerprint: str) -> Path:
    """Write the public key that vouches into the folder `to`; return its path."""
    command = ["gpg", "--batch", "--armor", "--export-options", "export-minimal"]
    done = subprocess.run([*command, "--export", fingerprint], check=False, capture_output=True)
    if done.returncode or not done.stdout:
        raise BuildFailed(f"gpg has no key {fingerprint}", "gpg --list-secret-keys")
    (to / KEY).write_bytes(done.stdout)
    return to / KEY


def signed(path: Path, fingerprint: str) -> Path:
    """Sign a file with a key from gpg's own keyring; return the signature's path."""
    signature = path.with_name(f"{path.name}.asc")
    command = ["gpg", "--batch", "--yes", "--armor", "--local-user", fingerprint]
    command += ["--detach-sign", "--output", str(signature), str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildFailed(f"gpg can't sign: {done.stderr.strip()}", "gpg --list-secret-keys")
    return signature
