"""What `check` looks at: each thing in order, and each thing that isn't, with what to do."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from desks import DeskAt, Person, Server

from crypto.card import Card
from intake.checks import Answer, Answers, Desk, Machine, Verdict, cards, clock, disk, keys, memory
from intake.checks.every import OF_THE_DESK, OF_THE_MACHINE, every_check
from intake.checks.network import network
from intake.checks.traces import traces
from intake.layout import Layout
from intake.settings import read_settings

ROUTES = "Iface\tDestination\tGateway \tFlags\n"
LO6 = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"
# At the root lies an encrypted disk, and temporary files lie in memory.
MOUNTS = """\
25 1 253:0 / / rw,relatime - ext4 /dev/mapper/root rw
26 25 0:30 / {root}/tmp rw - tmpfs tmpfs rw
"""
FILES = {
    "proc/net/route": ROUTES,
    "proc/net/ipv6_route": LO6,
    "proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
    "proc/sys/kernel/core_pattern": "|/bin/false\n",
    "sys/dev/block/253:0/dm/uuid": "CRYPT-LUKS2-0123-root\n",
    "sys/class/net/lo/type": "772\n",
    "sys/class/net/lo/flags": "0x9\n",
}


def on(machine: Machine, files: dict[str, str]) -> Machine:
    """Return the same machine, whose kernel says these things besides."""
    for name, said in files.items():
        path = machine.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(said)
    return machine


@pytest.fixture
def machine(tmp_path: Path, reporter: Person) -> Machine:
    """One that is in order: offline, encrypted, and nothing of it is this one's."""
    root, home = tmp_path / "machine", tmp_path / "home"
    home.mkdir()
    files = FILES | {"proc/self/mountinfo": MOUNTS.format(root=root)}
    (root / "tmp").mkdir(parents=True)
    return on(Machine(date(2027, 3, 1), home, reporter.home, None, root), files)


@pytest.fixture
def room(desk: DeskAt, machine: Machine) -> Desk:
    """A desk that is in order, on such a machine."""
    layout = Layout(desk.folder)
    return Desk(layout, read_settings(layout.settings), machine)


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


class TestTheNetwork:
    def test_there_is_none_where_nothing_but_lo_is_up(self, machine: Machine) -> None:
        assert is_well(network(machine))

    def test_a_route_leads_out(self, machine: Machine) -> None:
        on(machine, {"proc/net/route": f"{ROUTES}eth0\t00000000\t010200C0\t0003\n"})
        assert fails(network(machine), "a route to other machines, through eth0")

    def test_so_does_one_of_the_newer_kind(self, machine: Machine) -> None:
        on(machine, {"proc/net/ipv6_route": LO6 + LO6.replace("lo", "wlan0")})
        assert fails(network(machine), "through wlan0")

    def test_an_interface_that_is_up_is_enough(self, machine: Machine) -> None:
        files = {"sys/class/net/wlan0/type": "1\n", "sys/class/net/wlan0/flags": "0x1003\n"}
        assert fails(network(on(machine, files)), "interface is up: wlan0")

    def test_a_card_that_is_down_can_be_turned_on(self, machine: Machine) -> None:
        files = {
            "sys/class/net/enp3s0/type": "1\n",
            "sys/class/net/enp3s0/flags": "0x1002\n",
            "sys/class/net/enp3s0/device/vendor": "0x8086\n",
        }
        assert wants_a_look(network(on(machine, files)), "though it is down: enp3s0")

    def test_what_has_no_device_and_is_down_is_nothing(self, machine: Machine) -> None:
        files = {"sys/class/net/dummy0/type": "1\n", "sys/class/net/dummy0/flags": "0x82\n"}
        assert is_well(network(on(machine, files)))

    def test_bluetooth_is_a_network_too(self, machine: Machine) -> None:
        radio = "sys/class/rfkill/rfkill0"
        files = {f"{radio}/type": "bluetooth\n", f"{radio}/soft": "0\n", f"{radio}/hard": "0\n"}
        assert wants_a_look(network(on(machine, files)), "a radio is on: bluetooth")
        assert is_well(network(on(machine, {f"{radio}/soft": "1\n"})))


REAL = """
import sys
from datetime import date
from pathlib import Path
from intake.checks import Machine
from intake.checks.network import network
for answer in network(Machine(date.today(), Path.home(), Path.home())):
    print(answer.verdict, answer.says)
"""


class TestARealNetwork:
    def says(self, *before: str) -> str:
        """Return what is said in a network of its own, after some commands."""
        script = " && ".join(["mount -t sysfs sysfs /sys", *before, '"$@"'])
        own = ["unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c", script, "sh"]
        done = subprocess.run([*own, sys.executable, "-c", REAL], capture_output=True, text=True)
        if "unshare" in done.stderr or "mount:" in done.stderr or "ip:" in done.stderr:
            pytest.skip("no network of one's own can be made here")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def test_that_is_only_lo_is_none(self) -> None:
        assert self.says("ip link set lo up") == "ok no network: nothing but lo is up\n"

    def test_with_an_interface_that_is_up_is_one(self) -> None:
        pair = "ip link add here type veth peer name there"
        said = self.says(pair, "ip address add 10.1.1.1/24 dev here", "ip link set here up")
        assert "fail a network interface is up: here\n" in said
        assert "fail there is a route to other machines, through here\n" in said


class TestMemory:
    def swap(self, machine: Machine, *lines: str) -> Answers:
        said = "".join(f"{line}\n" for line in ("Filename Type Size Used Priority", *lines))
        return memory.swap(on(machine, {"proc/swaps": said}))

    def test_no_swap_is_well(self, machine: Machine) -> None:
        assert is_well(memory.swap(machine))

    def test_a_partition_that_is_not_encrypted_keeps_what_was_in_memory(
        self, machine: Machine
    ) -> None:
        assert fails(self.swap(machine, "/dev/sda2 partition 999 0 -2"), "/dev/sda2 is swap")

    def test_one_on_dm_crypt_is_well_also_below_a_volume(self, machine: Machine) -> None:
        files = {"sys/class/block/dm-7/dm/uuid": "LVM-x\n"}
        (machine.root / "sys/class/block/dm-7/slaves/dm-6").mkdir(parents=True)
        on(machine, files | {"sys/class/block/dm-6/dm/uuid": "CRYPT-PLAIN-swap\n"})
        assert is_well(self.swap(machine, "/dev/dm-7 partition 999 0 -2"))

    def test_a_file_is_as_its_disk_is(self, machine: Machine) -> None:
        assert is_well(self.swap(machine, "/swapfile file 999 0 -2"))
        on(machine, {"sys/dev/block/253:0/dm/uuid": "LVM-abc\n"})
        assert fails(self.swap(machine, "/swapfile file 999 0 -2"), "/swapfile is swap")

    def test_compressed_memory_is_well_without_a_disk_behind_it(self, machine: Machine) -> None:
        assert is_well(self.swap(machine, "/dev/zram0 partition 999 0 100"))
        on(machine, {"sys/block/zram0/backing_dev": "/dev/sda3\n"})
        assert fails(self.swap(machine, "/dev/zram0 partition 999 0 100"), "/dev/zram0")

    def test_a_program_that_collects_crashes_collects_recordings(self, machine: Machine) -> None:
        assert is_well(memory.cores(machine))
        pattern = "|/usr/lib/systemd/systemd-coredump %P\n"
        on(machine, {"proc/sys/kernel/core_pattern": pattern})
        assert wants_a_look(memory.cores(machine), "/usr/lib/systemd/systemd-coredump")

    def test_core_files_are_off_or_named(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on(machine, {"proc/sys/kernel/core_pattern": "core\n"})
        for limit, well in ((0, True), (resource.RLIM_INFINITY, False)):
            monkeypatch.setattr(resource, "getrlimit", lambda _which, most=limit: (0, most))
            assert is_well(memory.cores(machine)) is well

    def test_temporary_files_belong_into_memory(self, machine: Machine) -> None:
        assert is_well(memory.temporary(machine))
        elsewhere = replace(machine, runtime=machine.home)
        assert wants_a_look(memory.temporary(elsewhere), "outlasts the session")


class TestTheClock:
    @pytest.mark.parametrize("day", [date(1970, 1, 1), date(2026, 10, 31), date(2099, 1, 1)])
    def test_some_days_can_not_be(self, machine: Machine, day: date) -> None:
        assert fails(clock.clock(replace(machine, today=day)), f"it is not {day}")

    def test_others_can(self, machine: Machine) -> None:
        assert is_well(clock.clock(machine))

    def test_no_bag_was_signed_on_a_day_to_come(
        self, room: Desk, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        assert is_well(clock.bags(room))
        server.hold(b"an envelope")
        desk("import", server.export(stick))
        assert is_well(clock.bags(room))
        behind = replace(room.machine, today=date(2026, 11, 18))
        assert fails(clock.bags(replace(room, machine=behind)), "signed on 2026-11-20")
        zones = replace(room.machine, today=date(2026, 11, 20) - timedelta(days=1))
        assert is_well(clock.bags(replace(room, machine=zones)))

    def test_a_list_that_was_changed_is_named(
        self, room: Desk, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        server.hold(b"an envelope")
        desk("import", server.export(stick))
        (bag,) = desk.files("bags")
        (bag / "bag-info.txt").write_bytes(b"Bagging-Date: 2020-01-01\n")
        assert fails(clock.bags(room), f"bags/{bag.name} is not what was kept")


class TestTheDisk:
    def test_an_encrypted_one_is_well(self, room: Desk) -> None:
        assert is_well(disk.encryption(room))
        assert is_well(disk.home(room.machine))

    def test_a_plain_one_is_not(self, room: Desk) -> None:
        on(room.machine, {"sys/dev/block/253:0/dm/uuid": "LVM-abc\n"})
        assert fails(disk.encryption(room), "not seen to be encrypted that holds the desk's folder")

    def test_nor_one_of_which_the_kernel_says_nothing(self, room: Desk) -> None:
        on(room.machine, {"proc/self/mountinfo": ""})
        assert wants_a_look(disk.encryption(room), "the kernel does not tell")

    def test_a_desk_in_memory_ends_with_the_session(self, room: Desk) -> None:
        folder = str(room.layout.folder).replace(" ", "\\040")
        mounts = room.machine.said("proc/self/mountinfo")
        mounts += f"27 25 0:31 / {folder} rw - tmpfs tmpfs rw\n"
        on(room.machine, {"proc/self/mountinfo": mounts})
        assert wants_a_look(disk.encryption(room), "gone when the machine is turned off")

    def test_btrfs_is_found_by_the_name_of_its_device(self, room: Desk) -> None:
        mapped = room.machine.root / "dev/mapper"
        mapped.mkdir(parents=True)
        (mapped / "root").symlink_to("../dm-0")
        (room.machine.root / "dev/dm-0").touch()
        files = {
            "proc/self/mountinfo": "25 1 0:25 / / rw - btrfs /dev/mapper/root rw\n",
            "sys/class/block/dm-0/dm/uuid": "CRYPT-LUKS2-0123-root\n",
        }
        on(room.machine, files)
        assert is_well(disk.encryption(room))

    def test_on_tails_the_home_folder_ends_with_the_session(self, room: Desk) -> None:
        overlay = "lowerdir=/run/live/rootfs,upperdir=/run/live/overlay/rw,workdir=/w"
        mounts = (
            f"25 1 0:25 / / rw - overlay overlay rw,{overlay}\n"
            "26 25 0:26 / /run/live/overlay rw - tmpfs tmpfs rw\n"
            f"27 25 253:0 / {room.machine.gnupg} rw - ext4 /dev/mapper/TailsData rw\n"
        )
        on(room.machine, {"proc/self/mountinfo": mounts})
        assert is_well(disk.home(room.machine))
        assert wants_a_look(disk.encryption(room), "gone when the machine is turned off")

    def test_layers_that_lie_on_themselves_are_not_followed_for_ever(self, room: Desk) -> None:
        mounts = "25 1 0:25 / / rw - overlay overlay rw,upperdir=/var/rw\n"
        on(room.machine, {"proc/self/mountinfo": mounts})
        assert wants_a_look(disk.encryption(room), "the kernel does not tell")

    def test_little_room_is_said_with_a_number(
        self, room: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(room.layout.folder)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=40_000_000))
        assert wants_a_look(disk.room(room), "only 40.0 MB are free")
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10**11))
        assert is_well(disk.room(room))

    def test_a_desk_as_init_makes_it_is_closed(self, room: Desk) -> None:
        assert is_well(disk.modes(room))

    def test_what_others_may_read_is_named(self, room: Desk) -> None:
        (room.layout.evidence).chmod(0o755)
        room.layout.settings.chmod(0o644)
        says = wrong(disk.modes(room)).says
        assert says == "others may read or change desk/desk.toml, desk/evidence"

    def test_a_link_in_a_desk_is_not_the_desks_own(self, room: Desk) -> None:
        (room.layout.evidence / "link").symlink_to("/etc/passwd")
        assert fails(disk.modes(room), "not the desk's own: desk/evidence/link")

    def test_an_interrupted_import_is_remembered(self, room: Desk) -> None:
        assert is_well(disk.imports(room))
        (room.layout.evidence / f"{'a' * 64}.part").touch()
        assert wants_a_look(disk.imports(room), "an envelope is here in part only")


class TestTheKey:
    @pytest.fixture
    def gnupg(self, reporter: Person, tmp_path: Path) -> Path:
        copied = tmp_path / "gnupg"
        ignored = shutil.ignore_patterns("S.*", "*.lock")
        return Path(shutil.copytree(reporter.home, copied, ignore=ignored))

    def test_in_a_file_needs_no_card(self, room: Desk) -> None:
        assert is_well(keys.gpg(room.machine))
        assert is_well(cards.key(room))

    def test_that_is_not_here_opens_nothing(self, room: Desk, stranger: Person) -> None:
        other = replace(room, machine=replace(room.machine, gnupg=stranger.home))
        assert fails(cards.key(other), "no secret key of")

    def test_a_keyring_that_others_read_is_named(self, room: Desk, gnupg: Path) -> None:
        gnupg.chmod(0o755)
        machine = replace(room.machine, gnupg=gnupg)
        assert fails(keys.gpg(machine), "others may read or change the keyring")

    def test_a_home_without_a_keyring_is_named(self, machine: Machine) -> None:
        nowhere = replace(machine, gnupg=machine.home / ".gnupg")
        assert wants_a_look(keys.gpg(nowhere), "there is no keyring in")

    @pytest.mark.parametrize(("days", "said"), [(61, False), (60, True), (-5, True)])
    def test_that_ends_soon_is_named_in_time(
        self, room: Desk, days: int, said: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = cards.Gpg.secret_keys
        day = room.machine.today + timedelta(days=days)
        ends = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
        monkeypatch.setattr(
            cards.Gpg, "secret_keys",
            lambda gpg: tuple(replace(each, expires=ends) for each in real(gpg)),
        )  # fmt: skip
        if said:
            assert wants_a_look(cards.key(room), f"the last of the reporter's keys ends on {day}")
        else:
            assert is_well(cards.key(room))

    def test_on_another_card_than_the_one_that_is_in_is_said(
        self, room: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Of two cards our stand-in (test_desk_card.py) plays only one.
        real = cards.Gpg.secret_keys
        monkeypatch.setattr(
            cards.Gpg, "secret_keys",
            lambda gpg: tuple(replace(each, card="D2760001240102") for each in real(gpg)),
        )  # fmt: skip
        monkeypatch.setattr(cards, "card_in", lambda _home: Card("D2760001240103", 3))
        assert wants_a_look(cards.key(room), "another card is in: D2760001240103")


class TestTraces:
    def test_a_new_home_has_none(self, machine: Machine) -> None:
        assert is_well(traces(machine))

    def test_thumbnails_are_pictures_of_films(self, machine: Machine) -> None:
        folder = machine.home / ".cache/thumbnails/large"
        folder.mkdir(parents=True)
        assert wants_a_look(traces(machine), "small pictures of films (~/.cache/thumbnails)")

    def test_in_memory_they_end_with_the_session(self, machine: Machine) -> None:
        (machine.home / ".cache/thumbnails/large").mkdir(parents=True)
        mounts = f"27 1 0:31 / {machine.home} rw - tmpfs tmpfs rw\n"
        on(machine, {"proc/self/mountinfo": mounts})
        assert is_well(traces(machine))


class TestEveryCheck:
    def test_is_well_where_desk_and_machine_are(
        self, room: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(room.layout.folder)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10**11))
        said = list(every_check(room.machine, room))
        assert [check for check in said if check.verdict is not Verdict.OK] == []
        assert {check.name for check in said} == OF_THE_MACHINE.keys() | OF_THE_DESK.keys()

    def test_one_that_fails_keeps_no_other_from_being_told(self, room: Desk) -> None:
        shutil.rmtree(room.layout.evidence)
        said = {check.name: check for check in every_check(room.machine, room)}
        assert said["imports"].verdict is Verdict.FAIL
        assert said["imports"].says.startswith("can't look: ")
        assert said.keys() == OF_THE_MACHINE.keys() | OF_THE_DESK.keys()

    def test_says_something_of_each_on_this_very_machine(self, room: Desk) -> None:
        real = replace(room.machine, root=Path("/"))
        said = {check.name for check in every_check(real, replace(room, machine=real))}
        assert said == OF_THE_MACHINE.keys() | OF_THE_DESK.keys()

    def test_changes_nothing(self, room: Desk) -> None:
        before = {path: path.stat().st_mtime_ns for path in room.layout.folder.rglob("*")}
        list(every_check(room.machine, room))
        assert {path: path.stat().st_mtime_ns for path in room.layout.folder.rglob("*")} == before


class TestTheVerb:
    @pytest.fixture
    def on_it(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
        """Have the verb look at a made-up machine."""
        monkeypatch.setattr(
            "intake.cli.check._machine", lambda gnupg: replace(machine, gnupg=gnupg)
        )
        return machine

    def test_says_each_thing_in_a_line_and_what_to_do_below(
        self, desk: DeskAt, on_it: Machine
    ) -> None:
        on(on_it, {"proc/swaps": "Filename\n/dev/sda2 partition 999 0 -2\n"})
        answer = desk("check")
        assert answer.code == 5
        lines = answer.out.splitlines()
        assert "ok    network      no network: nothing but lo is up" in lines
        at = lines.index("fail  swap         /dev/sda2 is swap, and not seen to be encrypted")
        assert lines[at + 1].strip().startswith("→ swapoff /dev/sda2")
        assert "1 fail" in answer.err

    def test_is_there_for_another_program(self, desk: DeskAt, on_it: Machine) -> None:
        (on_it.home / ".cache/thumbnails/large").mkdir(parents=True)
        answer = desk("check", "--json")
        assert answer.code == answer.json["exit_code"]
        assert answer.code in {1, 5}
        (traces,) = [each for each in answer.json["checks"] if each["name"] == "traces"]
        assert traces["verdict"] == "look"
        assert traces["todo"]

    def test_looks_at_the_machine_where_there_is_no_desk_yet(
        self, tell: Callable[..., Answer], on_it: Machine, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.chdir(tmp_path)
        answer = tell("check", "--json")
        names = {each["name"] for each in json.loads(answer.out)["checks"]}
        assert names == OF_THE_MACHINE.keys()
        assert "only the machine is looked at" in answer.err

    def test_a_desk_that_is_named_must_be_there(
        self, tell: Callable[..., Answer], tmp_path: Path
    ) -> None:
        assert tell("--desk", tmp_path / "nowhere", "check").code == 2

    def test_needs_no_pin(self, desk: DeskAt, on_it: Machine) -> None:
        (desk.folder / "vault.key.gpg").unlink()
        os.truncate(desk.folder / "catalogue.db", 0)
        assert desk("check").code in {0, 1}
