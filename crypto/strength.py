"""Which keys are strong enough for a recording that must stay sealed for decades.

    RSA                    3072 bits or more (NIST SP 800-57: 128 bits of strength)
    elliptic curves        every curve that OpenPGP names; the smallest has 255 bits
    DSA, ElGamal           never
    what binds a key       SHA-224 or better: two keys could be made that one SHA-1 signature fits

Numbers are OpenPGP's (RFC 9580, 9.1 and 9.5). What isn't in these tables is refused.
"""

from typing import Final

from crypto.listing import Half

_RSA: Final = frozenset((1, 2, 3))
_CURVES: Final = frozenset((18, 19, 22, 25, 26, 27, 28))
_OLD: Final = {16: "ElGamal", 17: "DSA", 20: "ElGamal"}
_LEAST_RSA_BITS: Final = 3072
_LEAST_CURVE_BITS: Final = 255

_BROKEN: Final = {1: "MD5", 2: "SHA-1", 3: "RIPEMD-160"}
_GOOD: Final = frozenset((8, 9, 10, 11, 12, 14))


def weakness(key: Half) -> str:
    """Return what makes a primary key or subkey too weak, or nothing."""
    return _of_algorithm(key) or _of_digests(key.digests)


def algorithm_text(key: Half) -> str:
    """Return the kind of a key as people say it, such as `RSA 4096` or `cv25519`."""
    if key.algorithm in _RSA:
        return f"RSA {key.bits}"
    if key.algorithm in _CURVES:
        return key.curve or f"curve {key.bits}"
    return _OLD.get(key.algorithm, f"algorithm {key.algorithm}")


def _of_algorithm(key: Half) -> str:
    if key.algorithm in _OLD:
        return f"{_OLD[key.algorithm]}, which is too weak"
    if key.algorithm in _RSA:
        short = key.bits < _LEAST_RSA_BITS
        return f"RSA of {key.bits} bits, and {_LEAST_RSA_BITS} is the least" if short else ""
    if key.algorithm not in _CURVES or key.bits < _LEAST_CURVE_BITS:
        return f"of a kind that isn't known here (algorithm {key.algorithm}, {key.bits} bits)"
    return ""


def _of_digests(digests: frozenset[int]) -> str:
    if not digests:
        return "bound by no signature that gpg vouches for"
    for digest in sorted(digests - _GOOD):
        name = _BROKEN.get(digest, f"digest {digest}")
        return f"bound by a signature with {name}, which can be forged; it must be signed anew"
    return ""
