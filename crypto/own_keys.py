"""Find an envelope's session key with few operations, by the secret keys that may be tried.

gpg tries every secret key there is on a hidden recipient (`--try-secret-key` only says which come
first), and where a PIN was wrong it says that no key fits. So it is given one session key at a
time, with the id of one subkey in the place of the zeros: that is one operation, and what became
of it is told. Nothing is believed by that: the envelope is opened with what was found, and only
gpg's word for the whole of it counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from crypto.card import card_in
from crypto.errors import CardAbsent, NoKeyOpens, PinRefused
from crypto.gpg import Gpg
from crypto.packets import SealedKey, sealed_keys
from crypto.secret_keys import SecretKey, fits

HEAD_SIZE: Final = 64 * 1024
"""How much of an envelope's start holds its session keys: those of a hundred keys and more."""
_SOME_DATA: Final = b"\xd2\x0b\x01" + bytes(10)
"""A packet of encrypted data that is none: gpg says the session key, and finds it too short.

Were it longer, gpg would decrypt it, to noise, and do as the noise says: one time in eight that was
to ask the reporter for some passphrase.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A session key, and the fingerprint of the subkey that found it."""

    session_key: str = field(repr=False)
    subkey: str


class OwnKeys:
    """The secret keys of one home that may be tried.

    It learns: where the last envelope was opened, the next one is tried first.
    """

    def __init__(self, gpg: Gpg, keys: Iterable[SecretKey]) -> None:
        self._gpg = gpg
        # What is on no card costs nobody a touch; the newest is the likeliest.
        self.keys = sorted(keys, key=lambda key: (key.card is not None, -key.created))
        self._last: tuple[SecretKey, int] | None = None
        self._in: str | None = None

    def card_operations(self, start: bytes) -> int:
        """Return how many operations of a card finding a session key takes at most.

        `start` holds all session keys of the envelope. Raises NotAnEnvelope.
        """
        return sum(key.card is not None for key, _ in self._trials(sealed_keys(start)))

    def session_key(self, start: bytes) -> Found:
        """Return the session key of the envelope that starts so.

        Raises NotAnEnvelope, NoKeyOpens, GpgFailed; PinRefused at the first PIN that was wrong;
        CardAbsent when nothing else opens it.
        """
        sealed = sealed_keys(start)
        absent: CardAbsent | None = None
        for key, place in self._trials(sealed):
            try:
                self._require_card(key)
                found = self._gpg.session_key(
                    sealed[place].naming(key.fingerprint) + _SOME_DATA, subkey=key.fingerprint
                )
            except CardAbsent as error:
                absent = error
            except PinRefused:
                raise self._refused(key) from None
            else:
                if found is not None:
                    self._last = (key, place)
                    return Found(found, key.fingerprint)
        raise absent or NoKeyOpens(len(sealed))

    def _trials(self, sealed: Sequence[SealedKey]) -> Iterator[tuple[SecretKey, int]]:
        trials = [
            (key, place)
            for key in self.keys
            for place, each in enumerate(sealed)
            if fits(key, each.algorithm)
        ]
        return iter(sorted(trials, key=lambda trial: trial != self._last))

    def _require_card(self, key: SecretKey) -> None:
        """Ask whether the card is in before gpg does: gpg-agent would ask a person, each time."""
        if key.card is None or key.card == self._in:
            return
        if card_in(self._gpg.home, key.card) is None:
            raise CardAbsent(key.fingerprint, key.card)
        self._in = key.card

    def _refused(self, key: SecretKey) -> PinRefused | CardAbsent:
        if key.card is None:
            return PinRefused()
        card = card_in(self._gpg.home, key.card)
        if card is None:  # it was pulled meanwhile
            self._in = None
            return CardAbsent(key.fingerprint, key.card)
        return PinRefused(card.tries_left)
