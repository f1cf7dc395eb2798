"""A codename opens one mailbox, in whatever language its words were written down."""

import random
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from steady import examples

from crypto import codename
from crypto.codename import SIZE, codename_from, derive, new_codename, words_of
from crypto.errors import (
    CutTooShort,
    NotACodename,
    SeveralLanguages,
    UnknownWord,
    WordsDontBelong,
    WrongCount,
)
from crypto.words import LISTS, fitting, folded, is_word, word_list

LANGUAGES = list(LISTS.values())
ALPHABETIC = [language for language in LANGUAGES if language != "chinese_simplified"]
CODENAMES = st.binary(min_size=SIZE, max_size=SIZE).map(lambda some: new_codename(lambda _: some))
BETWEEN = st.text(" \t\n\r,;.:-–—/|()[]\"'’1234567890•·\u00a0\u2009\u3000、，。", min_size=1)
INVISIBLE = ["\u200b", "\u200d", "\ufeff", "\u00ad", "\u2060", "\u0640", "\u202e"]
SALT = bytes(range(32))
BITS = new_codename(lambda size: bytes(range(size)))
ENGLISH = words_of(BITS).split()
# Words of the English and the French list that are a codename in both, and another in each.
IN_TWO_LISTS = "palace volume ozone notable social train wagon piano"


def without_accents(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def cut(word: str, language: str) -> str:
    """Return the fewest first letters that stand for this word, or all of it."""
    meant = fitting(word, language)
    sizes = range(1, len(word))
    return next((word[:size] for size in sizes if fitting(word[:size], language) == meant), word)


class TestReadingBack:
    @examples(150)
    @given(CODENAMES, st.sampled_from(LANGUAGES), st.sampled_from(LANGUAGES))
    def test_every_list_is_tried_whatever_the_pages_language(
        self, bits: bytes, written: str, page: str
    ) -> None:
        words = words_of(bits, written)
        assert len(words.split(" ")) == 8
        assert unicodedata.is_normalized("NFC", words)
        assert codename_from(words, page) == bits

    @examples(60)
    @given(CODENAMES, st.sampled_from(LANGUAGES))
    def test_case_accents_and_width_do_not_matter(self, bits: bytes, language: str) -> None:
        words = words_of(bits, language)
        for typed in (
            words.upper(),
            words.title(),
            without_accents(words),
            unicodedata.normalize("NFD", words).upper(),
            "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in words),
        ):
            assert codename_from(typed) == bits

    @examples(100)
    @given(CODENAMES, st.sampled_from(LANGUAGES), st.lists(BETWEEN, min_size=9, max_size=9))
    def test_whatever_stands_between_words_does_not_matter(
        self, bits: bytes, language: str, between: list[str]
    ) -> None:
        words = words_of(bits, language).split()
        typed = "".join(gap + word for gap, word in zip(between, words, strict=False))
        assert codename_from(typed + between[-1]) == bits

    @examples(60)
    @given(CODENAMES, st.sampled_from(LANGUAGES), st.sampled_from(INVISIBLE))
    def test_what_nobody_sees_does_not_matter(
        self, bits: bytes, language: str, invisible: str
    ) -> None:
        assert codename_from(invisible.join(words_of(bits, language))) == bits

    @examples(100)
    @given(CODENAMES, st.sampled_from(LANGUAGES))
    def test_the_fewest_letters_that_only_one_word_begins_with_are_enough(
        self, bits: bytes, language: str
    ) -> None:
        words = folded(words_of(bits, language)).split()
        assert codename_from(" ".join(cut(word, language) for word in words), language) == bits

    @examples(60)
    @given(CODENAMES, st.sampled_from(LANGUAGES))
    def test_spaces_may_be_left_out(self, bits: bytes, language: str) -> None:
        assert codename_from(words_of(bits, language).replace(" ", "")) == bits

    def test_a_space_too_many_or_a_word_broken_at_the_lines_end_is_mended(self) -> None:
        typed = " ".join(ENGLISH)
        for place in range(1, len(typed)):
            assert codename_from(typed[:place] + "-\n" + typed[place:]) == BITS

    def test_a_list_may_be_numbered_in_any_way(self) -> None:
        for form in ("{}. {}\n", "{}) {} ", "{}º {}, ", "№ {} {}; ", "#{}: {}\r\n", "({}){}"):
            typed = "".join(form.format(place, word) for place, word in enumerate(ENGLISH, 1))
            assert codename_from(typed) == BITS

    def test_a_turkish_keyboards_capitals_are_understood(self) -> None:
        drawn = random.Random(1)
        some = (new_codename(drawn.randbytes) for _ in range(10_000))
        bits = next(bits for bits in some if {"i", "ı"} <= set(words_of(bits, "turkish")))
        capitals = words_of(bits, "turkish").replace("i", "İ").upper()
        assert codename_from(capitals) == bits


class TestSeveralLists:
    def test_the_pages_list_decides_between_two_codenames(self) -> None:
        in_english, in_french = (codename_from(IN_TWO_LISTS, page) for page in LANGUAGES[0:3:2])
        assert words_of(in_english) == words_of(in_french, "french") == IN_TWO_LISTS
        assert in_english != in_french

    def test_where_the_pages_list_is_none_of_them_both_are_named(self) -> None:
        with pytest.raises(SeveralLanguages) as raised:
            codename_from(IN_TWO_LISTS, "russian")
        assert raised.value.languages == ("english", "french")

    def test_the_check_bits_decide_where_only_one_is_right(self) -> None:
        both = sorted(set(word_list()) & set(word_list("french")))
        drawn = random.Random(1)
        told = 0
        for _ in range(400):
            typed = " ".join(drawn.sample(both, 8))
            try:
                bits = codename_from(typed, "spanish")
            except (WordsDontBelong, SeveralLanguages):
                continue
            assert typed in (words_of(bits), words_of(bits, "french"))
            told += 1
        assert told > 20

    def test_words_typed_whole_weigh_more_than_words_cut_short(self) -> None:
        """Or a slip in one language would open another mailbox in the next."""
        begun_in_french = [
            word
            for word in word_list()
            if len(fitting(word, "french")) == 1 and not is_word(word, "french")
        ]
        drawn = random.Random(1)
        refused = 0
        for _ in range(400):
            typed = " ".join(drawn.sample(begun_in_french, 8))
            try:
                assert words_of(codename_from(typed, "french")) == typed
            except WordsDontBelong:
                refused += 1
        assert 300 < refused < 400


class TestSlips:
    @examples(300)
    @given(
        CODENAMES,
        st.sampled_from(ALPHABETIC),
        st.integers(0, 7),
        st.integers(0, 7),
        st.integers(0, 31),
    )
    def test_one_wrong_letter_is_named_with_the_word_that_was_meant(
        self, bits: bytes, language: str, place: int, letter: int, other: int
    ) -> None:
        words = words_of(bits, language).split()
        meant = folded(words[place])
        alphabet = sorted(set("".join(folded(word) for word in word_list(language))))
        letter %= len(meant)
        typed = meant[:letter] + alphabet[other % len(alphabet)] + meant[letter + 1 :]
        assume(len(meant) > 3 and not fitting(typed, language))
        with pytest.raises(UnknownWord) as raised:
            codename_from(" ".join([*words[:place], typed, *words[place + 1 :]]), language)
        assert raised.value.position == place + 1
        assert raised.value.language == language
        assert words[place] in raised.value.meant

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("lugage", "luggage"),
            ("luggaeg", "luggage"),
            ("lugggage", "luggage"),
            ("kugg", "luggage"),
            ("lu;gage", "luggage"),
        ],
    )
    def test_a_letter_left_out_doubled_swapped_or_beside_it_is_seen(
        self, typed: str, meant: str
    ) -> None:
        bits = codename_from("avoid mass luggage choice fabric argue gather cargo")
        with pytest.raises(UnknownWord) as raised:
            codename_from(words_of(bits).replace("luggage", typed))
        assert raised.value.meant[0] == meant

    def test_what_was_meant_is_spelled_as_in_its_list(self) -> None:
        spanish = words_of(BITS, "spanish").split()
        place = next(place for place, word in enumerate(spanish) if not word.isascii())
        typed = [*spanish[:place], spanish[place] + "w", *spanish[place + 1 :]]
        with pytest.raises(UnknownWord) as raised:
            codename_from(" ".join(typed))
        assert raised.value.meant[0] == spanish[place]
        assert raised.value.language == "spanish"

    def test_the_list_in_which_most_words_fit_is_the_one_that_is_told_of(self) -> None:
        russian = words_of(BITS, "russian").split()
        for known in range(1, 8):
            with pytest.raises(UnknownWord) as raised:
                codename_from(" ".join([*russian[:known], *["ыыыы"] * (8 - known)]))
            assert (raised.value.language, raised.value.position) == ("russian", known + 1)

    def test_where_no_word_fits_the_pages_list_is_told_of(self) -> None:
        with pytest.raises(UnknownWord) as raised:
            codename_from("qqqq " * 8, "turkish")
        assert (raised.value.language, raised.value.position) == ("turkish", 1)

    def test_a_word_cut_too_short_is_named_with_what_it_could_be(self) -> None:
        for place, word in enumerate(ENGLISH):
            for size in range(1, len(word)):
                if len(fitting(word[:size], "english")) == 1:
                    continue
                typed = [*ENGLISH[:place], word[:size], *ENGLISH[place + 1 :]]
                with pytest.raises(CutTooShort) as raised:
                    codename_from(" ".join(typed))
                assert raised.value.position == place + 1
                could_be = raised.value.could_be
                assert word in could_be or not could_be
                assert all(each.startswith(word[:size]) for each in could_be)
                assert len(could_be) <= 8

    def test_a_whole_word_is_not_taken_for_the_beginning_of_another(self) -> None:
        assert word_list()[fitting("act", "english")[0]] == "act"
        assert len(fitting("ac", "english")) > 2

    @pytest.mark.parametrize("count", [0, 1, 7, 9, 600])
    def test_another_number_of_words_is_told(self, count: int) -> None:
        with pytest.raises(WrongCount) as raised:
            codename_from(" ".join(["abandon"] * count))
        assert (raised.value.count, raised.value.position) == (count, None)

    def test_seven_words_of_which_one_is_two_are_seven(self) -> None:
        with pytest.raises(WrongCount) as raised:
            codename_from("custom carpet pony dinner trigger goose anger")
        assert raised.value.count == 7

    def test_words_in_another_order_do_not_belong_together(self) -> None:
        with pytest.raises(WordsDontBelong):
            codename_from("mass avoid luggage choice fabric argue gather cargo")

    @examples(300)
    @given(st.text(max_size=60) | st.lists(st.text(min_size=1, max_size=9)).map(" ".join))
    def test_whatever_is_typed_is_at_worst_no_codename(self, typed: str) -> None:
        with pytest.raises(NotACodename) as raised:
            codename_from(typed)
        assert type(raised.value) in NotACodename.__subclasses__()

    @examples(50)
    @given(st.text("jkqvxz", min_size=4, max_size=8))  # of which no word of our own is made
    def test_no_error_repeats_what_was_typed(self, typed: str) -> None:
        with pytest.raises(NotACodename) as raised:
            codename_from(f"{typed}xqz")
        assert typed not in str(raised.value)


class TestCheck:
    def test_fifteen_of_sixteen_wrong_last_words_are_noticed(self) -> None:
        first_seven = " ".join(ENGLISH[:7])
        taken = 0
        for last in word_list():
            try:
                codename_from(f"{first_seven} {last}")
                taken += 1
            except NotACodename:
                continue
        assert taken == 2048 // 16

    def test_most_slips_anywhere_are_noticed(self) -> None:
        bits = new_codename(lambda size: bytes(range(size)))
        words = words_of(bits).split()
        taken = 0
        for place in range(8):
            for slip in word_list()[::8]:
                try:
                    other = codename_from(" ".join([*words[:place], slip, *words[place + 1 :]]))
                    taken += other != bits
                except NotACodename:
                    pass
        assert taken < 8 * 256 / 10

    def test_eighty_four_bits_are_random(self) -> None:
        assert new_codename(bytes)[:-1] == bytes(10)
        assert new_codename(lambda size: b"\xff" * size)[-1] >> 4 == 15
        assert len({new_codename() for _ in range(100)}) == 100


class TestKeys:
    def test_one_codename_makes_the_same_keys_in_any_language(self) -> None:
        in_french = codename_from(words_of(BITS, "french"))
        assert derive(in_french, SALT) == derive(BITS, SALT)

    def test_no_two_of_its_keys_are_related(self) -> None:
        keys = derive(BITS, SALT)
        assert [len(keys.mailbox_id), len(keys.mailbox_key), len(keys.reply_seed)] == [16, 32, 32]
        assert len({keys.mailbox_id, keys.mailbox_key[:16], keys.reply_seed[:16]}) == 3

    def test_another_server_or_another_codename_makes_other_keys(self) -> None:
        ours = derive(BITS, SALT)
        for other in (derive(BITS, bytes(32)), derive(new_codename(), SALT)):
            assert other.mailbox_id != ours.mailbox_id
            assert other.mailbox_key != ours.mailbox_key
            assert other.reply_seed != ours.reply_seed

    def test_the_pseudonym_is_two_words(self) -> None:
        first, second = derive(BITS, SALT).pseudonym.split(" ")
        assert {first, second} <= set(word_list())

    def test_guessing_costs_sixty_four_mebibytes_a_try(self) -> None:
        assert (codename.ARGON2_MEMORY_KIB, codename.ARGON2_PASSES) == (65_536, 3)
