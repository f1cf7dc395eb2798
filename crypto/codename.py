"""A source's codename: eight words that stand for eleven bytes, and the keys made from them.

    84 bits   random
     4 bits   check: the first four bits of SHA-256 over the 84, as 11 bytes ending in four zeros
    8 words   11 bits each, numbers into a BIP-39 word list

    Argon2id  (RFC 9106) of the 11 bytes, 64 MiB, 3 passes, 1 lane, the server's salt → 32 bytes
    HKDF      (RFC 5869, SHA-256, expand only) of those, one label each:
              mailbox id 16 bytes · mailbox key 32 · reply seed 32 · pseudonym 22 bits

The bytes are hashed, never the text: the same codename in any language is the same codename,
and since no list has two words that differ only in case or accents, neither is needed.
"""

import secrets
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from mnemonic import Mnemonic

from crypto.errors import NotACodename

WORDS: Final = 8
SIZE: Final = 11
SALT_SIZE: Final = 32
ARGON2_MEMORY_KIB: Final = 64 * 1024
ARGON2_PASSES: Final = 3
_WORD_BITS: Final = 11


@dataclass(frozen=True, slots=True)
class SourceKeys:
    """What a codename opens. Never stored whole: `mailbox_id` names the mailbox, the rest opens it.

    `pseudonym` is two words by which reporters know one source's drops from another's.
    """

    mailbox_id: bytes
    mailbox_key: bytes
    reply_seed: bytes
    pseudonym: str


@cache
def word_list(language: str = "english") -> tuple[str, ...]:
    """Return the 2,048 words of a BIP-39 list, in their order."""
    return tuple(Mnemonic(language).wordlist)


def new_codename(random: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """Return the 11 bytes of a fresh codename."""
    entropy = bytearray(random(SIZE))
    entropy[-1] &= 0xF0
    entropy[-1] |= _check_bits(bytes(entropy))
    return bytes(entropy)


def words_of(codename: bytes, language: str = "english") -> str:
    """Return the eight words, separated by single spaces."""
    words = word_list(language)
    return " ".join(words[number] for number in _numbers(codename, WORDS))


def codename_from(typed: str, language: str = "english") -> bytes:
    """Return the 11 bytes behind words that a source typed.

    Case, spacing and accents don't matter: no list has two words that differ only there.
    Raises NotACodename, with the position of the first word that isn't in the list.
    """
    numbers = _numbers_by_word(language)
    typed_words = _folded(typed).split()
    if len(typed_words) != WORDS:
        raise NotACodename(f"{len(typed_words)} words where {WORDS} belong")
    value = 0
    for position, word in enumerate(typed_words, start=1):
        if word not in numbers:
            raise NotACodename("not one of our words", position=position)
        value = value << _WORD_BITS | numbers[word]
    codename = value.to_bytes(SIZE, "big")
    unchecked = codename[:-1] + bytes([codename[-1] & 0xF0])
    if codename[-1] & 0x0F != _check_bits(unchecked):
        raise NotACodename("the words don't belong together")
    return codename


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


def _check_bits(entropy: bytes) -> int:
    return sha256(entropy).digest()[0] >> 4


@cache
def _numbers_by_word(language: str) -> dict[str, int]:
    return {_folded(word): number for number, word in enumerate(word_list(language))}


def _folded(text: str) -> str:
    apart = (
        unicodedata.normalize("NFKD", text)
        .casefold()
        .replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")
    )
    return "".join(character for character in apart if not unicodedata.combining(character))
