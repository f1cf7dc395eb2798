"""Arabic and Persian: pages run from the right, and what is of another script keeps its way."""

from typing import Any

import pytest
from browsers.tab import Browser, Looks, Tab, View
from drops import Serving
from replies import reply_to

from server.i18n import languages

# Where each line of an element's text begins and ends, and the element itself; CSS pixels.
_LINES = """css => {
    const element = document.querySelector(css), text = element.firstChild;
    const style = getComputedStyle(element), all = element.getBoundingClientRect();
    const inside = [all.left + parseFloat(style.paddingLeft) + parseFloat(style.borderLeftWidth),
        all.right - parseFloat(style.paddingRight) - parseFloat(style.borderRightWidth)];
    let from = 0;
    return text.data.split("\\n").map(line => {
        const range = document.createRange();
        range.setStart(text, from);
        range.setEnd(text, from + line.length);
        from += line.length + 1;
        const box = range.getBoundingClientRect();
        return [box.left - inside[0], inside[1] - box.right];
    });
}"""
_STYLE = "(css, name) => getComputedStyle(document.querySelector(css)).getPropertyValue(name)"
_LEFT = "css => [...document.querySelectorAll(css)].map(e => e.getBoundingClientRect().left)"


@pytest.fixture(params=["ar", "fa"])
def tag(request: pytest.FixtureRequest) -> str:
    """The two languages that are written from the right."""
    return str(request.param)


@pytest.fixture
def tab(browser: Browser, shared: Serving, tag: str) -> Tab:
    """A tab of somebody who reads one of them."""
    return browser.fresh(shared.address, Looks(languages=(tag,)))


def style(view: View, selector: str, name: str) -> Any:
    return view.ask(_STYLE, selector, name)


class TestAPageFromTheRight:
    def test_has_its_borders_indents_and_buttons_on_the_right(self, tab: Tab) -> None:
        tab.open("/codename")
        tab.open("/send")

        assert style(tab, "html", "direction") == "rtl"
        right, left = (style(tab, ".warning", f"border-{side}-width") for side in ("right", "left"))
        assert float(right.removesuffix("px")) > float(left.removesuffix("px"))
        (radio, _), (label, _) = (tab.ask(_LEFT, css) for css in ("[type=radio]", "fieldset label"))
        assert radio > label + 100
        assert style(tab.frame("progress"), "html", "direction") == "rtl"

    def test_counts_in_its_own_digits(self, tab: Tab, tag: str) -> None:
        tab.open()

        assert style(tab, "main ol", "list-style-type") == {"ar": "decimal", "fa": "persian"}[tag]


class TestAnotherScript:
    def test_words_of_a_codename_stand_from_the_left_as_they_are_read(self, tab: Tab) -> None:
        tab.open("/codename")

        left = tab.ask(_LEFT, "#codename li")
        assert left[0] < left[4]
        assert tab.attributes("#codename", "lang") == ["en"]
        assert style(tab, "#codename", "list-style-type") == "decimal"

    def test_a_fingerprint_runs_from_the_left(self, tab: Tab) -> None:
        tab.open("/keys")

        assert style(tab, ".fingerprint", "direction") == "ltr"

    def test_each_paragraph_of_a_reply_runs_its_own_way(self, tab: Tab, shared: Serving) -> None:
        tab.open("/codename")
        reply_to(shared, " ".join(tab.texts("#codename li")), "مرحبا!\nWhich door was it?")
        tab.open("/mailbox")

        arabic, english = tab.ask(_LINES, ".reply")
        assert arabic[1] == pytest.approx(0, abs=2)
        assert english[0] == pytest.approx(0, abs=2)

    def test_what_is_wrong_with_a_word_is_said_in_the_readers_language(
        self, tab: Tab, tag: str
    ) -> None:
        say = languages()[tag].gettext
        tab.open("/return")
        tab.fill(say("Your eight words"), "zebrax " + "abandon " * 7)
        tab.click(say("Go on"))

        (problem,) = tab.texts("#problem")
        assert problem == say(
            "Word %(position)s isn't one of ours. Did you mean: %(words)s?",
            position=1,
            words="zebra",
        )
