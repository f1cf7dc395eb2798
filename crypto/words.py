"""The word lists a codename is written in, and what a person may have meant by a word.

    lists      BIP-39, 2,048 words each, as `mnemonic` carries them; spelled in NFC
    folded     NFKD, case folded, without accents, marks and invisible characters; ı is i, œ is oe
    fits       the word itself, else every word that begins with what was typed

Accents are folded on both sides: no list has two words that differ only there. Words are made of
letters; whatever else was typed (numbers, commas, hyphens, line ends) stands between them. Each
Chinese character is a word by itself.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from mnemonic import Mnemonic

LISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "english",
        "es": "spanish",
        "fr": "french",
        "pt": "portuguese",
        "ru": "russian",
        "zh": "chinese_simplified",
        "tr": "turkish",
    }
)
"""A language's tag, and the list that codenames are shown in; English where there is none."""

LONGEST: Final = 8
"""Letters in the longest word of any list."""

# The 1,573rd word of the Russian list lost a letter on its way into the package: two replacement
# characters stand between сно and а. The list is alphabetical; снова alone is common enough for it.
_DAMAGED: Final = "\N{REPLACEMENT CHARACTER}"
_RESTORED: Final = "снова"
# What compatibility decomposition would turn into letters, or leave: "1º palabra", "№ 1", "cœur".
_REPLACED: Final = str.maketrans(
    {
        "º": " ",
        "ª": " ",
        "№": " ",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "œ": "oe",
        "Œ": "oe",
        "æ": "ae",
        "Æ": "ae",
    }
)
_LETTERS: Final = frozenset({"Lu", "Ll", "Lt", "Lo"})
_NOTHING: Final = frozenset({"Mn", "Mc", "Me", "Cf", "Lm"})  # accents, zero widths, tatweel
_BEHIND_ALL: Final = "\U0010ffff"  # sorts behind every letter


@dataclass(frozen=True, slots=True)
class _Folded:
    """One list, made ready for looking up. `ordered` pairs each folded word with its number."""

    numbers: Mapping[str, int]
    ordered: tuple[tuple[str, int], ...]


@cache
def word_list(language: str = "english") -> tuple[str, ...]:
    """Return the 2,048 words of a list, in their order, in NFC."""
    words = (_RESTORED if _DAMAGED in word else word for word in Mnemonic(language).wordlist)
    return tuple(unicodedata.normalize("NFC", word) for word in words)


def list_for(tag: str) -> str:
    """Return the list for pages in the language of this tag (BCP 47); English where it has none."""
    return LISTS.get(tag.partition("-")[0], "english")


def words_in(typed: str, count: int) -> list[str]:
    """Return what was typed as folded words.

    Where letters alone don't make `count` of them but spaces do, spaces count: "lu;gage" is a slip.
    """
    words = folded(typed).split()
    if len(words) != count:
        spaced = [word for part in typed.split() if (word := folded(part).replace(" ", ""))]
        if len(spaced) == count:
            return spaced
    return words


def folded(text: str) -> str:
    """Return the text's letters folded, with single spaces between words and around ideographs."""
    # Twice: case folding can leave composed letters, and NFKD capitals.
    apart = unicodedata.normalize("NFKD", text.translate(_REPLACED)).casefold()
    return " ".join("".join(_parts(unicodedata.normalize("NFKD", apart))).split())


def fitting(word: str, language: str) -> tuple[int, ...]:
    """Return the numbers of the words that this folded word may stand for, in the list's order.

    The word itself wins over those that merely begin so.
    """
    known = _known(language)
    if word in known.numbers:
        return (known.numbers[word],)
    first = bisect_left(known.ordered, (word,))
    behind = bisect_left(known.ordered, (word + _BEHIND_ALL,))
    return tuple(sorted(number for _, number in known.ordered[first:behind]))


def is_word(word: str, language: str) -> bool:
    """Tell whether this folded word is one of the list, uncut."""
    return word in _known(language).numbers


def splits(letters: str, count: int, language: str) -> Iterator[tuple[int, ...]]:
    """Yield every way to read `letters`, without their spaces, as `count` whole words.

    Few: a word is rarely another one and the beginning of a third. Nothing is yielded where there
    are more letters than `count` words can have.
    """
    if count == 0:
        if not letters:
            yield ()
        return
    if len(letters) > count * LONGEST:
        return
    numbers = _known(language).numbers
    for size in range(1, LONGEST + 1):
        number = numbers.get(letters[:size])
        if number is not None and size <= len(letters):
            for others in splits(letters[size:], count - 1, language):
                yield (number, *others)


@cache
def folded_words(language: str) -> tuple[str, ...]:
    """Return the words of a list, folded, in their order."""
    return tuple(folded(word) for word in word_list(language))


@cache
def _known(language: str) -> _Folded:
    words = list(enumerate(folded_words(language)))
    if language == "chinese_simplified":
        # The same words in traditional characters, in the same order; none stands for another.
        words += enumerate(folded_words("chinese_traditional"))
    numbers = {word: number for number, word in words}
    return _Folded(MappingProxyType(numbers), tuple(sorted(numbers.items())))


def _parts(text: str) -> Iterator[str]:
    for character in text:
        category = unicodedata.category(character)
        if category in _LETTERS:
            yield f" {character} " if _is_ideograph(character) else character
        elif category not in _NOTHING:
            yield " "


def _is_ideograph(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or character >= "\U00020000"
