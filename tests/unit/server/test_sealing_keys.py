"""Each envelope is sealed to the keys of one moment: those of its beginning."""

import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from keyrings import Keyring, keyring

from crypto.errors import NoUsableKey
from crypto.gpg import Gpg
from crypto.manifest import Condition, Manifest, Source
from crypto.newsroom import add_keys
from server.newsroom import Keyring as DropKeyring
from server.sealing import Sealer
from server.staff.desks import roster
from server.staff.desks.desk import Desk

SIZE = 300_000
MANIFEST = Manifest(
    name="recording.bin",
    size=SIZE,
    condition=Condition.UNCLEANED,
    format="unknown",
    day="",
    source=Source(pseudonym="quiet otter", mailbox_id="00" * 16, reply_key="00" * 32),
    newsroom_digest="",
    recipients=0,
)


@pytest.fixture(scope="module")
def reporter() -> Iterator[Keyring]:
    with keyring() as made:
        made.new_key("reporter")
        yield made


@pytest.fixture
def home(tmp_path: Path, reporter: Keyring) -> Path:
    add_keys(Gpg(tmp_path), reporter.export(), now=datetime.now(UTC))
    return tmp_path


@pytest.fixture
def desks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Desks that have signed for somebody else only."""
    folder = tmp_path_factory.mktemp("desks")
    desk = Desk(1, "tapedrop desk 1", "one", "ab" * 32, ["A" * 40])
    roster.begin(folder, desk)
    (folder / "one.json").write_bytes(msgspec.json.encode(desk))
    return folder


def sealer(home: Path, desks: Path | None = None) -> Sealer:
    """Return the one of a drop that is paired with desks, or with none."""
    ring = DropKeyring(Gpg(home), desks)
    return Sealer(ring, at_once=1, limit_seconds=60, now=lambda: datetime.now(UTC))


def may_change(home: Path) -> bool:
    """Say whether a change of the keys would have to wait."""
    folder = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(folder)
    return True


class TestSealing:
    def test_no_key_changes_until_gpg_has_them_all_and_any_may_from_then_on(
        self, home: Path
    ) -> None:
        while_reading, while_writing = [], []

        def content() -> Iterator[bytes]:
            while_reading.append(may_change(home))
            yield bytes(SIZE)

        envelope = sealer(home).envelope(content(), MANIFEST)
        envelope(lambda _block: while_writing.append(may_change(home)))

        assert while_reading == [False]
        assert while_writing
        assert all(while_writing)
        assert may_change(home)

    def test_what_fails_leaves_the_keys_free(self, home: Path) -> None:
        def content() -> Iterator[bytes]:
            raise InterruptedError
            yield b""

        with pytest.raises(InterruptedError):
            sealer(home).envelope(content(), MANIFEST)(lambda _block: None)

        assert may_change(home)

    def test_nothing_is_sealed_to_a_key_that_no_desk_signed_for(
        self, home: Path, desks: Path
    ) -> None:
        with pytest.raises(NoUsableKey):
            sealer(home, desks).envelope(iter([bytes(SIZE)]), MANIFEST)(lambda _block: None)

    @pytest.mark.parametrize("spoilt", [b"", b"{}", b'{"version": 99}'])
    def test_nothing_is_sealed_when_the_desks_list_can_not_be_read(
        self, home: Path, desks: Path, spoilt: bytes
    ) -> None:
        (desks / "roster").write_bytes(spoilt)

        with pytest.raises(NoUsableKey):
            sealer(home, desks).envelope(iter([bytes(SIZE)]), MANIFEST)(lambda _block: None)
