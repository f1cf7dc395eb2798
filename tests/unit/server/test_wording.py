"""A source reads words for everything that can happen, and never the cause."""

import pytest

from crypto.errors import (
    CutTooShort,
    NotACodename,
    SeveralLanguages,
    UnknownWord,
    WordsDontBelong,
    WrongCount,
)
from crypto.manifest import Condition
from server.events import Reason
from server.i18n import Language, languages
from server.progress import Item, Step
from server.wording import codename_problem, limit_in_words, name_of, said_of, words_for, words_of

ENGLISH = languages()["en"]
WRONG = [
    (WrongCount(0), "You typed 0 words; it takes eight."),
    (WrongCount(1), "You typed one word; it takes eight."),
    (WrongCount(9), "You typed 9 words; it takes eight."),
    (UnknownWord(3, language="english", meant=()), "Word 3 isn't one of ours."),
    (
        UnknownWord(3, language="english", meant=["river", "rival"]),
        "Word 3 isn't one of ours. Did you mean: river · rival?",
    ),
    (
        CutTooShort(8, language="english", could_be=["abandon", "ability"]),
        "Word 8 could be one of these: abandon · ability. Please type all of it.",
    ),
    (
        CutTooShort(8, language="english", could_be=()),
        "Word 8 is too short to tell which it is. Please type all of it.",
    ),
    (WordsDontBelong(), "These eight words don't belong together."),
    (SeveralLanguages(["english", "french"]), "Please choose the language"),
    (NotACodename("another"), "These eight words don't belong together."),
]


class TestWhatBecameOfAThing:
    @pytest.mark.parametrize("became", [*Reason, *Condition], ids=str)
    def test_is_told_in_whole_sentences(self, became: Reason | Condition) -> None:
        words = words_for(became)

        assert words.what
        for sentence in filter(None, words):
            assert sentence[0].isupper()
            assert sentence.endswith((".", "?"))

    @pytest.mark.parametrize("became", [*Reason, *Condition], ids=str)
    def test_is_told_alike_when_the_mailbox_remembers_it(self, became: Reason | Condition) -> None:
        assert words_of(became.value) == words_for(became)

    @pytest.mark.parametrize("reason", Reason, ids=str)
    def test_is_followed_by_what_to_do_when_it_was_refused(self, reason: Reason) -> None:
        assert words_for(reason).next

    @pytest.mark.parametrize("condition", Condition, ids=str)
    def test_is_said_to_be_here_only_when_it_is(self, condition: Condition) -> None:
        assert words_for(condition).what.startswith("We have it")
        assert not any("We have it" in words_for(reason).what for reason in Reason)

    def test_names_no_cause_that_only_an_operator_knows(self) -> None:
        said = " ".join(" ".join(words_for(reason)) for reason in Reason).casefold()

        for word in ("spool", "gpg", "sandbox", "worker", "disk", "token", "session", "error"):
            assert word not in said


class TestAThingOnItsWay:
    @pytest.mark.parametrize("step", Step, ids=str)
    def test_has_words_for_each_step(self, step: Step) -> None:
        item = Item("recording", 2, size=12_345_678, step=step)

        said = said_of(item, ENGLISH)

        assert (said.name, said.size, said.became, said.received) == (
            "File 2",
            "12.3 MB",
            "",
            False,
        )
        assert said.step

    @pytest.mark.parametrize(
        ("kind", "number", "name"),
        [
            ("recording", 0, "File"),
            ("recording", 3, "File 3"),
            ("message", 0, "Your message"),
            ("form", 0, "The rest"),
        ],
    )
    def test_is_called_by_its_place_and_never_by_its_name(
        self, kind: str, number: int, name: str
    ) -> None:
        assert name_of(kind, ENGLISH, number) == name

    def test_that_nothing_became_of_is_not_said_to_be_here(self) -> None:
        assert "We have it" not in said_of(Item("recording", 1), ENGLISH).words.what


class TestWordsThatAreNoCodename:
    @pytest.mark.parametrize(("error", "said"), WRONG, ids=lambda each: type(each).__name__)
    def test_are_answered_by_what_is_wrong_with_them(self, error: NotACodename, said: str) -> None:
        assert said in codename_problem(error, ENGLISH)

    def test_are_answered_in_every_way_that_there_is(self) -> None:
        assert {type(error) for error, _ in WRONG} >= set(NotACodename.__subclasses__())

    @pytest.mark.parametrize("language", languages().values(), ids=lambda each: each.tag)
    def test_are_answered_in_every_language(self, language: Language) -> None:
        for error, _ in WRONG:
            said = codename_problem(error, language)
            assert said
            assert "%(" not in said

    def test_of_ours_that_were_meant_can_bring_no_html_along(self) -> None:
        said = codename_problem(UnknownWord(1, language="english", meant=["<b>"]), ENGLISH)

        assert "<b>" not in said


class TestALimit:
    @pytest.mark.parametrize(
        ("size", "said"),
        [(999, "999 B"), (65_536, "65 kB"), (4_294_967_296, "4 GB"), (10**6 - 1, "999 kB")],
    )
    def test_is_rounded_down_to_what_surely_fits(self, size: int, said: str) -> None:
        assert limit_in_words(size, ENGLISH) == said
