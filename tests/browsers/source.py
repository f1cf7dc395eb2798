"""What a source does with the pages, in English, step by step as they are meant to be used."""

from pathlib import Path
from typing import Final

from browsers.tab import Browser, Tab, View

MESSAGE: Final = "A message, if you like"
RECORDINGS: Final = "Recordings"


def codename_on(tab: Tab) -> str:
    """Return the eight words that the page shows."""
    return " ".join(tab.texts("#codename li"))


def begin(tab: Tab) -> str:
    """Go from the first page to the form; return the codename."""
    tab.open()
    tab.click("Begin")
    codename = codename_on(tab)
    tab.click("I have kept them")
    return codename


def come_back(browser: Browser, home: str, codename: str) -> Tab:
    """Come back in a visit of its own, to the mailbox."""
    tab = browser.fresh(home)
    tab.open("/return")
    tab.fill("Your eight words", codename)
    tab.click("Go on")
    return tab


def send(tab: Tab, *recordings: Path, message: str = "") -> None:
    """Fill in the form and press Send; what becomes of it shows in the frames."""
    if message:
        tab.fill(MESSAGE, message)
    if recordings:
        tab.choose_files(RECORDINGS, *recordings)
    tab.click("Send", wait=False)


def outcomes(frame: View) -> list[str]:
    """Return what a frame says became of each thing, in the form's order; "" as long as nothing."""
    return frame.attributes("li[data-became]", "data-became")


def here(frame: View) -> int:
    """Return the bytes that the progress frame says are here; -1 when it says nothing."""
    return int((frame.attributes("progress", "value") or ["-1"])[0])
