"""The keys: whom recordings are sealed to, who reads alerts, and that no secret one lies here."""

from datetime import datetime
from typing import Final

from crypto.gpg import Gpg, holds_secret_keys
from crypto.newsroom import Newsroom, NewsroomKey
from server.deriving import read_salt
from server.errors import NotFit
from server.newsroom import SOON_DAYS, newsroom_of, staff_keys_of
from server.staff.checks import Answer, Answers, Ground, fail, look, ok
from server.staff.desks.pairing import read_export_key

_OLDEST_GPG: Final = (2, 2, 40)
_PAIR: Final = "pair a desk, whose file brings its key, or: tapedrop-server keys add FILE.asc"
_NEW: Final = "have a new one made at the desk: docs/operator.md, Changing a key"
_ADD_STAFF: Final = "tapedrop-server keys add --staff FILE.asc"


def gpg(ground: Ground) -> Answers:
    """The one program that seals; 2.2.40 is what Debian 12 has."""
    version = Gpg(ground.at(ground.config.newsroom.keyring)).version
    text = ".".join(map(str, version))
    if version < _OLDEST_GPG:
        yield fail(f"gpg is {text}", "take 2.2.40 or newer")
    else:
        yield ok(f"gpg is {text}")


def newsroom(ground: Ground) -> Answers:
    """Each key of the newsroom's can be sealed to, and can be for a while."""
    found = newsroom_at(ground)
    if not found.keys:
        yield fail("the newsroom has no key: every recording is refused", _PAIR)
    for key in found.keys:
        yield _judged(key, ground.now, whose="the newsroom's", todo=_NEW)


def newsroom_at(ground: Ground) -> Newsroom:
    """Return the newsroom's keys as the drop judges them."""
    return newsroom_of(ground.folder, ground.config, now=ground.now)


def staff(ground: Ground) -> Answers:
    """Alerts and backups are encrypted to keys of the staff's own."""
    keys = staff_keys_of(ground.folder, ground.config, now=ground.now)
    if not keys:
        yield look("there is no staff key: no alert, no backup", _ADD_STAFF)
    for key in keys:
        yield _judged(key, ground.now, whose="the staff's", todo=_ADD_STAFF)


def secret_keys(ground: Ground) -> Answers:
    """No key that opens anything lies on a server, in none of its keyrings."""
    answered = False
    for name in (ground.config.newsroom.keyring, ground.config.staff.keyring):
        home = ground.at(name)
        if holds_secret_keys(home):
            answered = True
            todo = "take this key for known to others: retire it, and make a new one at the desk"
            yield fail(f"the keyring {home} holds a secret key", todo)
    if not answered:
        yield ok("no keyring holds a secret key")


def secrets(ground: Ground) -> Answers:
    """The drop's own secrets are there: without the salt no source finds their mailbox again."""
    credentials = ground.config.credentials
    try:
        read_salt(ground.at(credentials.salt))
        read_export_key(ground.at(credentials.export_key))
    except NotFit as error:
        todo = "take it from a backup: tapedrop-server restore"
        yield from (fail(problem, todo) for problem in error.problems)
    else:
        yield ok("the salt and the export key are there")


def _judged(key: NewsroomKey, now: datetime, *, whose: str, todo: str) -> Answer:
    named = f"{whose} key {key.fingerprint[-16:]} ({key.name})"
    if key.problem:
        return fail(f"{named}: {key.problem}", todo)
    left = key.days_left(now)
    if left is None:
        return ok(f"{named} never expires")
    if left <= SOON_DAYS:
        return look(f"{named} ends in {left} days", todo)
    return ok(f"{named} is good for {left} days")
