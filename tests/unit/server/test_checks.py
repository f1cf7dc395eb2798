"""What `check` looks at: each thing in order, and each thing that isn't, with what to do."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from drops import Drop, Serving
from socks_here import Socks

from server.config import Config, read_config
from server.running import LOCK, lock
from server.staff.checks import (
    Answer,
    Answers,
    Ground,
    Verdict,
    clock_is_kept,
    disks,
    keys,
    machine,
    ownership,
    reach,
    settings,
)
from server.staff.checks.every import EVERY, every_check, store
from server.staff.checks.kernel import kernel
from server.staff.checks.service import _process, service
from server.staff.days import keep_last_sweep
from server.store.local import LocalStore
from server.store.ours import ours_only

NOW = datetime.now(UTC)
EXT4 = "25 1 7777:0 / / rw - ext4 /dev/vda rw\n"
ENCRYPTED = {"sys/dev/block/7777:0/dm/uuid": "CRYPT-LUKS2-0123-root\n"}
QUIET = {
    "proc/sys/debug/exception-trace": "0\n",
    "proc/sys/kernel/print-fatal-signals": "0\n",
    "proc/sys/fs/suid_dumpable": "0\n",
    "proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/mapper/vg-root ro quiet init_on_free=1\n",
}


@pytest.fixture
def ground(drop: Drop, tmp_path: Path) -> Ground:
    """A drop that is in order, on a machine that is: nothing of either is running."""
    (drop.folder / "staff").mkdir(mode=0o700, exist_ok=True)
    files = QUIET | {
        "proc/swaps": "Filename Type Size Used Priority\n",
        "proc/self/mountinfo": EXT4,
    }
    ground = Ground(drop.folder, Config(), NOW, tmp_path / "machine", lambda: True)
    return on(ground, files | ENCRYPTED | {"proc/sys/kernel/core_pattern": "core\n"})


def on(ground: Ground, files: dict[str, str]) -> Ground:
    """Return the same, on a machine whose kernel says these things besides."""
    for name, said in files.items():
        path = ground.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(said)
    return ground


def with_settings(ground: Ground, written: str) -> Ground:
    path = ground.folder / "tapedrop.toml"
    path.write_text(written)
    return replace(ground, config=read_config(path))


@contextmanager
def closing_lock(folder: Path) -> Iterator[None]:
    """Be the one that serves a folder."""
    descriptor = lock(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def is_well(answers: Answers) -> bool:
    found = list(answers)
    assert found
    return all(each.verdict is Verdict.OK and each.says and not each.todo for each in found)


def wrong(answers: Answers) -> Answer:
    """Return the one answer that isn't well; it says what to do."""
    (found,) = [each for each in answers if each.verdict is not Verdict.OK]
    assert found.todo
    return found


def fails(answers: Answers, says: str) -> bool:
    found = wrong(answers)
    return found.verdict is Verdict.FAIL and says in found.says


def wants_a_look(answers: Answers, says: str) -> bool:
    found = wrong(answers)
    return found.verdict is Verdict.LOOK and says in found.says


class TestPermissions:
    def test_a_drop_as_init_makes_it_is_in_order(self, ground: Ground) -> None:
        assert is_well(ownership.permissions(ground))

    def test_tor_s_user_may_pass_through_the_folder(self, ground: Ground) -> None:
        ground.folder.chmod(0o710)

        assert is_well(ownership.permissions(ground))

    @pytest.mark.parametrize("mode", [0o711, 0o750, 0o755])
    def test_nobody_else_may_look_into_it(self, ground: Ground, mode: int) -> None:
        ground.folder.chmod(mode)

        assert fails(ownership.permissions(ground), "others can look into")

    @pytest.mark.parametrize(
        "folder", ["store", "spool", "desks", "receipts", "newsroom", "staff", "credentials"]
    )
    def test_no_folder_may_be_entered(self, ground: Ground, folder: str) -> None:
        (ground.folder / folder).chmod(0o750)

        found = wrong(ownership.permissions(ground))

        assert found == Answer(
            Verdict.FAIL,
            f"others can enter {ground.folder / folder}",
            f"chmod 700 {ground.folder / folder}",
        )

    @pytest.mark.parametrize(
        "file",
        ["credentials/salt", "credentials/export.key", "credentials/canary", "receipts/version"],
    )
    def test_no_secret_may_be_read(self, ground: Ground, file: str) -> None:
        (ground.folder / file).chmod(0o640)

        assert fails(ownership.permissions(ground), f"others can read {ground.folder / file}")

    def test_nobody_else_may_change_the_settings(self, ground: Ground) -> None:
        (ground.folder / "tapedrop.toml").chmod(0o644)
        assert is_well(ownership.permissions(ground))
        (ground.folder / "tapedrop.toml").chmod(0o620)
        assert fails(ownership.permissions(ground), "others can change")

    def test_a_secret_that_lies_elsewhere_is_looked_at_too(
        self, ground: Ground, tmp_path: Path
    ) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(mode=0o700)
        (elsewhere / "salt").write_bytes(bytes(32))
        (elsewhere / "salt").chmod(0o644)
        ground = with_settings(ground, f'[credentials]\nsalt = "{elsewhere}/salt"\n')

        assert fails(ownership.permissions(ground), f"others can read {elsewhere}/salt")


class TestOwner:
    def test_everything_is_one_user_s(self, ground: Ground) -> None:
        if os.geteuid():
            assert is_well(ownership.owner(ground))
        else:
            assert wants_a_look(ownership.owner(ground), "the drop belongs to root")

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_what_root_left_behind_is_named(self, ground: Ground) -> None:
        (ground.folder / "receipts" / "swept").touch(mode=0o600)
        for place in (ground.folder, *ground.folder.rglob("*")):
            os.chown(place, 12345, 12345)
        os.chown(ground.folder / "receipts" / "swept", 0, 0)

        answers = list(ownership.owner(ground))

        assert [each.verdict for each in answers] == [Verdict.FAIL] * 2
        assert answers[0].says == "the drop belongs to user 12345, and you are root"
        assert answers[1].todo == f"chown user 12345 {ground.folder}/receipts/swept"


class TestSwap:
    LINE = "/dev/{} partition 1000 0 -2\n"

    def with_swap(self, ground: Ground, line: str, **files: str) -> Answers:
        said = {name.replace("__", "/"): text for name, text in files.items()}
        return machine.swap(on(ground, {"proc/swaps": f"Filename Type Size\n{line}"} | said))

    def test_none_is_in_order(self, ground: Ground) -> None:
        assert is_well(machine.swap(ground))

    def test_a_plain_partition_fails(self, ground: Ground) -> None:
        answers = self.with_swap(ground, self.LINE.format("sda2"))

        assert fails(answers, "/dev/sda2 is swap, and not encrypted")

    def test_an_encrypted_one_is_in_order(self, ground: Ground) -> None:
        on(ground, {"sys/class/block/dm-0/dm/uuid": "CRYPT-PLAIN-swap\n"})

        assert is_well(self.with_swap(ground, self.LINE.format("dm-0")))

    def test_lvm_is_as_encrypted_as_what_lies_beneath_it(self, ground: Ground) -> None:
        on(ground, {"sys/class/block/dm-1/dm/uuid": "LVM-abc\n"})
        slave = "sys/class/block/dm-1/slaves"
        (ground.root / slave / "dm-0").mkdir(parents=True)
        line = self.LINE.format("dm-1")

        assert fails(self.with_swap(ground, line), "not encrypted")
        on(ground, {"sys/class/block/dm-0/dm/uuid": "CRYPT-LUKS2-x\n"})
        assert is_well(self.with_swap(ground, line))
        (ground.root / slave / "sda3").mkdir()
        assert fails(self.with_swap(ground, line), "not encrypted")

    def test_compressed_memory_is_in_order_unless_it_goes_to_a_disk(self, ground: Ground) -> None:
        line = self.LINE.format("zram0")

        assert is_well(self.with_swap(ground, line))
        on(ground, {"sys/block/zram0/backing_dev": "/dev/sda3\n"})
        assert fails(self.with_swap(ground, line), "not encrypted")

    def test_a_file_is_as_encrypted_as_its_disk(self, ground: Ground, tmp_path: Path) -> None:
        file = tmp_path / "swapfile"
        file.touch()
        number = file.stat().st_dev
        line = f"{file} file 1000 0 -2\n"

        assert fails(self.with_swap(ground, line), "not encrypted")
        disk = f"sys/dev/block/{os.major(number)}:{os.minor(number)}/dm/uuid"
        on(ground, {disk: "CRYPT-LUKS2-x\n"})
        assert is_well(self.with_swap(ground, line))


class TestCoreDumps:
    def test_a_limit_of_nothing_is_in_order(
        self, ground: Ground, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _what: (0, 0))

        assert is_well(machine.cores(ground))

    def test_a_limit_that_leaves_room_wants_a_look(
        self, ground: Ground, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _what: (-1, -1))

        assert wants_a_look(machine.cores(ground), "core dumps are on")

    def test_a_program_that_takes_them_wants_a_look_whatever_the_limit(
        self, ground: Ground
    ) -> None:
        on(ground, {"proc/sys/kernel/core_pattern": "|/usr/share/apport/apport %p %s\n"})

        assert wants_a_look(machine.cores(ground), "handed to /usr/share/apport/apport")


class TestTheKernel:
    def test_one_that_says_nothing_and_wipes_is_in_order(self, ground: Ground) -> None:
        assert is_well(kernel(ground))

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("debug/exception-trace", "1"),
            ("kernel/print-fatal-signals", "1"),
            ("fs/suid_dumpable", "2"),
        ],
    )
    def test_one_that_logs_what_crashes_wants_a_look(
        self, ground: Ground, name: str, said: str
    ) -> None:
        on(ground, {f"proc/sys/{name}": f"{said}\n"})

        answers = list(kernel(ground))

        assert wants_a_look(iter(answers), f"{name.replace('/', '.')} is {said}")
        assert f"sysctl {name.replace('/', '.')}=0" in answers[0].todo

    @pytest.mark.parametrize(
        ("started_with", "built_with", "wipes"),
        [
            ("quiet", "", False),
            ("quiet init_on_free=on", "", True),
            ("init_on_free=1 init_on_free=0", "", False),
            ("init_on_free=0", "CONFIG_INIT_ON_FREE_DEFAULT_ON=y", False),
            ("quiet", "CONFIG_INIT_ON_FREE_DEFAULT_ON=y", True),
            ("quiet", "# CONFIG_INIT_ON_FREE_DEFAULT_ON is not set", False),
            ("init_on_free_not=1", "", False),
        ],
    )
    def test_wipes_as_it_was_told_last(
        self, ground: Ground, started_with: str, built_with: str, *, wipes: bool
    ) -> None:
        config = f"boot/config-{os.uname().release}"
        on(ground, {"proc/cmdline": f"{started_with}\n", config: f"{built_with}\n"})

        if wipes:
            assert is_well(kernel(ground))
        else:
            assert wants_a_look(kernel(ground), "not seen to be wiped")


class TestTheService:
    FENCED = {  # noqa: RUF012
        "status": "Name:\tpython3\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t9\n",
        "cgroup": "0::/system.slice/tapedrop.service\n",
        "net/dev": "Inter-|   Receive\n face |bytes\n    lo:       0       0\n",
    }

    @pytest.fixture
    def running(self, ground: Ground) -> Iterator[Ground]:
        """A drop that process 77 seems to serve, in the unit."""
        with closing_lock(ground.folder):
            facts = (ground.folder / LOCK).stat()
            device = f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}"
            lines = "1: POSIX  ADVISORY  WRITE 76 fe:00:1 0 EOF\n"
            lines += f"2: FLOCK  ADVISORY  WRITE 77 {device}:{facts.st_ino} 0 EOF\n"
            on(ground, {"proc/locks": lines})
            yield on(ground, {f"proc/77/{name}": said for name, said in self.FENCED.items()})

    def test_that_has_its_fences_is_in_order(self, running: Ground) -> None:
        assert is_well(service(running))

    @pytest.mark.parametrize(
        ("name", "said", "missing"),
        [
            ("cgroup", "0::/user.slice/session-1.scope\n", "does not run as tapedrop.service"),
            ("status", "NoNewPrivs:\t0\nSeccomp:\t2\n", "could gain rights"),
            ("status", "NoNewPrivs:\t1\nSeccomp:\t0\n", "may make any system call"),
            ("net/dev", FENCED["net/dev"] + "  eth0:       0\n", "has a network: eth0"),
            ("net/dev", "", "which network the drop has can't be seen"),
        ],
    )
    def test_that_lacks_one_wants_a_look(
        self, running: Ground, name: str, said: str, missing: str
    ) -> None:
        on(running, {f"proc/77/{name}": said})

        assert wants_a_look(service(running), missing)

    def test_may_have_a_network_where_the_store_is_a_bucket(self, running: Ground) -> None:
        on(running, {"proc/77/net/dev": self.FENCED["net/dev"] + "  eth0:       0\n"})
        bucket = '[store]\nengine = "s3"\nendpoint = "http://127.0.0.1:1"\nbucket = "bucket"\n'

        assert is_well(service(with_settings(running, bucket)))

    def test_of_a_process_that_the_kernel_hides_wants_a_look(self, running: Ground) -> None:
        on(running, {"proc/locks": ""})

        assert wants_a_look(service(running), "can't be seen")

    def test_of_a_drop_that_is_not_running_is_in_order(self, ground: Ground) -> None:
        assert is_well(service(ground))

    def test_is_looked_for_by_the_process_that_really_serves(self, serving: Serving) -> None:
        ground = Ground(serving.drop.folder, Config(), NOW)

        assert _process(ground) == str(serving.process.pid)
        assert wants_a_look(service(ground), "does not run as tapedrop.service")


class TestTheClock:
    def test_one_that_something_sets_is_in_order(self, ground: Ground) -> None:
        keep_last_sweep(ground.folder / "receipts", NOW.date())

        assert is_well(machine.clock(ground))

    @pytest.mark.parametrize("kept", [False, None])
    def test_one_that_nothing_is_seen_to_set_wants_a_look(
        self, ground: Ground, kept: bool | None
    ) -> None:
        ground = replace(ground, clock_is_kept=lambda: kept)

        assert wants_a_look(machine.clock(ground), "nothing is seen to set")

    def test_one_far_behind_the_last_sweep_fails(self, ground: Ground) -> None:
        keep_last_sweep(ground.folder / "receipts", NOW.date() + timedelta(days=90))

        assert fails(machine.clock(ground), "but the store was swept on")

    def test_the_kernel_is_asked_without_being_told_anything(self) -> None:
        before = clock_is_kept()
        if before is None:
            pytest.skip("adjtimex can't be asked here")

        assert clock_is_kept() is before


class TestTheDisk:
    def test_one_with_room_is_in_order(self, ground: Ground) -> None:
        floors = "spool_floor_bytes = 1\nstore_floor_bytes = 1\nreserved_room_bytes = 0"
        ground = with_settings(ground, f"[limits]\nmax_visit_bytes = 1\n[admission]\n{floors}\n")

        assert is_well(disks.disk(ground))

    def test_one_below_its_floor_fails(self, ground: Ground) -> None:
        ground = with_settings(ground, f"[admission]\nspool_floor_bytes = {2**60}\n")

        assert "no room for the spool" in [
            each.says.partition(":")[0]
            for each in disks.disk(ground)
            if each.verdict is Verdict.FAIL
        ]

    def test_one_that_the_largest_form_does_not_fit_wants_a_look(self, ground: Ground) -> None:
        largest = f"max_visit_bytes = {2**59}"
        more = f"max_bytes = {2**61}\nmax_bytes_per_circuit = {2**61}"
        ground = with_settings(ground, f"[limits]\n{largest}\n[admission]\n{more}\n")

        assert {each.verdict for each in disks.disk(ground)} == {Verdict.LOOK}


class TestTheFileSystem:
    def mounted(self, ground: Ground, kind: str, *, at: str = "store") -> Answers:
        line = f"99 25 7777:0 / {ground.folder / at} rw - {kind} none rw\n"
        return disks.file_systems(on(ground, {"proc/self/mountinfo": EXT4 + line}))

    def test_ext4_on_an_encrypted_disk_is_in_order(self, ground: Ground) -> None:
        assert is_well(disks.file_systems(ground))

    def test_a_store_in_memory_fails(self, ground: Ground) -> None:
        assert fails(self.mounted(ground, "tmpfs"), "the store lies in memory")

    def test_a_spool_in_memory_wants_a_look(self, ground: Ground) -> None:
        answers = self.mounted(ground, "tmpfs", at="spool")

        assert wants_a_look(answers, "the spool lies in memory")

    def test_one_that_can_keep_snapshots_wants_a_look(self, ground: Ground) -> None:
        assert wants_a_look(self.mounted(ground, "btrfs"), "btrfs can keep snapshots")

    def test_snapshots_that_can_be_seen_are_named(self, ground: Ground) -> None:
        (ground.folder / "store" / ".snapshots").mkdir()

        assert wants_a_look(self.mounted(ground, "btrfs"), f"{ground.folder}/store/.snapshots")

    def test_one_that_may_not_know_how_to_trade_names_wants_a_look(self, ground: Ground) -> None:
        assert wants_a_look(self.mounted(ground, "nfs4"), "nfs4 may not know")

    def test_a_disk_that_is_not_encrypted_fails(self, ground: Ground) -> None:
        (ground.root / "sys/dev/block/7777:0/dm/uuid").unlink()

        answers = disks.file_systems(ground)

        says = "not seen to be encrypted that holds the drop's folder, the spool and the store"
        assert fails(answers, says)

    @pytest.mark.parametrize("place", ["spool", "store"])
    def test_one_place_on_a_disk_of_its_own_that_is_not_fails(
        self, ground: Ground, place: str
    ) -> None:
        line = f"99 25 8888:0 / {ground.folder / place} rw - ext4 /dev/vdb rw\n"
        on(ground, {"proc/self/mountinfo": EXT4 + line})

        assert fails(disks.file_systems(ground), f"encrypted that holds the {place}")

    def test_the_folder_of_a_drop_with_a_bucket_fails_too(self, ground: Ground) -> None:
        bucket = '[store]\nengine = "s3"\nendpoint = "http://127.0.0.1:1"\nbucket = "bucket"\n'
        ground = with_settings(ground, bucket)
        assert is_well(disks.file_systems(ground))
        (ground.root / "sys/dev/block/7777:0/dm/uuid").unlink()
        says = "not seen to be encrypted that holds the drop's folder and the spool"
        assert fails(disks.file_systems(ground), says)

    def test_luks_is_seen_beneath_a_file_system_with_a_number_of_its_own(
        self, ground: Ground
    ) -> None:
        on(ground, {"proc/self/mountinfo": "25 1 0:30 /@ / rw - btrfs /dev/mapper/sda3 rw\n"})
        assert [each.verdict for each in disks.file_systems(ground)] == [
            Verdict.LOOK,
            Verdict.FAIL,
        ]
        on(ground, {"sys/class/block/dm-3/dm/uuid": "CRYPT-LUKS2-x\n"})
        (ground.root / "dev/mapper").mkdir(parents=True)
        (ground.root / "dev/mapper/sda3").symlink_to("../dm-3")
        assert wants_a_look(disks.file_systems(ground), "btrfs can keep snapshots")

    def test_a_kernel_that_says_nothing_wants_a_look(self, ground: Ground) -> None:
        on(ground, {"proc/self/mountinfo": ""})

        assert wants_a_look(disks.file_systems(ground), "the kernel does not tell what holds")

    def test_what_is_mounted_last_counts(self, ground: Ground) -> None:
        place = ground.folder / "store"
        lines = [f"98 25 7777:0 / {place} rw - {kind} none rw\n" for kind in ("tmpfs", "ext4")]
        on(ground, {"proc/self/mountinfo": EXT4 + "".join(lines)})

        assert is_well(disks.file_systems(ground))

    def test_a_name_with_a_space_is_read_as_the_kernel_writes_it(
        self, ground: Ground, tmp_path: Path
    ) -> None:
        place = tmp_path / "a disk"
        place.mkdir()
        written = str(place).replace(" ", "\\040")
        line = f"99 25 7777:0 / {written} rw - tmpfs none rw\n"
        on(ground, {"proc/self/mountinfo": EXT4 + line})
        ground = with_settings(ground, f'[places]\nstore = "{place}"\n')

        assert fails(disks.file_systems(ground), "the store lies in memory")


class TestKeys:
    def test_a_new_gpg_is_in_order_and_an_old_one_fails(
        self, ground: Ground, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert is_well(keys.gpg(ground))
        monkeypatch.setattr(keys, "_OLDEST_GPG", (99,))
        assert fails(keys.gpg(ground), "gpg is 2.")

    def test_a_key_that_is_good_for_a_year_is_in_order(self, ground: Ground) -> None:
        assert is_well(keys.newsroom(ground))

    @pytest.mark.parametrize("left", [1, 60])
    def test_one_that_ends_within_sixty_days_wants_a_look(self, ground: Ground, left: int) -> None:
        (key,) = keys.newsroom_at(ground).keys
        assert key.expires is not None
        then = datetime.fromtimestamp(key.expires, UTC) - timedelta(days=left)

        answers = keys.newsroom(replace(ground, now=then))

        assert wants_a_look(answers, f"ends in {left} days")

    def test_one_that_ends_in_sixty_one_days_is_in_order(self, ground: Ground) -> None:
        (key,) = keys.newsroom_at(ground).keys
        assert key.expires is not None
        then = datetime.fromtimestamp(key.expires, UTC) - timedelta(days=61)

        assert is_well(keys.newsroom(replace(ground, now=then)))

    def test_one_that_has_ended_fails(self, ground: Ground) -> None:
        answers = keys.newsroom(replace(ground, now=NOW + timedelta(days=400)))

        assert fails(answers, "expired")

    def test_a_newsroom_without_keys_fails(self, ground: Ground) -> None:
        for file in (ground.folder / "newsroom").glob("pubring*"):
            file.write_bytes(b"")

        assert fails(keys.newsroom(ground), "the newsroom has no key")

    def test_staff_without_keys_want_a_look_and_with_them_are_in_order(
        self, ground: Ground
    ) -> None:
        assert wants_a_look(keys.staff(ground), "there is no staff key")
        for file in (ground.folder / "newsroom").iterdir():
            (ground.folder / "staff" / file.name).write_bytes(file.read_bytes())
        assert is_well(keys.staff(ground))

    @pytest.mark.parametrize("ring", ["newsroom", "staff"])
    def test_a_secret_key_in_any_keyring_fails(self, ground: Ground, ring: str) -> None:
        assert is_well(keys.secret_keys(ground))
        folder = ground.folder / ring / "private-keys-v1.d"
        folder.mkdir()
        (folder / "0123.key").touch()
        assert fails(keys.secret_keys(ground), f"{ground.folder / ring} holds a secret key")

    @pytest.mark.parametrize("secret", ["salt", "export.key"])
    def test_a_secret_that_is_gone_fails(self, ground: Ground, secret: str) -> None:
        assert is_well(keys.secrets(ground))
        (ground.folder / "credentials" / secret).unlink()
        assert fails(keys.secrets(ground), f"credentials/{secret}")


class TestTheConfiguration:
    def test_as_it_is_made_is_in_order(self, ground: Ground) -> None:
        assert is_well(settings.settings(ground))
        assert is_well(settings.folders(ground))

    @pytest.mark.parametrize(
        ("written", "says"),
        [
            ('[listen]\ntcp = "127.0.0.1:8080"', "listen.tcp"),
            ('[newsroom]\nfindings = "values"', "newsroom.findings"),
            ("[keeping]\nsweep_nightly = false", "keeping.sweep_nightly"),
            ("[admission]\nspool_floor_bytes = 0", "until the disk is full"),
            ("[work]\nreading_idle_minutes = 16", "work.reading_idle_minutes"),
            ("[work]\nsession_idle_minutes = 181", "work.session_idle_minutes"),
        ],
    )
    def test_what_weakens_it_wants_a_look(self, ground: Ground, written: str, says: str) -> None:
        assert wants_a_look(settings.settings(with_settings(ground, written)), says)

    def test_a_timer_may_sweep_in_the_drop_s_place_as_long_as_it_does(self, ground: Ground) -> None:
        ground = with_settings(ground, "[keeping]\nsweep_nightly = false")
        timer = ground.root / "etc/systemd/system/tapedrop.target.wants/tapedrop-sweep.timer"
        timer.parent.mkdir(parents=True)
        timer.symlink_to("/lib/systemd/system/tapedrop-sweep.timer")
        assert is_well(settings.settings(ground))
        keep_last_sweep(ground.folder / "receipts", NOW.date() - timedelta(days=2))
        assert is_well(settings.settings(ground))
        keep_last_sweep(ground.folder / "receipts", NOW.date() - timedelta(days=3))
        assert wants_a_look(settings.settings(ground), "nobody has swept the store lately")

    def test_scrubbing_without_a_sandbox_fails(self, ground: Ground) -> None:
        ground = with_settings(ground, "[work]\nunfenced_scrubbing = true")

        assert fails(settings.settings(ground), "work.unfenced_scrubbing")
        assert fails(machine.sandbox(ground), "without a sandbox")

    @pytest.mark.parametrize("folder", ["store", "spool", "newsroom"])
    def test_a_folder_that_is_gone_fails(self, ground: Ground, folder: str) -> None:
        (ground.folder / folder).rename(ground.folder / "elsewhere")

        assert fails(settings.folders(ground), f"{ground.folder / folder} is missing")

    def test_a_logo_that_is_gone_fails(self, ground: Ground) -> None:
        ground = with_settings(ground, '[newsroom]\nlogo = "logo.png"')

        assert fails(settings.folders(ground), "can't read the logo")

    def test_a_command_for_alerts_that_is_there_is_in_order(self, ground: Ground) -> None:
        assert wants_a_look(settings.alerts(ground), "nobody is alerted")
        ground = with_settings(ground, '[staff]\nalert_command = ["/bin/cat", "-u"]')
        assert is_well(settings.alerts(ground))

    def test_one_that_is_looked_for_in_path_wants_a_look(self, ground: Ground) -> None:
        ground = with_settings(ground, '[staff]\nalert_command = ["cat"]')

        assert wants_a_look(settings.alerts(ground), "cat is looked for, and may be another")

    def test_one_that_is_not_there_or_can_t_be_run_fails(self, ground: Ground) -> None:
        for name in ("/nowhere/send", str(ground.folder / "tapedrop.toml")):
            ground = with_settings(ground, f'[staff]\nalert_command = ["{name}"]')

            assert fails(settings.alerts(ground), "is not there, or can't be run")

    def test_one_beside_the_drop_is_looked_for_there(self, ground: Ground) -> None:
        (ground.folder / "send").write_text("#!/bin/sh\n")
        ground = with_settings(ground, '[staff]\nalert_command = ["./send"]')

        assert fails(settings.alerts(ground), "can't be run")
        (ground.folder / "send").chmod(0o700)
        assert wants_a_look(settings.alerts(ground), "./send is looked for")

    def test_one_that_others_can_change_fails(self, ground: Ground, tmp_path: Path) -> None:
        command = tmp_path / "send"
        command.touch()
        command.chmod(0o722)
        ground = with_settings(ground, f'[staff]\nalert_command = ["{command}"]')

        assert fails(settings.alerts(ground), f"others can change {command}")

    def test_one_that_the_unit_could_not_run_fails(self, ground: Ground) -> None:
        command = ground.folder / "send"
        command.touch(0o700)
        ground = with_settings(ground, f'[staff]\nalert_command = ["{command}"]')
        unit = "lib/systemd/system/tapedrop-mail.service"

        of_another = on(ground, {unit: "ExecStart=x mail --config /srv/other/tapedrop.toml\n"})
        assert is_well(settings.alerts(of_another))
        ours = on(ground, {unit: f"ExecStart=x mail --config {ground.folder}/tapedrop.toml\n"})
        assert fails(settings.alerts(ours), f"tapedrop-mail.service can't run {command}")

    def test_a_lockdown_wants_a_look(self, ground: Ground) -> None:
        assert is_well(settings.lockdown(ground))
        (ground.folder / "lockdown").touch()
        assert wants_a_look(settings.lockdown(ground), "no uploads are taken")


class TestTheStore:
    def test_of_this_drop_is_in_order_whether_or_not_it_was_ever_used(self, ground: Ground) -> None:
        assert is_well(store(ground))

    async def _begin(self, ground: Ground, salt: bytes) -> None:
        await ours_only(LocalStore(ground.folder / "store"), salt)

    def test_of_another_drop_fails(self, ground: Ground) -> None:
        asyncio.run(self._begin(ground, bytes(32)))

        found = [each for each in every_check(ground) if each.name == "store"]

        assert [each.verdict for each in found] == [Verdict.FAIL]
        assert "begun with another salt" in found[0].says


class TestTheSandbox:
    def test_starts_here(self, ground: Ground) -> None:
        assert is_well(machine.sandbox(ground))
        assert is_well(machine.open_files(ground))


class TestReaching:
    def test_a_drop_that_does_not_run_wants_a_look(self, ground: Ground) -> None:
        assert wants_a_look(reach.listening(ground), "not running")

    def test_no_onion_address_wants_a_look(self, ground: Ground) -> None:
        assert wants_a_look(reach.tor(ground), "tor.onion is not set")

    PAGE = b"HTTP/1.1 200 OK\r\n\r\n<h1>Z&uuml;ri &amp; Co</h1>"
    ONION = f"{'a' * 56}.onion"

    def through(self, ground: Ground, address: str) -> Answers:
        settings = f'[newsroom]\nname = "Züri & Co"\n[tor]\nonion = "http://{self.ONION}"\n'
        return reach.tor(with_settings(ground, f'{settings}socks = "{address}"\n'))

    def test_a_front_page_that_comes_through_tor_is_in_order(self, ground: Ground) -> None:
        with Socks.running(self.PAGE) as socks:
            assert is_well(self.through(ground, socks.address))
            assert is_well(self.through(ground, socks.address))

        (host, port, who), (_, _, who_again) = socks.asked
        assert (host, port) == (self.ONION, 80)
        assert who != who_again, "a circuit of its own each time"

    @pytest.mark.parametrize(
        ("page", "says"),
        [
            (b"HTTP/1.1 200 OK\r\n\r\nSomebody else", "another page comes"),
            (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "what answers there is no drop"),
            (b"", "what answers there is no drop"),
        ],
    )
    def test_another_one_fails(self, ground: Ground, page: bytes, says: str) -> None:
        with Socks.running(page) as socks:
            assert fails(self.through(ground, socks.address), says)

    def test_an_onion_that_tor_can_t_reach_fails(self, ground: Ground) -> None:
        with Socks.running(b"", reachable=False) as socks:
            assert fails(self.through(ground, socks.address), "tor finds no way to it")

    def test_a_tor_that_does_not_run_fails(self, ground: Ground) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))  # and doesn't listen
            address = f"127.0.0.1:{silent.getsockname()[1]}"

            assert fails(self.through(ground, address), "nothing answers at tor's SOCKS port")


class TestEveryCheck:
    def test_has_a_name_of_its_own_and_answers(self, ground: Ground) -> None:
        assert {each.name for each in every_check(ground)} == set(EVERY)

    def test_one_that_can_t_look_keeps_no_other_from_being_told(self, ground: Ground) -> None:
        (ground.folder / "receipts" / "version").write_bytes(b"tapedrop receipts 2\n")
        ground = replace(ground, folder=ground.folder / "nowhere")

        found = list(every_check(ground))

        assert {each.name for each in found} == set(EVERY)
        assert all(each.says and each.todo for each in found if each.verdict is Verdict.FAIL)
