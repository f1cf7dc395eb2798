"""Whoever can write the keyring file, but has no newsroom key, makes nobody a reader by it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from keyrings import LONG_AGO, keyring

from crypto.gpg import Gpg
from crypto.newsroom import read_newsroom

NOW = datetime.now(UTC)
SIGNATURE, SUBKEY, TRUST = 2, 14, 12
_VOUCHED = b"\x00\x03"
"""What gpg notes in a keyring behind a signature that it has found to be good."""


def packets(exported: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of what gpg exports: old headers, of one or two bytes' length."""
    while exported:
        kind, width = exported[0] >> 2 & 15, 1 << (exported[0] & 3)
        end = 1 + width + int.from_bytes(exported[1 : 1 + width])
        yield kind, exported[1 + width : end]
        exported = exported[end:]


def packet(kind: int, content: bytes) -> bytes:
    return bytes([0x81 | kind << 2]) + len(content).to_bytes(2) + content


def with_forged_subkey(key: bytes, other: bytes, issuers: tuple[bytes, bytes]) -> bytes:
    """Return a keyring: `key`, and the other's subkey, as if the key had signed for it.

    Behind every signature stands that gpg has looked at it, as in a keyring that was used.
    """
    theirs = list(packets(other))
    subkey = next(place for place, (kind, _) in enumerate(theirs) if kind == SUBKEY)
    (_, content), (_, signature) = theirs[subkey : subkey + 2]
    own, others = issuers
    signature = signature.replace(others, own).replace(others[-8:], own[-8:])
    written = b""
    for kind, what in (*packets(key), (SUBKEY, content), (SIGNATURE, signature)):
        written += packet(kind, what)
        written += packet(TRUST, _VOUCHED) if kind == SIGNATURE else b""
    return written


def test_no_subkey_is_sealed_to_that_the_key_has_not_signed_whatever_is_noted_of_it(
    tmp_path: Path,
) -> None:
    with keyring() as reporter, keyring() as forger:
        key = reporter.new_key("reporter", "ed25519", "cert", at=LONG_AGO)
        subkey = reporter.new_subkey(key, at=LONG_AGO)
        other = forger.new_key("forger", "ed25519", "cert")
        forger.new_subkey(other)
        issuers = (bytes.fromhex(key), bytes.fromhex(other))
        forged = with_forged_subkey(reporter.export(), forger.export(), issuers)
    (tmp_path / "pubring.gpg").write_bytes(forged)

    newsroom = read_newsroom(Gpg(tmp_path), now=NOW)

    assert newsroom.fingerprints == (key,)
    assert newsroom.recipients() == (subkey,)
