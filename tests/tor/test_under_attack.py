"""When more come than can be let in: tor asks for work, and who has worked is let in."""

import re
import secrets
import threading
import time
from contextlib import closing, suppress

from tornet import Tor

from .descriptor import effort_asked
from .far import NotThere, sooner_or_later, through
from .installed import Installed
from .world import World

PERIOD_SECONDS = 300
"""After each of these tor looks whether somebody waits, and asks for more work or for less."""
CROWD = 40


def effort(source: Tor, installed: Installed) -> int:
    """Return how much work a service asks for, as a source's tor reads it now."""
    source.ask("SIGNAL", "NEWNYM")

    def fetch() -> str:
        with closing(through(source, installed.host, secrets.token_hex(8))):
            pass
        onion = installed.host.removesuffix(".onion")
        return source.ask("GETINFO", f"hs/client/desc/id/{onion}")

    return effort_asked(sooner_or_later(fetch), installed.host)


def efforts(installed: Installed) -> list[int]:
    """Return how much those did who knocked, as its tor saw it."""
    said = re.findall(r"to pqueue with effort: (\d+)", installed.log)
    return [int(each) for each in said]


class TestProofOfWork:
    def test_is_offered_by_the_drop_which_asks_for_none_on_a_quiet_day(self, world: World) -> None:
        assert effort(world.source, world.installed) == 0

    def test_is_asked_for_once_a_crowd_waits_and_who_comes_then_does_it(
        self, crowded: Installed, source: Tor
    ) -> None:
        def knock() -> None:
            with suppress(NotThere), closing(through(source, crowded.host, secrets.token_hex(8))):
                pass

        crowd = [threading.Thread(target=knock) for _ in range(CROWD)]
        sooner_or_later(lambda: effort(source, crowded))
        wait_until_it_looks(crowded, before_seconds=CROWD / 4)
        for each in crowd:
            each.start()
        deadline = time.monotonic() + PERIOD_SECONDS / 2
        while effort(source, crowded) == 0:
            assert time.monotonic() < deadline, efforts(crowded)
        knock()
        for each in crowd:
            each.join()

        assert max(efforts(crowded)) > 0


def wait_until_it_looks(installed: Installed, *, before_seconds: float) -> None:
    """Return that long before its tor looks next whether somebody waits."""
    while (left := installed.since + PERIOD_SECONDS - before_seconds - time.monotonic()) < 0:
        installed.since += PERIOD_SECONDS
    time.sleep(left)
