"""Where the canary looks for the drop: through tor by name, or on this machine and nowhere else."""

from pathlib import Path

import pytest

from server.config import Config, read_config
from server.errors import CantReach, SettingsRefused
from server.staff.canary.reach import place_of

ONION = "http://" + "b" * 56 + ".onion"


def configured(folder: Path, settings: str) -> Config:
    path = folder / "tapedrop.toml"
    path.write_text(settings)
    return read_config(path)


class TestWhereItIs:
    def test_the_onion_address_comes_first(self, tmp_path: Path) -> None:
        config = configured(tmp_path, f'[tor]\nonion = "{ONION}"\n[listen]\ntcp = "127.0.0.1:80"')
        place = place_of(tmp_path, config)
        assert (place.where, place.host) == (ONION, ONION.removeprefix("http://"))

    def test_then_the_port_that_it_listens_at(self, tmp_path: Path) -> None:
        config = configured(tmp_path, '[listen]\ntcp = "[::1]:8080"')
        assert place_of(tmp_path, config).where == "http://[::1]:8080"

    def test_then_the_socket(self, tmp_path: Path) -> None:
        assert place_of(tmp_path, Config()).where == str(tmp_path / "tapedrop.sock")

    def test_a_port_that_is_any_free_one_has_to_be_said(self, tmp_path: Path) -> None:
        config = configured(tmp_path, '[listen]\ntcp = "127.0.0.1:0"')
        with pytest.raises(SettingsRefused, match="any free port"):
            place_of(tmp_path, config)

    @pytest.mark.parametrize(
        "url",
        [
            "http://drop.example",
            "https://127.0.0.1:8080",
            "http://192.168.0.1/",
            "http://short.onion",
            "http://127.0.0.1:8080/send",
            "http://127.0.0.1:99999",
            "http://127.0.0.1@drop.example",
        ],
    )
    def test_nowhere_else(self, tmp_path: Path, url: str) -> None:
        with pytest.raises(SettingsRefused):
            place_of(tmp_path, Config(), url=url)

    @pytest.mark.parametrize("socks", ["tor.example:9050", "127.0.0.1", "127.0.0.1:0"])
    def test_tor_is_on_this_machine(self, tmp_path: Path, socks: str) -> None:
        with pytest.raises(SettingsRefused):
            place_of(tmp_path, Config(), url=ONION, socks=socks)


class TestWhoIsNotThere:
    def test_a_socket_that_nobody_listens_at_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CantReach, match=r"tapedrop\.sock: no such file"):
            place_of(tmp_path, Config()).connect()
