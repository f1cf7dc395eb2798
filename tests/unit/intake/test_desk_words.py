"""What a reporter is told: every error has a sentence and an exit code, and nothing steers."""

import inspect
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter

import click
import pytest
from click.testing import CliRunner
from desks import DeskAt, Person, new_person
from hypothesis import given
from hypothesis import strategies as st

from crypto import errors as sealing
from intake import errors, wording
from intake.cli import exits, verbs
from intake.drop import Alarm
from intake.sentences import SENTENCES
from intake.wording import kinds, plain, scrubbed, size_text, told
from scrub.findings import Kind

NEVER_AT_A_DESK = {sealing.KeyRefused, sealing.NoUsableKey, sealing.NotACodename}


def leaves(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith((errors.__name__, sealing.__name__)):
            yield from leaves(below)
            if not below.__subclasses__():
                yield below


LEAVES = [*leaves(errors.IntakeError), *leaves(sealing.CryptoError)]


class TestErrors:
    @pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
    def test_each_has_its_sentence_and_its_exit_code(self, leaf: type[BaseException]) -> None:
        if issubclass(leaf, tuple(NEVER_AT_A_DESK)):
            return
        assert any(kind in SENTENCES for kind in leaf.__mro__)
        assert any(kind in exits._CODES for kind in leaf.__mro__)

    @pytest.mark.parametrize("leaf", SENTENCES, ids=lambda leaf: leaf.__name__)
    def test_each_sentence_speaks_only_of_facts_that_its_error_has(
        self, leaf: type[BaseException]
    ) -> None:
        known = {"about", "error", *inspect.signature(leaf.__init__).parameters}
        for said in SENTENCES[leaf]:
            assert {name for _, name, _, _ in Formatter().parse(said) if name} <= known

    def test_sentences_are_lower_case_without_a_full_stop(self) -> None:
        for sentence, hint in SENTENCES.values():
            for said in (sentence, hint):
                assert not said.endswith((".", " "))
                assert said == "" or said[0] in "{:" or said[0].islower()

    def test_one_that_nobody_foresaw_says_nothing_of_its_own(self) -> None:
        sentence, hint = told(KeyError("what the source said"), about="drop-0001")
        assert "source said" not in sentence + hint
        assert exits.exit_code(KeyError()) == 5

    def test_where_only_one_thing_is_done_the_sentence_begins_with_what_failed(self) -> None:
        assert told(sealing.GpgFailed("gpg is gone"))[0] == "gpg is gone"
        assert told(sealing.GpgFailed("gpg is gone"), about="drop-0007")[0].startswith("drop-0007")

    def test_a_full_disk_is_called_one(self) -> None:
        assert "the disk is full" in told(OSError(28, "No space left on device"))[0]
        assert told(OSError(13, "Permission denied", "/x"))[0] == "/x: permission denied"

    def test_the_gravest_code_is_heard_first(self) -> None:
        assert exits.gravest() == 0
        assert exits.gravest(0, 1, 4, 3) == 3
        assert exits.gravest(1, 4, 0) == 4

    def test_every_alarm_is_put_into_words(self) -> None:
        assert wording.ALARMS.keys() == set(Alarm)


class TestWords:
    def test_every_kind_of_finding_reads_as_words(self) -> None:
        said = kinds(dict.fromkeys(Kind, 1))
        assert "_" not in said
        assert len(set(said.split(", "))) == len(Kind)

    def test_a_kind_from_a_later_server_is_still_said(self) -> None:
        assert kinds({"smell_of_room": 1}) == "smell of room"

    def test_a_reporter_reads_what_evidence_to_ask_for(self) -> None:
        said = scrubbed({"time": 7, "device": 1, "location": 2}, {"encoder": 1})

        assert said == "location (2), device name (1), times (7) removed; encoder trace remains"
        assert scrubbed({}, {}) == "nothing removed; nothing remains"

    @pytest.mark.parametrize(
        ("size", "said"),
        [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"),
         (999_950, "1.0 MB"), (3_400_000, "3.4 MB"), (5 * 10**9, "5.0 GB"), (10**13, "10000.0 GB")],
    )  # fmt: skip
    def test_sizes_are_said_as_people_say_them(self, size: int, said: str) -> None:
        assert size_text(size) == said

    @given(st.text())
    def test_plain_text_never_steers_a_terminal(self, untrusted: str) -> None:
        shown = plain(untrusted, lines=True)
        assert len(shown) == len(untrusted)
        assert not set(shown) & {"\x1b", "\r", "\x07", "\x9b", "\u202e", "\u2066", "\u2028"}
        assert "\n" not in plain(untrusted)


def below(command: click.Command, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a verb and all below it, with the words that name each."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            verb = command.get_command(context, name)
            assert verb is not None
            yield from below(verb, *words, name)


EVERY = dict(below(verbs))
GROUPS = [words for words, command in EVERY.items() if isinstance(command, click.Group)]
LEAVES_OF_IT = [words for words in EVERY if words not in GROUPS]


class TestHelp:
    @pytest.mark.parametrize("words", EVERY, ids=" ".join)
    def test_it_begins_with_usage_and_ends_with_an_example(self, words: tuple[str, ...]) -> None:
        shown = CliRunner().invoke(verbs, [*words, "--help"], prog_name="tapedrop-intake")
        assert shown.exit_code == 0
        assert shown.output.startswith(" ".join(["Usage: tapedrop-intake", *words]))
        example = shown.output.rpartition("Example")[2]
        assert "  $ tapedrop-intake" in example
        assert "Options:" not in example

    @pytest.mark.parametrize("words", LEAVES_OF_IT, ids=" ".join)
    def test_every_verb_answers_programs_as_well(self, words: tuple[str, ...]) -> None:
        assert any("--json" in each.opts for each in EVERY[words].params)

    @pytest.mark.parametrize("group", GROUPS, ids=" ".join)
    def test_it_says_of_each_verb_what_it_does_in_a_whole_sentence(
        self, group: tuple[str, ...]
    ) -> None:
        shown = CliRunner().invoke(verbs, [*group, "--help"], prog_name="tapedrop-intake")
        above = shown.output.partition("  Exit:")[0].partition("  Example")[0]
        listed = re.findall(r"^  [a-z-]+ {2,}[^-\s].*(?:\n {6,}\S.*)*", above, re.MULTILINE)
        assert listed
        assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []

    def test_verbs_below_a_verb_are_listed_where_none_is_named(self, desk: DeskAt) -> None:
        answer = desk("keys")
        assert answer.code == 2
        assert answer.err.startswith("Usage: tapedrop-intake keys [OPTIONS] VERB …\n")

    def test_a_wrong_option_is_a_question_of_usage(self, desk: DeskAt) -> None:
        answer = desk("list", "--colour")
        assert answer.code == 2
        assert answer.err.startswith("tapedrop-intake: error: no such option")
        assert answer.err.endswith("hint: tapedrop-intake list --help\n")


PINENTRY = """#!/bin/sh
echo OK
while read -r line; do
  echo "$line" >> {log}
  case "$line" in
    GETPIN*) if [ -e {cancels} ]; then echo "ERR 83886179 cancelled"; else echo "D 1234"; echo OK; fi;;
    BYE*) echo OK; exit 0;;
    *) echo OK;;
  esac
done
"""  # noqa: E501


class TestAKeyWithAPin:
    @pytest.fixture
    def careful(self, tmp_path: Path) -> Iterator[Person]:
        """A reporter whose key has a passphrase, and a pinentry that knows it."""
        yield from new_person("careful", passphrase="1234")

    def test_it_is_asked_where_the_reporter_sits_and_may_be_denied(
        self,
        careful: Person,
        make_desk: Callable[..., DeskAt],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        log, cancels = tmp_path / "log", tmp_path / "cancels"
        pinentry = tmp_path / "pinentry"
        pinentry.write_text(PINENTRY.format(log=log, cancels=cancels))
        pinentry.chmod(0o700)
        agent = f"pinentry-program {pinentry}\ndefault-cache-ttl 0\nmax-cache-ttl 0\n"
        (careful.home / "gpg-agent.conf").write_text(agent)
        subprocess.run(["gpgconf", "--homedir", careful.home, "--kill", "all"], check=True)
        monkeypatch.setenv("GPG_TTY", "/dev/tty9")
        desk = make_desk(careful, "careful", "--outside-newsroom")
        assert "OPTION ttyname=/dev/tty9" in log.read_text()
        assert desk("list").code == 0
        cancels.touch()
        assert desk("list").code == 4
