"""What can go wrong at the desk; each leaf is one that a reporter would be told differently.

Facts are attributes; `wording.py` makes sentences of them.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar


class IntakeError(Exception):
    """The root of everything `intake/` raises on purpose."""


class NotADesk(IntakeError):
    """The folder holds no desk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no desk in {folder}")
        self.folder = folder


class FolderTaken(IntakeError):
    """A desk is made in a folder that is new or empty, and this one isn't."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is not empty")
        self.folder = folder


class BadSettings(IntakeError):
    """`desk.toml`, or a pairing file, does not say what it must."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class KeyNotUsable(IntakeError):
    """The reporter's key is not in the keyring, or can't be encrypted to."""

    def __init__(self, fingerprint: str, why: str) -> None:
        super().__init__(f"{fingerprint}: {why}")
        self.fingerprint = fingerprint
        self.why = why


class NotInNewsroom(IntakeError):
    """The server doesn't seal to the reporter's key."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(f"{fingerprint} is not one of the newsroom's keys")
        self.fingerprint = fingerprint


class NotConfirmed(IntakeError):
    """A person was asked to type something first, and typed something else."""


class NotASigner(IntakeError):
    """This desk is not among those that may sign the newsroom's key list."""

    def __init__(self, signers: Iterable[str]) -> None:
        super().__init__("another desk signs the key list")
        self.signers = ", ".join(sorted(signers))


class CantChangeKeys(IntakeError):
    """The newsroom's keys stay as they are; `why` is a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class VaultLocked(IntakeError):
    """gpg has no secret key that opens the vault."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(f"no secret key opens the vault of {fingerprint}")
        self.fingerprint = fingerprint


class VaultDamaged(IntakeError):
    """A file that the vault stands on is not what was written; `what` names it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not what was written")
        self.what = what


class CatalogueNewer(IntakeError):
    """A later Tapedrop has changed the catalogue's tables."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(f"catalogue version {found}, where {known} is known")
        self.found = found
        self.known = known


class CatalogueFailed(IntakeError):
    """The catalogue can't be read or written now; what was not finished was taken back."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NoBag(IntakeError):
    """There is no bag in the folder that was named."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no bag in {path}")
        self.path = path


class BagRefused(IntakeError):
    """Nothing of this bag is taken in; `untrusted_name` is the file at fault."""

    clause: ClassVar[str] = "refused"

    def __init__(self, untrusted_name: str) -> None:
        super().__init__(f"{untrusted_name!a}: {self.clause}")
        self.untrusted_name = untrusted_name


class NotRegular(BagRefused):
    """A link, a folder or a device lies where a file belongs."""

    clause = "not a regular file"


class UnexpectedFile(BagRefused):
    """A file that the signed list doesn't name."""

    clause = "not in the signed list"


class MissingFile(BagRefused):
    """A file that the signed list names is not there."""

    clause = "in the signed list, but not there"


class TooLarge(BagRefused):
    """A list is longer than any that we write."""

    clause = "larger than it can be"


class Unreadable(BagRefused):
    """The stick fails where this file lies."""

    clause = "can't be read"


class WrongKind(BagRefused):
    """The bag is signed, but does not carry drops to a desk."""

    clause = "not a bag of drops"


class NotWhatWasSigned(BagRefused):
    """A file's bytes are not those that the signed list promises."""

    clause = "not the bytes that were signed for"


class EvidenceDamaged(IntakeError):
    """An envelope in the evidence folder is gone, or no longer what was imported."""

    def __init__(self, digest: bytes) -> None:
        super().__init__(f"evidence {digest.hex()} is not what was imported")
        self.digest_hex = digest.hex()


class UnknownDrop(IntakeError):
    """No drop in the catalogue has this id."""

    def __init__(self, untrusted_id: str) -> None:
        super().__init__(f"no drop {untrusted_id!a}")
        self.untrusted_id = untrusted_id


class NotOpenYet(IntakeError):
    """What was asked needs a drop that has been opened, and whose working copy is there."""

    def __init__(self, drop_id: str) -> None:
        super().__init__(f"{drop_id} is not open")
        self.drop_id = drop_id


class AlreadyThere(IntakeError):
    """A file of that name exists, and nothing is overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists")
        self.path = path


class BadReply(IntakeError):
    """A reply that can't be sent; `why` is a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NoRoom(IntakeError):
    """The disk has not enough room for what is to be imported, both in bytes."""

    def __init__(self, *, needed: int, free: int) -> None:
        super().__init__(f"{needed} bytes needed, {free} free")
        self.needed = needed
        self.free = free


class CopyDiffers(IntakeError):
    """What was written to a stick reads back as something else."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not read back as written")
        self.path = path
