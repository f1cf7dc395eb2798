"""The log: a closed vocabulary, told in steps, once a day."""

import ast
import asyncio
import io
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from crypto.errors import CryptoError
from crypto.manifest import Condition
from scrub import REASONS
from server import events, journal
from server.errors import (
    BadBackup,
    BadCatalogue,
    CanaryFailed,
    EndsSoon,
    NoStaffKey,
    NotALetter,
    NotConfirmed,
    NotErased,
    NotFit,
    NotPaired,
    NotSent,
    NotSigned,
    NotTheLine,
    ServerError,
    SettingsRefused,
    WrongUser,
)
from server.events import (
    AtOnce,
    Counted,
    Level,
    Library,
    LibraryWarned,
    Reason,
    Received,
    Refused,
    Started,
    SweepFailed,
    every_counted_event,
)
from server.journal import Journal, is_the_journal, silence_libraries, step
from server.staff.sticks.stick import StickFailed
from server.visit import reason_of

NEVER_MET_BY_A_RECORDING = (
    BadBackup,
    BadCatalogue,
    CanaryFailed,
    EndsSoon,
    NoStaffKey,
    NotALetter,
    NotConfirmed,
    NotErased,
    NotFit,
    NotPaired,
    NotSent,
    NotSigned,
    NotTheLine,
    SettingsRefused,
    StickFailed,
    WrongUser,
)
SERVER = Path(events.__file__).parent


def _leaves(root: type[Exception]) -> Iterator[type[Exception]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _leaves(kind)


class TestTheVocabulary:
    def test_no_field_can_hold_a_person(self) -> None:
        for kind in (*get_args(Counted), *get_args(AtOnce)):
            hints = get_type_hints(kind)
            for field in fields(kind):
                assert hints[field.name] is int or issubclass(hints[field.name], StrEnum)

    def test_every_reason_that_scrubbing_gives_has_its_word(self) -> None:
        assert set(REASONS) <= {reason.value for reason in Reason}

    def test_every_error_that_a_recording_can_meet_has_its_word(self) -> None:
        for error in (*_leaves(ServerError), *_leaves(CryptoError), OSError):
            if not issubclass(error, NEVER_MET_BY_A_RECORDING):
                assert reason_of(error.__new__(error)) in Reason

    def test_nothing_else_in_the_server_logs_or_prints(self) -> None:
        for path in SERVER.rglob("*.py"):
            said = set(_ways_to_say(ast.parse(path.read_text())))
            if path == SERVER / "journal.py":
                said -= {"logging", "structlog", "sys.stderr"}
            if SERVER / "cli" in path.parents:  # it talks to whoever typed, of what they typed
                said -= {"click.echo", "sys.stderr", "sys.stdout", "traceback"}
            assert said == set(), path

    def test_holds_no_event_that_never_comes(self) -> None:
        events = {kind.__name__ for kind in (*get_args(Counted), *get_args(AtOnce))}
        made = {
            word
            for path in SERVER.rglob("*.py")
            if path != SERVER / "events.py"
            for word in re.findall(r"\b([A-Z]\w+)\b\(", path.read_text())
        }

        assert events <= made

    def test_nothing_is_told_or_counted_but_through_it(self) -> None:
        private = {"_say", "_log", "_counts"}
        for path in SERVER.rglob("*.py"):
            if path != SERVER / "journal.py":
                for node in ast.walk(ast.parse(path.read_text())):
                    if isinstance(node, ast.Attribute) and "journal" in ast.unparse(node.value):
                        assert node.attr not in private, path


def _ways_to_say(tree: ast.AST) -> Iterator[str]:
    """Yield what in a module could write a line somewhere else than into the journal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
            yield from names & {"logging", "structlog", "syslog", "traceback", "warnings"}
        if isinstance(node, ast.Name) and node.id in {"print", "breakpoint"}:
            yield node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            yield from {name} & {"click.echo", "sys.stderr", "sys.stdout", "sys.__stderr__"}


class TestTheDay:
    def test_is_told_in_steps_with_every_event_there_is(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        journal = Journal()
        for _ in range(12):
            journal.count(Received(Condition.CLEANED))
        journal.count(Refused(Reason.MALFORMED))

        journal.tell_the_day()

        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == len(every_counted_event())
        assert "event='received' condition='cleaned' today='10+'" in lines
        assert "event='refused' reason='malformed' today='1-9'" in lines
        assert "event='refused' reason='empty' today='0'" in lines

    def test_begins_anew_once_it_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        journal = Journal()
        journal.count(LibraryWarned(Library.OTHER, Level.ERROR))
        journal.tell_the_day()
        capsys.readouterr()

        journal.tell_the_day()

        assert "1-9" not in capsys.readouterr().err

    def test_counting_says_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        for event in every_counted_event():
            Journal().count(event)

        assert capsys.readouterr() == ("", "")

    def test_what_no_source_causes_is_told_at_once(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Journal().tell(Started(newsroom_keys=2))

        assert capsys.readouterr().err == "event='started' newsroom_keys=2\n"

    @pytest.mark.parametrize(("count", "said"), [(0, "0"), (1, "1-9"), (9, "1-9"), (10, "10+")])
    def test_steps_are_coarse(self, count: int, said: str) -> None:
        assert step(count) == said


class TestTheJournal:
    def test_is_told_how_grave_a_line_is(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(journal, "is_the_journal", lambda *_: True)
        told = Journal()

        told.tell(Started(newsroom_keys=2))
        told.tell(SweepFailed())

        lines = capsys.readouterr().err.splitlines()
        assert lines == ["<4>event='started' newsroom_keys=2", "<3>event='sweep_failed'"]

    def test_is_standard_error_only_where_systemd_says_so(self, tmp_path: Path) -> None:
        with (tmp_path / "stream").open("w") as stream:
            facts = os.fstat(stream.fileno())
            named = {"JOURNAL_STREAM": f"{facts.st_dev}:{facts.st_ino}"}

            assert is_the_journal(stream, named)
            assert not is_the_journal(stream, {})
            assert not is_the_journal(stream, {"JOURNAL_STREAM": "1:1"})

    def test_that_nobody_reads_any_more_keeps_nobody_from_working(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Gone(io.StringIO):
            def write(self, _text: str) -> int:
                raise BrokenPipeError

        monkeypatch.setattr(sys, "stderr", Gone())
        told = Journal()

        told.tell(Started(newsroom_keys=2))
        assert len(told.tell_the_day()) == len(every_counted_event())


class TestLibraries:
    @pytest.fixture(autouse=True)
    def silenced(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Let whatever is silenced speak again afterwards."""
        root = logging.getLogger()
        monkeypatch.setattr(root, "handlers", root.handlers[:])
        monkeypatch.setattr(threading, "excepthook", threading.excepthook)
        monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
        level = root.level
        yield
        root.setLevel(level)
        logging.captureWarnings(capture=False)

    def test_what_they_log_is_counted_and_not_kept(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        journal = Journal()
        silence_libraries(journal)
        logging.getLogger("aiohttp.server").error("from 10.0.0.9: GET /secret")
        logging.getLogger("asyncio").warning("somebody's name")
        logging.getLogger("aiohttp.access").info("not even counted")
        logging.getLogger("some.library").critical("from 10.0.0.9")
        said = capsys.readouterr()
        journal.tell_the_day()

        assert said == ("", "")
        told = [line for line in capsys.readouterr().err.splitlines() if "'1-9'" in line]
        assert told == [
            "event='library_warned' library='aiohttp' level='error' today='1-9'",
            "event='library_warned' library='asyncio' level='warning' today='1-9'",
            "event='library_warned' library='other' level='error' today='1-9'",
        ]

    def test_the_secret_in_an_exception_is_found_nowhere(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        journal = Journal()
        silence_libraries(journal)
        secret = ValueError("Amal, 10.0.0.9")

        def fail() -> None:
            raise secret

        class Unraisable:
            def __del__(self) -> None:
                raise secret

        async def forgotten() -> None:
            asyncio.get_running_loop().call_soon(fail)
            await asyncio.sleep(0)

        try:
            fail()
        except ValueError:
            logging.getLogger("asyncio").exception("while handling %s", "10.0.0.9")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("Amal", UserWarning, stacklevel=1)
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        Unraisable()
        asyncio.run(forgotten())
        journal.tell_the_day()

        said = capsys.readouterr()
        assert "Amal" not in said.out + said.err
        assert "Traceback" not in said.err
        told = [line for line in said.err.splitlines() if "'1-9'" in line]
        assert told == [
            "event='library_warned' library='asyncio' level='error' today='1-9'",
            "event='library_warned' library='python' level='warning' today='1-9'",
            "event='library_warned' library='python' level='error' today='1-9'",
        ]
