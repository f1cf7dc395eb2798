"""What gpg says of secret keys, and of a PIN that it did not get (GnuPG's doc/DETAILS).

    sec, ssb    a primary key, a subkey: its algorithm, when made, when it ends, what it can; where
                its secret half is: "+" here, "#" nowhere, or the number of a card
    fpr         the fingerprint of the key above it

An error code of libgpg-error is u8 source, of which the highest bit is spare, and u16 code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crypto.errors import GpgFailed

_FIELDS: Final = 15
_HERE, _NOWHERE = "+", "#"
_PINENTRY: Final = 5
# Bad passphrase, invalid passphrase, no pinentry, pinentry error, bad PIN, cancelled, PIN blocked,
# no passphrase given, no PIN given, fully cancelled.
_OF_PINS: Final = frozenset({11, 31, 85, 86, 87, 99, 130, 177, 178, 198})

# No agent, its error, its end; what Assuan, which they speak, says went wrong; and the system's.
_OF_AGENTS: Final = frozenset({77, 78, 16383, *range(257, 282)})
_OF_THE_SYSTEM: Final = 0x8000
# No secret key, wrong card, card removed, card not present, no driver for cards.
_OF_CARDS: Final = frozenset({17, 91, 110, 112, 119})


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key that decrypts: a subkey, or a primary key that may."""

    fingerprint: str
    primary: str
    """The fingerprint of the key that it belongs to."""
    algorithm: int
    created: int
    expires: int | None
    """Seconds since 1970, as `created`; None when it never does."""
    card: str | None
    """The number of the card that holds it; None where it lies in this home."""


def read_secret_keys(listing: bytes) -> tuple[SecretKey, ...]:
    """Return the keys of a listing whose secret halves can be reached. Raises GpgFailed."""
    found: list[SecretKey] = []
    fields: list[str] | None = None
    primary = ""
    for line in listing.decode(errors="replace").splitlines():
        kind, *_ = said = line.split(":")
        if kind in ("sec", "ssb"):
            fields = said + [""] * (_FIELDS - len(said))
        elif kind == "fpr" and fields is not None:
            fingerprint = said[9] if len(said) > 9 else ""
            primary = fingerprint if fields[0] == "sec" else primary
            if "e" in fields[11] and fields[14] != _NOWHERE:
                found.append(_key(fields, fingerprint, primary))
            fields = None
    return tuple(found)


def asks_for_pin(error: int) -> bool:
    """Say whether an error code means that a PIN or passphrase was wrong, or was not given."""
    source, code = error >> 24 & 0x7F, error & 0xFFFF
    return source == _PINENTRY or code in _OF_PINS


def card_is_out(error: int) -> bool:
    """Say whether an error code means that the key is somewhere else: on a card, or its reader."""
    return not asks_for_pin(error) and error & 0xFFFF in _OF_CARDS


def agent_failed(error: int) -> bool:
    """Say whether an error code means that gpg-agent was not there to try the key."""
    code = error & 0xFFFF
    return not asks_for_pin(error) and (code in _OF_AGENTS or bool(code & _OF_THE_SYSTEM))


def fits(key: SecretKey, algorithm: int) -> bool:
    """Say whether a key is of the algorithm that a session key is sealed by."""
    return _family(key.algorithm) == _family(algorithm)


def _family(algorithm: int) -> int:
    return 1 if algorithm in (2, 3) else algorithm  # RSA has three numbers


def _key(fields: Sequence[str], fingerprint: str, primary: str) -> SecretKey:
    try:
        if not fingerprint or not primary:
            raise ValueError("a key without a fingerprint")
        return SecretKey(
            fingerprint=fingerprint,
            primary=primary,
            algorithm=int(fields[3]),
            created=int(fields[5]),
            expires=int(fields[6]) if fields[6] else None,
            card=None if fields[14] in ("", _HERE) else fields[14],
        )
    except ValueError as error:
        raise GpgFailed(f"what gpg says of a secret key can't be read: {error}") from None
