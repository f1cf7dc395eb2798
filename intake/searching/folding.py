# ruff: noqa: RUF001  letters that look alike are what this is about
"""Words as they are compared: one form for all the ways that people write the same word.

    accents       é e · İ i · ß ss · ł l · đ d · ø o · Greek, Cyrillic, Hebrew and Arabic marks
    Arabic        alef, yeh, kaf and heh in all their shapes; Arabic and Persian digits
    no spaces     Chinese, Japanese, Thai, Lao, Khmer, Burmese: every letter is a word of its own,
                  and what was typed together is looked for together

The index holds folded words only, and what is asked is folded alike: `FOLDING` names the way.
"""

import re
import unicodedata
from typing import Final

FOLDING: Final = f"2 {unicodedata.unidata_version}"
"""Two that differ may fold a word in two ways; an index of another folding is made anew."""

_ALIKE: Final = str.maketrans({
    "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "þ": "th",
    "ı": "i", "ĸ": "k", "ŋ": "n", "ə": "a", "ґ": "г",
    "ى": "ي", "ی": "ي", "ې": "ي", "ک": "ك", "ة": "ه", "ە": "ه", "ہ": "ه", "ھ": "ه", "ٱ": "ا",
    "ـ": "",  # tatweel only makes a word longer
})  # fmt: skip
_NO_SPACES: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
# Combining classes of vowel signs and voicing marks: without them it is another word.
_MEANT: Final = {0, 8, 9, 84, 91, 103, 118}


class _Folding(dict[int, str]):
    """What each letter becomes, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _folded(chr(code))
        return folded


def _folded(letter: str) -> str:
    shape = unicodedata.normalize("NFKD", letter.casefold()).casefold().translate(_ALIKE)
    return "".join(_part(part) for part in shape)


def _part(letter: str) -> str:
    category = unicodedata.category(letter)
    if category == "Nd":
        return str(unicodedata.digit(letter))
    if category[0] in "LN" or category == "Co":
        return f" {letter} " if category == "Lo" and _NO_SPACES.match(letter) else letter
    if category[0] == "M":
        return letter if unicodedata.combining(letter) in _MEANT else ""
    return "" if category == "Cf" else " "  # what can't be seen parts no words


_FOLD: Final = _Folding()


def folded(text: str) -> str:
    """Return the words of `text` as they are compared, a space between two."""
    return " ".join(text.translate(_FOLD).split())


def words(text: str) -> list[tuple[str, int, int]]:
    """Return each word of `text` as it is compared, and from where to where it stands there."""
    found: list[tuple[str, int, int]] = []
    word, start, end = "", 0, 0
    for place, letter in enumerate(text):
        for part in _FOLD[ord(letter)]:
            if part == " ":
                found += [(word, start, end)] if word else []
                word = ""
            else:
                word, start, end = word + part, start if word else place, place + 1
    return [*found, (word, start, end)] if word else found
