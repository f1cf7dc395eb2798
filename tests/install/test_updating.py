"""A newer release, the way back, and away: the drop and its address stay through all of it."""

from pathlib import Path

import pytest
from form import Browser

from install.installed import CURRENT, DROP, ONION, Installed
from install.release import ADDED, later
from install.ways import by_socket

UNINSTALL = f"{CURRENT}/share/uninstall.sh"


@pytest.fixture(scope="module")
def newer(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The installer of a newer release, on the machine."""
    to = tmp_path_factory.mktemp("newer")
    made = later(installed.release, "9.8.7", to, also="etc/tapedrop/nftables.conf")
    return installed.bring(made)


def runs(installed: Installed) -> str:
    """Return the version that the running drop is of."""
    command = installed.machine.must("cat", f"/proc/{installed.main_process()}/cmdline")
    return command.split("\0")[0].split("/")[4]


class TestANewerRelease:
    def test_runs_from_then_on_and_keeps_drop_address_and_the_one_before(
        self, installed: Installed, newer: str
    ) -> None:
        machine, onion = installed.machine, installed.onion()
        firewall = machine.at("/etc/tapedrop/nftables.conf")
        firewall.write_text(f"{firewall.read_text()}# mine\n")
        assert installed.install().returncode == 0
        # What a power cut leaves of a link that was being switched.
        machine.must("ln", "--symbolic", "nowhere", f"{CURRENT}.new")
        done = installed.install(newer)
        assert done.returncode == 0, done.stderr
        assert f"{installed.version} is kept to go back to" in done.stdout
        assert runs(installed) == "9.8.7"
        assert "# of 9.8.7" in machine.at("/lib/systemd/system/tapedrop.service").read_text()
        assert machine.at(ADDED).exists()
        assert firewall.read_text().endswith("# mine\n")
        assert installed.onion() == onion
        assert machine.active("tor@tapedrop.service")
        installed.wait_until_served()


class TestTheWayBack:
    def test_is_refused_when_the_older_one_can_not_read_what_is_there(
        self, installed: Installed, newer: str
    ) -> None:
        version = installed.machine.at(f"{DROP}/receipts/version")
        known = version.read_text()
        version.write_text("tapedrop receipts 7\n")
        back = installed.install(f"{CURRENT}/share/install.sh", "--rollback")
        older = installed.install()
        version.write_text(known)
        for done in (back, older):
            assert done.returncode == 3
            assert "tapedrop receipts 7" in done.stderr
            assert "nothing was changed, 9.8.7 is installed as before" in done.stderr
        assert runs(installed) == "9.8.7"

    def test_brings_programs_units_and_settings_of_tor_back(
        self, installed: Installed, newer: str
    ) -> None:
        machine = installed.machine
        done = installed.install(f"{CURRENT}/share/install.sh", "--rollback")
        assert done.returncode == 0, done.stderr
        assert runs(installed) == installed.version
        assert "9.8.7" not in machine.at("/lib/systemd/system/tapedrop.service").read_text()
        assert "9.8.7" not in machine.at("/etc/tor/instances/tapedrop/torrc").read_text()
        assert not machine.at(ADDED).exists()
        with by_socket(machine) as address:
            assert Browser(address).get("/").links

    def test_can_be_gone_back(self, installed: Installed, newer: str) -> None:
        rollback = (f"{CURRENT}/share/install.sh", "--rollback")
        assert installed.install(*rollback).returncode == 0
        assert runs(installed) == "9.8.7"
        assert installed.install(*rollback).returncode == 0
        assert runs(installed) == installed.version

    def test_two_versions_are_kept_and_no_more(
        self, installed: Installed, tmp_path: Path, newer: str
    ) -> None:
        newest = installed.bring(later(installed.release, "9.8.8", tmp_path))
        assert installed.install(newest).returncode == 0
        kept = {each.name for each in installed.machine.at("/usr/lib/tapedrop").iterdir()}
        assert kept == {"9.8.8", installed.version, "current", "previous", "configured"}


class TestUninstalling:
    def test_all_but_the_drop_and_its_address_goes_and_comes_back_as_it_was(
        self, installed: Installed
    ) -> None:
        machine, onion = installed.machine, installed.onion()
        script = machine.at(UNINSTALL).read_text()
        machine.put(script, "/root/uninstall.sh")

        refused = machine.run("sh", "/root/uninstall.sh", "--purge")
        assert refused.returncode == 3
        assert machine.active("tapedrop.service")

        done = machine.run("sh", UNINSTALL)
        assert done.returncode == 0, done.stderr
        for kept in (DROP, ONION.removesuffix("/drop")):
            assert f"left: {kept}\n" in done.stdout
        assert left_over(installed) == []
        assert machine.run("nft", "list", "table", "inet", "tapedrop").returncode != 0
        assert not machine.at("/run/tapedrop.sock").exists()

        again = machine.run("sh", "/root/uninstall.sh")
        assert again.returncode == 0, again.stderr
        assert "there are no programs" in again.stdout

        assert installed.install().returncode == 0
        assert installed.onion() == onion
        installed.start()

        purged = machine.run(
            *("sh", "/root/uninstall.sh", "--purge"),
            *("--confirm", "delete the drop and its address"),
        )
        assert purged.returncode == 0, purged.stderr
        assert not machine.at(DROP).exists()
        assert not machine.at(ONION).exists()
        assert "tapedrop" not in machine.at("/etc/passwd").read_text()


def left_over(installed: Installed) -> list[str]:
    """Return what is named for Tapedrop outside of the drop's folder, root's and the caches'."""
    found = installed.machine.must("find", "/etc", "/lib/", "/usr", "-name", "*tapedrop*")
    expected = {"/etc/tapedrop", "/etc/tor/instances/tapedrop"}
    return [path for path in found.splitlines() if path not in expected]
