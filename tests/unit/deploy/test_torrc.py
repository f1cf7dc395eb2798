"""tor's settings for an installed drop, as tor itself and Debian's instances read them."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from server.config import Config, read_config

SERVER: Final = Path(__file__).parents[3] / "deploy/server"
DEFAULTS: Final = Path("/usr/share/tor/tor-service-defaults-torrc-instances")
"""What Debian's tor@.service reads before the torrc of an instance."""
EXAMPLES: Final = sorted((SERVER / "tor").glob("*.conf.example"))

needs_tor = pytest.mark.skipif(not DEFAULTS.exists(), reason="Debian's tor isn't installed")


class Instance:
    """An instance as it is installed, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir(mode=0o700)
        self.more = folder / "torrc.d"
        self.torrc = folder / "torrc"
        self.torrc.write_text(self.moved((SERVER / "tor/torrc").read_text()))
        here = DEFAULTS.read_text().replace("@@NAME@@", "tapedrop")
        # Only root could become that user.
        here = re.sub(r"^User .*\n", "", here, flags=re.MULTILINE)
        (folder / "defaults").write_text(self.moved(here))

    def moved(self, settings: str) -> str:
        """Return settings with every path of an installed tor in this folder instead."""
        settings = settings.replace("/var/lib/tor-instances/tapedrop", str(self.data))
        settings = settings.replace("/run/tor-instances/tapedrop", str(self.folder))
        return settings.replace("/etc/tor/instances/tapedrop", str(self.folder))

    def tor(self, *words: str) -> subprocess.CompletedProcess[str]:
        settings: list[str | Path] = [
            "--defaults-torrc",
            self.folder / "defaults",
            "-f",
            self.torrc,
        ]
        return subprocess.run(["tor", *settings, *words], capture_output=True, text=True)

    def said(self) -> list[str]:
        """Return what tor makes of it: a line each, of what differs from its own defaults."""
        done = self.tor("--dump-config", "short", "--hush")
        assert done.returncode == 0, done.stdout
        return done.stdout.splitlines()


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path)


def values(lines: list[str], name: str) -> list[str]:
    """Return what each line of this name says."""
    return [line.partition(" ")[2] for line in lines if line.split()[:1] == [name]]


def written() -> list[str]:
    """Return the lines of the torrc itself, without comments."""
    return [
        line for line in (SERVER / "tor/torrc").read_text().splitlines() if line and line[0] != "#"
    ]


@needs_tor
class TestTheInstance:
    def test_is_taken_by_tor_whether_staff_have_lines_of_their_own_or_not(
        self, instance: Instance
    ) -> None:
        taken = [instance.tor("--verify-config").returncode]
        instance.more.mkdir()
        taken.append(instance.tor("--verify-config").returncode)
        (instance.more / "own.conf").write_text("NoSuchThing 1\n")
        taken.append(instance.tor("--verify-config").returncode)

        assert taken == [0, 0, 1]

    def test_warns_of_nothing(self, instance: Instance) -> None:
        said = instance.tor("--verify-config").stdout

        assert [
            line for line in said.splitlines() if "[warn]" in line and "as root" not in line
        ] == []

    @pytest.mark.parametrize(
        ("name", "all_of_them"),
        [
            ("Log", ["err syslog"]),
            ("ControlSocket", ["0"]),
            ("CookieAuthentication", ["0"]),
            ("VanguardsLiteEnabled", ["1"]),
            ("AvoidDiskWrites", ["1"]),
            ("ClientOnly", ["1"]),
            ("HiddenServicePort", ["80 unix:/run/tapedrop.sock"]),
            ("HiddenServiceExportCircuitID", ["haproxy"]),
            ("HiddenServiceMaxStreamsCloseCircuit", ["0"]),
            ("HiddenServicePoWDefensesEnabled", ["1"]),
        ],
    )
    def test_replaces_what_debian_says_of_every_instance(
        self, instance: Instance, name: str, all_of_them: list[str]
    ) -> None:
        assert values(instance.said(), name) == all_of_them

    def test_opens_no_port_but_one_on_loopback(self, instance: Instance) -> None:
        ports = [line for line in instance.said() if re.match(r"\w+(Port|Socket) ", line)]

        opened = [line for line in ports if line.split()[1] != "0"]
        assert [line.split()[:2] for line in opened] == [
            ["HiddenServicePort", "80"],
            ["SocksPort", "127.0.0.1:9050"],
        ]

    @pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
    def test_takes_each_example_once_it_is_named_conf(
        self, instance: Instance, example: Path
    ) -> None:
        (instance.data / "invited").mkdir(mode=0o700)
        instance.more.mkdir()
        (instance.more / example.name).write_text("NoSuchThing 1\n")
        assert instance.tor("--verify-config").returncode == 0  # not named so yet
        said = instance.moved(example.read_text())
        (instance.more / example.name.removesuffix(".example")).write_text(said)

        assert instance.tor("--verify-config").returncode == 0

    def test_a_second_onion_changes_nothing_of_the_drops(self, instance: Instance) -> None:
        before = instance.said()
        instance.more.mkdir()
        example = (SERVER / "tor/staff-ssh.conf.example").read_text()
        (instance.more / "staff-ssh.conf").write_text(instance.moved(example))
        after = instance.said()

        drops = before.index(f"HiddenServiceDir {instance.data}/drop")
        assert after[drops : drops + 13] == before[drops : drops + 13]


class TestWhatItSays:
    def test_every_line_has_its_why_above_it(self) -> None:
        lines = (SERVER / "tor/torrc").read_text().splitlines()
        blocks = "\n".join(lines).split("\n\n")

        for block in blocks:
            settings = [line for line in block.splitlines() if line and line[0] != "#"]
            assert not settings or block.lstrip().startswith("#"), block

    def test_one_circuit_has_room_for_all_that_the_drop_would_serve_on_it(self) -> None:
        (most,) = values(written(), "HiddenServiceMaxStreams")

        assert int(most) > Config().connections.max_open_per_circuit

    def test_introduction_points_let_through_what_the_queue_takes(self) -> None:
        lines = written()
        queue = [values(lines, f"HiddenServicePoWQueue{each}") for each in ("Rate", "Burst")]

        assert queue == [
            values(lines, f"HiddenServiceEnableIntroDoS{each}PerSec") for each in ("Rate", "Burst")
        ]

    def test_is_what_the_installed_settings_say(self, tmp_path: Path) -> None:
        config = read_config(SERVER / "tapedrop.toml")
        lines = written()

        assert values(lines, "HiddenServiceDir") == [config.tor.keys]
        assert values(lines, "HiddenServicePort") == [f"80 unix:{config.listen.unix}"]
        assert values(lines, "HiddenServiceExportCircuitID") == [config.listen.circuits]
        assert [port.split()[0] for port in values(lines, "SocksPort")] == [config.tor.socks]

    def test_leaves_metrics_alone_because_tor_takes_their_zero_for_any_port(self) -> None:
        assert values(written(), "MetricsPort") == []

    def test_staff_have_the_last_word(self) -> None:
        assert written()[-1] == "%include /etc/tor/instances/tapedrop/torrc.d/*.conf"
