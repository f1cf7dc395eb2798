"""Languages: which one a browser asks for, and what each says in its own way."""

from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from mnemonic import Mnemonic

from server.errors import BadCatalogue
from server.i18n import Language, languages, languages_in, preferred

HEAD = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: {plural}\\n"
"""
ARABIC = (
    "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3"
    " : n%100>=0 && n%100<=2 ? 4 : 5);"
)
RUSSIAN = (
    "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4"
    " && (n%100<10 || n%100>=20) ? 1 : 2);"
)


@pytest.fixture
def speak(tmp_path: Path):
    """Return a language whose catalogue is the text given."""

    def language(tag: str, messages: str = "", plural: str = "nplurals=1; plural=0;") -> Language:
        path = tmp_path / tag / "messages.po"
        path.parent.mkdir()
        path.write_text(HEAD.format(plural=plural) + messages, encoding="utf-8")
        return languages_in(tmp_path)[tag]

    return language


class TestTranslating:
    def test_what_is_translated_is_said_in_the_language(self, speak) -> None:
        spanish = speak("es", '\nmsgid "Send"\nmsgstr "Enviar"\n')

        assert spanish.gettext("Send") == "Enviar"

    def test_what_is_missing_empty_or_fuzzy_is_said_in_english(self, speak) -> None:
        spanish = speak(
            "es", '\nmsgid "Send"\nmsgstr ""\n\n#, fuzzy\nmsgid "Go on"\nmsgstr "Vete"\n'
        )

        assert [spanish.gettext(text) for text in ("Send", "Go on", "Begin")] == [
            "Send",
            "Go on",
            "Begin",
        ]

    def test_a_plural_with_a_form_missing_is_said_in_english(self, speak) -> None:
        plural = 'msgid "%(num)s file"\nmsgid_plural "%(num)s files"\nmsgstr[0] "%(num)s файл"\n'
        russian = speak("ru", "\n" + plural + 'msgstr[1] ""\nmsgstr[2] ""\n', RUSSIAN)

        assert russian.ngettext("%(num)s file", "%(num)s files", 3) == "3 files"

    def test_values_are_escaped_and_translations_are_not(self) -> None:
        said = languages()["en"].gettext("<b>%(name)s</b>", name="<script>")

        assert said == Markup("<b>&lt;script&gt;</b>")

    @given(st.text())
    def test_no_value_ever_becomes_a_tag(self, untrusted: str) -> None:
        said = languages()["en"].gettext("%(one)s", one=untrusted)

        assert not set(said) & set("<>\"'")

    def test_numbers_among_the_values_are_in_the_usual_digits(self, speak) -> None:
        assert speak("fa").gettext("%(most)s files", most=10) == "۱۰ files"

    @pytest.mark.parametrize(
        ("number", "form"),
        [(0, 0), (1, 1), (2, 2), (3, 3), (10, 3), (11, 5), (99, 5), (100, 4), (103, 3)],
    )
    def test_arabic_has_six_plural_forms(self, speak, number: int, form: int) -> None:
        forms = "".join(f'msgstr[{each}] "form {each}"\n' for each in range(6))
        arabic = speak("ar", '\nmsgid "%(num)s file"\nmsgid_plural "many"\n' + forms, ARABIC)

        assert arabic.ngettext("%(num)s file", "many", number) == f"form {form}"

    @pytest.mark.parametrize(
        ("number", "said"),
        [(1, "1 файл"), (2, "2 файла"), (5, "5 файлов"), (11, "11 файлов"), (21, "21 файл")],
    )
    def test_russian_counts_as_russians_do(self, speak, number: int, said: str) -> None:
        russian = speak(
            "ru",
            '\nmsgid "%(num)s file"\nmsgid_plural "%(num)s files"\nmsgstr[0] "%(num)s файл"\n'
            'msgstr[1] "%(num)s файла"\nmsgstr[2] "%(num)s файлов"\n',
            RUSSIAN,
        )

        assert russian.ngettext("%(num)s file", "%(num)s files", number) == said

    def test_templates_translate_by_the_same_words(self, speak) -> None:
        spanish = speak(
            "es", '\nmsgid "For %(who)s: 100%% of <b>it</b>"\nmsgstr "100%% <b>para</b> %(who)s"\n'
        )
        environment = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
        environment.policies["ext.i18n.trimmed"] = True
        environment.newstyle_gettext = True  # type: ignore[attr-defined]
        template = environment.from_string(
            "{% trans %}\n  For {{ who }}:\n  100% of <b>it</b>\n{% endtrans %}"
        )

        said = template.render(gettext=spanish.gettext, ngettext=spanish.ngettext, who="<us>")

        assert said == "100% <b>para</b> &lt;us&gt;"

    @pytest.mark.parametrize("text", ["msgid Send\n", 'msgtext "Send"\n', "\x00"])
    def test_a_malformed_catalogue_is_named(self, speak, text: str) -> None:
        with pytest.raises(BadCatalogue, match=r"^es/messages\.po: "):
            speak("es", "\n" + text)

    def test_a_plural_rule_that_is_no_rule_is_named(self, speak) -> None:
        with pytest.raises(BadCatalogue, match=r"^es/messages\.po: "):
            speak("es", plural="nplurals=2; plural=(n; import os);")

    def test_a_folder_that_is_no_language_is_named(self, speak) -> None:
        with pytest.raises(BadCatalogue, match="xx is no language"):
            speak("xx")


class TestEachLanguage:
    """What CLDR and the word lists know of a language; nothing of it is in our code."""

    @pytest.mark.parametrize(
        ("tag", "name", "direction", "word_list"),
        [
            ("es", "Español", "ltr", "spanish"),
            ("fr", "Français", "ltr", "french"),
            ("pt", "Português", "ltr", "portuguese"),
            ("de", "Deutsch", "ltr", ""),
            ("ar", "العربية", "rtl", ""),
            ("fa", "فارسی", "rtl", ""),
            ("ru", "Русский", "ltr", "russian"),
            ("uk", "Українська", "ltr", ""),
            ("zh", "简体中文", "ltr", "chinese_simplified"),
            ("zh-Hant", "繁體中文", "ltr", "chinese_traditional"),
            ("tr", "Türkçe", "ltr", "turkish"),
            ("ht", "Kreyòl Ayisyen", "ltr", ""),
            ("so", "Soomaali", "ltr", ""),
            ("ur", "اردو", "rtl", ""),
        ],
    )
    def test_has_its_name_direction_and_words(
        self, speak, tag: str, name: str, direction: str, word_list: str
    ) -> None:
        language = speak(tag)

        assert (language.tag, language.name, language.direction) == (tag, name, direction)
        assert language.own_words == bool(word_list)
        assert language.word_list == (word_list or "english")
        assert language.word_tag == (tag if word_list else "en")

    @pytest.mark.parametrize(
        ("tag", "number", "percent", "day"),
        [
            ("en", "12,345.6", "43%", "November 5, 2026"),
            ("es", "12.345,6", "43\xa0%", "5 de noviembre de 2026"),
            ("fr", "12\u202f345,6", "43\xa0%", "5 novembre 2026"),
            ("pt", "12.345,6", "43%", "5 de novembro de 2026"),
            ("de", "12.345,6", "43\xa0%", "5. November 2026"),
            ("ar", "12,345.6", "43\u200e%\u200e", "5 نوفمبر 2026"),
            ("fa", "۱۲٬۳۴۵٫۶", "۴۳٪", "۵ نوامبر ۲۰۲۶"),
            ("ru", "12\xa0345,6", "43\xa0%", "5 ноября 2026\u202fг."),
            ("uk", "12\xa0345,6", "43%", "5 листопада 2026\u202fр."),
            ("zh", "12,345.6", "43%", "2026年11月5日"),
            ("tr", "12.345,6", "%43", "5 Kasım 2026"),
            ("ht", "12\xa0345,6", "43\xa0%", "2026-11-05"),
        ],
    )
    def test_writes_numbers_and_days_as_its_readers_do(
        self, speak, tag: str, number: str, percent: str, day: str
    ) -> None:
        language = languages()["en"] if tag == "en" else speak(tag)

        assert language.number(12345.67) == number
        assert language.percent(0.4399) == percent
        assert language.day("2026-11-05") == day

    @pytest.mark.parametrize(
        ("tag", "size", "rate", "one", "several"),
        [
            ("en", "12.3 MB", "1.2 kB/s", "1 minute", "3 hours"),
            ("es", "12,3 MB", "1,2 kB/s", "1 minuto", "3 horas"),
            ("fr", "12,3 Mo", "1,2 ko/s", "1 minute", "3 heures"),
            ("pt", "12,3 MB", "1,2 kB/s", "1 minuto", "3 horas"),
            ("de", "12,3 MB", "1,2 kB/s", "1 Minute", "3 Stunden"),
            ("ar", "12.3 ميغابايت", "1.2 كيلوبايت في الثانية", "دقيقة واحدة", "3 ساعات"),
            ("fa", "۱۲٫۳ مگابایت", "۱٫۲ کیلوبایت در ثانیه", "۱ دقیقه", "۳ ساعت"),
            ("ru", "12,3 МБ", "1,2 кБ/с", "1 минута", "3 часа"),
            ("uk", "12,3 МБ", "1,2 кБ/с", "1 хвилина", "3 години"),
            ("zh", "12.3 MB", "1.2 KB/秒", "1 分钟", "3 小时"),
            ("tr", "12,3 MB", "1,2 kB/sn", "1 dakika", "3 saat"),
            ("ht", "12,3 MB", "1,2 kB/s", "1 minit", "3 èdtan"),
        ],
    )
    def test_amounts_are_in_its_own_words(
        self, tag: str, size: str, rate: str, one: str, several: str
    ) -> None:
        language = languages()[tag]

        assert (language.size(12_399_999), language.rate(1250.0)) == (size, rate)
        assert (language.about(30), language.about(3 * 3600)) == (one, several)

    def test_every_word_list_belongs_to_exactly_one_of_the_languages_there_are(self, speak) -> None:
        tags = ["cs", "en", "es", "fr", "it", "ja", "ko", "pt", "ru", "tr", "zh", "zh-Hant"]

        lists = [languages()["en"] if tag == "en" else speak(tag) for tag in tags]

        assert sorted(each.word_list for each in lists) == sorted(Mnemonic.list_languages())


class TestAmounts:
    @pytest.mark.parametrize(
        ("size", "said"),
        [
            (-1, "0 B"),
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (999_999, "999.9 kB"),
            (500_000_000, "500 MB"),
            (2_147_483_648, "2.1 GB"),
            (10**15, "1,000,000 GB"),
        ],
    )
    def test_a_size_is_rounded_down_to_what_surely_is_there(self, size: int, said: str) -> None:
        assert languages()["en"].size(size) == said

    @pytest.mark.parametrize(
        ("fraction", "said"),
        [(-0.1, "0%"), (0.0, "0%"), (0.29, "29%"), (1 - 1e-15, "99%"), (1.0, "100%"), (2, "100%")],
    )
    def test_a_hundred_percent_is_said_only_when_all_is_there(
        self, fraction: float, said: str
    ) -> None:
        assert languages()["en"].percent(fraction) == said

    @pytest.mark.parametrize(
        ("seconds", "said"),
        [
            (0, "1 minute"),
            (59, "1 minute"),
            (61, "2 minutes"),
            (3600, "60 minutes"),
            (5941, "2 hours"),
            (100_000, "28 hours"),
            (200_000, "2 days"),
        ],
    )
    def test_a_time_is_one_unit_and_never_seconds(self, seconds: float, said: str) -> None:
        assert languages()["en"].about(seconds) == said


class TestAsking:
    """RFC 9110, 12.5.4, against the languages in the tree."""

    @pytest.fixture(autouse=True)
    def spoken(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for tag in ("fr", "pt", "zh", "ht"):
            (tmp_path / tag).mkdir()
            (tmp_path / tag / "messages.po").write_text(HEAD.format(plural="nplurals=1; plural=0;"))
        there = languages_in(tmp_path)
        monkeypatch.setattr("server.i18n.languages", lambda: there)

    @pytest.mark.parametrize(
        ("header", "tag"),
        [
            ("fr", "fr"),
            ("FR-ca", "fr"),
            ("pt-BR,en;q=0.5", "pt"),
            ("zh-Hant-TW", "zh"),
            ("en;q=0.3, ht;q=0.7", "ht"),
            ("fr;q=0.5,pt;q=0.5", "fr"),
            ("xx, fr ; q=0.1", "fr"),
            ("fr;q=0, pt;q=0.001", "pt"),
            ("fr;Q=1.000", "fr"),
        ],
    )
    def test_the_heaviest_range_that_fits_is_meant(self, header: str, tag: str) -> None:
        assert preferred(header).tag == tag

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "*",
            ",,;,",
            "xx",
            "fr;q=0",
            "fr;q=nan",
            "fr;q=1.5",
            "fr;q=-1",
            "fr;q=٠.٥",
            "fr;q=1;q=1",
            "frr",
            "f",
            "../fr",
            "fr\x00",
            "fr" + "-a" * 40,
        ],
    )
    def test_what_fits_nothing_or_cannot_be_read_is_answered_in_english(
        self, header: str | None
    ) -> None:
        assert preferred(header).tag == "en"

    @pytest.mark.parametrize(
        "header", ["xx," * 100 + "fr", "x" * 2048 + ",fr", "a-" * 1023 + ",fr"]
    )
    def test_only_the_first_100_ranges_and_2048_bytes_are_read(self, header: str) -> None:
        assert preferred(header).tag == "en"

    @given(st.text())
    def test_any_header_gets_a_language(self, header: str) -> None:
        assert preferred(header).tag in {"en", "fr", "pt", "zh", "ht"}
