"""How much room the disks have, as far as they tell."""

import os
from pathlib import Path

from server.room import room_of


class TestRoom:
    def test_is_what_is_free_for_the_drop_and_whether_it_is_one_disk(self, tmp_path: Path) -> None:
        spool, store = tmp_path / "spool", tmp_path / "store"
        spool.mkdir()
        store.mkdir()

        room = room_of(spool, store)

        facts = os.statvfs(tmp_path)
        assert room.shared
        assert room.spool is not None
        assert 0 < room.spool <= facts.f_blocks * facts.f_frsize

    def test_of_a_disk_of_their_own_is_that_of_recordings(self, tmp_path: Path) -> None:
        (tmp_path / "store").mkdir()
        (tmp_path / "store/drops").symlink_to("/dev/shm")
        facts = os.statvfs("/dev/shm")

        room = room_of(tmp_path, tmp_path / "store")

        assert not room.shared
        assert room.store is not None
        assert 0 <= room.store <= facts.f_blocks * facts.f_frsize

    def test_of_a_store_elsewhere_nobody_knows(self, tmp_path: Path) -> None:
        assert room_of(tmp_path, None).store is None
        assert not room_of(tmp_path, None).shared

    def test_of_a_folder_that_is_gone_nobody_knows(self, tmp_path: Path) -> None:
        gone = tmp_path / "gone"

        assert room_of(gone, gone).spool is None
