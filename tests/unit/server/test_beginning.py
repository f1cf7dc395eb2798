"""`init`, and which drop is meant where none is named."""

import os
from pathlib import Path

import pytest
from drops import Drop, run_server

from server.cli.options import INSTALLED, drop_at, usual_config
from server.errors import WrongUser


class TestSettingsToBeginWith:
    def test_put_the_folders_and_secrets_where_they_say(self, tmp_path: Path) -> None:
        settings = tmp_path / "settings.toml"
        settings.write_text(
            f'[places]\nstore = "{tmp_path}/disk/store"\n[credentials]\nsalt = "kept/salt"\n'
        )

        assert run_server("init", tmp_path / "drop", "--settings", settings).returncode == 0

        assert (tmp_path / "disk/store/drops").is_dir()
        assert (tmp_path / "disk/store").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "drop/kept/salt").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "drop/kept").stat().st_mode & 0o777 == 0o700

    def test_that_are_wrong_make_nothing(self, tmp_path: Path) -> None:
        settings = tmp_path / "settings.toml"
        settings.write_text('[listen]\nunix_socket = "here"\n')

        refused = run_server("init", tmp_path / "drop", "--settings", settings)

        assert refused.returncode == 2
        assert "there is no setting listen.unix_socket" in refused.stderr
        assert not (tmp_path / "drop").exists()


class TestTheDropThatIsMeant:
    def test_is_the_one_in_this_folder_where_none_is_installed(
        self, drop: Drop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert usual_config() == INSTALLED == Path("/var/lib/tapedrop/tapedrop.toml")
        monkeypatch.chdir(drop.folder)
        assert usual_config() == Path("tapedrop.toml")

    def test_is_the_installed_one_whatever_somebody_has_put_where_staff_stand(
        self, drop: Drop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("server.cli.options.INSTALLED", drop.config)
        (tmp_path / "tapedrop.toml").write_text('[staff]\nalert_command = ["/usr/bin/false"]\n')
        monkeypatch.chdir(tmp_path)

        assert usual_config() == drop.config

    def test_is_named_in_the_help(self) -> None:
        words = " ".join(run_server("serve", "--help").stdout.split())

        assert "/var/lib/tapedrop/tapedrop.toml if it is there, else tapedrop.toml" in words

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    def test_is_none_whose_settings_somebody_else_wrote(self, drop: Drop) -> None:
        os.chown(drop.config, 65_534, 65_534)

        with pytest.raises(WrongUser, match="belongs to the user nobody"):
            drop_at(drop.config)
