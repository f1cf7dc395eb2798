"""The words of a list nearest to one that is in none.

    costs      2 for a letter too many, too few, next to another on the keyboard, or two swapped;
               3 for any other letter in a letter's place; 1 when only a word's beginning was typed

The distance is Damerau and Levenshtein's in its restricted form: no letter moves twice. Work is
bounded by the list's 2,048 words of eight letters; longer words are near none.
"""

from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from typing import Final

from crypto.words import LONGEST, folded, folded_words

_NEAR: Final = 2
_FAR: Final = 3
_UNFINISHED: Final = 1
_SHORT: Final = 4  # letters; fewer than five leave no room for two slips
_KEYBOARDS: Final = {
    "french": ("azertyuiop", "qsdfghjklm", "wxcvbn"),
    "russian": ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    "spanish": ("qwertyuiop", "asdfghjklñ", "zxcvbnm"),
    "turkish": ("qwertyu\N{LATIN SMALL LETTER DOTLESS I}opğü", "asdfghjklşi", "zxcvbnmöç"),
}
_QWERTY: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def nearest(word: str, language: str) -> Iterator[int]:
    """Yield the numbers of the words near this folded one, nearest first, else in the list's order.

    Near is two slips at most, one in a word of up to four letters. One letter is near nothing.
    """
    if not 1 < len(word) <= LONGEST + 2:
        return
    most = _FAR if len(word) <= _SHORT else 2 * _NEAR + _UNFINISHED
    slips = most // _NEAR
    walk = _Walk(word, most, _neighbours(language))
    letters = _letters(word)
    fewest, longest = max(len(word) - slips, 0), len(word) + slips
    found = []
    for known, beginnings, number in _lettered(language):
        # What is near has few letters that the word lacks, and its beginning lacks few of them.
        if (
            len(known) >= fewest
            and (letters & ~beginnings[min(longest, len(known))]).bit_count() <= slips
            and (beginnings[fewest] & ~letters).bit_count() <= slips
        ):
            cost = walk.to(known[:longest])
            if cost <= most:
                found.append((cost, number))
    for _, number in sorted(found):
        yield number


class _Walk:
    """The costs of making `typed` of one word after another; beginnings they share are kept.

    `rows` has one row for each letter of `reached` and one before them, with the cost of each
    beginning of `typed`. A `dead` end is a beginning that no letters can make cheap enough.
    """

    def __init__(self, typed: str, most: int, near: frozenset[str]) -> None:
        self._typed = typed
        self._most = most
        self._near = near
        self._rows = [list(range(0, _NEAR * len(typed) + 1, _NEAR))]
        self._reached = ""
        self._dead = False

    def to(self, word: str) -> int:
        """Return the cost of `word` or its beginning; where it is over `most`, any that is."""
        same = takewhile(lambda pair: pair[0] == pair[1], zip(word, self._reached, strict=False))
        shared = sum(1 for _ in same)
        if not self._dead or shared < len(self._reached):
            del self._rows[shared + 1 :]
            self._dead = False
            while not self._dead and len(self._rows) <= len(word):
                self._step(word[: len(self._rows)])
            self._reached = word[: len(self._rows) - 1]
        unfinished = min(row[-1] for row in self._rows) + _UNFINISHED
        whole = self._rows[-1][-1] if self._reached == word else unfinished
        return min(whole, unfinished)

    def _step(self, beginning: str) -> None:
        letter, before, last = beginning[-1], beginning[-2:-1], self._rows[-1]
        cost = last[0] + _NEAR
        row = [cost]
        for column, other in enumerate(self._typed):
            changed = last[column]
            if letter != other:
                changed += _NEAR if letter + other in self._near else _FAR
            cost = min(changed, last[column + 1] + _NEAR, cost + _NEAR)
            if other == before and column and letter == self._typed[column - 1]:  # swapped
                cost = min(cost, self._rows[-2][column - 1] + _NEAR)
            row.append(cost)
        # Every way on leads through this row, or past it by a swap from the one before.
        self._dead = min(row) > self._most and min(last) + _NEAR > self._most
        self._rows.append(row)


def _letters(word: str) -> int:
    """Return the letters as a set of bits; 32 letters that follow each other have one each."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 31)
    return bits


@cache
def _lettered(language: str) -> tuple[tuple[str, tuple[int, ...], int], ...]:
    """Return each word in alphabetical order, the letters of its beginnings, and its number.

    The beginnings go from none of the word to all of it.
    """
    words = sorted((word, number) for number, word in enumerate(folded_words(language)))
    return tuple(
        (word, tuple(_letters(word[:size]) for size in range(len(word) + 1)), number)
        for word, number in words
    )


@cache
def _neighbours(language: str) -> frozenset[str]:
    """Return each pair of letters whose keys touch, both ways round."""
    rows = _KEYBOARDS.get(language, _QWERTY)
    places = {
        (row, column): folded(key)
        for row, keys in enumerate(rows)
        for column, key in enumerate(keys)
    }
    touching = ((0, 1), (1, -1), (1, 0))  # the key to the right, and two in the row below
    pairs = {
        key + places[row + down, column + right]
        for (row, column), key in places.items()
        for down, right in touching
        if (row + down, column + right) in places
    }
    return frozenset(pairs | {pair[::-1] for pair in pairs})
