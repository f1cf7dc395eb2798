"""Firefox ESR, which Tor Browser is made from, driven by the Marionette that is built into it."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from browsers.marionette import ELEMENT, Marionette, Refused
from browsers.outside import ONION, Outside
from browsers.tab import PATIENCE_SECONDS, Looks, T, Tab, View, field, patiently, to_click

_PREFERENCES: Final[dict[str, bool | int | str]] = {
    "marionette.port": 0,
    # As Tor Browser at "Safest".
    "javascript.enabled": False,
    "svg.disabled": True,
    "gfx.downloadable_fonts.enabled": False,
    "media.peerconnection.enabled": False,
    "browser.privatebrowsing.autostart": True,
    "browser.cache.disk.enable": False,
    "ui.useOverlayScrollbars": 1,
    "browser.display.os-zoom-behavior": 2,  # ui.textScaleFactor is for text alone
    # Nothing that Firefox does for itself.
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.page": 0,
    "captivedetect.canonicalURL": "",
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "geo.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.http.speculative-parallel-limit": 0,
    "network.prefetch-next": False,
    "network.trr.mode": 5,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "signon.rememberSignons": False,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.unified": False,
}
_KEYS: Final = {
    "Tab": "\ue004",
    "Enter": "\ue006",
    "Shift": "\ue008",
    "Escape": "\ue00c",
    "Space": " ",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}
# What Firefox says to itself when the last private window is gone: cookies and cache go as well.
_FORGET: Final = "() => Services.obs.notifyObservers(null, 'last-pb-context-exited')"
# The window can't be made as narrow as a phone; the place where the page stands can.
_RESIZE: Final = """(width, height) => {
    const style = gBrowser.selectedBrowser.style;
    for (const [side, size] of [["width", width], ["height", height]])
        for (const bound of [side, "min-" + side, "max-" + side])
            style.setProperty(bound, size + "px");
}"""
_SET: Final = """set => {
    for (const [name, value] of Object.entries(set))
        if (value === null) Services.prefs.clearUserPref(name);
        else if (typeof value == "boolean") Services.prefs.setBoolPref(name, value);
        else if (typeof value == "string") Services.prefs.setStringPref(name, value);
        else Services.prefs.setIntPref(name, value);
}"""
_STYLE: Final = """styles => {
    gBrowser.selectedBrowser.browsingContext.authorStyleDisabledDefault = !styles;
}"""

# WebDriver:GetCookies looks at those of ordinary windows.
_COOKIES: Final = """host => Services.cookies.getCookiesFromHost(host, {privateBrowsingId: 1})
    .map(cookie => cookie.name + "=" + cookie.value).join("; ")"""


class Firefox:
    """One Firefox with a profile that is thrown away."""

    name = "firefox"

    def __init__(self, outside: Outside, *, before: tuple[str, ...] = (), socks: str = "") -> None:
        """With `socks`, `127.0.0.1:PORT`, onions are reached through that tor, and nothing else."""
        self._profile = Path(tempfile.mkdtemp(prefix="td-firefox-"))
        ways = _onions_through(socks) if socks else _everything_through(outside.port)
        preferences = _PREFERENCES | ways
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in preferences.items()
        ]
        (self._profile / "user.js").write_text("".join(lines))
        command = ["firefox-esr", "--headless", "--no-remote", "--marionette"]
        # Sizes, languages and colours belong to the browser; pages gain nothing by this.
        command += ["--remote-allow-system-access", "--profile", str(self._profile)]
        home = {
            "HOME": str(self._profile),
            "MOZ_CRASHREPORTER_DISABLE": "1",
            "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1",
        }
        self._process = subprocess.Popen(
            [*before, *command],
            env=os.environ | home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.marionette = Marionette(self._port())
        self.marionette.command("WebDriver:SetTimeouts", implicit=PATIENCE_SECONDS * 1000)
        self._home = ""
        self._looks = Looks()
        self._current = ""

    def fresh(self, home: str, looks: Looks = Looks()) -> Tab:  # noqa: B008  frozen
        """Forget everything, as "New Identity" does; return the only tab."""
        self._home, self._looks = home, looks
        old = self._handles()
        self.marionette.ask_browser(_SET, _preferences_for(looks))
        tab = self.another()
        for handle in old:
            self.switch_to(handle)
            self.marionette.command("WebDriver:CloseWindow")
        self.marionette.ask_browser(_FORGET)
        self.switch_to(tab.handle)
        return tab

    def another(self) -> "FirefoxTab":
        """Open one more tab, with the same cookies."""
        handle = self.marionette.command("WebDriver:NewWindow", type="tab")["handle"]
        return self._dressed(handle)

    def tabs(self) -> list[Tab]:
        """Return all tabs, the oldest first; a form may have opened one."""
        return [self._dressed(handle) for handle in self._handles()]

    def switch_to(self, handle: str) -> None:
        """Show this tab, and speak of its page from now on."""
        if handle != self._current:
            self.marionette.command("WebDriver:SwitchToWindow", handle=handle)
            self._current = handle
        self.marionette.command("WebDriver:SwitchToFrame", id=None)

    def close(self) -> None:
        """End it."""
        try:
            self.marionette.command("Marionette:Quit", flags=["eForceQuit"])
            self._process.wait(30)
        except (OSError, Refused, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self.marionette.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _dressed(self, handle: str) -> "FirefoxTab":
        self.switch_to(handle)
        looks = self._looks
        self.marionette.ask_browser(_RESIZE, looks.width, looks.height)
        self.marionette.ask_browser(_STYLE, looks.styles)
        return FirefoxTab(self, handle, self._home)

    def _handles(self) -> list[str]:
        return [str(handle) for handle in self.marionette.command("WebDriver:GetWindowHandles")]

    def _port(self) -> int:
        """Return the port that Firefox chose, once it has written it down."""
        written = self._profile / "MarionetteActivePort"
        deadline = time.monotonic() + 60
        while not (written.exists() and written.read_text()):
            assert self._process.poll() is None, "Firefox did not start"
            assert time.monotonic() < deadline, "Firefox does not answer"
            time.sleep(0.02)
        return int(written.read_text())


class FirefoxView(View):
    """The page of a tab, or the frame of this name in it."""

    def __init__(self, firefox: Firefox, handle: str, frame: str = "") -> None:
        self._firefox = firefox
        self._marionette = firefox.marionette
        self._frame = frame
        self.handle = handle

    def ask(self, function: str, *given: object) -> Any:
        """Return what this JavaScript function answers about the page."""
        return self._here(lambda: self._marionette.ask(function, *given))

    def click(self, words: str, *, wait: bool = True) -> None:
        """Click the link or button that says `words`; wait for the page it leads to, or don't."""
        with self._found(to_click(words)) as element:
            # WebDriver scrolls a frame, but not the page that the frame stands in.
            self._marionette.ask("e => e.scrollIntoView({block: 'center'})", {ELEMENT: element})
            if wait:
                self._marionette.command("WebDriver:ElementClick", id=element)
            else:
                self._click_only(element)

    def fill(self, label: str, text: str) -> None:
        """Replace what a field holds."""
        with self._found(field(label)) as element:
            self._marionette.command("WebDriver:ElementClear", id=element)
            self._marionette.command("WebDriver:ElementSendKeys", id=element, text=text)

    def choose(self, label: str) -> None:
        """Click a radio button or a box."""
        with self._found(field(label)) as element:
            self._marionette.command("WebDriver:ElementClick", id=element)

    def choose_files(self, label: str, *files: Path) -> None:
        """Put files into a field."""
        with self._found(field(label)) as element:
            names = "\n".join(str(file) for file in files)
            self._marionette.command("WebDriver:ElementSendKeys", id=element, text=names)

    @contextmanager
    def _found(self, path: str) -> Iterator[str]:
        yield self._here(lambda: self._marionette.find(path))

    def _here(self, attempt: Callable[[], T]) -> T:
        """Do it in this view; once more when the page changed meanwhile."""

        def in_place() -> T:
            self._firefox.switch_to(self.handle)
            if self._frame:
                element = self._marionette.find(f"//iframe[@name='{self._frame}']")
                self._marionette.command("WebDriver:SwitchToFrame", element=element)
            return attempt()

        return patiently(in_place, Refused)

    def _click_only(self, element: str) -> None:
        """Click as a mouse does: this command doesn't wait for what the click sets off."""
        over = {"type": "pointerMove", "origin": {ELEMENT: element}, "x": 0, "y": 0}
        press = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "actions": [over, *press]}
        self._marionette.command("WebDriver:PerformActions", actions=[mouse])


class FirefoxTab(FirefoxView, Tab):
    """One tab of Firefox."""

    def __init__(self, firefox: Firefox, handle: str, home: str) -> None:
        super().__init__(firefox, handle)
        self.home = home

    @property
    def address(self) -> str:
        """The address of the page."""
        return str(self._do("WebDriver:GetCurrentURL"))

    @property
    def cookies(self) -> str:
        """The cookies of this address, as its requests carry them; no page can read them."""
        return str(self._marionette.ask_browser(_COOKIES, urlsplit(self.address).hostname))

    def go(self, address: str) -> None:
        """Go to an address and wait for the page."""
        self._do("WebDriver:Navigate", url=address)

    def back(self) -> None:
        """Go back one page."""
        self._do("WebDriver:Back")

    def reload(self) -> None:
        """Load the page again."""
        self._do("WebDriver:Refresh")

    def press(self, key: str) -> None:
        """Press a key by its name (Tab, Enter, Space, ArrowDown), perhaps with `Shift+`."""
        keys = [_KEYS[name] for name in key.split("+")]
        self._strike([("keyDown", key) for key in keys])
        self._strike([("keyUp", key) for key in reversed(keys)])

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self._strike([(way, letter) for letter in text for way in ("keyDown", "keyUp")])

    def frame(self, name: str) -> View:
        """Return the view of one frame, whatever page it shows by then."""
        return FirefoxView(self._firefox, self.handle, name)

    def screenshot(self) -> bytes:
        """Return the whole page as PNG, even while another one is on its way."""
        return base64.b64decode(self._do("WebDriver:TakeScreenshot", full=True))

    def _do(self, command: str, **parameters: object) -> Any:
        self._firefox.switch_to(self.handle)
        return self._marionette.command(command, **parameters)

    def _strike(self, strokes: list[tuple[str, str]]) -> None:
        actions = [{"type": way, "value": key} for way, key in strokes]
        keyboard = {"type": "key", "id": "keyboard", "actions": actions}
        self._do("WebDriver:PerformActions", actions=[keyboard])


def _everything_through(port: int) -> dict[str, bool | int | str]:
    return {
        "network.proxy.type": 1,
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": port,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": port,
        "network.proxy.failover_direct": False,
        "network.proxy.no_proxies_on": ONION,
        "network.dns.blockDotOnion": False,
        "network.dns.localDomains": ONION,
    }


def _onions_through(socks: str) -> dict[str, bool | int | str]:
    """Return what Tor Browser sets: names go to tor as they are, and everything goes to tor."""
    host, _, port = socks.rpartition(":")
    return {
        "network.proxy.type": 1,
        "network.proxy.socks": host,
        "network.proxy.socks_port": int(port),
        "network.proxy.socks_version": 5,
        "network.proxy.socks_remote_dns": True,
        "network.proxy.failover_direct": False,
        "network.dns.blockDotOnion": False,
    }


def _preferences_for(looks: Looks) -> dict[str, bool | int | str | None]:
    coarse = 1 if looks.phone else None
    return {
        "javascript.enabled": looks.scripts,
        "intl.accept_languages": ",".join(looks.languages),
        "layout.css.prefers-color-scheme.content-override": 0 if looks.dark else 1,
        "ui.textScaleFactor": looks.text_percent,
        "ui.primaryPointerCapabilities": coarse,
        "ui.allPointerCapabilities": coarse,
        "dom.w3c_touch_events.enabled": coarse,
    }
