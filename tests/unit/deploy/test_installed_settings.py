"""deploy/server/tapedrop.toml: the settings that a machine's drop begins with."""

import re
from pathlib import Path

import msgspec
from drops import run_server

from server.config import Circuits, Config, read_config

INSTALLED = Path(__file__).parents[3] / "deploy/server/tapedrop.toml"


def changed(config: Config) -> dict[str, object]:
    """Return each setting that isn't the default."""
    found: dict[str, object] = {}
    usual, ours = msgspec.structs.asdict(Config()), msgspec.structs.asdict(config)
    for group, part in ours.items():
        if isinstance(part, msgspec.Struct):
            before = msgspec.structs.asdict(usual[group])
            now = msgspec.structs.asdict(part)
            found |= {f"{group}.{key}": now[key] for key in now if now[key] != before[key]}
    return found


class TestTheInstalledSettings:
    def test_say_where_systemd_and_tor_put_things_and_nothing_else(self) -> None:
        assert changed(read_config(INSTALLED)) == {
            "listen.unix": "/run/tapedrop.sock",
            "listen.circuits": Circuits.HAPROXY,
            "tor.keys": "/var/lib/tor-instances/tapedrop/drop",
            "keeping.sweep_nightly": False,
        }

    def test_have_one_line_that_the_installer_fills_in(self, tmp_path: Path) -> None:
        address = f"http://{'a' * 56}.onion"
        settings, lines = re.subn(
            r'^onion = ""$', f'onion = "{address}"', INSTALLED.read_text(), flags=re.MULTILINE
        )
        (tmp_path / "filled.toml").write_text(settings)

        assert lines == 1
        assert read_config(tmp_path / "filled.toml").tor.onion == address

    def test_name_only_settings_that_there_are_also_where_they_are_commented_out(
        self, tmp_path: Path
    ) -> None:
        named = re.sub(r"^#(\w+ = )", r"\1", INSTALLED.read_text(), flags=re.MULTILINE)
        (tmp_path / "all.toml").write_text(named)

        assert changed(read_config(tmp_path / "all.toml")) == changed(read_config(INSTALLED))

    def test_are_what_init_begins_with(self, tmp_path: Path) -> None:
        drop = tmp_path / "drop"

        assert run_server("init", drop, "--settings", INSTALLED).returncode == 0
        assert (drop / "tapedrop.toml").read_bytes() == INSTALLED.read_bytes()
        assert (drop / "tapedrop.toml").stat().st_mode & 0o777 == 0o600
