"""The signed lists of a backup's snapshot."""

from contextlib import suppress
from datetime import date
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import NewerVersion
from intake.errors import BackupRefused
from intake.keeping.snapshot import (
    BAG_INFO,
    ENVELOPES,
    LISTED,
    LISTS,
    MANIFEST,
    SIGNATURE,
    TAGMANIFEST,
    Snapshot,
    lists,
    verified,
    words,
)
from intake.proving.custody import Head

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIGNER = KEY.public_key()
DIGEST = bytes(range(32))
SNAPSHOT = Snapshot(
    day=date(2026, 11, 21),
    desk="desk-5b0c91f2",
    head=Head(1207, DIGEST),
    files={"data/desk.toml": DIGEST, "data/bags/00ff/manifest-sha256.txt": DIGEST},
    envelopes=frozenset([DIGEST, bytes(32)]),
)


def signed(files: dict[str, bytes]) -> dict[str, bytes]:
    """Sign lists that say something else than ours would."""
    lines = [f"{sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(LISTED)]
    files[TAGMANIFEST] = "".join(lines).encode()
    signature = KEY.sign(b"tapedrop vault backup 1\x00" + files[TAGMANIFEST])
    return files | {SIGNATURE: signature.hex().encode() + b"\n"}


def with_line(name: str, line: str) -> dict[str, bytes]:
    files = lists(SNAPSHOT, KEY)
    files[name] += line.encode() + b"\n"
    return signed(files)


digests = st.binary(min_size=32, max_size=32)
names = st.from_regex(r"data(/[A-Za-z0-9][A-Za-z0-9._-]{0,9}){1,4}", fullmatch=True)


class TestLists:
    @given(
        day=st.dates(),
        head=st.integers(0, 10**17),
        files=st.dictionaries(names, digests, max_size=5),
        envelopes=st.frozensets(digests, max_size=5),
    )
    def test_come_back_as_they_were(
        self, day: date, head: int, files: dict[str, bytes], envelopes: frozenset[bytes]
    ) -> None:
        said = Snapshot(day, "desk", Head(head, DIGEST), files, envelopes)
        assert verified(lists(said, KEY), SIGNER) == said

    @given(st.sampled_from(LISTS), st.integers(0, 10_000), st.integers(1, 255))
    def test_with_any_byte_changed_are_refused(self, name: str, place: int, bits: int) -> None:
        files = lists(SNAPSHOT, KEY)
        changed = bytearray(files[name])
        changed[place % len(changed)] ^= bits
        files[name] = bytes(changed)
        try:
            assert verified(files, SIGNER) == SNAPSHOT  # a hex digit of the signature in capitals
            assert name == SIGNATURE
        except BackupRefused:
            pass

    @given(st.sampled_from([BAG_INFO, MANIFEST, ENVELOPES]), st.binary(max_size=200))
    def test_that_say_anything_at_all_are_read_or_refused(self, name: str, said: bytes) -> None:
        files = lists(SNAPSHOT, KEY)
        files[name] = said
        with suppress(BackupRefused, NewerVersion):
            verified(signed(files), SIGNER)

    def test_by_another_desks_key_are_refused(self) -> None:
        other = Ed25519PrivateKey.generate()
        with pytest.raises(BackupRefused, match="not signed by the desk"):
            verified(lists(SNAPSHOT, other), SIGNER)

    @pytest.mark.parametrize("name", LISTS)
    def test_of_which_one_is_missing_are_refused(self, name: str) -> None:
        files = lists(SNAPSHOT, KEY)
        del files[name]
        with pytest.raises(BackupRefused, match="missing"):
            verified(files, SIGNER)

    @pytest.mark.parametrize(
        "name",
        ["../desk.toml", "/etc/passwd", "data/../x", "data/.hidden", "data", "data//x", "data/a/",
         "evidence/x", "data/" + "a/" * 4 + "b"],
    )  # fmt: skip
    def test_never_name_what_lies_elsewhere(self, name: str) -> None:
        with pytest.raises(BackupRefused):
            verified(with_line(MANIFEST, f"{'00' * 32}  {name}"), SIGNER)

    def test_name_an_envelope_by_its_own_digest_only(self) -> None:
        line = f"{'11' * 32}  ../../evidence/{'22' * 32}.gpg"
        with pytest.raises(BackupRefused):
            verified(with_line(ENVELOPES, line), SIGNER)

    def test_of_a_later_version_are_told_from_damaged_ones(self) -> None:
        files = lists(SNAPSHOT, KEY)
        files[BAG_INFO] = files[BAG_INFO].replace(b"Backup: 1", b"Backup: 2")
        with pytest.raises(NewerVersion):
            verified(signed(files), SIGNER)

    def test_say_each_thing_once(self) -> None:
        with pytest.raises(BackupRefused):
            verified(with_line(BAG_INFO, "Tapedrop-Desk: another"), SIGNER)


class TestWords:
    def test_are_eight_and_of_the_key_alone(self) -> None:
        assert len(words(SIGNER).split()) == 8
        assert words(SIGNER) != words(Ed25519PrivateKey.generate().public_key())
