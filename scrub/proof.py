"""Show that a result is clean: plan it anew, as if it had just arrived, and find nothing to do.

    identity     every span copies from where it already lies, every literal is what stands there
    findings     nothing is left to remove
    judge        mutagen opens it and sees no tag

What is planned is a view through the cut list, so nothing is written for it.
"""

from typing import BinaryIO

from scrub.errors import Malformed, NotARecording, Unproved, Unsupported
from scrub.formats import Format, plan
from scrub.plan import Draft, Essence, Literal, decoded
from scrub.reading import Reader
from scrub.tags import judge


def prove(result: BinaryIO) -> tuple[Format, Essence]:
    """Return the result's format and essence; Unproved when it isn't clean."""
    reader = Reader(result)
    identity = Identity(reader)
    draft = Draft(identity.check, thorough=True)
    try:
        kind = plan(result, draft)
    except (Malformed, NotARecording, Unsupported):
        raise Unproved("the result cannot be planned again") from None
    if identity.at != reader.size:
        raise Unproved("a second cleaning would leave something out")
    if draft.tally.findings().removed:
        raise Unproved("a second cleaning would find something")
    judge(result, kind.container)
    return kind, draft.essence


class Identity:
    """A sink that accepts only the cut list which changes nothing."""

    def __init__(self, reader: Reader) -> None:
        self.at = 0
        self._reader = reader

    def check(self, records: bytes) -> None:
        """Follow the records; Unproved at the first that changes a byte."""
        for cut in decoded(records):
            if isinstance(cut, Literal):
                length = len(cut.data)
                same = self._reader.upto(self.at, length) == cut.data
            else:
                length = cut.end - cut.start
                same = cut.start == self.at
            if not same:
                raise Unproved("a second cleaning would change something")
            self.at += length
