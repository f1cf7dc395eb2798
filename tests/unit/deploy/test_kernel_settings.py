"""What lies beneath a drop: the kernel's settings, its command line, the journals."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

SERVER: Final = Path(__file__).parents[3] / "deploy/server"


def settings(name: str) -> dict[str, str]:
    """Return what a file of ours sets, by key; a `-` before a key is left off."""
    lines = (SERVER / name).read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line[:1].strip("#["))
    return {key.strip().lstrip("-"): value.strip() for key, value in pairs}


class TestSysctl:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("debug.exception-trace", "0"),
            ("kernel.print-fatal-signals", "0"),
            ("kernel.core_pattern", "|/bin/false"),
            ("fs.suid_dumpable", "0"),
            ("kernel.dmesg_restrict", "1"),
            ("kernel.kptr_restrict", "2"),
            ("kernel.yama.ptrace_scope", "2"),
            ("vm.oom_dump_tasks", "0"),
        ],
    )
    def test_leaves_no_trace_of_what_a_recording_brought_down(self, key: str, value: str) -> None:
        assert settings("sysctl.conf")[key] == value

    def test_names_only_keys_that_there_are_or_says_that_not_every_kernel_has_them(self) -> None:
        for line in (SERVER / "sysctl.conf").read_text().splitlines():
            key = line.partition("=")[0].strip()
            if key and not key.startswith(("#", "-")):
                # Behind the first dot of a key with a hyphen, as systemd reads it (sysctl.d(5)).
                assert Path("/proc/sys", *key.split(".")).exists(), key

    def test_says_of_each_group_why(self) -> None:
        groups = (SERVER / "sysctl.conf").read_text().split("\n\n")

        assert all(group.startswith("#") for group in groups)


class TestTheCommandLine:
    def test_wipes_what_is_freed_and_is_read_by_grub_as_sh_reads_it(self) -> None:
        script = f'GRUB_CMDLINE_LINUX="root=x"; . {SERVER}/grub.cfg; echo "$GRUB_CMDLINE_LINUX"'
        line = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)

        assert {"root=x", "init_on_free=1", "init_on_alloc=1"} <= set(line.stdout.split())

    def test_says_what_each_word_is_for(self) -> None:
        text = (SERVER / "grub.cfg").read_text()
        words = re.findall(r'GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX (.+)"', text)[0].split()

        comment = "".join(line for line in text.splitlines() if line.startswith("#"))
        assert [word for word in words if word not in comment] == []


class TestTheJournals:
    @pytest.mark.parametrize("name", ["journald.conf", "journald-machine.conf"])
    def test_are_in_memory_small_and_short_and_go_nowhere_else(self, name: str) -> None:
        said = settings(name)

        assert said["Storage"] == "volatile"
        assert said["ForwardToSyslog"] == "no"
        assert "RuntimeMaxUse" in said
        assert "MaxRetentionSec" in said

    def test_the_drop_s_own_holds_nothing_of_the_kernel_s(self) -> None:
        assert settings("journald.conf")["ReadKMsg"] == "no"
        assert settings("journald.conf")["Audit"] == "no"

    def test_that_of_the_machine_asks_for_no_line_of_each_unit_s_begin_and_end(self) -> None:
        assert settings("journald-machine.conf")["Audit"] == "no"
