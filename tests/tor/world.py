"""A drop that runs behind an onion, and a source's tor."""

from pathlib import Path

from drops import Drop, Serving, run_server
from tornet import Tor

from .far import Source, sooner_or_later
from .installed import Installed


class World:
    """What the tests share; `serving` is another one once the drop was restarted."""

    def __init__(self, installed: Installed, drop: Drop, serving: Serving, source: Tor) -> None:
        self.installed = installed
        self.drop = drop
        self.serving = serving
        self.source = source

    def visit(self, user: str = "") -> Source:
        """Begin a visit by a circuit of its own, or that of `user`: as far as the codename."""
        browser = Source(self.source, self.installed.address, user=user)
        sooner_or_later(lambda: browser.get("/"))
        browser.get("/codename")
        return browser

    def command(self, *words: str | Path) -> str:
        """Run a verb of tapedrop-server at the drop; return what it answers."""
        done = run_server(*words, "--config", self.drop.config)
        assert done.returncode == 0, done.stderr
        return done.stdout
