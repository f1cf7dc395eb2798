"""The reporter's key, on which everything at the desk hangs: in a file, or on a card that is in."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from crypto.card import card_in
from crypto.gpg import Gpg
from crypto.secret_keys import SecretKey
from intake.checks import Answers, Desk, fail, look, ok

_TRIES: Final = 3
_WARNED: Final = timedelta(days=60)


def key(desk: Desk) -> Answers:
    """Without the reporter's secret key neither vault nor envelopes open."""
    reporter = desk.settings.reporter.key
    keys = Gpg(desk.machine.gnupg).secret_keys()
    own = [each for each in keys if each.primary == reporter]
    if not own:
        todo = "plug the card in, and gpg --card-status; or import the key's backup"
        yield fail(f"no secret key of {reporter} is in this keyring", todo)
    elif cards := sorted({each.card for each in own if each.card}):
        yield from _on_card(desk, own, cards)
    else:
        yield ok("the reporter's key lies in the keyring; no card is needed")
    if own and all(each.expires for each in own):
        yield from _ending(desk, max(each.expires or 0 for each in own))


def _ending(desk: Desk, seconds: int) -> Answers:
    """What is here opens with a key that has ended too, but the server seals nothing to it."""
    day = datetime.fromtimestamp(seconds, UTC).date()
    if day <= desk.machine.today + _WARNED:
        todo = (
            "gpg --quick-add-key, then tapedrop-intake keys sign, and carry the list to the server"
        )
        yield look(f"the last of the reporter's keys ends on {day}", todo)


def _on_card(desk: Desk, own: Sequence[SecretKey], cards: Sequence[str]) -> Answers:
    named, card = ", ".join(cards), card_in(desk.machine.gnupg)
    if card is None:
        todo = "plug it in before opening; if it is in, see that scdaemon is installed"
        yield look(f"the reporter's key is on the card {named}, and none is seen", todo)
    elif card.serial not in cards:
        yield look(f"another card is in: {card.serial}", f"take it out, and plug in {named}")
    elif card.tries_left is not None and card.tries_left < _TRIES:
        todo = "look the PIN up before you type it again; a right one gives all tries back"
        yield look(f"a wrong PIN was typed: {card.tries_left} of {_TRIES} tries are left", todo)
    else:
        held = sum(each.card == card.serial for each in own)
        yield ok(f"the reporter's card {card.serial} is in, with {held} of {len(own)} keys")
