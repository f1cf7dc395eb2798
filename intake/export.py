"""Give a recording, or a message, out of the desk: to a file that a reporter asked for.

    FILE            the recording, in the clear
    FILE.custody    what the desk says of it, signed (docs/custody.md); for the newsroom, not for
                    the public

The custody log has the export before FILE has its name. What came uncleaned goes out cleaned, or,
where somebody says so, as it was sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from crypto.manifest import Condition
from intake.catalogue import Catalogue
from intake.drop import CleaningOutcome, Drop
from intake.durable import appearing
from intake.errors import NotCleaned, NotOpenYet
from intake.working import Of, WorkingCopies

CLEANED_HERE: Final = "cleaned at this desk"
LONGEST_SHOWN_BYTES: Final = 1024 * 1024
"""Of a text that its source had encrypted: compressed, it may be much longer than what came."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Which copy of a drop leaves the desk. `sha256` is in hex."""

    of: Of
    size: int
    sha256: str
    extension: str
    condition: str
    """One of Condition, or CLEANED_HERE."""

    @property
    def uncleaned(self) -> bool:
        """Whether what it says about its maker is still in it."""
        return self.condition == Condition.UNCLEANED


def outgoing(
    drop: Drop, *, working: WorkingCopies, catalogue: Catalogue, as_sent: bool = False
) -> Outgoing:
    """Return what may leave the desk of a drop; `as_sent` is what was in the envelope, whatever.

    Raises NotOpenYet, NotCleaned.
    """
    if drop.manifest is None or not working.has(drop.digest):
        raise NotOpenYet(drop.id)
    said = drop.manifest
    extension = said.name.rpartition(".")[2]
    sent = Outgoing(Of.SENT, said.size, said.sha256, extension, str(said.condition))
    cleaning = catalogue.studies.cleaning(drop.digest)
    if as_sent or not (sent.uncleaned or cleaning):
        return sent
    if cleaning is not None and cleaning.outcome is CleaningOutcome.READ:
        if not working.has(drop.digest, Of.INSIDE):
            raise NotOpenYet(drop.id)
        return Outgoing(Of.INSIDE, cleaning.size, cleaning.sha256, "txt", sent.condition)
    if not sent.uncleaned:
        return sent  # a message that its source had encrypted, and no key here opens
    if cleaning is None or cleaning.outcome is not CleaningOutcome.CLEANED:
        raise NotCleaned(
            drop.id, str(cleaning.outcome) if cleaning else "nobody has tried yet: open does"
        )
    if not working.has(drop.digest, Of.CLEANED):
        raise NotOpenYet(drop.id)
    return Outgoing(Of.CLEANED, cleaning.size, cleaning.sha256, cleaning.extension, CLEANED_HERE)


def custody_file(to: Path) -> Path:
    """Return where the desk's word on an exported file goes."""
    return to.with_name(f"{to.name}.custody")


def export(
    drop: Drop,
    to: Path,
    what: Outgoing,
    *,
    working: WorkingCopies,
    logged: Callable[[str], bytes],
) -> None:
    """Write a drop's recording to `to`, which appears only if it is what the catalogue says.

    `logged` is given the SHA-256 of what was written, in hex; it has the export in the custody log
    when it returns what the file beside says. Raises AlreadyThere, VaultDamaged.
    """
    # The inner file gets its name first: without it there is no word on it.
    with appearing(custody_file(to)) as word, appearing(to) as out:
        passed = sha256()
        for block in working.blocks(drop.digest, what.sha256, what.of):
            passed.update(block)
            out.write(block)
        out.flush()  # a disk that is full says so before the log tells of a file
        word.write(logged(passed.hexdigest()))
        word.flush()  # and before the file has its name


def message_text(drop: Drop, *, working: WorkingCopies) -> str:
    """Return what a message says; what its source had encrypted, if a key here opens that.

    Of one that is very long, how it begins. Raises NotOpenYet, VaultDamaged.
    """
    if drop.manifest is None or not working.has(drop.digest):
        raise NotOpenYet(drop.id)
    shown = bytearray()
    if working.has(drop.digest, Of.INSIDE):
        with working.reading(drop.digest, Of.INSIDE) as text:
            shown += text.read(LONGEST_SHOWN_BYTES + 1)
    else:  # a server takes 64 KiB; what is signed by one that was taken over may be anything
        for block in working.blocks(drop.digest, drop.manifest.sha256):
            shown += block[: LONGEST_SHOWN_BYTES + 1 - len(shown)]
    more = "\n[it goes on; `export` has all of it]" if len(shown) > LONGEST_SHOWN_BYTES else ""
    return shown[:LONGEST_SHOWN_BYTES].decode("utf-8", "replace") + more
