"""Take the pictures of our pages: a whole journey in a real browser, on a phone and a desk.

    python setup/pictures.py docs/pictures

source/ in there is the source guide's, landing/ the page for a newsroom's website.

The drop is a real one with a key that nobody keeps. Its name is made up, and ends in .onion so that
the pages look as they do on Tor. What is held up at the gate makes the three points of progress.
ffmpeg makes the pictures small: pages have few colours.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from browsers.chromium import Chromium
from browsers.outside import ONION, Outside
from browsers.source import begin, codename_on, here, outcomes, send
from browsers.tab import Browser, Looks, Tab
from browsers.website import website
from drops import Drop, Newsroom, Serving, write_wav
from gate import Gate
from replies import reply_to

from server.staff.landing.folder import write
from server.staff.landing.pages import Landing, pages_of

SIZES: Final = {
    "phone": Looks(width=360, height=640, phone=True),
    "desk": Looks(width=1000, height=700),
}
POINTS: Final = (20, 55, 90)
REPLY: Final = """Thank you. We have listened to all of it.

Can you tell us, without naming anyone, in which month it was made?"""
_FFMPEG: Final = ("ffmpeg", "-v", "error", "-y")
_FEW_COLOURS: Final = (
    "split[a][b];[a]palettegen=max_colors=16:reserve_transparent=0[p];[b][p]paletteuse=dither=none"
)
_TIGHTLY: Final = ("-compression_level", "9", "-pred", "none")

Keep = Callable[[str, Tab], None]


def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1])
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        newsroom = Newsroom("The newsroom <desk@newsroom.example>")
        stack.callback(newsroom.close)
        drop = Drop(scratch / "drop", newsroom)
        drop.configure('[newsroom]\nname = "The Example Post"\n')
        serving = stack.enter_context(drop.running())
        outside = Outside()
        stack.callback(outside.close)
        chromium = Chromium(outside)
        stack.callback(chromium.close)
        recordings = [
            write_wav(scratch / "first.wav", bytes(range(256)) * 4_000),
            write_wav(scratch / "second.wav", bytes(range(256)) * 24_000),
        ]
        for size, looks in SIZES.items():
            keep = _keeping(folder / "source", size)
            _journey(chromium, looks, serving, recordings, keep)
            _in_arabic(chromium, looks, serving, keep)
            _on_the_website(chromium, looks, newsroom, _keeping(folder / "landing", size))


def _keeping(folder: Path, size: str) -> Keep:
    folder.mkdir(parents=True, exist_ok=True)

    def keep(name: str, tab: Tab) -> None:
        _write_small(tab.screenshot(), folder / f"{size}-{name}.png")

    return keep


def _journey(
    browser: Browser, looks: Looks, serving: Serving, recordings: list[Path], keep: Keep
) -> None:
    with Gate(serving.address) as gate:
        tab = browser.fresh(_onion(gate.address), looks)
        tab.open()
        keep("front", tab)
        tab.open("/keys")
        keep("keys", tab)
        tab.open("/codename")
        codename = codename_on(tab)
        keep("codename", tab)
        begin(tab)
        keep("form", tab)
        send(tab, *recordings, message="The second voice must not be heard in public.")
        _progress(tab, gate, keep)
        keep("result", tab)
    reply_to(serving, codename, REPLY)
    tab = browser.fresh(_onion(serving.address), looks)
    tab.open("/return")
    tab.fill("Your eight words", codename)
    keep("return", tab)
    tab.click("Go on")
    keep("mailbox", tab)
    tab.click("End this visit")
    keep("end", tab)


def _progress(tab: Tab, gate: Gate, keep: Keep) -> None:
    """Keep three points of the way, and leave when everything is stored."""
    frame = tab.frame("progress")
    gate.let_through(1)
    for number, percent in enumerate(POINTS, 1):
        point = -(-gate.length * percent // 100)
        gate.let_through(point)
        tab.wait_until(lambda point=point: here(frame) == point)  # type: ignore[misc]
        tab.wait_until(lambda: outcomes(frame)[-1:] == [""])
        keep(f"progress-{number}", tab)
    gate.open()
    tab.frame("result").wait_for("File 2")
    frame.wait_for("Done.")


def _in_arabic(browser: Browser, looks: Looks, serving: Serving, keep: Keep) -> None:
    tab = browser.fresh(_onion(serving.address), looks)
    tab.open("/ar")
    keep("front-ar", tab)
    tab.open("/ar/codename")
    tab.open("/ar/send")
    keep("form-ar", tab)


def _on_the_website(browser: Browser, looks: Looks, newsroom: Newsroom, keep: Keep) -> None:
    landing = Landing("The Example Post", ONION, (newsroom.fingerprint,), b"", values_kept=False)
    with tempfile.TemporaryDirectory() as folder, website(Path(folder)) as address:
        write(Path(folder), pages_of(landing, first="en"))
        tab = browser.fresh(address, looks)
        tab.open()
        keep("en", tab)
        tab.open("/ar.html")
        keep("ar", tab)


def _write_small(png: bytes, path: Path) -> None:
    subprocess.run(
        [*_FFMPEG, "-i", "-", "-filter_complex", _FEW_COLOURS, *_TIGHTLY, path],
        input=png,
        check=True,
    )


def _onion(address: str) -> str:
    return f"http://{ONION}:{urlsplit(address).port}/"


if __name__ == "__main__":
    main()
