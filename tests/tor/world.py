"""A drop that runs behind an onion, and a source's tor."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from drops import Drop, Serving, run_server
from tornet import Tor

from .far import PATIENCE_SECONDS, Source, sooner_or_later
from .installed import Installed


class World:
    """What the tests share; the drop serves inside a `with`."""

    serving: Serving

    def __init__(self, installed: Installed, drop: Drop, source: Tor) -> None:
        self.installed = installed
        self.drop = drop
        self.source = source
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self.serving = self._held.enter_context(self.drop.running())
        return self

    def __exit__(self, *_exception: object) -> None:
        self._held.close()

    def restart_drop(self) -> str:
        """Stop the drop and start another; return what the first one logged."""
        log = self.serving.stop()
        self.serving = self._held.enter_context(self.drop.running())
        return log

    def visit(self, user: str = "") -> Source:
        """Begin a visit by a circuit of its own, or that of `user`: as far as the codename."""

        def begin() -> Source:
            # Nobody waits long for a page: they ask for it once more, by another circuit.
            browser = Source(self.source, self.installed.address, user=user, seconds=20)
            browser.get("/")
            browser.get("/codename")
            return browser

        browser = sooner_or_later(begin, by=self.source)
        browser.seconds = PATIENCE_SECONDS
        return browser

    def command(self, *words: str | Path) -> str:
        """Run a verb of tapedrop-server at the drop; return what it answers."""
        done = run_server(*words, "--config", self.drop.config)
        assert done.returncode == 0, done.stderr
        return done.stdout
