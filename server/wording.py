"""What a source reads: one sentence for what happened, then what to do. No causes, no blame."""

from typing import Final, NamedTuple

from crypto.errors import (
    CutTooShort,
    NotACodename,
    SeveralLanguages,
    UnknownWord,
    WrongCount,
)
from crypto.manifest import Condition
from server.events import Reason
from server.i18n import Language, marked
from server.progress import Item, Step


class Words(NamedTuple):
    """What happened, and what to know or do next; English, translated where they are shown."""

    what: str
    next: str = ""
    also: str = ""


class Said(NamedTuple):
    """One thing that was sent, as a page shows it: `became` is empty while it is on its way."""

    name: str
    size: str
    step: str
    became: str
    received: bool
    words: Words


_ONLY_THE_NEWSROOM: Final = marked("It is encrypted; only the newsroom can open it.")
_RECEIVED: Final = {
    Condition.CLEANED: Words(
        marked("We have it."),
        marked("What the file said about its maker was taken out."),
        _ONLY_THE_NEWSROOM,
    ),
    Condition.UNCLEANED: Words(
        marked("We have it, as it was."),
        marked("We could not clean it, and you chose to send it all the same."),
        _ONLY_THE_NEWSROOM,
    ),
    Condition.WRITTEN: Words(marked("We have it."), _ONLY_THE_NEWSROOM),
}

_ANOTHER_FORMAT: Final = marked("You could send it as WAV, MP3, FLAC, M4A or MP4.")
_OUR_FAULT: Final = marked("This is our fault, not yours. Please try again later.")
_NO_ROOM: Final = marked("We have no room for it just now. We kept none of it.")
_NOT_ENCRYPTED: Final = marked("We could not encrypt it, so we kept none of it.")

_REFUSED: Final = {
    Reason.EMPTY: Words(
        marked("There was nothing in this file."), marked("Please check it and send it again.")
    ),
    Reason.NOT_A_RECORDING: Words(
        marked("This is not sound or video that we know how to clean. We kept none of it."),
        _ANOTHER_FORMAT,
        marked("A photo or a document we take only as it is, if you choose to send it anyway."),
    ),
    Reason.UNSUPPORTED: Words(
        marked("We can't clean this kind of file yet. We kept none of it."), _ANOTHER_FORMAT
    ),
    Reason.MALFORMED: Words(
        marked("This file is damaged, so we could not clean it. We kept none of it."),
        marked("Perhaps it was not copied to its end."),
        _ANOTHER_FORMAT,
    ),
    Reason.TOO_COMPLEX: Words(
        marked("We could not clean this file. We kept none of it."), _ANOTHER_FORMAT
    ),
    Reason.UNPROVED: Words(
        marked("We could not make sure that this file is clean. We kept none of it."),
        _ANOTHER_FORMAT,
    ),
    Reason.TOO_LARGE: Words(
        marked("This is larger than we can take. We kept none of it."),
        marked("You could cut it into parts and send them one by one."),
    ),
    Reason.TOO_MANY: Words(
        marked("There were more files than can be sent at once."),
        marked("Please send the rest once more."),
    ),
    Reason.FORM_TOO_LARGE: Words(
        marked("This is more than can be sent at once. We kept none of it."),
        marked("Please stop sending, and send fewer files at a time."),
    ),
    Reason.CUT_OFF: Words(
        marked("The connection broke before everything was here. We kept nothing half-sent."),
        marked("Please send what is not listed as received once more."),
    ),
    Reason.BROKEN_FORM: Words(
        marked("We could not read what your browser sent."),
        marked("Please go back to the form and try again."),
    ),
    Reason.NO_SESSION: Words(
        marked("This page is too old, or your browser keeps no cookies."),
        marked("We kept nothing that was sent from it."),
        marked(
            "If you have your eight words, come back with them. If not, begin again from the first "
            "page, and allow cookies for this address."
        ),
    ),
    Reason.BUSY: Words(
        marked("We are busy just now. We kept nothing."), marked("Please try again in a minute.")
    ),
    Reason.LOCKED_DOWN: Words(
        marked("We take nothing at the moment."),
        marked("We kept none of it."),
        marked(
            "What we received before is safe. Your eight words still open your mailbox, and the "
            "replies in it."
        ),
    ),
    Reason.WORKER_FAILED: Words(
        marked("We could not clean this file. We kept none of it."), _OUR_FAULT
    ),
    Reason.SANDBOX_UNAVAILABLE: Words(marked("We can't take recordings just now."), _OUR_FAULT),
    Reason.SPOOL_FULL: Words(_NO_ROOM, _OUR_FAULT),
    Reason.SPOOL_FAILED: Words(
        marked("We could not take it just now. We kept none of it."), _OUR_FAULT
    ),
    Reason.SEAL_FAILED: Words(_NOT_ENCRYPTED, _OUR_FAULT),
    Reason.NO_KEY: Words(_NOT_ENCRYPTED, _OUR_FAULT),
    Reason.STORE_FULL: Words(_NO_ROOM, _OUR_FAULT),
    Reason.STORE_FAILED: Words(
        marked("We could not keep it safely, so we kept none of it."), _OUR_FAULT
    ),
}

FORGOTTEN: Final = Words(
    marked("We know nothing of this page any more."),
    marked("Perhaps the visit was ended, or the server was started anew."),
    marked(
        "What had arrived whole by then is kept. Come back with your eight words to see it, and to "
        "send the rest."
    ),
)
NO_SUCH_PAGE: Final = Words(
    marked("There is no such page here."), marked("Please begin at the first page.")
)
FAILED: Final = Words(
    marked("Something went wrong on our side."),
    marked("Perhaps not everything arrived."),
    marked("Come back with your eight words, and see what we have."),
)
_NOT_DONE: Final = Words(
    marked("We could not finish with this one."), marked("Please send it once more.")
)
MAILBOX_FAILED: Final = Words(
    marked("We can't get at your mailbox just now."),
    marked("Perhaps not everything was done that you asked for."),
    marked("Please come back with your eight words a little later."),
)
_FORGOTTEN: Final = Words(marked("We can't say any more what became of it."))

_STEPS: Final = {
    Step.ARRIVING: marked("is arriving"),
    Step.CLEANING: marked("is here and is being cleaned"),
    Step.ENCRYPTING: marked("is clean and is being encrypted"),
}
_FILE: Final = marked("File")
_NUMBERED_FILE: Final = marked("File %(number)s")
_MESSAGE: Final = marked("Your message")
_THE_REST: Final = marked("The rest")

_UNKNOWN_WORD: Final = marked("Word %(position)s isn't one of ours.")
_NEAR_WORD: Final = marked("Word %(position)s isn't one of ours. Did you mean: %(words)s?")
_CUT_WORD: Final = marked(
    "Word %(position)s is too short to tell which it is. Please type all of it."
)
_CUT_WORDS: Final = marked(
    "Word %(position)s could be one of these: %(words)s. Please type all of it."
)
_SEVERAL_LANGUAGES: Final = marked(
    "These words mean one thing in one language and another in another. Please choose the language "
    "in which you were given them, and type them again."
)
_NOT_TOGETHER: Final = marked(
    "These eight words don't belong together. Please look at each once more, and at their order."
)


def words_for(became: Condition | Reason) -> Words:
    """Return what to say of one outcome."""
    return _RECEIVED[became] if isinstance(became, Condition) else _REFUSED[became]


def words_of(outcome: str) -> Words:
    """Return what to say of an outcome as a mailbox remembers it."""
    known: dict[str, Condition | Reason] = {str(each): each for each in (*Condition, *Reason)}
    # A later version may have noted what this one has no word for.
    return words_for(known[outcome]) if outcome in known else _FORGOTTEN


def name_of(kind: str, language: Language, number: int = 0) -> str:
    """Return what a source knows a thing by: its kind, and its place in the form."""
    if kind == "recording":
        return (
            language.gettext(_NUMBERED_FILE, number=number) if number else language.gettext(_FILE)
        )
    return language.gettext(_MESSAGE if kind == "message" else _THE_REST)


def said_of(item: Item, language: Language) -> Said:
    """Return one thing that was sent, as a page shows it."""
    return Said(
        name=name_of(item.kind, language, item.number),
        size=language.size(item.size) if item.size else "",
        step=_STEPS[item.step],
        became=str(item.became or ""),
        received=item.received,
        words=words_for(item.became) if item.became else _NOT_DONE,
    )


def codename_problem(error: NotACodename, language: Language) -> str:
    """Return what is wrong with words that were typed, as far as the words themselves tell."""
    match error:
        case WrongCount():
            return language.ngettext(
                "You typed one word; it takes eight.",
                "You typed %(num)s words; it takes eight.",
                error.count,
            )
        case UnknownWord(meant=words) if words:
            message = _NEAR_WORD
        case UnknownWord(meant=words):
            message = _UNKNOWN_WORD
        case CutTooShort(could_be=words) if words:
            message = _CUT_WORDS
        case CutTooShort(could_be=words):
            message = _CUT_WORD
        case SeveralLanguages():
            return language.gettext(_SEVERAL_LANGUAGES)
        case _:
            return language.gettext(_NOT_TOGETHER)
    return language.gettext(message, position=error.position, words=" · ".join(words))


def limit_in_words(size: int, language: Language) -> str:
    """Return a limit in bytes as a source reads it, rounded down to what surely fits."""
    unit = next((unit for unit in (10**9, 10**6, 10**3) if size >= unit), 1)
    return language.size(size // unit * unit)
