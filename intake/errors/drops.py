"""Drops, what is said of them, and the log of what was done."""

from pathlib import Path

from intake.errors.root import IntakeError


class CustodyBroken(IntakeError):
    """The custody log does not hold together; `number` is the first entry that doesn't."""

    def __init__(self, number: int) -> None:
        super().__init__(f"entry {number} does not follow the one before")
        self.number = number


class CustodyRewritten(IntakeError):
    """The custody log is whole, but not the one that was carried out up to entry `number`.

    The first that differs is one of `first` to `number`.
    """

    def __init__(self, *, first: int, number: int) -> None:
        super().__init__(f"entries {first} to {number} are not those that were carried out")
        self.first = first
        self.number = number


class CustodyShorter(IntakeError):
    """The custody log ends at `number`, and a later entry was `carried_out`."""

    def __init__(self, *, number: int, carried_out: int) -> None:
        super().__init__(f"ends at entry {number}, and entry {carried_out} was carried out")
        self.number = number
        self.carried_out = carried_out


class NotOurWord(IntakeError):
    """A file is not what this desk signed when it carried out how far its log reached."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not signed by this desk")
        self.path = path


class BadRecord(IntakeError):
    """What another desk, or a person, would have the catalogue say can't be; `why` is a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class BadText(IntakeError):
    """What a person gave as text can't be kept; `why` is a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class UnknownRecord(IntakeError):
    """No note, case or person of this desk is called that."""

    def __init__(self, untrusted_id: str) -> None:
        super().__init__(f"no {untrusted_id!a}")
        self.untrusted_id = untrusted_id


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


class DropPurged(IntakeError):
    """The drop was destroyed, and there is nothing left to work on."""

    def __init__(self, drop_id: str, day: str) -> None:
        super().__init__(f"{drop_id} was purged on {day}")
        self.drop_id = drop_id
        self.day = day


class NotOpenYet(IntakeError):
    """What was asked needs a drop that has been opened, and whose working copy is there."""

    def __init__(self, drop_id: str) -> None:
        super().__init__(f"{drop_id} is not open")
        self.drop_id = drop_id


class NotCleaned(IntakeError):
    """A recording came uncleaned and is so still; `why` is a clause."""

    def __init__(self, drop_id: str, why: str) -> None:
        super().__init__(f"{drop_id} is not cleaned: {why}")
        self.drop_id = drop_id
        self.why = why


class NotDecodable(IntakeError):
    """A recording's sound can't be had; `why` is a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


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


class OnHold(IntakeError):
    """A drop must not be destroyed: it is on hold, or two desks say different things of that."""

    def __init__(self, drop_id: str, why: str) -> None:
        super().__init__(f"{drop_id}: {why}")
        self.drop_id = drop_id
        self.why = why
