"""However often an import breaks off, and whatever it leaves: all of the envelope, or nothing."""

import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.arriving import parts
from intake.arriving.evidence import Evidence
from intake.errors import NotWhatWasSigned, Unreadable

breaks = st.lists(st.integers(0, 400), max_size=4)
"""After how many bytes each import breaks off."""
junk = st.binary(max_size=60)


class Stick:
    """A stick with one envelope, read in small blocks; each break ends one import."""

    def __init__(self, held: bytes, breaks: list[int]) -> None:
        self.held = held
        self.breaks = breaks
        self.read = 0

    def blocks_from(self, start: int) -> Iterator[memoryview]:
        left = self.breaks.pop(0) if self.breaks else None
        for place in range(start, len(self.held), 32):
            block = self.held[place : place + 32]
            if left is not None and left < len(block):
                raise Unreadable("x.gpg")
            left = left - len(block) if left is not None else None
            self.read += len(block)
            yield memoryview(block)


def imported(evidence: Evidence, stick: Stick, digest: bytes) -> None:
    """Import until it doesn't break off."""
    while True:
        try:
            return evidence.keep(digest, stick.blocks_from, untrusted_name="x.gpg")
        except Unreadable:
            continue


@given(st.binary(min_size=1, max_size=400), junk, breaks)
def test_it_is_whole_in_the_end(held: bytes, left: bytes, breaks: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        evidence, digest = Evidence(Path(name)), sha256(held).digest()
        (Path(name) / f"{digest.hex()}.part").write_bytes(left)
        imported(evidence, Stick(held, breaks), digest)
        assert [path.read_bytes() for path in Path(name).iterdir()] == [held]
        assert evidence.digests() == {digest}


@given(st.binary(min_size=1, max_size=400), junk, breaks)
def test_or_nothing_where_the_stick_has_something_else(
    held: bytes, left: bytes, breaks: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        evidence, digest = Evidence(Path(name)), sha256(held + b"!").digest()
        (Path(name) / f"{digest.hex()}.part").write_bytes(left)
        with pytest.raises(NotWhatWasSigned):
            imported(evidence, Stick(held, breaks), digest)
        assert list(Path(name).iterdir()) == []


@given(st.binary(min_size=64, max_size=400), st.integers(1, 64))
def test_what_is_here_is_not_read_from_the_stick_again(held: bytes, kept: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        evidence, digest = Evidence(Path(name)), sha256(held).digest()
        (Path(name) / f"{digest.hex()}.part").write_bytes(held[:kept])
        stick, heard = Stick(held, []), []
        evidence.keep(digest, stick.blocks_from, untrusted_name="x.gpg", told=heard.append)
        assert stick.read == len(held) - kept
        assert sum(heard) == len(held)


def test_it_is_synced_now_and_then_while_it_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(parts, "SYNCED_EACH", 100)
    monkeypatch.setattr(parts, "_synced", synced.append)
    held = bytes(1000)
    evidence = Evidence(tmp_path)
    evidence.keep(sha256(held).digest(), Stick(held, []).blocks_from, untrusted_name="x.gpg")
    assert len(synced) == 8  # each time that another 100 bytes are there, by blocks of 32
