"""A codename opens one mailbox, in whatever language its words were written down."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto import codename
from crypto.codename import SIZE, codename_from, derive, new_codename, word_list, words_of
from crypto.errors import NotACodename

LANGUAGES = [
    "chinese_simplified",
    "chinese_traditional",
    "czech",
    "english",
    "french",
    "italian",
    "japanese",
    "korean",
    "portuguese",
    "russian",
    "spanish",
    "turkish",
]
WITH_UNIQUE_FOUR_LETTERS = sorted(set(LANGUAGES) - {"korean", "russian", "turkish"})
CODENAMES = st.binary(min_size=SIZE, max_size=SIZE).map(lambda some: new_codename(lambda _: some))
SALT = bytes(range(32))
BITS = new_codename(lambda size: bytes(range(size)))


def without_accents(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


class TestWords:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_list_has_2048_words_that_stay_apart_without_case_and_accents(
        self, language: str
    ) -> None:
        words = word_list(language)
        assert len(words) == 2048
        assert len({without_accents(word).casefold() for word in words}) == 2048

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_four_letters_suffice_only_where_this_says_so(self, language: str) -> None:
        starts = {without_accents(word)[:4].casefold() for word in word_list(language)}
        assert (len(starts) == 2048) == (language in WITH_UNIQUE_FOUR_LETTERS)

    @examples(40)
    @given(CODENAMES, st.sampled_from(LANGUAGES))
    def test_what_is_written_down_comes_back(self, bits: bytes, language: str) -> None:
        words = words_of(bits, language)
        assert len(words.split()) == 8
        assert codename_from(words, language) == bits

    @examples(40)
    @given(CODENAMES, st.sampled_from(LANGUAGES))
    def test_case_accents_and_spacing_do_not_matter(self, bits: bytes, language: str) -> None:
        words = words_of(bits, language)
        for typed in (
            words.upper(),
            words.title(),
            without_accents(words),
            unicodedata.normalize("NFC", words),
            "\n " + words.replace(" ", " \t\N{IDEOGRAPHIC SPACE}") + " ",
        ):
            assert codename_from(typed, language) == bits

    def test_a_turkish_keyboards_capitals_are_understood(self) -> None:
        bits = next(
            bits
            for bits in (new_codename() for _ in range(10_000))
            if {"i", "ı"} <= set(words_of(bits, "turkish"))
        )
        capitals = words_of(bits, "turkish").replace("i", "İ").upper()
        assert codename_from(capitals, "turkish") == bits

    @examples(200)
    @given(st.text(max_size=60), st.sampled_from(LANGUAGES))
    def test_whatever_is_typed_is_at_worst_no_codename(self, typed: str, language: str) -> None:
        with pytest.raises(NotACodename):
            codename_from(typed, language)

    @pytest.mark.parametrize("count", [0, 1, 7, 9])
    def test_another_number_of_words_is_refused(self, count: int) -> None:
        with pytest.raises(NotACodename) as raised:
            codename_from(" ".join(["abandon"] * count))
        assert raised.value.position is None

    @pytest.mark.parametrize("position", [1, 5, 8])
    def test_the_first_word_that_is_none_of_ours_is_named(self, position: int) -> None:
        typed = words_of(new_codename()).split()
        typed[position - 1] = "tapedrop"
        with pytest.raises(NotACodename) as raised:
            codename_from(" ".join(typed))
        assert raised.value.position == position


class TestCheck:
    @examples(10)
    @given(CODENAMES)
    def test_fifteen_of_sixteen_wrong_last_words_are_noticed(self, bits: bytes) -> None:
        first_seven = words_of(bits).rsplit(" ", 1)[0]
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
        in_french = codename_from(words_of(BITS, "french"), "french")
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
