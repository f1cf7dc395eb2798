"""install.sh on machines as they are: what it does, says, and refuses."""

import shutil
import subprocess
from pathlib import Path

import pytest
from drops import Newsroom, write_wav

from install.debian import copied
from install.installed import CURRENT, DROP, ONION, Installed, send
from install.machine import Machine


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, bookworm: Path, server_release: Path) -> Path:
    """A bare Debian's folder with the release in it; not started."""
    root = tmp_path_factory.mktemp("bare") / "debian"
    subprocess.run(["cp", "-a", "--reflink=auto", bookworm, root], check=True)
    subprocess.run(["cp", "-a", server_release, root / "root/release"], check=True)
    return root


class TestOnABareDebian:
    def test_one_command_makes_a_machine_with_an_onion_address(self, installed: Installed) -> None:
        first = installed.said[0]
        assert first.returncode == 0
        assert f"sources reach the drop at: http://{installed.onion()}\n" in first.stdout
        assert f'onion = "http://{installed.onion()}"' in settings(installed.machine)

    def test_it_says_what_comes_next(self, installed: Installed) -> None:
        said = installed.said[0].stdout
        assert "tapedrop-server pair --to" in said
        assert "systemctl enable --now tapedrop.target" in said
        guide = said.partition("less ")[2].partition(")")[0]
        assert installed.machine.at(guide).read_text().startswith("# Running a drop")

    def test_it_warns_of_a_disk_that_is_not_encrypted(self, installed: Installed) -> None:
        assert "LUKS" in installed.said[0].stderr

    def test_no_tor_runs_but_the_drops(self, installed: Installed) -> None:
        shown = installed.machine.unit("tor@default.service", "LoadState", "ActiveState")
        assert shown == {"LoadState": "masked", "ActiveState": "inactive"}
        assert installed.machine.active("tor@tapedrop.service")

    def test_only_the_drops_user_enters_its_folder(self, installed: Installed) -> None:
        shown = installed.machine.must("stat", "-c", "%U %G %a", DROP, f"{DROP}/tapedrop.toml")
        assert shown == "tapedrop tapedrop 700\ntapedrop tapedrop 600\n"

    def test_no_program_of_it_can_be_changed_by_the_drop(self, installed: Installed) -> None:
        found = installed.machine.must("find", "/usr/lib/tapedrop", "!", "-user", "root")
        found += installed.machine.must(
            "find", "/usr/lib/tapedrop", "!", "-type", "l", "-perm", "/022"
        )
        assert found == ""

    def test_nothing_of_the_desk_is_on_it(self, installed: Installed) -> None:
        assert installed.machine.must("find", "/usr/lib/tapedrop", "-name", "intake*") == ""


class TestTypedAgain:
    def test_it_changes_nothing_restarts_nothing_and_says_so(self, installed: Installed) -> None:
        machine = installed.machine
        before = state(machine)
        done = installed.install()
        assert done.returncode == 0
        assert "nothing was to be done" in done.stdout
        assert "tapedrop-server check" in done.stdout
        assert state(machine) == before

    def test_the_installed_copy_says_that_it_holds_no_release(self, installed: Installed) -> None:
        done = installed.install(f"{CURRENT}/share/install.sh")
        assert done.returncode == 2
        assert "there is no release" in done.stderr

    def test_it_mends_what_is_missing(self, installed: Installed) -> None:
        machine = installed.machine
        machine.must("rm", "/usr/bin/tapedrop-server")
        machine.must("systemctl", "disable", "tapedrop-sweep.timer")
        assert installed.install().returncode == 0
        assert installed.verb("--help").returncode == 0
        assert machine.must("systemctl", "is-enabled", "tapedrop-sweep.timer") == "enabled\n"

    def test_what_staff_wrote_into_a_file_of_etc_stays(self, installed: Installed) -> None:
        machine, torrc = installed.machine, "/etc/tor/instances/tapedrop/torrc"
        ours = machine.at(torrc).read_text()
        machine.put(f"{ours}# mine\n", torrc)
        assert installed.install().returncode == 0
        done = installed.install()
        assert machine.at(torrc).read_text() == f"{ours}# mine\n"
        assert machine.at(f"{torrc}.dpkg-dist").read_text() == ours
        assert f"{torrc} was changed here and stays so" in done.stderr
        machine.put(ours, torrc)
        machine.must("rm", f"{torrc}.dpkg-dist")
        assert installed.install().returncode == 0


class TestWhatItRefuses:
    """All on one bare machine, which each of them leaves as it was."""

    def test_it_touches_nothing_unless_all_is_as_it_should_be(self, bare: Path) -> None:
        with Machine.booted(bare) as machine:
            release, script = bare / "root/release", "/root/release/install.sh"
            before = (bare / "etc/passwd").read_text()

            assert machine.run("sh", script, "--help").stdout.startswith("usage:")
            assert machine.run("sh", script, "--faster").returncode == 2

            lacking = machine.run("sh", script, "--offline")
            assert lacking.returncode == 5
            assert "missing: python3 gnupg tor nftables apparmor" in lacking.stderr

            packages = release / "tree/lib/python3.11/site-packages/server/__init__.py"
            whole = packages.read_bytes()
            packages.write_bytes(whole + b"#")
            damaged = machine.run("sh", script)
            assert damaged.returncode == 3
            assert "the release is damaged" in damaged.stderr
            packages.write_bytes(whole)

            (release / "tree/lib").rename(release / "lib")
            torn = machine.run("sh", script)
            assert torn.returncode == 3
            assert len(torn.stderr.splitlines()) < 10
            (release / "lib").rename(release / "tree/lib")

            (release / "tree/lib/python3.11/site-packages/sitecustomize.py").touch()
            added = machine.run("sh", script)
            assert added.returncode == 3
            assert "in its list" in added.stderr
            (release / "tree/lib/python3.11/site-packages/sitecustomize.py").unlink()

            # Packages that nobody has signed for would be installed by root.
            (release / "debs").mkdir()
            (release / "debs/tor.deb").touch()
            assert machine.run("sh", script).returncode == 3
            shutil.rmtree(release / "debs")

            (bare / "etc/os-release").rename(bare / "etc/os-release.kept")
            (bare / "etc/os-release").write_text("ID=ubuntu\nVERSION_ID=24.04\n")
            other = machine.run("sh", script)
            assert other.returncode == 5
            assert "not Debian 12 or 13" in other.stderr
            (bare / "etc/os-release.kept").rename(bare / "etc/os-release")

            nobody = machine.run("sh", "/tmp/install.sh", user="nobody")
            assert nobody.returncode == 2

            assert (bare / "etc/passwd").read_text() == before
            assert not (bare / "usr/lib/tapedrop").exists()
        shutil.rmtree(bare)


class TestHalfWay:
    def test_no_firewall_no_tor_and_the_next_run_goes_on(
        self, machine: Machine, server_release: Path
    ) -> None:
        subprocess.run(["cp", "-a", server_release, machine.root / "root/release"], check=True)
        broken = "/etc/tapedrop/firewall.d/out-broken.nft"
        machine.put("this is no rule\n", broken)

        failed = machine.run("sh", "/root/release/install.sh", seconds=300)
        assert failed.returncode == 1
        assert "the firewall could not be loaded" in failed.stderr
        assert not machine.active("tor@tapedrop.service")
        assert not machine.at(ONION).exists()

        machine.must("rm", broken)
        done = machine.run("sh", "/root/release/install.sh", "--offline", seconds=300)
        assert done.returncode == 0, done.stderr
        assert ".onion" in done.stdout
        assert not machine.active("tapedrop.service")
        assert machine.at(CURRENT).exists()


class TestOnDebian13:
    def test_it_installs_and_starts_as_on_12(
        self, tmp_path: Path, trixie: Path, server_release: Path, newsroom: Newsroom
    ) -> None:
        root = copied(trixie, tmp_path / "debian")
        with Machine.booted(root) as machine:
            on_13 = Installed(machine, server_release, newsroom)
            on_13.bring(server_release)
            done = on_13.install()
            assert done.returncode == 0, done.stdout + done.stderr
            assert "python3.13" in done.stdout
            assert "nothing was to be done" in on_13.install().stdout
            on_13.pair(tmp_path / "desk")
            on_13.start()
            with on_13.visit() as browser:
                became = send(browser, write_wav(tmp_path / "thirteen.wav")).became
            assert became == ["cleaned"]
        shutil.rmtree(root)


def settings(machine: Machine) -> str:
    """Return the drop's settings."""
    return machine.at(f"{DROP}/tapedrop.toml").read_text()


def state(machine: Machine) -> dict[str, str]:
    """Return all that an installer could change: files with their times, and what runs."""
    places = ("/etc", "/lib/systemd", "/usr/bin", "/usr/lib/tapedrop", DROP)
    files = machine.must(
        "find", *places, "-path", f"{DROP}/store", "-prune", "-o", "-printf", r"%p %T@ %m %u %l\n"
    )
    units = ("tapedrop.service", "tapedrop.socket", "tor@tapedrop.service")
    runs = {unit: machine.unit(unit, "InvocationID")["InvocationID"] for unit in units}
    return {"files": files, **runs}
