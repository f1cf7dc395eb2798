"""A source's codename: eight words that stand for eleven bytes, and the keys made from them.

    84 bits   random
     4 bits   check: the first four bits of SHA-256 over the 84, as 11 bytes ending in four zeros
    8 words   11 bits each, numbers into a BIP-39 word list (crypto/words.py)

    Argon2id  (RFC 9106) of the 11 bytes, 64 MiB, 3 passes, 1 lane, the server's salt → 32 bytes
    HKDF      (RFC 5869, SHA-256, expand only) of those, one label each:
              mailbox id 16 bytes · mailbox key 32 · reply seed 32 · pseudonym 22 bits

The bytes are hashed, never the text: the same codename in any language is the same codename.
What a source types is read forgivingly (docs/codename.md); nothing here knows whether a codename
was ever used, so neither do its errors.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from itertools import islice
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from crypto.errors import (
    CutTooShort,
    NotACodename,
    SeveralLanguages,
    UnknownWord,
    WordsDontBelong,
    WrongCount,
)
from crypto.slips import nearest
from crypto.words import LISTS, fitting, is_word, splits, word_list, words_in

WORDS: Final = 8
SIZE: Final = 11
SALT_SIZE: Final = 32
ARGON2_MEMORY_KIB: Final = 64 * 1024
ARGON2_PASSES: Final = 3
_WORD_BITS: Final = 11
_MOST_MEANT: Final = 3
_MOST_CHOICES: Final = 8
_MOST_NEAR: Final = 200


@dataclass(frozen=True, slots=True)
class SourceKeys:
    """What a codename opens. Never stored whole: `mailbox_id` names the mailbox, the rest opens it.

    `pseudonym` is two words by which reporters know one source's drops from another's.
    """

    mailbox_id: bytes
    mailbox_key: bytes
    reply_seed: bytes
    pseudonym: str


def new_codename(random: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """Return the 11 bytes of a fresh codename."""
    entropy = bytearray(random(SIZE))
    entropy[-1] &= 0xF0
    entropy[-1] |= _check_bits(bytes(entropy))
    return bytes(entropy)


def words_of(codename: bytes, language: str = "english") -> str:
    """Return the eight words of one list, in NFC, separated by single spaces."""
    words = word_list(language)
    return " ".join(words[number] for number in _numbers(codename, WORDS))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was typed, read with one list: for each word, the numbers it may stand for.

    `exact` counts the words that were typed whole.
    """

    language: str
    choices: tuple[tuple[int, ...], ...]
    exact: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """The eight numbers where each word fits one, else none at all."""
        found = tuple(fits[0] for fits in self.choices if len(fits) == 1)
        return found if len(found) == WORDS else ()

    @property
    def fit(self) -> int:
        """How well the list fits: 3 for a word, 2 for one cut short, 1 for one cut too short."""
        known = sum((2 if len(fits) == 1 else 1) for fits in self.choices if fits)
        return known + self.exact


def codename_from(typed: str, preferred: str = "english") -> bytes:
    """Return the 11 bytes behind words that a source typed, in any list that is issued.

    Case, accents, spacing, punctuation and numbering don't matter, and a word may be cut to
    letters that only it begins with. All eight words are of one list: the one with most words
    typed whole, then the one where the check bits are right, then `preferred`, the list of the
    page's language.

    Raises WrongCount, UnknownWord, CutTooShort, WordsDontBelong or SeveralLanguages.
    """
    words = words_in(typed, WORDS)
    languages = sorted(LISTS.values(), key=lambda language: language != preferred)
    eight = len(words) == WORDS
    readings = [_reading(words, language) for language in languages if eight]
    fits = [reading for reading in readings if reading.numbers]
    # Else spaces may be missing, or stand within a word.
    whole = fits or [each for language in languages for each in _respaced(words, language)]
    most = max((reading.exact for reading in whole), default=0)
    good = {
        reading.language: _bits(reading.numbers)
        for reading in whole
        if reading.exact == most and _is_checked(_bits(reading.numbers))
    }
    if len(set(good.values())) == 1 or preferred in good:
        return good.get(preferred) or next(iter(good.values()))
    if good:
        raise SeveralLanguages(tuple(good))
    if eight and not fits:
        raise _fault(max(readings, key=lambda reading: reading.fit), words)
    # Seven words of which one is two ("carpet") were counted wrong, not spaced wrong.
    if fits or (whole and len(words) == 1):
        raise WordsDontBelong
    raise WrongCount(len(words))


def _reading(words: Sequence[str], language: str) -> _Reading:
    choices = tuple(fitting(word, language) for word in words)
    return _Reading(language, choices, sum(is_word(word, language) for word in words))


def _respaced(words: Sequence[str], language: str) -> Iterator[_Reading]:
    """Yield the ways to cut the letters into eight whole words; none where two ways are right."""
    ways = list(splits("".join(words), WORDS, language))
    right = [numbers for numbers in ways if _is_checked(_bits(numbers))]
    if len(right) <= 1:
        for numbers in right or ways:
            yield _Reading(language, tuple((number,) for number in numbers), WORDS)


def _fault(reading: _Reading, words: Sequence[str]) -> NotACodename:
    """Return what is wrong with the first word that doesn't fit one word of the list.

    Where it is the only one, the check bits rule out fifteen in sixteen of what it could be.
    """
    faults = [place for place, fits in enumerate(reading.choices) if len(fits) != 1]
    place = faults[0]

    def mended(numbers: Sequence[int]) -> Sequence[int]:
        if len(faults) > 1:
            return numbers
        before = [fits[0] for fits in reading.choices[:place]]
        behind = [fits[0] for fits in reading.choices[place + 1 :]]
        checked = [each for each in numbers if _is_checked(_bits([*before, each, *behind]))]
        return checked or numbers

    spelled = word_list(reading.language)
    if fits := reading.choices[place]:
        could_be = [spelled[number] for number in mended(fits)]
        if len(could_be) > _MOST_CHOICES:
            could_be = []
        return CutTooShort(place + 1, language=reading.language, could_be=could_be)
    near = list(islice(nearest(words[place], reading.language), _MOST_NEAR))
    meant = [spelled[number] for number in mended(near)[:_MOST_MEANT]]
    return UnknownWord(place + 1, language=reading.language, meant=meant)


def derive(codename: bytes, salt: bytes) -> SourceKeys:
    """Return the keys of a codename at the server whose 32-byte salt this is.

    Costs 64 MiB and about 200 ms, on purpose.
    """
    root = Argon2id(
        salt=salt,
        length=32,
        iterations=ARGON2_PASSES,
        lanes=1,
        memory_cost=ARGON2_MEMORY_KIB,
    ).derive(codename)

    def expand(label: str, size: int) -> bytes:
        return HKDFExpand(SHA256(), size, info=b"tapedrop codename 1 " + label.encode()).derive(
            root
        )

    words = word_list()
    return SourceKeys(
        mailbox_id=expand("mailbox id", 16),
        mailbox_key=expand("mailbox key", 32),
        reply_seed=expand("reply seed", 32),
        pseudonym=" ".join(words[number] for number in _numbers(expand("pseudonym", 3), 2)),
    )


def _numbers(bits: bytes, count: int) -> Iterator[int]:
    value = int.from_bytes(bits, "big") >> (len(bits) * 8 - count * _WORD_BITS)
    for place in reversed(range(count)):
        yield value >> place * _WORD_BITS & (1 << _WORD_BITS) - 1


def _bits(numbers: Sequence[int]) -> bytes:
    value = reduce(lambda bits, number: bits << _WORD_BITS | number, numbers, 0)
    return value.to_bytes(SIZE, "big")


def _is_checked(codename: bytes) -> bool:
    unchecked = codename[:-1] + bytes([codename[-1] & 0xF0])
    return codename[-1] & 0x0F == _check_bits(unchecked)


def _check_bits(entropy: bytes) -> int:
    return sha256(entropy).digest()[0] >> 4
