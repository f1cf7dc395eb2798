"""Tab: verbs, options, and ids of a desk that is unlocked; never a PIN, never a word of trouble."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from desks import Answer, DeskAt, Server

from intake import keyring
from intake.cli import verbs
from intake.errors import KeyringRefused
from intake.layout import Layout
from intake.unlocking import lock


def proposed(*typed: object) -> list[str]:
    """Return what is proposed for the last of the words typed."""
    *words, incomplete = map(str, typed)
    complete = ShellComplete(verbs, {}, "tapedrop-intake", "_TAPEDROP_INTAKE_COMPLETE")
    return [item.value for item in complete.get_completions(words, incomplete)]


class TestVerbs:
    def test_verbs_options_and_what_is_below_a_verb_are_proposed(self) -> None:
        assert proposed("se") == ["search"]
        assert proposed("note", "tr") == ["transcript"]
        assert "--limit" in proposed("search", "--")
        assert proposed("checklist", "set", "drop-0001", "se") == ["second-source"]
        assert "--completion" in proposed("--")

    def test_a_word_that_begins_no_verb_proposes_nothing(self) -> None:
        assert proposed("xyz") == []

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_each_shell_gets_what_it_reads(self, tell: Callable[..., Answer], shell: str) -> None:
        answer = tell("--completion", shell)
        assert answer.code == 0
        assert f"_TAPEDROP_INTAKE_COMPLETE={shell}_complete" in answer.out
        assert tell("--completion", "tcsh").code == 2

    def test_bash_proposes_them_once_it_has_read_that(self, tell: Callable[..., Answer]) -> None:
        asked = (
            "COMP_WORDS=(tapedrop-intake sta); COMP_CWORD=1\n"
            "_tapedrop_intake_completion tapedrop-intake\n"
            'printf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "--norc", "-c", tell("--completion", "bash").out + asked],
            capture_output=True, text=True, env={**os.environ, "PATH": programs},
        )  # fmt: skip
        assert done.stdout == "statement\n", done.stderr


class TestIds:
    @pytest.fixture
    def busy(self, desk: DeskAt, server: Server, stick: Path) -> Iterator[DeskAt]:
        server.receive()
        server.receive(b"another")
        server.export(stick)
        desk("import", stick)
        desk("open", "--all")
        desk("case", "add", "Border")
        desk("note", "add", "1", "a door")
        yield desk
        lock(Layout.of(desk.folder))

    def test_ids_are_proposed_while_the_desk_is_unlocked(self, busy: DeskAt) -> None:
        try:
            keyring.kept("tapedrop test", seconds=1)
        except KeyringRefused:
            pytest.skip("this kernel keeps no keys")
        assert busy("unlock").code == 0
        at = ["--desk", busy.folder]
        assert proposed(*at, "show", "dr") == ["drop-0001", "drop-0002"]
        assert proposed("open", *at, "") == ["drop-0001", "drop-0002", "case-0001"]
        assert proposed(*at, "case", "show", "") == ["case-0001"]
        assert proposed(*at, "list", "--case", "") == ["case-0001"]
        assert proposed(*at, "list", "--source", "") == ["source-0001"]
        assert proposed(*at, "note", "edit", "note-") == ["note-0001"]

    def test_a_locked_desk_proposes_none_and_asks_nobody(
        self, busy: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(subprocess, "Popen", None)
        assert proposed("--desk", busy.folder, "show", "dr") == []

    def test_where_there_is_no_desk_nothing_is_said(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert proposed("--desk", tmp_path, "show", "dr") == []
        assert capsys.readouterr() == ("", "")
