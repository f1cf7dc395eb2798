"""tapedrop-server, whatever is typed: a sentence, what to do next, an exit code."""

import os
import sys
from pathlib import Path

import click
import pytest
from drops import Drop
from signing import DeskKey

from crypto.errors import BadBag
from server import cli
from server.cli import check
from server.cli.bags import Told, take_each
from server.errors import SettingsRefused
from server.staff.checks import Verdict
from server.staff.checks.every import Check
from server.staff.sticks.answers import Answers


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run one command line; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["tapedrop-server", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> click.Command:
    """A verb `fail`, whose callback a test sets."""
    command = click.Command("fail")
    monkeypatch.setitem(cli.commands.commands, "fail", command)
    return command


class TestWhatWasTypedWrongly:
    def test_nothing_is_answered_with_help(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert typed(monkeypatch) == 2

        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("Usage: tapedrop-server")

    @pytest.mark.parametrize(
        ("words", "error", "hint"),
        [
            (["kyes"], "no such command 'kyes'. Did you mean 'keys'?", "tapedrop-server"),
            (["export"], "missing option '--to'", "tapedrop-server export"),
            (["keys", "add"], "missing argument 'FILE'", "tapedrop-server keys add"),
        ],
    )
    def test_is_named_with_where_to_read_on(
        self,
        words: list[str],
        error: str,
        hint: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(cli.commands, "commands", {})  # as in a process of its own

        assert typed(monkeypatch, *words) == 2

        said = capsys.readouterr().err.splitlines()
        assert said == [
            f"tapedrop-server: error: {error}",
            f"tapedrop-server: hint: {hint} --help",
        ]


class TestSomebodyElse:
    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
    def test_is_told_whose_drop_it_is_before_anything_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "receipts").mkdir()
        os.chown(tmp_path / "receipts", 65_534, 65_534)
        config = tmp_path / "tapedrop.toml"
        config.touch()

        assert typed(monkeypatch, "sweep", "--config", str(config)) == 2

        said = capsys.readouterr().err
        assert f"{tmp_path}/receipts belongs to the user nobody" in said
        assert "hint: type it as that user: sudo -u nobody" in said
        assert sorted(path.name for path in tmp_path.iterdir()) == ["receipts", "tapedrop.toml"]


class TestChecking:
    @pytest.mark.parametrize(
        ("verdicts", "code"), [("ok", 0), ("ok look ok", 1), ("look fail ok", 5)]
    )
    def test_ends_with_the_code_of_what_is_worst(
        self, drop: Drop, monkeypatch: pytest.MonkeyPatch, verdicts: str, code: int
    ) -> None:
        found = [Check("name", Verdict(each), "it is so", "do this") for each in verdicts.split()]
        monkeypatch.setattr(check, "every_check", lambda _ground: iter(found))

        assert typed(monkeypatch, "check", "--config", str(drop.config)) == code


class TestFailing:
    def test_an_error_s_hint_is_said_below_it(
        self,
        failing: click.Command,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def refuse() -> None:
            raise SettingsRefused("no such thing", hint="take another")

        failing.callback = refuse

        assert typed(monkeypatch, "fail") == 2
        said = capsys.readouterr().err.splitlines()
        assert said == ["tapedrop-server: error: no such thing",
                        "tapedrop-server: hint: take another"]  # fmt: skip

    def test_a_fault_of_ours_says_where_it_is_and_nothing_of_what_it_met(
        self,
        failing: click.Command,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def break_down() -> None:
            raise KeyError("Maria")

        failing.callback = break_down

        assert typed(monkeypatch, "fail") == 1
        said = capsys.readouterr().err
        assert "this is a fault of ours: KeyError at test_command_line.py:" in said
        assert "Maria" not in said
        assert "Traceback" not in said

    def test_a_verb_s_own_exit_code_is_passed_on(
        self, failing: click.Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failing.callback = lambda: 3

        assert typed(monkeypatch, "fail") == 3


class TestAHostileStick:
    def test_steers_no_terminal_by_the_names_of_its_folders(
        self, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        (tmp_path / "desks").mkdir()
        DeskKey().pair_with(tmp_path / "desks")
        for name in ("\x1b]0;paired\x07", "\udcff", "paired\nwith"):
            (tmp_path / "TAPEDROP" / name).mkdir(parents=True)

        with pytest.raises(BadBag):
            take_each(tmp_path, tmp_path / "desks", _nothing, as_json=False)

        said = capsysbinary.readouterr()
        assert said.out.count(b"\n") == said.out.count(b": refused: ") == 3
        assert all(byte.to_bytes() >= b" " for byte in (said.out + said.err).replace(b"\n", b""))


def _nothing(_answers: Answers) -> Told:
    return {}, ""
