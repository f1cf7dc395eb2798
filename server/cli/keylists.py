"""What `keys add` does with a list that a desk has signed: it needs no question, only that desk."""

from datetime import UTC, datetime
from pathlib import Path

from server.cli.options import answer
from server.cli.talk import counted
from server.config import Config
from server.newsroom import keyring_of
from server.staff.desks import keylists
from server.staff.desks.keylists import Change
from server.staff.desks.pairing import read_export_key


def take(folder: Path, config: Config, untrusted: bytes, *, as_json: bool) -> None:
    """Take the list; say what it changed.

    Raises BadKeyList, WrongSignature, NewerVersion, KeyRefused, NoUsableKey, NotPaired, NotFit.
    """
    export_key = read_export_key(folder / config.credentials.export_key)
    change = keylists.take(
        untrusted,
        keyring=keyring_of(folder, config),
        desks=folder / config.places.desks,
        drop=export_key.public_key().public_bytes_raw().hex(),
        now=datetime.now(UTC),
    )
    said = {
        "added": [key.fingerprint for key in change.added],
        "renewed": list(change.renewed),
        "removed": list(change.removed),
        "readers": sorted(change.keys.fingerprints),
        "desks": dict(change.keys.desks),
        "again": change.again,
    }
    answer(said, _lines(change), as_json=as_json)


def _lines(change: Change) -> list[str]:
    lines = [f"added {key.fingerprint}  {key.name}" for key in change.added]
    if not change.again:
        lines += [f"renewed {fingerprint}" for fingerprint in change.renewed]
    lines += [f"removed {fingerprint}" for fingerprint in change.removed]
    if change.again:
        lines.append("this list was taken before; it is as it should be")
    count = len(change.keys.readers)
    lines.append(f"recordings are sealed to {counted(count, 'key')} from now on")
    lines.append(f"may sign the next list: {', '.join(sorted(change.keys.desks.values()))}")
    return lines
