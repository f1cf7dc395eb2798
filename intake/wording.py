"""Errors, alarms and findings in a reporter's words: what the evidence is still good for.

Each error type has a sentence and a hint; `{about}` is what was being worked on, and the other
names are the error's own facts. Whatever came from outside is made plain before it is shown.
"""

import errno
import unicodedata
from collections.abc import Mapping
from typing import Final

from crypto import errors as sealing
from crypto.manifest import Condition
from intake import errors as intake
from intake.drop import Alarm
from scrub.findings import WORDS

_SAID: Final[Mapping[type[BaseException], tuple[str, str]]] = {
    intake.NotADesk: (
        "there is no desk in {folder}",
        "name the desk's folder with --desk, or make one with tapedrop-intake init",
    ),
    intake.FolderTaken: ("{folder} is not empty", "a desk is made in a folder of its own"),
    intake.BadSettings: ("{path} can't be used: {why}", ""),
    intake.KeyNotUsable: (
        "the key {fingerprint} can't be used: {why}",
        "gpg --list-keys shows the keys there are; --gnupg names another keyring",
    ),
    intake.NotInNewsroom: (
        "the server doesn't seal to {fingerprint}, so this desk could not open its drops",
        "have a desk that may sign add the key first (tapedrop-intake keys add), or go on with "
        "--outside-newsroom where another key of this keyring opens them, or it is added later",
    ),
    intake.NotConfirmed: (
        "what was typed is something else; nothing was changed",
        "read it from the other machine's screen, not from what came with the file",
    ),
    intake.NotASigner: (
        "this desk can't sign key lists, only {signers} can",
        "there: tapedrop-intake keys add with this desk's pairing.json, then keys sign; bring that "
        "list to the server and here: tapedrop-intake keys add",
    ),
    intake.CantChangeKeys: ("the newsroom's keys stay as they are: {why}", ""),
    intake.VaultLocked: (
        "no key here opens the vault",
        "it is sealed to {fingerprint}: is the card plugged in, and the PIN right?",
    ),
    intake.VaultDamaged: (
        "the desk's {what} is not what was written",
        "the envelopes in evidence/ are not touched by this",
    ),
    intake.CatalogueNewer: (
        "the catalogue was made by a later version of this program",
        "install that version on this desk",
    ),
    intake.CatalogueFailed: (
        "the catalogue can't be used now: {why}; what was not finished was taken back",
        "is the disk full, or another tapedrop-intake at work?",
    ),
    intake.NoBag: ("there is no bag in {path}", "name the stick, or a folder in its TAPEDROP"),
    intake.NotRegular: (
        "{about}: {untrusted_name} is not a plain file, so none of the bag was taken in",
        "no export makes such a bag; keep the stick, and ask security staff",
    ),
    intake.UnexpectedFile: (
        "{about}: {untrusted_name} is not in the signed list, so none of the bag was taken in",
        "keep the stick, ask security staff who put it there, and export anew",
    ),
    intake.MissingFile: (
        "{about}: {untrusted_name} is missing, so none of the bag was taken in",
        "export the bag anew; the server still holds all of it",
    ),
    intake.TooLarge: (
        "{about}: {untrusted_name} is larger than it can be, so none of the bag was taken in",
        "keep the stick, and ask security staff",
    ),
    intake.Unreadable: (
        "{about}: {untrusted_name} can't be read from the stick",
        "plug it in once more, or export the bag anew to another stick",
    ),
    intake.NotWhatWasSigned: (
        "{about}: {untrusted_name} is not the bytes that were signed for",
        "export the bag anew; the server still holds all of it",
    ),
    intake.WrongKind: (
        "{about} carries a desk's answers to the server, not drops to a desk",
        "",
    ),
    intake.EvidenceDamaged: (
        "the envelope of {about} is missing, or is not what was imported",
        "import its bag again, or export it anew: a whole copy takes its place",
    ),
    intake.UnknownDrop: ("there is no drop {untrusted_id}", "tapedrop-intake list shows them all"),
    intake.NotOpenYet: ("{drop_id} is not open", "tapedrop-intake open {drop_id}"),
    intake.AlreadyThere: (
        "{path} is there already, and nothing is overwritten",
        "name another file",
    ),
    intake.BadReply: ("the reply was not kept: {why}", ""),
    intake.NoRoom: (
        "{needed} are needed, and {free} are free; nothing was imported",
        "make room on the desk's disk, then import again",
    ),
    intake.CopyDiffers: (
        "the stick does not give back what was written to it; no bag is on it",
        "use another stick",
    ),
    sealing.WrongSignature: (
        "{about} is not signed by the server that this desk is paired with; nothing was taken in",
        "the stick may come from elsewhere, or its lists were changed; ask security staff",
    ),
    sealing.BadBag: (
        "{about} does not hold together ({error}); nothing was taken in",
        "export the bag anew; the server still holds all of it",
    ),
    sealing.BadKeyList: ("{error}", "nothing was changed; have it signed anew"),
    sealing.KeyRefused: ("the key can't be one of the newsroom's: {error}", ""),
    sealing.NewerVersion: (
        "{about} was made by a later version of Tapedrop",
        "install that version on this desk; nothing is lost until then",
    ),
    sealing.NoKeyOpens: (
        "{about} was not sealed to a key of this desk ({recipients} keys can open it)",
        "was the card in, and the PIN given? if so, another desk of the newsroom has the key",
    ),
    sealing.Tampered: (
        "{about} is not what was sealed: it was altered or damaged, and nothing of it was kept",
        "its envelope stays in evidence/; ask security staff to export it anew",
    ),
    sealing.NotAnEnvelope: (
        "{about} opened, but it is not laid out as an envelope; nothing of it was kept",
        "its envelope stays in evidence/; it may not be the server's work",
    ),
    sealing.GpgFailed: ("{about}: {error}", "is gnupg installed, and did the disk fill up?"),
}
_SIZES: Final = {"needed", "free"}

ALARMS: Final[Mapping[Alarm, str]] = {
    Alarm.OTHER_NEWSROOM: "the server sealed it for another list of keys than this desk knows",
    Alarm.EARLIER_KEYS: "it is sealed to the newsroom's earlier keys: a key that was retired can "
    "still read it",
    Alarm.MISCOUNTED: "it is sealed to another number of keys than it says",
    Alarm.MORE_READERS: "it is sealed to more keys than the newsroom has: someone else may read it",
    Alarm.FEWER_READERS: "it is sealed to fewer keys than the newsroom has",
}
EARLIER_HINT: Final = "have security staff take the list that tapedrop-intake keys sign wrote"
ALARM_HINT: Final = "tell security staff before the next drop is trusted to this server"

CONDITIONS: Final[Mapping[Condition, str]] = {
    Condition.CLEANED: "cleaned",
    Condition.UNCLEANED: "NOT cleaned",
    Condition.WRITTEN: "written",
}


def told(error: BaseException, *, about: str = "it") -> tuple[str, str]:
    """Return a sentence and a hint (or an empty one) for `error`."""
    if isinstance(error, OSError):
        return _disk(error)
    facts = {name: _fact(name, value) for name, value in vars(error).items()}
    for kind in type(error).__mro__:
        if kind in _SAID:
            sentence, hint = _SAID[kind]
            facts |= {"about": about, "error": plain(str(error))}
            # Of "it", where only one thing is done, the sentence says enough.
            return sentence.format_map(facts).removeprefix("it: "), hint.format_map(facts)
    # Its own message could hold anything.
    return f"{about}: unexpected {type(error).__name__}", "please report this as a fault"


def kinds(counts: Mapping[str, int]) -> str:
    """Return what was found, without the counts: "location, times"; "nothing" where it is that."""
    return ", ".join(kind_text(kind) for kind in sorted(counts, key=_weight)) or "nothing"


def scrubbed(removed: Mapping[str, int], remains: Mapping[str, int]) -> str:
    """Return the whole of it: "location (2), times (7) removed; encoder trace remains"."""
    gone = ", ".join(
        f"{kind_text(kind)} ({removed[kind]})" for kind in sorted(removed, key=_weight)
    )
    still = "remain" if len(remains) > 1 else "remains"
    return f"{gone or 'nothing'} removed; {kinds(remains)} {still}"


def kind_text(kind: str) -> str:
    """Return a kind of finding as people call it, also one that only a later server knows."""
    return _WORDS.get(kind, plain(kind).replace("_", " "))


_WORDS: Final[Mapping[str, str]] = {str(kind): word for kind, word in WORDS.items()}
_ORDER: Final = list(_WORDS)


def _weight(kind: str) -> int:
    """Return where a kind stands: what tells most about somebody comes first."""
    return _ORDER.index(kind) if kind in _WORDS else len(_ORDER)


def size_text(size: int) -> str:
    """Return a size in bytes as people say it."""
    if size < 1000:
        return f"{size} B"
    scaled = float(size)
    for unit in ("kB", "MB"):
        scaled /= 1000
        if scaled < 999.95:
            return f"{scaled:.1f} {unit}"
    return f"{scaled / 1000:.1f} GB"


def plain(untrusted: str, *, lines: bool = False) -> str:
    """Return text that can't steer a terminal: no control or direction characters.

    With `lines`, line ends and tabs stay. The joiners that Persian and others write with stay too.
    """
    kept = "\u200c\u200d\n\t" if lines else "\u200c\u200d"
    return "".join(
        letter if letter in kept or unicodedata.category(letter) not in _STEERING else "\ufffd"
        for letter in untrusted
    )


_STEERING: Final = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def _fact(name: str, value: object) -> str:
    if name in _SIZES and isinstance(value, int):
        return size_text(value)
    return plain(str(value))


def _disk(error: OSError) -> tuple[str, str]:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "the disk is full; what was not finished was taken back", "make room, and go on"
    where = f"{plain(str(error.filename))}: " if error.filename else ""
    return f"{where}{(error.strerror or type(error).__name__).lower()}", ""
