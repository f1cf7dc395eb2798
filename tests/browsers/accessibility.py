"""Ask axe-core what on a page keeps people out: WCAG 2.2 A and AA, and good practice."""

import json
from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT

from browsers.chromium import ChromiumTab
from browsers.tab import Tab

_WCAG: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def violations(tab: Tab) -> list[str]:
    """Return a line for each element that breaks a rule, in the page and in its frames.

    axe is a script, so it looks at copies that may run scripts; those of the page itself would run
    too. What is good practice for a page (one main heading, landmarks) is not asked of a frame.
    """
    assert isinstance(tab, ChromiumTab), "axe is run in Chromium"
    lines: list[str] = []
    for document in tab.documents():
        rules = _WCAG if document.frame else (*_WCAG, "best-practice")
        options = {"runOnly": rules, "resultTypes": ["violations"], "iframes": False}
        asking = f"() => {{ {AXE_SCRIPT}; return axe.run({json.dumps(options)}) }}"
        where = f"frame {document.frame}: " if document.frame else ""
        for found in tab.ask_with_scripts(document, asking)["violations"]:
            lines += [where + line for line in _lines(found)]
    return lines


def _lines(found: dict[str, Any]) -> list[str]:
    rule = f"{found['id']} ({found['impact']}): {found['help']}"
    return [f"{rule}: {' '.join(node['html'].split())[:200]}" for node in found["nodes"]]
