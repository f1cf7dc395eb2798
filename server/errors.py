"""What can go wrong on the server; `wording.py` says it to a source, `cli/` to an operator."""

from collections.abc import Sequence
from pathlib import Path

from server.events import Undelivered


class ServerError(Exception):
    """The root of everything `server/` raises on purpose; `hint` says what to do next, if known."""

    hint: str = ""


class SettingsRefused(ServerError):
    """The configuration can't be used; `hint` says what can be written there."""

    def __init__(self, why: str, *, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


def out_of_reach(error: OSError) -> str:
    """Return the hint for a file that staff named, where it is none that the drop's user reaches.

    Root types most verbs as that user, who sees neither /root nor a stick that root mounted.
    """
    if not isinstance(error, PermissionError | FileNotFoundError):
        return ""
    return "the drop's user has to reach it; how to mount a stick: docs/operator.md, Export day"


class WrongUser(ServerError):
    """The drop belongs to somebody else: what we wrote there, it could not read."""

    def __init__(self, place: Path, owner: str) -> None:
        super().__init__(f"{place} belongs to the user {owner}, and you are somebody else")
        self.hint = f"type it as that user: sudo -u {owner} tapedrop-server …"


class NotFit(ServerError):
    """This machine, or what lies on it, is not fit to run a drop; `problems` is a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class EndsSoon(ServerError):
    """A key ends before long; somebody has to have a new one made."""


class NoStaffKey(ServerError):
    """Security staff have no key of their own; the drop runs without, but tells them nothing."""

    hint = "tapedrop-server keys add FILE.asc --staff"


class NotSigned(ServerError):
    """No paired desk has signed for this key, so nothing may be sealed to it."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(f"no paired desk has signed for {fingerprint}; nothing was added")
        self.fingerprint = fingerprint
        self.hint = (
            "at a desk: tapedrop-intake keys add FILE, then tapedrop-intake keys sign --to STICK; "
            "then here: tapedrop-server keys add with the list it wrote"
        )


class BadBackup(ServerError):
    """What should be a backup of a drop isn't one, or isn't the one that was meant."""


class NotConfirmed(ServerError):
    """A person was asked to type something first, and typed something else."""


class BadCatalogue(ServerError):
    """A language's messages can't be read; the message says which file, and why."""


class SpoolFailed(ServerError):
    """A recording could not be held while it was worked on."""


class SpoolFull(SpoolFailed):
    """There is no room to hold it."""


class StoreFailed(ServerError):
    """The store did not take, or give, an object."""


class StoreFull(StoreFailed):
    """The store has no room."""


class NoSuchObject(StoreFailed):
    """The store holds nothing under that name."""


class BrokenForm(ServerError):
    """What was sent is not laid out as our form lays it out."""


class TooMany(ServerError):
    """More parts than the form may carry."""


class TooLarge(ServerError):
    """One part is larger than it may be; the parts behind it still arrive."""


class Empty(ServerError):
    """A file with nothing in it."""


class CutOff(ServerError):
    """The connection ended before the part did."""


class Busy(ServerError):
    """Too many are waiting for the same thing; in a moment there is room again."""


class NotErased(ServerError):
    """Something that was to be destroyed is still there."""


class NotTaking(ServerError):
    """The drop is locked down: it takes nothing at the moment."""


class NotPaired(ServerError):
    """An answer comes from a desk that this drop was never paired with."""


class NotTheLine(ServerError):
    """A connection begins with something else than tor's line. Says no more: it is a source's."""


class CanaryFailed(ServerError):
    """The drop's own test source did not get through; the leaf says how far it came."""


class CantReach(CanaryFailed):
    """Nobody answers where the drop should be, or the connection broke."""

    hint = "does the drop run, and does tor? tapedrop-server check says; a circuit may also break"

    def __init__(self, why: str) -> None:
        super().__init__(f"can't reach the drop: {why}")


class NoPage(CanaryFailed):
    """Somebody answers, and not with the page that a source needs."""

    hint = "is it this drop's own address, and is no other program listening there?"

    def __init__(self, path: str, found: str) -> None:
        super().__init__(f"a page is not what a source needs: at {path} there is {found}")


class TurnedAway(CanaryFailed):
    """The drop took nothing; `why` is what a source would have read."""

    hint = "a source is turned away as well: see the day's events, and tapedrop-server check"

    def __init__(self, why: str, *, hint: str = hint) -> None:
        super().__init__(f"the drop took nothing: {why}")
        self.why = why
        self.hint = hint


class NotInMailbox(CanaryFailed):
    """It was sent, and the mailbox doesn't say that it was received."""

    hint = "does whoever answers there use this drop's salt and store?"

    def __init__(self) -> None:
        super().__init__("the mailbox does not say that the recording was received")


class NoEnvelope(CanaryFailed):
    """The mailbox says received, and no such envelope came into the store."""

    hint = "does whoever answers there use this drop's store? if so, find out who changed it"

    def __init__(self) -> None:
        super().__init__("the drop said received, but no such envelope came into the store")


class WrongRecipients(CanaryFailed):
    """As many keys open an envelope that came as shouldn't; `found` is None where none is seen."""

    hint = "take the drop off line, and find out who changed this machine"

    def __init__(self, found: int | None, expected: int) -> None:
        what = "can't be read as one" if found is None else f"{found} keys can open"
        super().__init__(f"an envelope came that {what}, where the newsroom has {expected}")
        self.found = found
        self.expected = expected


class NotALetter(ServerError):
    """Something in the outbox is no sealed letter, and goes to nobody."""


class NotSent(ServerError):
    """A message to security staff did not leave this machine."""

    def __init__(self, why: Undelivered) -> None:
        super().__init__(_NOT_SENT[why])
        self.why = why
        self.hint = _TO_BE_SENT[why]


_NOT_SENT = {
    Undelivered.NO_STAFF_KEY: "no key of security staff can be encrypted to",
    Undelivered.GPG_FAILED: "gpg could not encrypt the message",
    Undelivered.OUTBOX_FAILED: "the outbox could not be written or read",
    Undelivered.NOT_A_LETTER: "something in the outbox is no sealed letter, and was left there",
    Undelivered.NO_SUCH_COMMAND: "there is no command in staff.alert_command that can be run",
    Undelivered.COMMAND_FAILED: "the command in staff.alert_command says that it failed",
    Undelivered.COMMAND_HUNG: "the command in staff.alert_command did not end, and was ended",
}
_TO_BE_SENT = {
    Undelivered.NO_STAFF_KEY: "tapedrop-server keys add FILE.asc --staff",
    Undelivered.GPG_FAILED: "tapedrop-server check",
    Undelivered.OUTBOX_FAILED: "look at the disk of places.outbox: tapedrop-server check",
    Undelivered.NOT_A_LETTER: "who wrote it? the drop doesn't: treat the machine as suspect, "
    "then move it out of places.outbox",
    Undelivered.NO_SUCH_COMMAND: "name one by its whole path that the drop's user may run: "
    "docs/operator.md, Alerts",
    Undelivered.COMMAND_FAILED: "run it by hand as the drop's user, with a text on standard input",
    Undelivered.COMMAND_HUNG: "run it by hand as the drop's user, with a text on standard input",
}
