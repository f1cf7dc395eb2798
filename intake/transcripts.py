"""Transcripts that others made: WebVTT (W3C), SubRip, and plain text with time codes in front.

    WEBVTT                            1                                   [0:03] Guard: line up
    00:03.000 --> 00:05.500           00:00:03,000 --> 00:00:05,500       0:09 - a child cries
    <v Guard>line up                  <i>line up</i>                      and more of the same line

What a file says about colours, places and styles is left out; a cue that can't be read costs
only itself. The words are kept as they are, but for control characters.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from intake import timecodes
from intake.errors import BadText
from intake.records import LONGEST_TEXT, Line, Transcript

LARGEST_BYTES: Final = 8 * 1024 * 1024
MOST_LINES: Final = 100_000
LONGEST_SPEAKER: Final = 200
_BOMS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_LANGUAGE: Final = re.compile(r"(?:[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3})?")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_TIMING: Final = re.compile(r"\s*([0-9:.,]{1,20})\s*-->\s*([0-9:.,]{1,20})(?:\s.*)?")
_NOT_CUES: Final = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|\Z)")
_TAG: Final = re.compile(r"<(/?)([^\s.<>/&]{0,20})([^<>]{0,500})>|\{\\[^{}]{0,100}\}")
_ENTITY: Final = re.compile(r"&(amp|lt|gt|nbsp|lrm|rlm);")
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "nbsp": " ", "lrm": "\u200e", "rlm": "\u200f"}
_CODE: Final = r"(?:[0-9]{1,3}:)?[0-9]{1,4}:[0-9]{2}(?:[.,][0-9]{1,3})?"
_LED: Final = re.compile(
    rf"\s*[\[(]?({_CODE})(?:\s*(?:-->|[-\u2013\u2014])\s*({_CODE}))?[\])]?(?:\s*[-\u2013\u2014:|]\s+|\s+|\Z)(.*)"
)
_SPEAKER: Final = re.compile(r"([^\W\d_][^:.!?\n]{0,38}):\s+(\S.*)")


@dataclass(frozen=True, slots=True)
class Read:
    """A transcript that was read, and how many cues could not be."""

    transcript: Transcript
    left_out: int


@dataclass(slots=True)
class _Cues:
    """What was read so far."""

    lines: list[Line]
    left_out: int = 0

    def add(self, at_ms: int, until_ms: int | None, speaker: str, text: str) -> None:
        """Keep a line, if it says anything. Raises BadText when there are too many."""
        text = _said(text)[:LONGEST_TEXT]
        if not text:
            return
        if len(self.lines) == MOST_LINES:
            raise BadText(f"it has more than {MOST_LINES} lines")
        until_ms = until_ms if until_ms is not None and until_ms >= at_ms else None
        self.lines.append(Line(at_ms, text, until_ms, _said(speaker)[:LONGEST_SPEAKER]))


def read_transcript(untrusted: bytes, *, language: str = "") -> Read:
    """Return the transcript in a file of any of these kinds. Raises BadText."""
    if len(untrusted) > LARGEST_BYTES:
        raise BadText(f"it is larger than {LARGEST_BYTES // 1024**2} MiB")
    lines = _LINE_END.split(_decoded(untrusted))
    cues = _Cues([])
    if re.match(r"WEBVTT(?:\s|\Z)", lines[0]) or any(map(_TIMING.fullmatch, lines)):
        _cues(lines, cues)
    else:
        _led(lines, cues)
    if not cues.lines:
        raise BadText("no line in it says anything")
    # Cues may overlap, and files may have them in any order; a reader wants them in time.
    return Read(Transcript(tuple(sorted(cues.lines, key=_at)), language), cues.left_out)


def language_of(untrusted: str) -> str:
    """Return a language tag (BCP 47), or nothing, as it is kept. Raises BadText."""
    if not _LANGUAGE.fullmatch(untrusted):
        raise BadText("a language is a tag such as es, pt-BR or zh-Hant")
    return untrusted.lower()


def _at(line: Line) -> int:
    return line.at_ms


def _decoded(untrusted: bytes) -> str:
    encoding = _BOMS.get(untrusted[:2], "utf-8")
    try:
        return untrusted.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise BadText(
            "it is not text in UTF-8 or UTF-16: save it so where it was written"
        ) from None


def _cues(lines: list[str], cues: _Cues) -> None:
    for block in _blocks(lines):
        timing = next((at for at, line in enumerate(block[:2]) if "-->" in line), None)
        if timing is None or _NOT_CUES.match(block[0]):
            continue
        match = _TIMING.fullmatch(block[timing])
        try:
            at_ms, until_ms = map(timecodes.parsed, match.groups() if match else ("", ""))
        except ValueError:
            cues.left_out += 1
            continue
        for speaker, text in _spoken(" ".join(block[timing + 1 :])):
            cues.add(at_ms, until_ms, speaker, text)


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yield the runs of lines between empty ones; a timing begins one, too."""
    block: list[str] = []
    for line in lines:
        again = "-->" in line and any("-->" in each for each in block)
        if again and block[-1].strip().isdigit():
            block.pop()  # the next cue's number
        if (again or not line.strip()) and block:
            yield block
            block = []
        if line.strip():
            block.append(line)
    if block:
        yield block


def _spoken(payload: str) -> Iterator[tuple[str, str]]:
    """Yield each speaker, or nobody, and what is said, without marks and entities."""
    speaker, start = "", 0
    said: list[str] = []
    for tag in _TAG.finditer(payload):
        said.append(payload[start : tag.start()])
        start = tag.end()
        if tag[2] == "v" and not tag[1]:
            yield speaker, _unescaped("".join(said))
            said = []
            speaker = _unescaped(re.sub(r"\A\.\S*", "", tag[3]))
    yield speaker, _unescaped("".join([*said, payload[start:]]))


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda entity: _ENTITIES[entity[1]], text)


def _led(lines: list[str], cues: _Cues) -> None:
    """Read lines with a time code in front; one without goes on where the last began."""
    at_ms, until_ms = 0, None
    for line in lines:
        text, led = line, _LED.fullmatch(line)
        if led is not None:
            try:
                at_ms = timecodes.parsed(led[1])
                until_ms = timecodes.parsed(led[2]) if led[2] else None
                text = led[3]
            except ValueError:
                cues.left_out += 1
        named = _SPEAKER.fullmatch(text) if led is not None else None
        cues.add(at_ms, until_ms, *((named[1], named[2]) if named else ("", text)))


def _said(text: str) -> str:
    kept = (" " if each.isspace() else each for each in text)
    shown = "".join(each for each in kept if unicodedata.category(each) not in {"Cc", "Cs"})
    return " ".join(unicodedata.normalize("NFC", shown).split())
