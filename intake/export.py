"""Give a recording, or a message, out of the desk: to a file that a reporter asked for."""

from pathlib import Path

from intake.drop import Drop
from intake.durable import appearing
from intake.errors import NotOpenYet
from intake.working import WorkingCopies


def export(drop: Drop, to: Path, *, working: WorkingCopies) -> None:
    """Write the drop's recording to `to`, which appears only if it is what the manifest says.

    Raises NotOpenYet, AlreadyThere, VaultDamaged.
    """
    if drop.manifest is None or not working.has(drop.digest):
        raise NotOpenYet(drop.id)
    with appearing(to) as out:
        for block in working.blocks(drop.digest, drop.manifest):
            out.write(block)


def message_text(drop: Drop, *, working: WorkingCopies) -> str:
    """Return what a message says, as it was written. Raises NotOpenYet, VaultDamaged."""
    if drop.manifest is None or not working.has(drop.digest):
        raise NotOpenYet(drop.id)
    return b"".join(working.blocks(drop.digest, drop.manifest)).decode("utf-8", "replace")
