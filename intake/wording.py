"""Errors, alarms and findings in a reporter's words: what the evidence is still good for.

The sentences for errors are in `sentences.py`. Whatever came from outside is made plain before
it is shown.
"""

import errno
import unicodedata
from collections.abc import Mapping
from typing import Final

from crypto.manifest import Condition
from intake.answering.asking import Concern
from intake.arriving.pace import Forecast, Step
from intake.drop import Alarm
from intake.sentences import SENTENCES
from scrub import StreamFacts
from scrub.findings import WORDS

_SIZES: Final = {"needed", "free", "most", "size"}
_MINUTE: Final = 60

ALARMS: Final[Mapping[Alarm, str]] = {
    Alarm.OTHER_NEWSROOM: "the server sealed it for another list of keys than this desk knows",
    Alarm.EARLIER_KEYS: "it is sealed to the newsroom's earlier keys: a key that was retired can "
    "still read it",
    Alarm.MISCOUNTED: "it is sealed to another number of keys than it says",
    Alarm.MORE_READERS: "it is sealed to more keys than the newsroom has: someone else may read it",
    Alarm.FEWER_READERS: "it is sealed to fewer keys than the newsroom has",
}
EARLIER_HINT: Final = "have security staff take the list that tapedrop-intake keys sign wrote"
ALARM_HINT: Final = "tell security staff before the next drop is trusted to this server"

CONCERNS: Final[Mapping[Concern, str]] = {
    Concern.WHO: "it asks who they are: better not to know",
    Concern.REACHED: "it asks for, or names, a way to be reached that is less safe than this",
    Concern.WHERE: "it asks where they are",
    Concern.WORK: "it asks about their work, which few people may share",
    Concern.MEETING: "it proposes to meet: somebody may be watching you",
    Concern.DATE: "it names a date; those who were there on it may be few",
    Concern.TIME: "it names a time; those who were there at it may be few",
    Concern.FILE: "it names a file: who sees it on their screen knows what to look for",
    Concern.LINK: "it has a link: opening it tells others that they read this",
    Concern.DETAIL: "it says what cleaning took out of the recording",
}
CONDITIONS: Final[Mapping[Condition, str]] = {
    Condition.CLEANED: "cleaned",
    Condition.UNCLEANED: "NOT cleaned",
    Condition.WRITTEN: "written",
}


def told(error: BaseException, *, about: str = "it") -> tuple[str, str]:
    """Return a sentence and a hint (or an empty one) for `error`."""
    if isinstance(error, OSError):
        return _disk(error)
    facts = {name: _fact(name, value) for name, value in vars(error).items()}
    for kind in type(error).__mro__:
        if kind in SENTENCES:
            sentence, hint = SENTENCES[kind]
            facts |= {"about": about, "error": plain(str(error))}
            # Of "it", where only one thing is done, the sentence says enough.
            return sentence.format_map(facts).removeprefix("it: "), hint.format_map(facts)
    # Its own message could hold anything.
    return f"{about}: unexpected {type(error).__name__}", "please report this as a fault"


def kinds(counts: Mapping[str, int]) -> str:
    """Return what was found, without the counts: "location, times"; "nothing" where it is that."""
    return ", ".join(kind_text(kind) for kind in sorted(counts, key=_weight)) or "nothing"


def scrubbed(removed: Mapping[str, int], remains: Mapping[str, int]) -> str:
    """Return the whole of it: "location (2), times (7) removed; encoder trace remains"."""
    gone = ", ".join(
        f"{kind_text(kind)} ({removed[kind]})" for kind in sorted(removed, key=_weight)
    )
    still = "remain" if len(remains) > 1 else "remains"
    return f"{gone or 'nothing'} removed; {kinds(remains)} {still}"


def kind_text(kind: str) -> str:
    """Return a kind of finding as people call it, also one that only a later server knows."""
    return _WORDS.get(kind, plain(kind).replace("_", " "))


_WORDS: Final[Mapping[str, str]] = {str(kind): word for kind, word in WORDS.items()}
_ORDER: Final = list(_WORDS)


def _weight(kind: str) -> int:
    """Return where a kind stands: what tells most about somebody comes first."""
    return _ORDER.index(kind) if kind in _WORDS else len(_ORDER)


def sound_text(facts: StreamFacts) -> str:
    """Return what a recording says of its own sound: "7:12, 44100 Hz, 2 channels, mp4a.40.2"."""
    seconds = facts.length_ms // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    told = [f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"]
    if facts.sample_rate:
        told.append(f"{facts.sample_rate} Hz")
    if facts.channels:
        told.append(f"{facts.channels} channel{'s' if facts.channels > 1 else ''}")
    if facts.codec:
        told.append(plain(facts.codec))
    return ", ".join(told)


def size_text(size: int) -> str:
    """Return a size in bytes as people say it."""
    if size < 1000:
        return f"{size} B"
    scaled = float(size)
    for unit in ("kB", "MB"):
        scaled /= 1000
        if scaled < 999.95:
            return f"{scaled:.1f} {unit}"
    return f"{scaled / 1000:.1f} GB"


def progress_text(step: Step, forecast: Forecast) -> str:
    """Return how far a work is, how fast it goes and how long it will take, as far as known."""
    said = [f"{size_text(step.passed)} of {size_text(step.total)}"]
    if step.drops > 1:
        said.append(f"drop {step.drop} of {step.drops}")
    if forecast.rate is not None:
        said.append(f"{size_text(round(forecast.rate))}/s")
    if forecast.seconds_left is not None:
        said.append(f"{time_text(forecast.seconds_left)} left")
    return ", ".join(said)


def time_text(seconds: float) -> str:
    """Return a span of time as people say it; nobody needs seconds of an hour."""
    if seconds < _MINUTE:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def spaced(fingerprint: str) -> str:
    """Return a fingerprint in groups of four."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def plain(untrusted: str, *, lines: bool = False) -> str:
    """Return text that can't steer a terminal: no control or direction characters.

    With `lines`, line ends and tabs stay. The joiners that Persian and others write with stay too.
    """
    if untrusted.isascii() and untrusted.isprintable():  # most of what a long list shows
        return untrusted
    kept = "\u200c\u200d\n\t" if lines else "\u200c\u200d"
    return "".join(
        letter if letter in kept or unicodedata.category(letter) not in _STEERING else "\ufffd"
        for letter in untrusted
    )


_STEERING: Final = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def _fact(name: str, value: object) -> str:
    if name == "tries_left":
        return _tries(value)
    if name in _SIZES and isinstance(value, int):
        return size_text(value)
    return plain(str(value))


def _tries(left: object) -> str:
    if left is None:
        return ""
    if left == 0:
        return (
            "; the card has locked itself: its reset code or admin PIN opens it (gpg --card-edit)"
        )
    times = "once" if left == 1 else f"{left} times"
    return f"; the card can be asked {times} more before it locks itself"


def _disk(error: OSError) -> tuple[str, str]:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "the disk is full; what was not finished was taken back", "make room, and go on"
    where = f"{plain(str(error.filename))}: " if error.filename else ""
    return f"{where}{(error.strerror or type(error).__name__).lower()}", ""
