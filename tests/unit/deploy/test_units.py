"""systemd's units for a server: systemd's own judges, and what we decided about them."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
import pytest
from drops import run_server
from unitfiles import PROGRAM, Machine, Unit

from server.cli import commands
from server.config import Connections

HIGHEST_EXPOSURE: Final = 15
"""In tenths, as systemd-analyze takes it; the scale ends at 100."""
HIGHEST_OF_TOR: Final = 25
"""It begins as root, and reaches everywhere: that alone is worth 15."""
SERVES: Final = "tapedrop.service"
TOR: Final = "tor@tapedrop.service"
DEBIANS_TOR: Final = Path("/lib/systemd/system/tor@.service")
STRICT: Final = {
    "User": "tapedrop",
    "PrivateNetwork": "yes",
    "RestrictAddressFamilies": "AF_UNIX",
    "IPAddressAllow": "",
    "PrivateUsers": "yes",
    "CapabilityBoundingSet": "",
    "LogNamespace": "tapedrop",
}
"""What differs from this says why, at its line."""
MADE_BY_OTHERS: Final = {
    "/run/credentials/tapedrop.service",  # systemd, for LoadCredential=
    "/run/systemd/private",  # systemd
    "/run/systemd/system",  # systemd
    "/var/lib/tapedrop/credentials/canary",  # `tapedrop-server canary`
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Everything at its place."""
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def services(machine: Machine) -> list[Unit]:
    """Each service with its drop-ins."""
    return machine.services()


def of_ours(services: list[Unit]) -> list[Unit]:
    """Return those that run our own program."""
    return [unit for unit in services if unit.one("ExecStart").startswith(PROGRAM)]


class TestSystemdItself:
    def test_finds_nothing_to_say_against_any_unit(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path)

        assert machine.verified(*machine.names()) == ""

    def test_scores_every_service_below_the_limit(self, machine: Machine) -> None:
        for unit in machine.services():
            command = ["systemd-analyze", "security", "--offline=true", f"--root={machine.root}"]
            judged = subprocess.run(
                [*command, f"--threshold={HIGHEST_EXPOSURE}", unit.name],
                capture_output=True,
                text=True,
            )

            assert judged.returncode == 0, judged.stdout

    def test_understands_every_moment_of_a_timer(self, machine: Machine) -> None:
        for name in machine.names(".timer"):
            when = machine.unit(name).one("OnCalendar")

            assert subprocess.run(["systemd-analyze", "calendar", when]).returncode == 0, name


class TestTheDrop:
    def test_is_started_with_the_socket_and_the_secrets_that_it_is_handed(
        self, machine: Machine
    ) -> None:
        serves = machine.unit(SERVES)

        assert serves.one("ExecStart").split() == [
            PROGRAM,
            "serve",
            *("--config", "/var/lib/tapedrop/tapedrop.toml"),
            *("--credentials", "%d"),
            *("--fd", "3"),
        ]
        assert serves.all("LoadCredential") == ["salt:/var/lib/tapedrop/credentials/salt"]
        assert "/var/lib/tapedrop/credentials" in serves.all("InaccessiblePaths")

    def test_has_no_network(self, machine: Machine) -> None:
        serves = machine.unit(SERVES)

        assert serves.one("PrivateNetwork") == "yes"
        assert serves.all("RestrictAddressFamilies") == ["AF_UNIX"]
        assert serves.all("IPAddressDeny") == ["any"]

    def test_is_reached_by_tor_s_group_alone(self, machine: Machine) -> None:
        socket = machine.unit("tapedrop.socket")

        assert socket.one("ListenStream") == "/run/tapedrop.sock"
        assert socket.one("SocketGroup") == "_tor-tapedrop"
        assert socket.one("SocketMode") == "0660"

    def test_can_change_neither_settings_keys_desks_nor_a_lockdown(self, machine: Machine) -> None:
        serves, drop = machine.unit(SERVES), "/var/lib/tapedrop"
        written = {f"{drop}/{name}" for name in ("store", "spool", "receipts", "outbox")}

        # A mount over the settings' file alone is gone once staff have saved it by renaming.
        assert drop in serves.all("BindReadOnlyPaths")
        assert {path.lstrip("-") for path in serves.all("BindPaths")} == written

    def test_starts_where_a_store_elsewhere_left_no_folder_here(self, machine: Machine) -> None:
        for name in (SERVES, "tapedrop-sweep.service"):
            assert "-/var/lib/tapedrop/store" in machine.unit(name).all("BindPaths")

    def test_may_open_enough_for_every_connection_that_it_takes(self, machine: Machine) -> None:
        assert int(machine.unit(SERVES).one("LimitNOFILE")) > 4 * Connections().max_open

    def test_is_stopped_alone_and_given_the_time_that_stopping_takes(
        self, machine: Machine
    ) -> None:
        serves = machine.unit(SERVES)

        assert serves.one("KillMode") == "mixed"
        assert int(serves.one("TimeoutStopSec")) > 60

    def test_does_not_start_without_its_profile_where_there_is_apparmor(
        self, machine: Machine
    ) -> None:
        assert machine.unit(SERVES).one("AppArmorProfile") == "tapedrop"


class TestEveryService:
    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("MemorySwapMax", "0"),
            ("LimitCORE", "0"),
            ("CoredumpFilter", ""),
            ("NoNewPrivileges", "yes"),
            ("ProtectSystem", "strict"),
            ("PrivateTmp", "yes"),
            ("MemoryDenyWriteExecute", "yes"),
            ("RestrictNamespaces", "yes"),
            ("SystemCallArchitectures", "native"),
            # A call that is refused is an error; a kill would be logged, with the second.
            ("SystemCallErrorNumber", "EPERM"),
            ("UMask", "0077"),
            ("IPAddressDeny", "any"),
        ],
    )
    def test_has_the_fences_that_have_no_exception(
        self, services: list[Unit], setting: str, value: str
    ) -> None:
        assert {unit.name: unit.one(setting) for unit in services} == {
            unit.name: value for unit in services
        }

    def test_says_why_where_it_is_less_strict_than_the_drop(self, services: list[Unit]) -> None:
        for unit in services:
            for name, strict in STRICT.items():
                if " ".join(unit.all(name)) != strict:
                    assert "exception" in unit.why(name), (unit.name, name)

    def test_lets_systemd_say_warnings_only_so_no_journal_tells_how_busy_it_was(
        self, services: list[Unit]
    ) -> None:
        for unit in services:
            assert unit.one("LogLevelMax") == "warning"
            assert unit.one("SyslogLevel") == "warning"

    def test_keeps_every_exception_out_of_what_holds_for_all(self, machine: Machine) -> None:
        fences = machine.units / "tapedrop-.service.d/10-fences.conf"

        assert "exception" not in fences.read_text()

    def test_names_a_verb_that_there_is_with_options_that_it_has(
        self, services: list[Unit]
    ) -> None:
        for unit in of_ours(services):
            verb, *words = unit.one("ExecStart").removeprefix(PROGRAM).split()
            with click.Context(commands) as context:
                command = commands.get_command(context, verb)

            assert command is not None, unit.name
            known = {option for each in command.params for option in each.opts}
            assert {word for word in words if word.startswith("--")} <= known, unit.name

    def test_names_only_paths_that_init_or_the_installer_makes(
        self, services: list[Unit], tmp_path: Path
    ) -> None:
        drop = tmp_path / "drop"
        assert run_server("init", drop).returncode == 0
        lists = ("BindPaths", "BindReadOnlyPaths", "InaccessiblePaths", "ReadOnlyPaths")
        for unit in services:
            for path in (path.lstrip("-") for name in lists for path in unit.all(name)):
                here = path.replace("/var/lib/tapedrop", str(drop))
                assert path in MADE_BY_OTHERS or Path(here).exists(), (unit.name, path)

    def test_hides_the_salt_from_what_only_looks_at_the_store(self, machine: Machine) -> None:
        for name in ("tapedrop-sweep.service", "tapedrop-heartbeat.service"):
            hidden = machine.unit(name).all("InaccessiblePaths")

            assert "/var/lib/tapedrop/credentials/salt" in hidden

    def test_hides_the_export_key_from_all_and_the_canary_s_words_from_all_but_the_canary(
        self, services: list[Unit]
    ) -> None:
        secrets = "/var/lib/tapedrop/credentials"
        for unit in of_ours(services):
            if "/var/lib/tapedrop" not in [*unit.all("BindPaths"), *unit.all("BindReadOnlyPaths")]:
                continue  # it sees nothing of the drop but what it names
            hidden = {path.lstrip("-") for path in unit.all("InaccessiblePaths")}

            assert hidden & {secrets, f"{secrets}/export.key"}, unit.name
            assert hidden & {secrets, f"{secrets}/canary"} or "canary" in unit.name, unit.name


class TestWhoHasANetwork:
    def test_is_only_who_must_and_reaches_only_loopback(self, services: list[Unit]) -> None:
        with_one = {unit.name: unit for unit in services if unit.one("PrivateNetwork") != "yes"}

        assert set(with_one) == {
            "tapedrop-canary.service",
            "tapedrop-firewall.service",
            "tapedrop-mail.service",
        }
        for name in ("tapedrop-canary.service", "tapedrop-mail.service"):
            assert with_one[name].all("IPAddressAllow") == ["localhost"]

    def test_that_which_mails_sees_its_settings_and_what_waits_and_nothing_else(
        self, machine: Machine
    ) -> None:
        mails = machine.unit("tapedrop-mail.service")

        assert "/var/lib/tapedrop:ro,mode=755" in mails.all("TemporaryFileSystem")
        assert mails.all("BindPaths") == ["/var/lib/tapedrop/outbox"]
        assert mails.all("BindReadOnlyPaths") == ["/var/lib/tapedrop/tapedrop.toml"]

    def test_a_store_elsewhere_opens_one_address(self, machine: Machine) -> None:
        folder = machine.units / f"{SERVES}.d"
        example = folder / "store-s3.conf.example"
        (folder / "50-store-s3.conf").write_text(example.read_text())
        try:
            opened = machine.unit(SERVES)
            command = ["systemd-analyze", "security", "--offline=true", f"--root={machine.root}"]
            judged = subprocess.run([*command, f"--threshold={HIGHEST_EXPOSURE}", SERVES])
        finally:
            (folder / "50-store-s3.conf").unlink()

        assert opened.one("PrivateNetwork") == "no"
        assert opened.all("IPAddressDeny") == ["any"]
        assert opened.all("IPAddressAllow") == ["192.0.2.10"]
        assert "store.toml:/var/lib/tapedrop/credentials/store.toml" in opened.all("LoadCredential")
        assert judged.returncode == 0


@pytest.mark.skipif(not DEBIANS_TOR.exists(), reason="Debian's tor isn't installed")
class TestTor:
    @pytest.fixture
    def with_tor(self, tmp_path: Path) -> Machine:
        """Everything at its place, with Debian's own unit of tor's instances."""
        machine = Machine(tmp_path)
        (machine.units / TOR).write_text(DEBIANS_TOR.read_text())
        return machine

    def test_is_fenced_as_far_as_its_start_as_root_and_its_network_let_it(
        self, with_tor: Machine
    ) -> None:
        command = ["systemd-analyze", "security", "--offline=true", f"--root={with_tor.root}"]
        judged = subprocess.run(
            [*command, f"--threshold={HIGHEST_OF_TOR}", TOR], capture_output=True, text=True
        )

        assert judged.returncode == 0, judged.stdout

    def test_does_not_run_without_the_firewall(self, with_tor: Machine) -> None:
        tor = with_tor.unit(TOR)

        assert "tapedrop-firewall.service" in tor.all("Requires")
        assert "tapedrop-firewall.service" in tor.all("After")

    def test_holds_what_passes_in_memory_only_and_leaves_no_line_of_how_much_it_was(
        self, with_tor: Machine
    ) -> None:
        tor = with_tor.unit(TOR)

        assert (tor.one("MemorySwapMax"), tor.one("LimitCORE")) == ("0", "0")
        assert tor.one("LogLevelMax") == "warning"

    def test_may_write_its_own_folder_and_see_none_of_the_drop_s(self, with_tor: Machine) -> None:
        tor = with_tor.unit(TOR)

        assert tor.all("ReadWriteDirectories") == []
        assert "-/var/lib/tapedrop" in tor.all("InaccessiblePaths")

    def test_may_compile_the_work_that_it_asks_for(self, with_tor: Machine) -> None:
        assert with_tor.unit(TOR).one("MemoryDenyWriteExecute") == ""


class TestTheTarget:
    def test_starts_and_stops_all_of_it(self, machine: Machine) -> None:
        begun = {name for name in machine.names() if name.endswith((".timer", ".path", ".socket"))}
        for name in (*begun, SERVES):
            unit = machine.unit(name)
            assert unit.all("WantedBy") == ["tapedrop.target"], name
            assert unit.all("PartOf") == ["tapedrop.target"], name


class TestComments:
    def test_no_line_is_too_long_to_be_read_in_a_terminal(self, machine: Machine) -> None:
        for file in machine.units.rglob("*"):
            if file.is_file():
                long = [line for line in file.read_text().splitlines() if len(line) > 120]
                assert [line for line in long if line.startswith("#")] == [], file.name

    @pytest.mark.parametrize("name", ["tapedrop.service", "tapedrop-.service"])
    def test_both_places_of_the_fences_hold_the_same(self, machine: Machine, name: str) -> None:
        here: Callable[[str], str] = lambda each: (  # noqa: E731
            machine.units / f"{each}.d/10-fences.conf"
        ).read_text()

        assert here(name) == here("tapedrop.service")
        assert re.search(r"^NoNewPrivileges=yes$", here(name), re.MULTILINE)
