"""The words that codenames are shown in, and those that were meant."""

import re
import time
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto.codename import codename_from
from crypto.errors import NotACodename
from crypto.slips import nearest
from crypto.words import LISTS, LONGEST, fitting, folded, list_for, splits, word_list, words_in

LANGUAGES = list(LISTS.values())
WITH_UNIQUE_FOUR_LETTERS = {"english", "spanish", "french", "portuguese", "chinese_simplified"}


class TestLists:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_list_has_2048_words_that_stay_apart_when_folded(self, language: str) -> None:
        words = word_list(language)
        assert len(words) == 2048
        assert len({folded(word) for word in words}) == 2048
        assert max(len(folded(word)) for word in words) <= LONGEST

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_word_is_made_of_letters_alone(self, language: str) -> None:
        """The Russian list comes with a damaged one, which nobody could write down."""
        assert all(word.isalpha() and word == word.casefold() for word in word_list(language))
        assert all(words_in(word, 1) == [folded(word)] for word in word_list(language))

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_four_letters_suffice_only_where_this_says_so(self, language: str) -> None:
        starts = {folded(word)[:4] for word in word_list(language)}
        assert (len(starts) == 2048) == (language in WITH_UNIQUE_FOUR_LETTERS)

    @pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"chinese_simplified"}))
    def test_the_document_says_how_many_letters_always_suffice(self, language: str) -> None:
        document = Path(__file__).parents[3] / "docs" / "codename.md"
        told = re.search(rf"`{language}` \| (\d)", document.read_text())
        assert told
        enough = int(told[1])
        kinds = [len({folded(word)[:size] for word in word_list(language)}) for size in range(9)]
        assert kinds[enough] == 2048 > kinds[enough - 1]

    def test_where_a_language_has_no_list_english_is_shown(self) -> None:
        shown = {tag: list_for(tag) for tag in ("de", "ar", "fa", "uk", "ht", "zh-Hans", "pt")}
        assert shown.pop("zh-Hans") == "chinese_simplified"
        assert shown.pop("pt") == "portuguese"
        assert set(shown.values()) == {"english"}


class TestFolding:
    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("Ñandú", "nandu"),
            ("CŒUR, cœur", "coeur coeur"),
            ("ılık İLİK ILIK", "ilik ilik ilik"),
            ("йод Ёж", "иод еж"),
            ("ｗｏｒｄ　ｔｗｏ", "word two"),
            ("表丁，迹", "表 丁 迹"),
            ("wo\u200brd wo\u00adrd w\u0640ord", "word word word"),
            ("1.one 2º two №3 three ④four", "one two three four"),
            ("𝐛𝐨𝐥𝐝 ﬁne", "bold fine"),
            ("\0\n\t\x85\u2028", ""),
        ],
    )
    def test_only_letters_are_left(self, typed: str, words: str) -> None:
        assert folded(typed) == words

    @examples(200)
    @given(st.text())
    def test_folding_twice_changes_nothing(self, text: str) -> None:
        assert folded(folded(text)) == folded(text)


class TestFitting:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_each_word_fits_itself_alone(self, language: str) -> None:
        for number, word in enumerate(word_list(language)):
            assert fitting(folded(word), language) == (number,)

    def test_a_traditional_character_fits_the_simplified_one_alone(self) -> None:
        simplified = word_list("chinese_simplified")
        for number, character in enumerate(word_list("chinese_traditional")):
            assert fitting(folded(character), "chinese_simplified") == (number,)
            assert character not in simplified or simplified[number] == character

    @examples(200)
    @given(st.text("abcdeimnorst", min_size=1, max_size=4), st.sampled_from(LANGUAGES))
    def test_else_every_word_that_begins_so_fits(self, typed: str, language: str) -> None:
        words = [folded(word) for word in word_list(language)]
        begun = tuple(number for number, word in enumerate(words) if word.startswith(typed))
        assert fitting(typed, language) == ((words.index(typed),) if typed in words else begun)

    def test_letters_are_cut_into_words_in_every_way_there_is(self) -> None:
        words = word_list()
        ways = [[words[number] for number in way] for way in splits("actionart", 2, "english")]
        assert ways == [["action", "art"]]
        assert not list(splits("actionart", 3, "english"))


class TestNearest:
    @examples(60)
    @given(
        st.text("aeilnorst", min_size=2, max_size=9),
        st.sampled_from(["english", "spanish", "french", "portuguese", "turkish"]),
    )
    def test_every_word_one_slip_away_is_found(self, typed: str, language: str) -> None:
        found = set(nearest(typed, language))
        near = {
            number
            for number, word in enumerate(word_list(language))
            if slips(typed, folded(word)) <= 1
        }
        assert near <= found

    def test_the_key_beside_it_is_nearer_than_another(self) -> None:
        for typed, first in (("fooy", "foot"), ("foox", "food")):
            assert next(iter(nearest(typed, "english"))) == word_list().index(first)

    def test_one_letter_and_long_words_are_near_nothing(self) -> None:
        for typed in ("", "a", "abandonabandon", "a" * 2000, "的"):
            assert not list(nearest(typed, "english"))


class TestBounds:
    def test_nothing_that_fits_into_the_form_takes_long(self) -> None:
        for language in LANGUAGES:
            list(nearest("any", language))
        letters = ("a", "ae", "asera ", "act", "action", "\ufdfa", "的", "\u0344", "1", "x x")
        for some, times in product(letters, (8, 2048)):
            typed = (some * times)[:2048]
            began = time.process_time()
            with pytest.raises(NotACodename):
                codename_from(typed)
            assert time.process_time() - began < 0.5


def slips(typed: str, word: str) -> int:
    """Return the distance of Levenshtein, as in any textbook."""
    last = list(range(len(word) + 1))
    for row, letter in enumerate(typed, 1):
        now = [row]
        for column, other in enumerate(word, 1):
            now.append(min(now[-1] + 1, last[column] + 1, last[column - 1] + (letter != other)))
        last = now
    return last[-1]
