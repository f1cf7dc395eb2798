"""docs/operator.md names everything that security staff can meet, and nothing that isn't there.

Whatever is new needs one row there (`guide.py` says what a row is).
"""

import re
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_args

import click
import msgspec
import pytest
from drops import run_server
from guide import files, row_words, rows
from typed import PAGES, ROOT, below, options, parse, typed, verbs

from crypto.manifest import Condition
from intake.cli import verbs as desk_verbs
from server.cli import _EXIT_CODES, commands
from server.config import Config
from server.events import AtOnce, Counted, Library, Reason, Share, Undelivered, name_of
from server.staff.checks.every import EVERY

_OF_EVERY_VERB: Final = {"--json", "--config", "--help"}
_WITHOUT_CONFIG: Final = {"init", "restore"}
"""Verbs that make a drop's folder, or need none."""


def settings() -> dict[str, Any]:
    """Return each setting, as it is written `group.name`, and its default."""
    found: dict[str, Any] = {}
    for group in msgspec.structs.fields(Config):
        if isinstance(group.default, msgspec.Struct):
            values = msgspec.structs.asdict(group.default)
            found |= {f"{group.name}.{name}": value for name, value in values.items()}
        else:
            found[group.name] = group.default
    return found


def as_toml(value: object) -> str:
    """Return a default as it is written in the settings file."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


EVERY_VERB: Final = dict(verbs(commands))


class TestCommands:
    def test_every_verb_has_a_row_and_every_row_a_verb(self) -> None:
        documented = {row_words(row) for row in rows("Every command")}

        assert documented == set(EVERY_VERB)

    def test_every_option_is_named_in_its_verb_s_row_and_no_other(self) -> None:
        for row, cells in rows("Every command").items():
            named = set(re.findall(r"--[\w-]+", " ".join(cells)))
            own = options(EVERY_VERB[row_words(row)]) - _OF_EVERY_VERB

            assert named == own, row

    def test_the_readme_names_every_verb_in_the_order_of_the_help(self) -> None:
        named = " | ".join(str(command.name) for command in below(commands))

        assert f"`tapedrop-server {named}`" in (ROOT / "README.md").read_text()

    def test_help_cuts_no_sentence_off(self) -> None:
        groups = [each for each in below(commands) if isinstance(each, click.Group)]
        for group in (commands, *groups):
            with click.Context(group) as context:
                assert "..." not in group.get_help(context)

    @pytest.mark.parametrize("verb", EVERY_VERB)
    def test_every_verb_answers_other_programs(self, verb: str) -> None:
        assert "--json" in options(EVERY_VERB[verb])

    @pytest.mark.parametrize("verb", EVERY_VERB)
    def test_every_verb_takes_the_configuration(self, verb: str) -> None:
        assert ("--config" in options(EVERY_VERB[verb])) == (verb not in _WITHOUT_CONFIG)

    @pytest.mark.parametrize("verb", EVERY_VERB)
    def test_every_verb_s_help_ends_with_an_example_of_it(self, verb: str) -> None:
        title, *lines = (EVERY_VERB[verb].epilog or "").removeprefix("\b\n").splitlines()

        assert title.startswith("Example:")
        assert any(line.startswith(f"  tapedrop-server {verb}") for line in lines)

    @pytest.mark.parametrize("verb", EVERY_VERB)
    def test_no_example_takes_an_option_that_isn_t_there(self, verb: str) -> None:
        for line in (EVERY_VERB[verb].epilog or "").splitlines():
            for other, command in EVERY_VERB.items():
                if line.startswith(f"  tapedrop-server {other} "):
                    assert set(re.findall(r"--[\w-]+", line)) <= options(command)

    @pytest.mark.parametrize(
        ("program", "group"), [("tapedrop-server", commands), ("tapedrop-intake", desk_verbs)]
    )
    def test_no_page_types_what_there_isn_t(self, program: str, group: click.Group) -> None:
        for page, line in typed(program):
            try:
                parse(group, line)
            except click.UsageError as error:
                pytest.fail(f"{page}: {line}: {error.format_message()}")


class TestSettings:
    def test_every_setting_has_a_row_and_every_row_a_setting(self) -> None:
        assert set(rows("Every setting")) == set(settings())

    def test_each_row_says_the_default(self) -> None:
        said = {name: cells[1].strip("`") for name, cells in rows("Every setting").items()}

        assert said == {name: as_toml(default) for name, default in settings().items()}


class TestTheLog:
    @pytest.mark.parametrize(("title", "kinds"), [("At once", AtOnce), ("Once a day", Counted)])
    def test_every_event_has_a_row_that_names_its_fields(self, title: str, kinds: Any) -> None:
        documented = {}
        for row in rows(title):
            name, *facts = row.split()
            documented[name] = [fact.partition("=")[0] for fact in facts]
        there_are = {
            name_of(kind): [each.name for each in fields(kind)] for kind in get_args(kinds)
        }

        assert documented == there_are

    @pytest.mark.parametrize(
        ("title", "words"),
        [
            ("Why something was refused", Reason),
            ("What a night did", Share),
            ("Which library warned", Library),
            ("Why an alert was not sent", Undelivered),
        ],
    )
    def test_every_word_of_a_field_has_its_row(self, title: str, words: type[StrEnum]) -> None:
        assert set(rows(title)) == set(words)

    def test_the_row_of_what_came_names_every_condition(self) -> None:
        said = " ".join(rows("Once a day")["received condition"])

        assert [word for word in Condition if f"`{word}`" not in said] == []


class TestChecks:
    def test_every_check_has_a_row_and_every_row_a_check(self) -> None:
        assert list(rows("Every check")) == list(EVERY)


class TestExitCodes:
    def test_every_code_has_a_row(self) -> None:
        usage = 2
        codes = {0, usage, *(code for _, code in _EXIT_CODES)}

        assert set(rows("Every exit code")) == {str(code) for code in codes}


class TestFiles:
    def test_what_init_makes_has_rows_and_every_row_of_init_is_made(self, tmp_path: Path) -> None:
        drop = tmp_path / "drop"
        assert run_server("init", drop).returncode == 0
        made = {
            f"{path.relative_to(drop)}{'/' if path.is_dir() else ''}" for path in drop.rglob("*")
        }
        assert files(since="init") == made


class TestFilesElsewhere:
    def test_what_is_installed_has_rows_and_every_row_of_ours_is_installed(self) -> None:
        table = (ROOT / "deploy/server/places").read_text().splitlines()
        placed = {line.split()[1] for line in table if line and not line.startswith("#")}
        ours = {
            file
            for file, cells in rows("Files elsewhere on the machine").items()
            if cells[1] == "ours" and not file.endswith("/")
        }

        assert ours == placed


class TestLinks:
    def test_into_a_page_lead_to_a_heading(self) -> None:
        for page in PAGES:
            for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
                there = page.parent / target if target else page
                assert anchor in headings(there), (page.name, target, anchor)


def headings(page: Path) -> set[str]:
    """Return a page's headings, as links name them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
