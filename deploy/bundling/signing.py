"""Who vouches for what was built: detached OpenPGP signatures, which gpg alone can check.

    gpg --verify NAME.tar.gz.asc NAME.tar.gz

The key is one of gpg's own keyring on the machine that builds, or a card's.
"""

import subprocess
from pathlib import Path

from bundling import BuildFailed


def signed(path: Path, fingerprint: str) -> Path:
    """Sign a file with a key from gpg's own keyring; return the signature's path."""
    signature = path.with_name(f"{path.name}.asc")
    command = ["gpg", "--batch", "--yes", "--armor", "--local-user", fingerprint]
    command += ["--detach-sign", "--output", str(signature), str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildFailed(f"gpg can't sign: {done.stderr.strip()}", "gpg --list-secret-keys")
    return signature
