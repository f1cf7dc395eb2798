"""What this Tapedrop wrote, and what there was before, opens; what a later one wrote is refused."""

import asyncio
import json
from pathlib import Path

import pytest
from drops import Drop, run_server

from crypto.errors import NewerVersion
from server.config import Config
from server.errors import NotFit
from server.staff.desks.desk import introduced
from server.staff.versions import RECEIPTS, known_receipts
from server.store import small
from server.store.memory import MemoryStore
from server.store.opening import open_store
from server.store.ours import known_store, ours_only

MARK = "salts/" + "0" * 32


def store_that_says(said: bytes) -> MemoryStore:
    store = MemoryStore()
    asyncio.run(store.put(MARK, small(said)))
    return store


class TestTheReceipts:
    def test_of_this_version_open(self, tmp_path: Path) -> None:
        (tmp_path / "version").write_bytes(RECEIPTS)

        known_receipts(tmp_path)

    def test_from_before_versions_were_written_down_open(self, tmp_path: Path) -> None:
        (tmp_path / "exported").write_bytes(bytes(48))

        known_receipts(tmp_path)

    def test_of_a_later_version_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "version").write_bytes(b"tapedrop receipts 2\n")

        with pytest.raises(NewerVersion, match=r"made by a later version.*tapedrop receipts 2"):
            known_receipts(tmp_path)

    @pytest.mark.parametrize("said", [b"", b"tapedrop receipts 0\n", b"1", bytes(100)])
    def test_that_say_no_version_are_refused(self, tmp_path: Path, said: bytes) -> None:
        (tmp_path / "version").write_bytes(said)

        with pytest.raises(NotFit, match="is spoilt"):
            known_receipts(tmp_path)


class TestTheStore:
    def test_of_this_version_opens(self) -> None:
        store = MemoryStore()
        asyncio.run(ours_only(store, bytes(32)))

        asyncio.run(known_store(store))

    def test_that_no_drop_has_marked_yet_opens(self) -> None:
        asyncio.run(known_store(MemoryStore()))

    def test_of_a_later_version_is_refused(self) -> None:
        with pytest.raises(NewerVersion, match=r"made by a later version.*tapedrop store 12"):
            asyncio.run(known_store(store_that_says(b"tapedrop store 12\n")))

    @pytest.mark.parametrize("said", [b"", b"tapedrop store\n", b"tapedrop store 1", bytes(9000)])
    def test_that_says_no_version_is_refused(self, said: bytes) -> None:
        with pytest.raises(NotFit, match="is spoilt"):
            asyncio.run(known_store(store_that_says(said)))

    def test_is_asked_before_anything_in_it_is_touched(self, tmp_path: Path) -> None:
        left = tmp_path / "store" / "anew" / "left-by-a-crash"
        left.parent.mkdir(parents=True)
        left.touch()
        mark = tmp_path / "store" / MARK
        mark.parent.mkdir()
        mark.write_bytes(b"tapedrop store 2\n")

        async def opened() -> None:
            async with open_store(tmp_path, Config()):
                pass

        with pytest.raises(NewerVersion):
            asyncio.run(opened())
        assert left.exists()


class TestADesk:
    @pytest.mark.parametrize("version", [3, 10])
    def test_of_a_later_version_is_refused(self, version: int) -> None:
        with pytest.raises(NewerVersion):
            introduced(json.dumps({"version": version, "kind": "anything"}).encode())


class TestADrop:
    def test_says_its_versions_from_the_beginning(self, drop: Drop) -> None:
        assert (drop.folder / "receipts" / "version").read_bytes() == RECEIPTS

    def test_of_a_later_version_is_refused_by_any_verb_with_a_sentence(self, drop: Drop) -> None:
        (drop.folder / "receipts" / "version").write_bytes(b"tapedrop receipts 2\n")

        done = run_server("sweep", "--config", drop.config, "--json")

        assert done.returncode == 3
        assert "made by a later version" in done.stderr
        assert "Traceback" not in done.stderr

    def test_that_was_there_before_versions_works_on(self, drop: Drop) -> None:
        (drop.folder / "receipts" / "version").unlink()

        done = run_server("sweep", "--config", drop.config, "--json")

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["failed"] == 0
