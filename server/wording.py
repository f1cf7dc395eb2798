"""What a source reads: one sentence for what happened, one for what to do. No causes, no blame."""

from typing import Final, NamedTuple

from crypto.manifest import Condition
from server.events import Reason
from server.visit import Outcome


class Words(NamedTuple):
    """A heading, and what to know or do next."""

    what: str
    next: str


_RECEIVED: Final = {
    Condition.CLEANED: Words(
        "We have it.",
        "What the file said about its maker was taken out. The rest is encrypted; only the "
        "newsroom can open it.",
    ),
    Condition.UNCLEANED: Words(
        "We have it, as it was.",
        "We could not clean it, and you chose to send it all the same. It is encrypted; only the "
        "newsroom can open it.",
    ),
    Condition.WRITTEN: Words("We have it.", "It is encrypted; only the newsroom can open it."),
}

_ANOTHER_FORMAT: Final = "You could send it as WAV, MP3, FLAC, Ogg or M4A."
_LATER: Final = "This is our fault, not yours. Please try again later."

_REFUSED: Final = {
    Reason.EMPTY: Words("There was nothing in this file.", "Please check it and send it again."),
    Reason.NOT_A_RECORDING: Words(
        "This is not a recording that we know how to clean. We kept none of it.", _ANOTHER_FORMAT
    ),
    Reason.UNSUPPORTED: Words(
        "We can't clean this kind of recording yet. We kept none of it.", _ANOTHER_FORMAT
    ),
    Reason.MALFORMED: Words(
        "This recording is damaged, so we could not clean it. We kept none of it.",
        "Perhaps it was not copied to its end. " + _ANOTHER_FORMAT,
    ),
    Reason.TOO_COMPLEX: Words("We could not clean this recording.", _ANOTHER_FORMAT),
    Reason.UNPROVED: Words(
        "We could not make sure that this recording is clean. We kept none of it.", _ANOTHER_FORMAT
    ),
    Reason.TOO_LARGE: Words(
        "This is larger than we can take. We kept none of it.",
        "You could cut it into parts and send them one by one.",
    ),
    Reason.TOO_MANY: Words(
        "There were more files than one visit can carry.", "Please send the rest once more."
    ),
    Reason.CUT_OFF: Words(
        "The connection broke before everything was here. We kept nothing half-sent.",
        "Please send what is not listed as received once more.",
    ),
    Reason.BROKEN_FORM: Words(
        "We could not read what your browser sent.", "Please go back to the form and try again."
    ),
    Reason.NO_SESSION: Words(
        "This page is too old to send from. We kept nothing.",
        "Please begin again from the first page.",
    ),
    Reason.BUSY: Words("We are busy just now. We kept nothing.", "Please try again in a minute."),
    Reason.WORKER_FAILED: Words("We could not clean this recording. We kept none of it.", _LATER),
    Reason.SANDBOX_UNAVAILABLE: Words("We can't take recordings just now.", _LATER),
    Reason.SPOOL_FULL: Words("We have no room for it just now. We kept none of it.", _LATER),
    Reason.SPOOL_FAILED: Words("We could not take it just now. We kept none of it.", _LATER),
    Reason.SEAL_FAILED: Words("We could not encrypt it, so we kept none of it.", _LATER),
    Reason.NO_KEY: Words("We could not encrypt it, so we kept none of it.", _LATER),
    Reason.STORE_FULL: Words("We have no room for it just now. We kept none of it.", _LATER),
    Reason.STORE_FAILED: Words("We could not keep it safely, so we kept none of it.", _LATER),
}


NO_SUCH_PAGE: Final = Words("There is no such page here.", "Please begin at the first page.")
FAILED: Final = Words(
    "Something went wrong on our side.",
    "Perhaps not everything arrived. Come back with your eight words, and see what we have.",
)


def words_for(became: Condition | Reason) -> Words:
    """Return what to say of one outcome."""
    return _RECEIVED[became] if isinstance(became, Condition) else _REFUSED[became]


def words_of(outcome: str) -> Words:
    """Return what to say of an outcome as a mailbox remembers it."""
    conditions = {condition.value: condition for condition in Condition}
    return words_for(conditions[outcome] if outcome in conditions else Reason(outcome))


def name_of(outcome: Outcome) -> str:
    """Return what the source knows the thing by: its place in the form."""
    name = name_of_kind(outcome.kind)
    return f"{name} {outcome.number}" if outcome.number else name


def name_of_kind(kind: str) -> str:
    """Return what a source calls a thing of this kind."""
    return {"recording": "Recording", "message": "Your message", "form": "The rest"}[kind]


def in_words(size: int) -> str:
    """Return a limit in bytes as a source reads it, rounded down to what surely fits."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} bytes"
