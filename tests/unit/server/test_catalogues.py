"""Catalogues: every sentence of every page is there in every language, and is what it should be."""

import pytest
from babel.messages.catalog import Catalog
from catalogue_faults import faults
from catalogues import LOCALES, extracted, template_text, updated_text

from server.i18n import languages

TAGS = ["ar", "de", "es", "fa", "fr", "ht", "pt", "ru", "tr", "uk", "zh"]


@pytest.fixture(scope="module")
def template() -> Catalog:
    return extracted()


class TestTheCatalogues:
    def test_what_translators_work_from_is_what_the_pages_say(self, template: Catalog) -> None:
        behind = "messages.pot is behind the templates or the code: run make catalogues"

        assert (LOCALES / "messages.pot").read_bytes() == template_text(template), behind

    def test_every_language_we_promise_is_there(self) -> None:
        assert set(languages()) >= {"en", *TAGS}

    @pytest.mark.parametrize(
        "tag", sorted({*TAGS, *(path.parent.name for path in LOCALES.glob("*/messages.po"))})
    )
    def test_is_whole(self, tag: str, template: Catalog) -> None:
        text = (LOCALES / tag / "messages.po").read_bytes()

        assert faults(tag, text, template) == []
        assert updated_text(tag, text, template) == text, "run make catalogues"
