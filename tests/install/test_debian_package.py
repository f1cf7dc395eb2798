"""The Debian package on a real machine: put on, brought up to date, taken back, taken away."""

from pathlib import Path
from typing import Final

import pytest
from bundling.deb import deb
from drops import Newsroom

from install.installed import CURRENT, DROP, ONION, Installed, send
from install.machine import Done, Machine
from install.release import ADDED, later, version_of

SECONDS: Final = 1_800_000_000
NEWER: Final = "9.9.9"
FIREWALL: Final = "/etc/tapedrop/nftables.conf"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory, server_release: Path) -> dict[str, Path]:
    """This release's package, and that of a later one."""
    to = tmp_path_factory.mktemp("packages")
    newer = later(server_release, NEWER, to)
    return {
        "this": deb(server_release, to, version=version_of(server_release), seconds=SECONDS),
        "newer": deb(newer, to, version=NEWER, seconds=SECONDS),
    }


@pytest.fixture
def bare(machine: Machine, server_release: Path, newsroom: Newsroom) -> Installed:
    """A bare Debian, on which nothing is installed yet."""
    return Installed(machine, server_release, newsroom)


def apt(bare: Installed, package: Path, *words: str) -> Done:
    """Install a package as the guide says; its recommendations aren't here to be fetched."""
    bare.machine.put(package, f"/root/{package.name}")
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *words]
    environment = ["DEBIAN_FRONTEND=noninteractive"]
    there = f"/root/{package.name}"
    return bare.machine.run(*command, there, seconds=300, environment=environment)


def running(bare: Installed) -> str:
    """Return the version of the drop that runs."""
    words = bare.machine.must("cat", f"/proc/{bare.main_process()}/cmdline").split("\0")
    return Path(words[0]).parts[4]


class TestAMachineOfItsOwn:
    def test_keeps_its_drop_through_updates_the_way_back_and_taking_it_away(
        self, bare: Installed, packages: dict[str, Path], tmp_path: Path
    ) -> None:
        machine, this = bare.machine, version_of(bare.release)

        first = apt(bare, packages["this"])
        assert first.returncode == 0, first.stdout + first.stderr
        assert "systemctl enable --now tapedrop.target" in first.stdout
        onion = bare.onion()
        assert not machine.active("tapedrop.service")
        bare.pair(tmp_path / "desk")
        bare.start()
        assert running(bare) == this
        with bare.visit() as browser:
            send(browser, message="before")
        machine.must("sh", "-c", f"echo '# of staff' >> {FIREWALL}")

        assert apt(bare, packages["newer"]).returncode == 0
        bare.wait_until_served()
        assert running(bare) == NEWER
        assert machine.at(ADDED).exists()
        assert NEWER in machine.at("/etc/tor/instances/tapedrop/torrc").read_text()
        assert "# of staff" in machine.at(FIREWALL).read_text()
        with bare.visit() as browser:
            send(browser, message="after")

        back = apt(bare, packages["this"], "--allow-downgrades")
        assert back.returncode == 0, back.stdout + back.stderr
        bare.wait_until_served()
        assert running(bare) == this
        assert not machine.at(ADDED).exists()
        assert not machine.at(f"/usr/lib/tapedrop/{NEWER}").exists()
        assert len(bare.manifests()) == 2
        assert bare.onion() == onion

        machine.must("dpkg", "--remove", "tapedrop-server")
        assert not machine.active("tapedrop.service")
        assert not machine.at("/usr/lib/tapedrop").exists()
        assert "tapedrop" not in machine.must("nft", "list", "tables")

        gone = machine.run("dpkg", "--purge", "tapedrop-server")
        assert f"{DROP} stays" in gone.stderr
        assert not machine.at("/etc/tapedrop").exists()
        assert machine.at(f"{ONION}/hs_ed25519_secret_key").exists()

        again = apt(bare, packages["this"])
        assert again.returncode == 0, again.stdout + again.stderr
        assert bare.onion() == onion
        assert len(bare.manifests()) == 2

    def test_is_not_installed_in_two_ways_at_once(
        self, bare: Installed, packages: dict[str, Path]
    ) -> None:
        machine = bare.machine
        machine.must("mkdir", "-p", CURRENT)
        machine.put(packages["this"], "/root/this.deb")

        refused = machine.run("dpkg", "--unpack", "/root/this.deb")

        assert refused.returncode != 0
        assert "uninstall.sh" in refused.stderr
