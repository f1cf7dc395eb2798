"""tapedrop-server canary: send a test recording through the drop, and see that it arrives."""

import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.cli.talk import Progress, note
from server.errors import CanaryFailed, CantReach, NoEnvelope, NoPage, NotInMailbox, TurnedAway
from server.staff.alone import alone
from server.staff.canary.identity import codename_of
from server.staff.days import keep_last_arrived

_DAY_SECONDS: Final = 24 * 60 * 60
_AFTERWARDS_SECONDS: Final = 60 * 60
_OUTCOMES: Final[dict[type[CanaryFailed], str]] = {
    CantReach: "cant_reach",
    NoPage: "no_page",
    TurnedAway: "turned_away",
    NotInMailbox: "not_in_mailbox",
    NoEnvelope: "no_envelope",
}


@click.command(
    "canary",
    short_help="Send a test recording, and see that it arrives.",
    epilog="""\b
Example: now, and from a timer that starts once a day
  tapedrop-server canary
  tapedrop-server canary --at-random
""",
)
@click.option(
    "--url", default="", help="Where sources reach the drop: http://….onion, or loopback."
)
@click.option("--socks", default="", help="tor's SOCKS port, as 127.0.0.1:9050.")
@click.option("--at-random", is_flag=True, help="First wait, up to a day: nobody knows how long.")
@config_option
@json_option
def command(config_file: Path, url: str, socks: str, at_random: bool, as_json: bool) -> None:
    """Send a recording of noise as a source would, and follow it as far as this machine sees.

    Its mailbox must say that it was received, and an envelope must have come that as many keys
    open as the newsroom has. Then the mailbox is closed. Whether a desk could open it, `receipts
    import` says later, and `status`.

    It goes to tor.onion through tor.socks; without an onion address, to where the drop listens.
    The drop counts it as a source's: nothing tells the two apart but the desks.
    """
    # Imported here, because the other verbs need nothing of the pages.
    from server.staff.canary.flight import fly, memo
    from server.staff.canary.reach import place_of

    folder, config = drop_at(config_file)
    place = place_of(folder, config, url=url, socks=socks)
    if at_random:
        if sys.stderr.isatty():
            note("waiting, up to a day: nobody knows how long; Ctrl-C ends it")
        time.sleep(secrets.randbelow(_DAY_SECONDS))
    else:
        # Not from a timer: a journal would stamp it with the second.
        note(f"sending a canary to {place.where}")
    try:
        codename = folder / config.credentials.canary
        codename_of(codename)  # made where there was none
        # Two would read each other's mailbox.
        with alone(codename, "canary"), Progress("sending") as progress:
            arrived = fly(folder, config, place, memo(), told=progress)
    except CanaryFailed as error:
        outcome = _OUTCOMES.get(type(error), "wrong_recipients")
        answer({"canary": outcome, "at": place.where}, [], as_json=as_json)
        raise
    if at_random:
        # The time of the day's file, and systemd's of our end, would tell which drop was ours.
        time.sleep(secrets.randbelow(_AFTERWARDS_SECONDS))
    keep_last_arrived(folder / config.places.receipts, datetime.now(UTC).date())
    said = {"canary": "arrived", "at": place.where, "recipients": arrived.recipients}
    lines = [
        "the canary arrived: its mailbox said so, and is closed again",
        f"its envelope is sealed to all usable keys of the newsroom: {arrived.recipients}",
    ]
    answer(said, lines, as_json=as_json)
