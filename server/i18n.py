"""The languages our pages speak, and which of them a visitor's browser asks for.

    locales/<tag>/messages.po   what translators write (gettext); the English is in the code
    locales/messages.pot        every message there is, made by `make catalogues`

Numbers, dates, names, writing direction and plurals are CLDR's, by Babel. Units are messages like
any other: Babel has no Persian or Chinese minute, and its Haitian Creole ones are French. What a
translator has left empty, or marked fuzzy, is said in English. Nothing is remembered about anyone.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup
from mnemonic import Mnemonic

from server.errors import BadCatalogue

LOCALES: Final = Path(__file__).parent / "locales"
ENGLISH: Final = "en"

_LONGEST_HEADER: Final = 2048
_MOST_RANGES: Final = 100
_RANGE: Final = re.compile(
    r"[ \t]*(?P<range>[A-Za-z0-9-]{1,64})[ \t]*"
    r"(?:;[ \t]*[Qq]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
)

# Babel knows which digits a language uses, but always writes ours.
_ZEROS: Final = {
    "arab": "ARABIC-INDIC DIGIT ZERO",
    "arabext": "EXTENDED ARABIC-INDIC DIGIT ZERO",
    "beng": "BENGALI DIGIT ZERO",
    "deva": "DEVANAGARI DIGIT ZERO",
    "mymr": "MYANMAR DIGIT ZERO",
}


def marked(message: str) -> str:
    """Return `message` as it is; the call tells `make catalogues` to hand it to translators."""
    return message


_UNITS: Final = (
    # Translators: A size as people write it: "12,3 Mo" in French. The others likewise.
    (10**9, marked("%(amount)s GB")),
    (10**6, marked("%(amount)s MB")),
    (10**3, marked("%(amount)s kB")),
)
_BYTES: Final = marked("%(amount)s B")
# Translators: A size in each second.
_RATE: Final = marked("%(size)s/s")


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language, with everything that it says differently.

    `name` is what its speakers call it. `word_list` names the BIP-39 list for codenames, English
    where the language has none of its own (`own_words` is false then), and `word_tag` is the
    BCP 47 tag of those words. Everything returned is text for a page: translations may hold HTML,
    values never do.
    """

    tag: str
    name: str
    direction: str
    word_list: str
    own_words: bool
    word_tag: str
    _locale: Locale
    _messages: Mapping[str, tuple[str, ...]]
    _form_for: Callable[[int], int]

    def gettext(self, message: str, /, **values: Any) -> Markup:
        """Return the translation with `values` put in, escaped; numbers in the usual digits."""
        return self._filled(self._messages.get(message, (message,))[0], values)

    def ngettext(self, one: str, many: str, number: int, /, **values: Any) -> Markup:
        """Return the translation that belongs to `number`, which is `%(num)s` in it."""
        values.setdefault("num", number)
        forms = self._messages.get(one)
        if forms is None:
            return self._filled(one if number == 1 else many, values)
        return self._filled(forms[self._form_for(number)], values)

    def number(self, number: float | Fraction) -> str:
        """Return a number with at most one decimal place, cut off rather than rounded up."""
        tenths = int(number * 10) / 10
        text = format_decimal(
            tenths, "#,##0.#", self._locale, numbering_system=self._number_system()
        )
        return text.translate(self._digits())

    def percent(self, fraction: float) -> str:
        """Return whole percent between 0 and 100; 100 only when nothing is missing."""
        whole = 100 if fraction >= 1 else min(99, int(max(fraction, 0.0) * 100 + 1e-9))
        text = format_percent(
            whole / 100, locale=self._locale, numbering_system=self._number_system()
        )
        return text.translate(self._digits())

    def size(self, size: int) -> str:
        """Return a size in bytes in decimal units, rounded down: "12.3 MB", "12,3 Mo"."""
        for unit, message in _UNITS:
            if size >= unit:
                return self.gettext(message, amount=self.number(Fraction(size, unit)))
        return self.gettext(_BYTES, amount=self.number(max(size, 0)))

    def rate(self, bytes_per_second: float) -> str:
        """Return a rate: "1.2 MB/s"."""
        return self.gettext(_RATE, size=self.size(int(bytes_per_second)))

    def about(self, seconds: float) -> str:
        """Return a time in one unit, coarse enough not to change with every look: "3 minutes"."""
        minutes = max(1, -int(-seconds // 60))
        if minutes < 100:
            return self.ngettext("%(num)s minute", "%(num)s minutes", minutes)
        hours = (minutes + 30) // 60
        if hours < 48:
            return self.ngettext("%(num)s hour", "%(num)s hours", hours)
        return self.ngettext("%(num)s day", "%(num)s days", (hours + 12) // 24)

    def day(self, iso_day: str) -> str:
        """Return a day written out; as it came where CLDR's months are another language's."""
        parent = get_global("parent_exceptions").get(str(self._locale), "root").split("_")[0]
        if parent not in ("root", self._locale.language):
            return iso_day
        text = format_date(date.fromisoformat(iso_day), "long", self._locale)
        return text.translate(self._digits())

    def _filled(self, text: str, values: dict[str, Any]) -> Markup:
        shown = {
            name: self.number(value) if type(value) in (int, float) else value
            for name, value in values.items()
        }
        return Markup(text) % shown  # noqa: S704  ours; the values are escaped by the %

    def _number_system(self) -> str:
        system = self._locale.default_numbering_system
        return system if system in _ZEROS else "latn"

    def _digits(self) -> dict[int, str]:
        """Return what to write for 0 to 9 and for the percent sign."""
        system = self._number_system()
        signs = self._locale.number_symbols.get(system, {})
        zero = ord(unicodedata.lookup(_ZEROS.get(system, "DIGIT ZERO")))
        digits = {ord("0") + digit: chr(zero + digit) for digit in range(10)}
        return digits | {ord("%"): signs.get("percentSign", "%")}


@cache
def languages() -> Mapping[str, Language]:
    """Return every language that we speak by its tag, ordered by name."""
    return languages_in(LOCALES)


def languages_in(folder: Path) -> Mapping[str, Language]:
    """Return English and the languages of the catalogues in a folder.

    Raises BadCatalogue when one can't be read.
    """
    spoken = [_language(path.parent.name, path) for path in folder.glob("*/messages.po")]
    spoken.append(_language(ENGLISH, None))
    return {language.tag: language for language in sorted(spoken, key=lambda one: one.name)}


def preferred(accept_language: str | None) -> Language:
    """Return the language that fits an `Accept-Language` best, English when none does.

    RFC 9110, 12.5.4; each range is looked up as in RFC 4647, 3.4: "pt-BR" finds "pt". What can't
    be read is passed over.
    """
    items = (accept_language or "")[:_LONGEST_HEADER].split(",")[:_MOST_RANGES]
    readable = [match for item in items if (match := _RANGE.fullmatch(item))]
    ranges = [(float(match["weight"] or 1), match["range"].casefold()) for match in readable]
    by_tag = {tag.casefold(): language for tag, language in languages().items()}
    # Sorting is stable: of two that weigh the same, the first named is meant.
    for weight, untrusted_range in sorted(ranges, key=lambda one: -one[0]):
        subtags = untrusted_range.split("-")
        while weight and subtags:
            if language := by_tag.get("-".join(subtags)):
                return language
            subtags.pop()
    return by_tag[ENGLISH]


def _language(tag: str, path: Path | None) -> Language:
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise BadCatalogue(f"{tag} is no language that CLDR knows") from error
    messages, form_for = _catalogue(path, locale) if path else ({}, c2py("n != 1"))
    script = get_global("likely_subtags").get(str(locale), str(locale)).split("_")[1:2]
    full_tag = "_".join([locale.language, *script])
    name = locale.languages.get(full_tag) or locale.get_display_name() or tag
    word_list = _word_list(locale, script)
    return Language(
        tag=tag,
        name=name[:1].upper() + name[1:],
        direction=locale.text_direction,
        word_list=word_list or "english",
        own_words=bool(word_list),
        word_tag=tag if word_list else ENGLISH,
        _locale=locale,
        _messages=messages,
        _form_for=form_for,
    )


def _catalogue(
    path: Path, locale: Locale
) -> tuple[dict[str, tuple[str, ...]], Callable[[int], int]]:
    """Return what is translated, by its English, and which form belongs to a number."""
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=locale, abort_invalid=True)
        form_for = c2py(catalogue.plural_expr)
    except (OSError, PoFileError, ValueError, LookupError) as error:
        raise BadCatalogue(f"{path.parent.name}/{path.name}: {error}") from error
    messages = {}
    for message in catalogue:
        ids = (message.id,) if isinstance(message.id, str) else message.id
        string = message.string or ""
        forms = (string,) if isinstance(string, str) else tuple(string)
        needed = catalogue.num_plurals if message.pluralizable else 1
        if ids[0] and len(forms) == needed and all(forms) and not message.fuzzy:
            messages[ids[0]] = forms
    return messages, form_for


def _word_list(locale: Locale, script: list[str]) -> str:
    """Return the name of the BIP-39 list in this language, or nothing.

    Lists are called by their language's English name, Chinese ones by their script as well.
    """
    name = (Locale.parse("en").languages.get(locale.language) or "").casefold()
    suffix = {"Hans": "_simplified", "Hant": "_traditional"}.get("".join(script), "")
    return next((each for each in (name, name + suffix) if each in Mnemonic.list_languages()), "")
