"""What can go wrong when sealing and opening; each leaf is one a caller treats differently."""

from collections.abc import Sequence


class CryptoError(Exception):
    """The root of everything `crypto/` raises on purpose; `hint` says what to do next, if known."""

    hint: str = ""


class Tampered(CryptoError):
    """Bytes that were sealed or signed are not the bytes that were sealed or signed."""


class NewerVersion(CryptoError):
    """Made by a later Tapedrop than this one."""

    def __init__(self, found: str) -> None:
        super().__init__(f"made by a later version: {found!r}")
        self.found = found


class NoKeyOpens(CryptoError):
    """No secret key within reach opens the envelope."""

    def __init__(self, recipients: int) -> None:
        super().__init__(f"no key opens it (sealed to {recipients})")
        self.recipients = recipients


class PinRefused(CryptoError):
    """A PIN or passphrase was asked for: it was wrong, or nobody gave one.

    `tries_left` is how often the card can still be asked before it locks itself; None where the
    key is on no card, or its card doesn't say.
    """

    def __init__(self, tries_left: int | None = None) -> None:
        super().__init__("no PIN, or a wrong one, was given")
        self.tries_left = tries_left


class CardAbsent(CryptoError):
    """The secret key is on a card that is not in; `serial` is the card's number as gpg lists it."""

    def __init__(self, fingerprint: str, serial: str) -> None:
        super().__init__(f"the card {serial} is not in")
        self.fingerprint = fingerprint
        self.serial = serial


class NotAnEnvelope(CryptoError):
    """It opened, but what lies inside is not laid out as an envelope is."""


class GpgFailed(CryptoError):
    """gpg is missing, was killed, hung, or ended without saying that it is done.

    `starved` is whether this machine was only too busy: no memory, no process or descriptor left;
    `wordless`, whether gpg ended by itself, and said nothing of the message that it was given.
    """

    def __init__(self, why: str, *, starved: bool = False, wordless: bool = False) -> None:
        super().__init__(why)
        self.starved = starved
        self.wordless = wordless


class KeyRefused(CryptoError):
    """A key can't be one of the newsroom's."""

    def __init__(self, why: str, *, fingerprint: str = "", secret: bool = False) -> None:
        super().__init__(why)
        self.fingerprint = fingerprint
        self.secret = secret


class NoUsableKey(CryptoError):
    """No newsroom key can be sealed to now; `problems` names each key and what is wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems) or "the newsroom has no key")
        self.problems = tuple(problems)


class NotACodename(CryptoError):
    """The words are not a codename of ours. No leaf tells what was typed.

    `position` counts words from 1, where one of them is at fault.
    """

    def __init__(self, why: str, *, position: int | None = None) -> None:
        super().__init__(why)
        self.position = position


class WrongCount(NotACodename):
    """There are `count` words where eight belong."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} words where eight belong")
        self.count = count


class UnknownWord(NotACodename):
    """The word at `position` is none of `language`, the list in which most words fit.

    `meant` are up to three words of that list, in its spelling, likeliest first; often none.
    """

    def __init__(self, position: int, *, language: str, meant: Sequence[str]) -> None:
        super().__init__(f"word {position} is in no list", position=position)
        self.language = language
        self.meant = tuple(meant)


class CutTooShort(NotACodename):
    """The word at `position` begins several of `language`: it was cut to too few letters.

    `could_be` are these words, or none where there are too many to choose from.
    """

    def __init__(self, position: int, *, language: str, could_be: Sequence[str]) -> None:
        super().__init__(f"word {position} begins several words", position=position)
        self.language = language
        self.could_be = tuple(could_be)


class WordsDontBelong(NotACodename):
    """Each word is one of ours, but the check bits say that these eight were never issued so."""

    def __init__(self) -> None:
        super().__init__("the words don't belong together")


class SeveralLanguages(NotACodename):
    """The words are one codename in each of `languages`, and not the same one."""

    def __init__(self, languages: Sequence[str]) -> None:
        super().__init__("the words are a codename in several languages")
        self.languages = tuple(languages)


class WrongSignature(CryptoError):
    """A bag's, or a key list's, signature is not by a key that it is checked against."""


class BadKeyList(CryptoError):
    """A signed key list is not laid out as one, or can't be taken; `why` is a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the key list can't be taken: {why}")
        self.why = why


class BadBag(CryptoError):
    """A bag's own lists do not hold together; `name` is the file at fault, where one is."""

    def __init__(self, why: str, *, name: str = "") -> None:
        super().__init__(f"{name}: {why}" if name else why)
        self.name = name
