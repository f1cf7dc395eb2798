"""What comes on a stick, and what is put on one."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from intake.errors.root import IntakeError


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
    """The bag carries something else than what is taken in; `kind` is what it says it carries."""

    clause = "another kind of bag"

    def __init__(self, untrusted_name: str, kind: str) -> None:
        super().__init__(untrusted_name)
        self.kind = kind


class UnknownDesk(IntakeError):
    """A case is signed by no desk that this one knows; `untrusted_name` is its bag."""

    def __init__(self, untrusted_name: str) -> None:
        super().__init__(f"{untrusted_name!a} is signed by no desk that is known")
        self.untrusted_name = untrusted_name


class BadCase(IntakeError):
    """What another desk sealed to this one is no case that can be taken in; `why` is a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NothingToShare(IntakeError):
    """No envelope of what was named is at this desk."""


class SharesUncleaned(IntakeError):
    """Nobody has said that drops which could not be cleaned are to be shared as well."""

    def __init__(self, drop_ids: Iterable[str]) -> None:
        super().__init__("drops are not cleaned")
        self.drop_ids = ", ".join(drop_ids)


class CaseTooLarge(IntakeError):
    """There is more said about the drops than one case carries, both in bytes."""

    def __init__(self, *, needed: int, most: int) -> None:
        super().__init__(f"{needed} bytes, where {most} can be carried")
        self.needed = needed
        self.most = most


class StickFull(IntakeError):
    """The stick has not enough room for what is to be carried out, both in bytes."""

    def __init__(self, *, needed: int, free: int) -> None:
        super().__init__(f"{needed} bytes needed, {free} free")
        self.needed = needed
        self.free = free


class StickGone(IntakeError):
    """The stick was there, and doesn't answer any more."""

    def __init__(self, to: Path) -> None:
        super().__init__(f"{to} does not answer")
        self.to = to


class TooLargeForStick(IntakeError):
    """A drop of `size` bytes is larger than a file can be on this stick."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes in one file")
        self.size = size


class NotWhatWasSigned(BagRefused):
    """A file's bytes are not those that the signed list promises."""

    clause = "not the bytes that were signed for"


class NoRoom(IntakeError):
    """The disk has not enough room for what is to be imported, both in bytes."""

    def __init__(self, *, needed: int, free: int) -> None:
        super().__init__(f"{needed} bytes needed, {free} free")
        self.needed = needed
        self.free = free


class ImportStopped(IntakeError):
    """An import ends early; `kept` of the bag's `listed` envelopes are in, and stay."""

    def __init__(self, *, kept: int, listed: int) -> None:
        super().__init__(f"{kept} of {listed} are in")
        self.kept = kept
        self.listed = listed


class StickPulled(ImportStopped):
    """Nothing on the stick can be read any more."""


class DiskFilled(ImportStopped):
    """The desk's disk took no more, although there was room when the import began."""


class CopyDiffers(IntakeError):
    """What was written to a stick reads back as something else."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not read back as written")
        self.path = path
