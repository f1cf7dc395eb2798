"""What a reply should rather not ask or name: gentle warnings, before it is sealed.

A source is safest when nothing but the mailbox joins them to the newsroom. These are the commonest
ways in which a friendly reply asks them to say more of themselves, or tells whoever finds it on
their screen what they sent. Words are looked for in the languages that the drop speaks
(asking.toml); what isn't found can still be unwise, so this warns and never refuses.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

_SHORTEST_DETAIL: Final = 4
_LONGEST_SHOWN: Final = 60


class Concern(StrEnum):
    """What is worth a second thought."""

    WHO = "asks who they are"
    REACHED = "asks for, or names, another way to be reached"
    WHERE = "asks where they are"
    WORK = "asks about their work"
    MEETING = "proposes to meet"
    DATE = "names a date"
    TIME = "names a time"
    FILE = "names a file"
    LINK = "has a link"
    DETAIL = "says what cleaning took out of the recording"


@dataclass(frozen=True, slots=True)
class Found:
    """A concern, and the words that raised it (lower case, without accents)."""

    concern: Concern
    words: str


_FILES: Final = (
    "wav|bwf|aiff?|flac|mp3|m4a|aac|ogg|oga|opus|amr|wma|caf|mp4|m4v|mov|mkv|webm|avi|3gp|jpe?g|png"
    "|heic|gif|pdf|docx?|xlsx?|pptx?|odt|txt|zip|7z|rar"
)
_FIRST_OF_WIDE: Final = "\u2e80"
"""Chinese has no spaces: what begins here or later may stand anywhere."""


def concerns(text: str, details: Iterable[str] = ()) -> list[Found]:
    """Return what is worth a second thought in a reply, each concern once, in their order.

    `details` are the values that scrubbing took out of what the source sent.
    """
    folded = " ".join(_folded(text).split())
    found = [
        Found(concern, match[0][:_LONGEST_SHOWN])
        for concern, pattern in _patterns().items()
        if (match := pattern.search(folded))
    ]
    for detail in details:
        said = " ".join(_folded(detail).split())
        if len(said) >= _SHORTEST_DETAIL and said in folded:
            found.append(Found(Concern.DETAIL, said[:_LONGEST_SHOWN]))
            break
    return found


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold().replace("\u2019", "'"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@cache
def _patterns() -> Mapping[Concern, re.Pattern[str]]:
    """Return what raises each concern, in text that was folded."""
    said = tomllib.loads(files("intake.answering").joinpath("asking.toml").read_text("utf-8"))
    months = f"(?:{_any_of(said['months'])})(?!\\w)"
    patterns = {
        Concern.WHO: _any_of(said["who"]),
        Concern.REACHED: f"{_any_of(said['reached'])}|{_MAIL}|{_PHONE}",
        Concern.WHERE: _any_of(said["where"]),
        Concern.WORK: _any_of(said["work"]),
        Concern.MEETING: _any_of(said["meeting"]),
        Concern.DATE: f"{_DATE}|{_DAY_OF}{months}|{months} \\d{{1,2}}(?!\\d)",
        Concern.TIME: _TIME,
        Concern.FILE: rf"(?<!\w)[\w-]{{1,80}}\.(?:{_FILES})(?!\w)",
        Concern.LINK: r"https?://|(?<!\w)www\.|\.onion(?!\w)",
    }
    return {concern: re.compile(pattern) for concern, pattern in patterns.items()}


def _any_of(phrases: Mapping[str, Sequence[str]]) -> str:
    folded = sorted({_folded(each) for said in phrases.values() for each in said})
    return "|".join(
        re.escape(each) if each[0] >= _FIRST_OF_WIDE else rf"(?<!\w){re.escape(each)}"
        for each in folded
    )


_MAIL: Final = r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.\w"
_PHONE: Final = r"(?<![\d.:-])(?:\+|00)\d(?:[ ()/-]{0,2}\d){6,14}"
_DATE: Final = (
    r"(?<!\d)\d{4}-\d\d?-\d\d?(?!\d)|(?<!\d)\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d\d)?(?!\d)"
    r"|\d{1,2} ?月 ?\d{1,2} ?日"
)
_DAY_OF: Final = r"(?<!\d)\d{1,2}(?:st|nd|rd|th|\.|er)?(?: of| de)? ?"
_TIME: Final = (
    r"(?<![\d:.])(?:[01]?\d|2[0-4]):[0-5]\d(?!\d)|(?<!\d)\d{1,2} ?点"
    r"|(?<!\d)\d{1,2} ?(?:a\.?m\.?|p\.?m\.?|uhr|h\d\d)(?!\w)"
)
