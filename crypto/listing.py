"""What gpg says of keys, line by line: `--with-colons --with-sig-check` (GnuPG's doc/DETAILS).

    pub, sec    a primary key: validity, bits, algorithm, when made, when it ends, what it can
    fpr         the fingerprint of the key above it
    uid         a name, and whether it still counts
    sub, ssb    a subkey, laid out as the primary key
    sig         a signature on the line it follows: "!" when gpg vouches for it, by whom, and by
                which digest

Of the signatures only a key's own matter, and of these the newest that counts: that is the one gpg
goes by. A line that can't be read ends the reading, because nobody may be sealed to by half of what
gpg said.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from crypto.errors import GpgFailed

_ESCAPED: Final = re.compile(rb"\\x([0-9a-fA-F]{2})")
_FIELDS: Final = 21
_VOUCHED: Final = "!"
_ENDED: Final = frozenset("re")


@dataclass(frozen=True, slots=True)
class Half:
    """A primary key or a subkey, with the digests (RFC 9580, 9.5) that bind it."""

    fingerprint: str
    validity: str
    algorithm: int
    bits: int
    created: int
    expires: int | None
    """Seconds since 1970, as `created`; None when it never does."""
    can: str
    digests: frozenset[int]
    """Of its newest own signatures; empty when gpg vouches for none of them."""
    curve: str = ""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One key of a listing."""

    primary: Half
    subkeys: tuple[Half, ...]
    name: str
    secret: bool


@dataclass(slots=True)
class _Signed:
    """Something that a key has signed, and the signatures on it that gpg vouches for."""

    classes: tuple[str, ...]
    fields: list[str]
    fingerprint: str = ""
    signatures: list[tuple[int, bool, int]] = field(default_factory=list)
    """When each was made, whether it stays good for ever, and its digest."""

    def take(self, signature: list[str]) -> None:
        if signature[10][:2].upper() in self.classes:
            made, ends, digest = int(signature[5]), signature[6], int(signature[15])
            self.signatures.append((made, not ends, digest))

    def digests(self) -> frozenset[int]:
        """Return those of the newest that lasts, and of all that came since, whether ended or not.

        When one that ends is over, gpg goes by an older one: so it must not hide that.
        """
        newest = max((made for made, lasts, _ in self.signatures if lasts), default=0)
        return frozenset(digest for made, _, digest in self.signatures if made >= newest)

    def half(self, digests: Iterable[int]) -> Half:
        _, validity, bits, algorithm, _, created, expires, *_ = self.fields
        if not self.fingerprint:
            raise ValueError("a key without a fingerprint")
        return Half(
            fingerprint=self.fingerprint,
            validity=validity[:1],
            algorithm=int(algorithm),
            bits=int(bits),
            created=int(created),
            expires=int(expires) if expires else None,
            can=self.fields[11],
            digests=frozenset(digests),
            curve=self.fields[16],
        )


def read_listing(listing: bytes) -> tuple[ListedKey, ...]:
    """Return the keys of a listing. Raises GpgFailed."""
    blocks: list[list[list[str]]] = []
    try:
        for line in listing.splitlines():
            fields = [_plain(part) for part in line.split(b":")]
            if fields[0] in ("pub", "sec"):
                blocks.append([])
            if blocks:
                blocks[-1].append(fields + [""] * (_FIELDS - len(fields)))
        return tuple(_key(block) for block in blocks)
    except ValueError as error:
        raise GpgFailed(f"what gpg says of a key can't be read: {error}") from None


def _key(lines: list[list[str]]) -> ListedKey:
    primary = _Signed(("1F",), lines[0])
    names: list[_Signed] = []
    subkeys: list[_Signed] = []
    last: _Signed | None = primary
    for fields in lines[1:]:
        match fields[0]:
            case "fpr" if last is not None:
                last.fingerprint = last.fingerprint or fields[9]
            case "uid":
                last = _Signed(("10", "11", "12", "13"), fields)
                names.append(last)
            case "sub" | "ssb":
                last = _Signed(("18",), fields)
                subkeys.append(last)
            case "uat":
                last = None  # a picture; nothing hangs on what is signed of it
            case "sig" if last is not None and _is_own(fields, primary.fingerprint):
                last.take(fields)
    counting = [name for name in names if name.fields[1][:1] not in _ENDED]
    bound = [name.digests() for name in counting]
    # A name that gpg vouches for by no signature leaves nothing to judge the key by.
    digests = primary.digests().union(*bound) if bound and all(bound) else ()
    return ListedKey(
        primary.half(digests),
        tuple(subkey.half(subkey.digests()) for subkey in subkeys),
        name=next((name.fields[9] for name in (*counting, *names)), ""),
        secret=lines[0][0] == "sec",
    )


def _is_own(signature: list[str], fingerprint: str) -> bool:
    by, vouched = signature[12] or signature[4], signature[1] == _VOUCHED
    return vouched and bool(by) and fingerprint.endswith(by)


def _plain(part: bytes) -> str:
    """Return a field as text that a terminal can be shown."""
    raw = _ESCAPED.sub(lambda escaped: bytes([int(escaped[1], 16)]), part)
    return "".join(c if c.isprintable() else "?" for c in raw.decode(errors="replace"))
