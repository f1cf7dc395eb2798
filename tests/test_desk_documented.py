"""docs/reporter.md names everything that reporters can meet, and nothing that isn't there.

Whatever is new needs one row there (`guide.py` says what a row is).
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import pytest
from guide import REPORTER, row_words, rows
from typed import ROOT, below, options, verbs

from intake.checks.every import OF_THE_DESK, OF_THE_MACHINE
from intake.cli import exits
from intake.cli import verbs as commands
from intake.drop import CleaningOutcome, SetAside, Status
from intake.layout import Layout
from intake.pipeline import Outcome
from intake.records import Checked, WorkStatus
from intake.settings import Settings
from intake.verifying import STEPS
from intake.wording import ALARMS

_OF_EVERY_VERB: Final = {"--json", "--desk", "--help"}
EVERY_VERB: Final = dict(verbs(commands))


class TestTheDesksCommands:
    def test_every_verb_has_a_row_and_every_row_a_verb(self) -> None:
        documented = {row_words(row) for row in rows("Every command", REPORTER)}

        assert documented == set(EVERY_VERB)

    def test_every_option_is_named_in_its_verb_s_row_and_no_other(self) -> None:
        for row, cells in rows("Every command", REPORTER).items():
            named = set(re.findall(r"--[\w-]+", " ".join(cells)))

            assert named == options(EVERY_VERB[row_words(row)]) - _OF_EVERY_VERB, row

    def test_the_readme_names_every_verb_in_the_order_of_the_help(self) -> None:
        named = " | ".join(str(command.name) for command in below(commands))

        assert f"`tapedrop-intake {named}`" in (ROOT / "README.md").read_text()

    @pytest.mark.parametrize("verb", EVERY_VERB)
    def test_every_verb_answers_other_programs(self, verb: str) -> None:
        assert "--json" in options(EVERY_VERB[verb])


class TestWhatTheDeskSays:
    @pytest.mark.parametrize(
        ("title", "said"),
        [
            ("Every alarm", ALARMS.values()),
            ("Statuses", WorkStatus),
            ("How far a drop is", Status),
            ("Why it was set aside", SetAside),
            ("What import says", Outcome),
            ("What came of cleaning here", CleaningOutcome),
        ],
    )
    def test_every_word_has_its_row_and_every_row_a_word(
        self, title: str, said: Iterable[str]
    ) -> None:
        assert list(rows(title, REPORTER)) == list(map(str, said))

    def test_every_step_of_the_checklist_has_its_row_and_asks_the_same(self) -> None:
        documented = rows("Steps of the checklist", REPORTER)

        assert {step: cells[1] for step, cells in documented.items()} == STEPS

    def test_what_a_step_can_be_is_said_above_them(self) -> None:
        said = REPORTER.partition("### Steps of the checklist")[2].partition("|")[0]

        assert [each for each in Checked if f"`{each}`" not in said] == []

    def test_what_is_explained_when_something_is_wrong_is_still_said(self) -> None:
        said = "".join(path.read_text() for path in (ROOT / "intake").rglob("*.py"))
        said = re.sub(r'"\s+f?"', "", said)
        for message in rows("When something is wrong", REPORTER):
            for part in re.split(r"…|\d+", message):
                assert part.strip() in said, message

    def test_every_exit_code_has_a_row(self) -> None:
        codes = {exits.DONE, exits.NEEDS_A_PERSON, exits.USAGE}
        codes |= {exits.REFUSED, exits.NO_KEY, exits.UNFIT}

        assert set(rows("Every exit code", REPORTER)) == set(map(str, codes))


class TestTheDesksChecks:
    def test_every_check_has_a_row_and_every_row_a_check(self) -> None:
        assert list(rows("Every check", REPORTER)) == [*OF_THE_MACHINE, *OF_THE_DESK]


class TestTheDesksFiles:
    def test_every_file_of_a_desk_has_a_row_and_every_row_a_file(self) -> None:
        layout = Layout(Path())
        named = [name for name, each in vars(Layout).items() if isinstance(each, property)]
        paths = {getattr(layout, name) for name in named if name != "subfolders"}
        folders = set(layout.subfolders)
        files = {f"{path}/" if path in folders else str(path) for path in paths}

        assert set(rows("Files in the desk's folder", REPORTER)) == files


class TestTheDesksSettings:
    def test_every_setting_has_a_row_and_every_row_a_setting(self) -> None:
        there_are = {
            f"{part.name}.{each.name}"
            for part in msgspec.structs.fields(Settings)
            for each in msgspec.structs.fields(part.type)
        }

        assert set(rows("Every setting", REPORTER)) == there_are
