"""Settings: safe defaults, errors that help, nothing undescribed."""

import re
from pathlib import Path

import msgspec
import pytest

from server.config import Config, read_config
from server.errors import SettingsRefused

COMMENTED = Path(__file__).parents[3] / "server/tapedrop.toml"


def written(folder: Path, text: str) -> Path:
    path = folder / "tapedrop.toml"
    path.write_text(text)
    return path


class TestTheCommentedFile:
    def test_describes_every_setting_with_its_default(self, tmp_path: Path) -> None:
        settings = re.sub(r"^#(\w+ = )", r"\1", COMMENTED.read_text(), flags=re.MULTILINE)
        settings = settings.replace('tcp = "127.0.0.1:8080"', 'tcp = ""')

        assert read_config(written(tmp_path, settings)) == Config()
        groups = [field for field in msgspec.structs.fields(Config) if field.name != "version"]
        for group in groups:
            for setting in msgspec.structs.fields(group.type):
                assert re.search(rf"^#{setting.name} = ", COMMENTED.read_text(), re.MULTILINE)

    def test_works_as_it_is(self) -> None:
        assert read_config(COMMENTED) == Config()


class TestMistakes:
    def test_an_unknown_key_is_answered_with_the_known_ones(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsRefused) as refused:
            read_config(written(tmp_path, "[limits]\nmax_size = 5"))

        assert "max_size" in str(refused.value)
        assert "max_recording_bytes" in refused.value.hint

    def test_an_unknown_group_is_answered_with_the_known_ones(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsRefused) as refused:
            read_config(written(tmp_path, "[logging]\nlevel = 5"))

        assert "newsroom" in refused.value.hint

    def test_a_word_that_is_no_choice_is_answered_with_the_choices(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsRefused) as refused:
            read_config(written(tmp_path, '[newsroom]\nfindings = "everything"'))

        assert "newsroom.findings" in str(refused.value)
        assert refused.value.hint == "known here: kinds, values"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[listen]\ntpc = 5", "there is no setting listen.tpc"),
            ("[listne]\ntcp = 5", "there is no [listne]"),
            (
                '[limits]\nmax_recordings = "5"',
                "limits.max_recordings: expected a whole number, got words in quotes",
            ),
            ("limits = 5", "limits: expected a group, got a whole number"),
            (
                "[staff]\nalert_command = 'mail'",
                "staff.alert_command: expected a list in brackets, got words in quotes",
            ),
        ],
    )
    def test_are_said_in_the_file_s_own_words(self, tmp_path: Path, text: str, said: str) -> None:
        with pytest.raises(SettingsRefused) as refused:
            read_config(written(tmp_path, text))

        assert str(refused.value) == said

    @pytest.mark.parametrize(
        "text",
        [
            "[limits]\nmax_recordings = 0",
            "[limits]\nmax_recording_bytes = -1",
            "[limits]\nmax_recordings = true",
            '[limits]\nmax_recordings = "5"',
            "[work]\nseals_at_once = 0",
            "[admission]\nmax_uploads = 0",
            "[admission]\nstore_floor_bytes = -1",
            "[admission]\nreserved_uploads = 260",
            "[admission]\nmax_bytes = 8589934592",
            "[admission]\nmax_bytes_per_circuit = 1000000",
            "[logs]\ntell_at_hour_utc = 24",
            '[listen]\ncircuits = "guess"',
            '[listen]\ntcp = "127.0.0.1:0"\ncircuits = "haproxy"',
            "version = 0",
            'version = "1"',
            '[tor]\nonion = "http://example.org"',
            '[tor]\nsocks = "192.0.2.1:9050"',
            "[limits",
            "limits = 5",
        ],
    )
    def test_a_value_that_makes_no_sense_is_refused(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(SettingsRefused):
            read_config(written(tmp_path, text))

    @pytest.mark.parametrize(
        "text",
        [f"a = {5000 * '['}", f"version = {5000 * '9'}", '[credentials]\nsalt = "a\\u0000"'],
        ids=["brackets", "digits", "zero byte"],
    )
    def test_that_would_be_a_fault_of_ours_are_refused(self, tmp_path: Path, text: str) -> None:
        # `destroy` goes by the usual places then; it must not fall over what somebody wrote there.
        with pytest.raises(SettingsRefused):
            read_config(written(tmp_path, text))

    @pytest.mark.parametrize(
        "named", ['bucket = "drop-7f3a"', 'endpoint = "https://store.example"']
    )
    def test_a_bucket_is_never_taken_for_a_folder(self, tmp_path: Path, named: str) -> None:
        with pytest.raises(SettingsRefused, match=r"need store\.engine"):
            read_config(written(tmp_path, f"[store]\n{named}"))

    def test_of_a_later_tapedrop_are_refused_with_a_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsRefused, match="of version 2; this Tapedrop is older"):
            read_config(written(tmp_path, "version = 2\n[guard]\nnew = true"))

    def test_that_went_with_a_newer_tapedrop_are_refused_with_what_became_of_them(
        self, tmp_path: Path
    ) -> None:
        with pytest.raises(SettingsRefused) as refused:
            read_config(written(tmp_path, "[staff]\nheartbeat_at_hour_utc = 5"))

        assert str(refused.value) == "there is no setting staff.heartbeat_at_hour_utc"
        assert refused.value.hint.startswith("take it out: heartbeat is a command of its own now")

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsRefused, match=r"nowhere\.toml"):
            read_config(tmp_path / "nowhere.toml")
