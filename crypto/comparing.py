"""Eight words by which two people tell that two machines hold the same small file.

    canonical    JSON (RFC 8259) in ASCII: members sorted, nothing between, no fractions
    words        the first 88 bits of SHA-256 over "tapedrop comparing 1", a zero byte and the
                 canonical bytes, as eight words of 11 bits each (English BIP-39)

Whoever swaps the file must find another with the same 88 bits. The words cover every member, also
those that only a later version reads.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NoReturn

from crypto.words import word_list

_COMPARED: Final = b"tapedrop comparing 1\x00"
_WORDS: Final = 8
_WORD_BITS: Final = 11
_LARGEST_NUMBER: Final = 2**53


def read_object(untrusted: bytes) -> dict[str, Any]:
    """Return the JSON object that this is. Raises ValueError.

    What two readers could understand differently is refused: a name that comes twice, a fraction,
    a number that is no exact one to every reader.
    """
    try:
        said = json.loads(
            untrusted.decode(),
            object_pairs_hook=_once,
            parse_int=_whole,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(said, dict):
        raise ValueError("not an object")
    return said


def canonical(said: Mapping[str, Any]) -> bytes:
    """Return the one writing of an object."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def words_of(said: Mapping[str, Any]) -> str:
    """Return the eight words to compare."""
    digest = sha256(_COMPARED + canonical(said)).digest()
    bits = int.from_bytes(digest) >> (len(digest) * 8 - _WORDS * _WORD_BITS)
    words = word_list("english")
    places = range((_WORDS - 1) * _WORD_BITS, -1, -_WORD_BITS)
    return " ".join(words[bits >> place & (len(words) - 1)] for place in places)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(members)
    if len(said) != len(members):
        raise ValueError("a name comes twice")
    return said


def _whole(digits: str) -> int:
    number = int(digits)
    if abs(number) > _LARGEST_NUMBER:
        raise ValueError("a number is too large")
    return number


def _refuse(_written: str) -> NoReturn:
    raise ValueError("a number is not a whole one")
