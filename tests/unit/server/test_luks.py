"""Where the LUKS header of the disk below a folder is found, and how its keys are erased."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from server.errors import NotErased
from server.staff.emergency.disks import erase_header, luks_below

SEES_CRYPTSETUP = pytest.mark.skipif(
    shutil.which("cryptsetup", path="/usr/sbin:/sbin") is None, reason="there is no cryptsetup"
)


class Machine:
    """The block devices of a made-up machine, as sysfs shows them."""

    def __init__(self, sys: Path, place: Path) -> None:
        self.sys = sys
        self.mounts = sys / "mountinfo"
        self.mounts.parent.mkdir()
        self.mounts.write_text("")
        number = place.stat().st_dev
        self.number = f"{os.major(number)}:{os.minor(number)}"
        (sys / "dev/block").mkdir(parents=True)
        (sys / "class/block").mkdir(parents=True)

    def device(
        self, name: str, *, uuid: str = "", of: tuple[str, ...] = (), mapped: str = ""
    ) -> None:
        """Add one that is made of others; `mapped` is its name in /dev/mapper."""
        folder = self.sys / "devices" / name
        (folder / "slaves").mkdir(parents=True)
        (self.sys / "class/block" / name).symlink_to(folder)
        for each in of:
            (folder / "slaves" / each).symlink_to(self.sys / "devices" / each)
        if uuid:
            (folder / "dm").mkdir()
            (folder / "dm/uuid").write_text(f"{uuid}\n")
            (folder / "dm/name").write_text(f"{mapped or name}\n")

    def drop_lies_on(self, name: str) -> None:
        (self.sys / "dev/block" / self.number).symlink_to(self.sys / "devices" / name)

    def found(self, place: Path) -> list[str]:
        return luks_below(place, sys=self.sys, mounts=self.mounts)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "sys", tmp_path)


class TestFinding:
    def test_the_partition_that_was_opened_holds_the_header(
        self, machine: Machine, tmp_path: Path
    ) -> None:
        machine.device("sda2")
        machine.device("dm-0", uuid="CRYPT-LUKS2-0123-root", of=("sda2",))
        machine.drop_lies_on("dm-0")

        assert machine.found(tmp_path) == ["sda2"]

    def test_it_is_found_below_volumes(self, machine: Machine, tmp_path: Path) -> None:
        machine.device("nvme0n1p3")
        machine.device("dm-0", uuid="CRYPT-LUKS1-0123-pv", of=("nvme0n1p3",))
        machine.device("dm-1", uuid="LVM-abc", of=("dm-0",))
        machine.drop_lies_on("dm-1")

        assert machine.found(tmp_path) == ["nvme0n1p3"]

    def test_each_half_of_a_mirror_has_its_own(self, machine: Machine, tmp_path: Path) -> None:
        for number, disk in enumerate(("sda", "sdb")):
            machine.device(disk)
            machine.device(f"dm-{number}", uuid="CRYPT-LUKS2-x-y", of=(disk,))
        machine.device("md0", of=("dm-0", "dm-1"))
        machine.drop_lies_on("md0")

        assert machine.found(tmp_path) == ["sda", "sdb"]

    def test_a_container_in_a_container_has_two(self, machine: Machine, tmp_path: Path) -> None:
        machine.device("sda")
        machine.device("dm-0", uuid="CRYPT-LUKS2-outer", of=("sda",))
        machine.device("dm-1", uuid="CRYPT-LUKS2-inner", of=("dm-0",))
        machine.drop_lies_on("dm-1")

        assert machine.found(tmp_path) == ["dm-0", "sda"]

    def test_a_file_system_with_numbers_of_its_own_is_found_by_its_mount(
        self, machine: Machine, tmp_path: Path
    ) -> None:
        machine.device("sda3")
        machine.device("dm-0", uuid="CRYPT-LUKS2-x", of=("sda3",), mapped="drop")
        line = f"30 1 {machine.number} /@ / rw,relatime shared:1 - btrfs /dev/mapper/drop rw"
        machine.mounts.write_text(f"22 30 0:21 / /proc rw - proc proc rw\n{line}\n")

        assert machine.found(tmp_path) == ["sda3"]

    @pytest.mark.parametrize("uuid", ["", "CRYPT-PLAIN-x", "LVM-abc"])
    def test_a_disk_without_a_header_has_none(
        self, machine: Machine, tmp_path: Path, uuid: str
    ) -> None:
        machine.device("sda")
        machine.device("dm-0", uuid=uuid, of=("sda",))
        machine.drop_lies_on("dm-0")

        assert machine.found(tmp_path) == []

    def test_a_folder_on_no_disk_has_none(self, machine: Machine, tmp_path: Path) -> None:
        assert machine.found(tmp_path) == []


class TestErasing:
    @SEES_CRYPTSETUP
    def test_leaves_no_passphrase_that_opens_it(self, tmp_path: Path) -> None:
        image = tmp_path / "disk.img"
        with image.open("wb") as file:
            file.truncate(20_000_000)
        quick = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
        self.cryptsetup("luksFormat", "--batch-mode", *quick, image, "-")
        assert self.cryptsetup("open", "--test-passphrase", image, "-") == 0

        erase_header(image)

        assert self.cryptsetup("open", "--test-passphrase", image, "-") != 0

    @SEES_CRYPTSETUP
    def test_says_what_to_type_where_it_fails(self, tmp_path: Path) -> None:
        (tmp_path / "plain.img").write_bytes(bytes(4096))

        with pytest.raises(NotErased, match=r"cryptsetup luksErase .*plain\.img"):
            erase_header(tmp_path / "plain.img")

    def cryptsetup(self, *words: str | Path) -> int:
        command = ["/usr/sbin/cryptsetup", *words]
        return subprocess.run(command, input=b"words", capture_output=True).returncode
