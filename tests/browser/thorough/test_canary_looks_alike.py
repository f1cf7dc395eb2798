"""The canary asks for what Firefox asks for, in the same words."""

import re
from collections.abc import Callable
from pathlib import Path

from browsers.firefox import Firefox
from browsers.outside import ONION
from browsers.tab import Browser
from gate import Gate

from crypto.codename import new_codename, words_of
from server.staff.canary.flight import visit
from server.staff.canary.reach import Place, directly

# Tor Browser trusts onion addresses as others trust https; plain Firefox only when it is told.
_TRUST = "on => Services.prefs.setBoolPref('dom.securecontext.allowlist_onions', on)"
_NOT_COMPARED = {"host", "user-agent", "accept-language", "cookie", "content-length"}

Request = tuple[tuple[str, str], ...]


def requests(gate: Gate) -> dict[str, list[Request]]:
    """Return each request's headers by what it asked for, tokens aside, as often as it differed."""
    found: dict[str, list[Request]] = {}
    for head in gate.heads:
        line, *lines = head.decode().rstrip().split("\r\n")
        asked = re.sub(r"/[\w-]{43,64}", "/TOKEN", line)
        headers = tuple(_said(each) for each in lines)
        found.setdefault(asked, [])
        if headers not in found[asked]:
            found[asked].append(headers)
    return found


def _said(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    if name.lower() in _NOT_COMPARED:
        return name, ""
    return name, re.sub(r"boundary=(-*)geckoformboundary[0-9a-f]{2,32}$", r"boundary=\1", value)


def test_each_request_is_one_that_firefox_makes(
    running: Callable[[str], Browser], gate: Gate, wav: Path
) -> None:
    gate.open()
    firefox = running("firefox")
    assert isinstance(firefox, Firefox)
    port = int(gate.address.rstrip("/").rpartition(":")[2])
    firefox.marionette.ask_browser(_TRUST, True)
    try:
        go_the_way(firefox, f"http://{ONION}:{port}/", wav)
        firefox.fresh(gate.address)  # the form's tab would go on asking
    finally:
        firefox.marionette.ask_browser(_TRUST, False)
    by_firefox = requests(gate)
    gate.heads.clear()

    place = Place("", f"{ONION}:{port}", lambda: directly("127.0.0.1", port))
    visit(place, new_codename(), wav.read_bytes(), told=lambda _passed, _total: None)

    for asked, ways in requests(gate).items():
        assert all(way in by_firefox[asked] for way in ways), (asked, ways, by_firefox[asked])


def go_the_way(firefox: Firefox, address: str, wav: Path) -> None:
    """Come back with eight words, send a recording, close the mailbox."""
    tab = firefox.fresh(address)
    tab.open("/")
    tab.click("I was here before and have my eight words")
    tab.fill("Your eight words", words_of(new_codename()))
    tab.click("Go on")
    tab.click("Answer, or send more")
    tab.choose_files("Recordings, one or several", wav)
    tab.click("Send", wait=False)
    tab.frame("result").wait_for("We have it")
    tab.click("To my mailbox")
    tab = firefox.tabs()[-1]
    tab.click("Close it for good: first see what goes, and what stays")
    tab.click("Close it for good, and end this visit")
