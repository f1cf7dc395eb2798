"""When more come than can be let in: tor asks for work, and who has worked is let in."""

import re
import secrets
import time

from tornet import NotDone, Tor

from .crowd import Crowd
from .descriptor import effort_asked
from .far import NotThere, sooner_or_later, through
from .installed import Installed
from .world import World

CAME_SECONDS = 360
ASKED_SECONDS = 420  # it looks every five minutes


def effort(source: Tor, installed: Installed) -> int:
    """Return how much work a service asks for, as a source's tor reads it now."""
    source.ask("SIGNAL", "NEWNYM")

    def fetch() -> str:
        through(source, installed.host, secrets.token_hex(8)).close()
        onion = installed.host.removesuffix(".onion")
        try:
            return source.ask("GETINFO", f"hs/client/desc/id/{onion}")
        except NotDone as error:
            raise NotThere(str(error)) from None  # it forgot again: NEWNYM may come late

    return effort_asked(sooner_or_later(fetch), installed.host)


def efforts(installed: Installed) -> list[int]:
    """Return how much those did who knocked, as its tor saw it."""
    said = re.findall(r"to pqueue with effort: (\d+)", installed.log)
    return [int(each) for each in said]


class TestProofOfWork:
    def test_is_offered_by_the_drop_which_asks_for_none_on_a_quiet_day(self, world: World) -> None:
        assert effort(world.source, world.installed) == 0

    def test_is_asked_for_once_a_crowd_waits_and_who_comes_then_does_it(
        self, crowded: Installed, crowd: Crowd, source: Tor
    ) -> None:
        assert crowd.came.wait(CAME_SECONDS)
        deadline = time.monotonic() + ASKED_SECONDS
        while effort(source, crowded) == 0:
            assert time.monotonic() < deadline, efforts(crowded)
        sooner_or_later(lambda: through(source, crowded.host, secrets.token_hex(8)).close())

        assert max(efforts(crowded)) > 0
        assert "PoW INTRODUCE2 request successfully verified" in crowded.log
