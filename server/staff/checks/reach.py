"""Whether the drop can be reached: by tor on this machine, by a source through tor, by nobody else.

Asking for the front page leaves nothing behind: it is what every browser does first.
"""

import stat
from html import unescape
from pathlib import Path
from shlex import quote
from typing import Final

import msgspec

from server.config import Tor
from server.errors import CantReach, SettingsRefused
from server.running import is_running
from server.staff.canary.front_page import front_page
from server.staff.canary.reach import place_of
from server.staff.checks import Answers, Ground, fail, look, ok

_HERE_SECONDS: Final = 10.0
_TOR_SECONDS: Final = 60.0
_EVERYBODY: Final = 0o002
_START: Final = (
    "start it, as root: systemctl enable --now tapedrop.target; or tapedrop-server serve"
)


def listening(ground: Ground) -> Answers:
    """The drop runs, and answers where the settings say; nobody else here comes by."""
    if not is_running(ground.folder):
        yield look("the drop is not running", _START)
        return
    path = ground.at(ground.config.listen.unix)
    if not ground.config.listen.tcp and _is_open(path):
        yield fail(f"anybody here can enter {path}", f"chmod 660 {quote(str(path))}")
    try:
        here = place_of(ground.folder, msgspec.structs.replace(ground.config, tor=Tor()))
        page = front_page(here, limit_seconds=_HERE_SECONDS)
    except SettingsRefused:
        yield look("it listens on a port of its own choice", "set listen.unix for tor")
    except CantReach as error:
        yield fail(f"it runs and does not answer: {error}", "start it anew; see its log")
    else:
        if _is_ours(ground, page):
            yield ok("it answers where tor looks for it")
        else:
            yield fail("something else answers in its place", "see what listens there: ss -lxntp")


def tor(ground: Ground) -> Answers:
    """A source can reach it: the front page comes through tor, by the onion address."""
    if not ground.config.tor.onion:
        todo = "set tor.onion to the address in tor's HiddenServiceDir (hostname)"
        yield look("tor.onion is not set, so nobody looks whether sources reach the drop", todo)
        return
    try:
        page = front_page(place_of(ground.folder, ground.config), limit_seconds=_TOR_SECONDS)
    except CantReach as error:
        todo = "see that tor runs (systemctl status 'tor@*') and what its log says"
        yield fail(f"the front page does not come through tor: {error}", todo)
    else:
        if _is_ours(ground, page):
            yield ok("the front page comes through tor")
        else:
            yield fail("another page comes through tor", "see HiddenServicePort in torrc")


def _is_open(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # what is wrong with it shows as soon as it is entered
    return stat.S_ISSOCK(mode) and bool(mode & _EVERYBODY)


def _is_ours(ground: Ground, page: str) -> bool:
    return ground.config.newsroom.name in unescape(page)
