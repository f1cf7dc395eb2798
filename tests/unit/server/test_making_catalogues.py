"""Making catalogues: what is written for translators, and what a translation is refused for."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from catalogue_faults import faults
from catalogues import begin, extracted, update_all, updated_text

from server.i18n import LOCALES, languages_in

TEMPLATES = LOCALES.parent / "templates"
TRANSLATED = re.compile(r"{% trans.*?endtrans %}", re.DOTALL)
MARK = re.compile(r"(?:[}%]}|>)\s*[.,:;?!](?:\s|<|$)")


@pytest.fixture(scope="module")
def template() -> Catalog:
    return extracted()


class TestMaking:
    def test_a_language_is_begun_by_its_tag_alone(self, tmp_path: Path) -> None:
        path = begin("so", tmp_path)
        update_all(tmp_path)

        text = path.read_text()
        assert "# Read by a native speaker: no" in text
        assert '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"' in text
        assert languages_in(tmp_path)["so"].gettext("Send") == "Send"

    def test_the_same_sources_make_the_same_files(self, tmp_path: Path) -> None:
        path = begin("ar", tmp_path)
        update_all(tmp_path)
        before = path.read_bytes()
        update_all(tmp_path)

        assert path.read_bytes() == before

    @pytest.mark.parametrize("tag", ["en", "xx", "zh_Hant", "../so", "", "so"])
    def test_no_language_is_begun_twice_or_where_there_is_none(
        self, tmp_path: Path, tag: str
    ) -> None:
        begin("so", tmp_path)

        with pytest.raises(ValueError, match=r"language|already|tag"):
            begin(tag, tmp_path)

    def test_a_translation_stays_while_its_english_does(self) -> None:
        text = po('msgid "Send"\nmsgstr "Enviar"\n\nmsgid "Old"\nmsgstr "Viejo"\n')

        updated = updated_text("es", text, said("New", "Send")).decode()

        assert 'msgid "Send"\nmsgstr "Enviar"\n' in updated
        assert 'msgid "New"\nmsgstr ""\n' in updated
        assert "Viejo" not in updated

    def test_a_translation_whose_english_changed_waits_for_its_translator(self) -> None:
        text = po('msgid "We have all of it"\nmsgstr "Lo tenemos todo"\n')

        updated = updated_text("es", text, said("We have all of it.")).decode()

        assert "#, fuzzy" in updated
        assert faults("es", updated.encode(), said("We have all of it.")) == [
            "is fuzzy: 'We have all of it.'"
        ]

    def test_the_english_before_is_left_out(self) -> None:
        """Babel breaks it at the margin, and msgfmt, Poedit and Weblate refuse what comes out."""
        waiting = po('#, fuzzy\n#| msgid "Sent"\nmsgid "Send"\nmsgstr "Enviar"\n')

        updated = updated_text("es", waiting, said("Send")).decode()

        assert '#, fuzzy\nmsgid "Send"\nmsgstr "Enviar"\n' in updated
        assert "|" not in updated

    def test_a_message_in_a_template_or_in_code_is_found(self, template: Catalog) -> None:
        assert "Send us a recording" in template
        assert "%(amount)s MB" in template
        assert ("%(num)s minute", "%(num)s minutes") in template

    def test_no_template_puts_a_mark_of_its_own_between_sentences(self) -> None:
        """A full stop is another one in Chinese, a comma in Arabic."""
        for path in TEMPLATES.glob("*.html"):
            assert not MARK.search(TRANSLATED.sub("", path.read_text())), path.name

    def test_what_is_only_compared_in_code_is_not_for_translators(self, template: Catalog) -> None:
        assert "message" not in template

    def test_a_catalogue_that_cannot_be_read_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"server/locales/es/messages\.po: "):
            updated_text("es", b"msgid Send\n", said("Send"))


class TestTheCheck:
    """What a catalogue is refused for, each with a fault planted."""

    def test_a_whole_one_has_no_faults(self) -> None:
        assert faults("es", po('msgid "Send"\nmsgstr "Enviar"\n'), said("Send")) == []

    @pytest.mark.parametrize(
        ("english", "translation", "fault"),
        [
            ("Send", "", "is empty"),
            ("Send", "  ", "is empty"),
            ("To %(who)s", "A %(quien)s", "has other placeholders"),
            ("To %(who)s", "A alguien", "has other placeholders"),
            ("100%%", "100%", "has a % that is no placeholder; write %%"),
            ("To %(who)s", "A %(who)d %(who)s", "has a % that is no placeholder; write %%"),
            ("<b>Send</b>", "Enviar", "has other tags"),
            ("Send", "<script>Enviar</script>", "has other tags"),
            ('<a href="/keys">keys</a>', '<a href="/claves">claves</a>', "has other tags"),
            ("Send", "a < b", 'has one of < > & ", which mean something in HTML'),
            ("Send", '" onclick=x', 'has one of < > & ", which mean something in HTML'),
            ("Send", "Enviar & volver", 'has one of < > & ", which mean something in HTML'),
            ("Send", "Enviar\u202e", "has a control character, U+202E"),
            ("Send", "\u2066Enviar\u2069", "has a control character, U+2066"),
            ("Send", "Enviar\u200b", "has a control character, U+200B"),
            ("Send", "Enviar\x07", "has a control character, U+0007"),
            ("Send", "Enviar ", "begins or ends with other spaces"),
            ("Use Tor Browser", "Use el navegador Tor", "does not say Tor Browser"),
        ],
    )
    def test_a_translation_that_says_something_else_is_found(
        self, english: str, translation: str, fault: str
    ) -> None:
        text = po(f'msgid "{escaped(english)}"\nmsgstr "{escaped(translation)}"\n')

        assert f"{fault}: {english!r}" in faults("es", text, said(english))

    @pytest.mark.parametrize(
        "translation",
        ["نمی\u200cخواهم", "\u200fTor Browser\u200e", "l’envoi", "l'envoi", "a&nbsp;b"],
    )
    def test_what_languages_need_is_let_through(self, translation: str) -> None:
        text = po(f'msgid "Send"\nmsgstr "{translation}"\n')

        assert faults("es", text, said("Send")) == []

    @pytest.mark.parametrize(
        ("messages", "fault"),
        [
            ("", "is missing: 'Send'"),
            ('#, fuzzy\nmsgid "Send"\nmsgstr "Enviar"\n', "is fuzzy: 'Send'"),
            ('#~ msgid "Old"\n#~ msgstr "Viejo"\n', "is said no more: 'Old'"),
            ('msgid "Old"\nmsgstr "Viejo"\n', "is said no more: 'Old'"),
            ('msgid "Send"\nmsgstr "A"\n\nmsgid "Send"\nmsgstr "B"\n', "is there twice: 'Send'"),
            ("msgid Send\n", "can't be read: "),
        ],
    )
    def test_a_message_too_many_or_too_few_is_found(self, messages: str, fault: str) -> None:
        found = faults("es", po(messages), said("Send"))

        assert [line for line in found if line.startswith(fault)]

    @pytest.mark.parametrize(
        ("old", "new", "fault"),
        [
            ("Language: es", "Language: fr", "the header does not say Language: es"),
            ("Plural-Forms", "X-Forms", "the header has no Plural-Forms"),
            ("nplurals=2", "nplurals=3", "Plural-Forms gives some number no form"),
            ("n != 1", "n;", "Plural-Forms can't be read"),
            ("speaker: no", "speaker: maybe", "the head does not say # Read by"),
        ],
    )
    def test_a_header_that_misleads_is_found(self, old: str, new: str, fault: str) -> None:
        text = po('msgid "Send"\nmsgstr "Enviar"\n').replace(old.encode(), new.encode())

        [line] = faults("es", text, said("Send"))

        assert line.startswith(fault)

    @pytest.mark.parametrize(
        ("forms", "expected"),
        [
            (["un archivo", "%(num)s archivos"], []),
            (["%(num)s archivo", "%(num)s archivos"], []),
            (["un archivo", "archivos"], ["has other placeholders: '%(num)s file'"]),
            (["un archivo", ""], ["is empty: '%(num)s file'"]),
            (["un archivo"], ["is empty: '%(num)s file'"]),
        ],
    )
    def test_a_number_may_be_a_word_only_where_the_form_is_for_one_number(
        self, forms: list[str], expected: list[str]
    ) -> None:
        lines = "".join(f'msgstr[{number}] "{form}"\n' for number, form in enumerate(forms))
        text = po('msgid "%(num)s file"\nmsgid_plural "%(num)s files"\n' + lines)

        found = faults("es", text, said(("%(num)s file", "%(num)s files")))

        assert found == expected


def said(*messages: str | tuple[str, str]) -> Catalog:
    template = Catalog()
    for message in messages:
        template.add(message)
    return template


def po(messages: str) -> bytes:
    head = (
        "# Read by a native speaker: no\n"
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Language: es\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    )
    return (head + messages).encode()


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
