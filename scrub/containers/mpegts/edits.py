"""What is replaced in a recording of which most is copied: small changes, found out of order."""

from scrub.errors import Malformed
from scrub.plan import Draft


class Edits:
    """Changes to come; what was settled is in the draft already."""

    def __init__(self, draft: Draft, start: int) -> None:
        self._draft = draft
        self._at = start
        self._edits: list[tuple[int, int, bytes]] = []

    def replace(self, start: int, end: int, data: bytes = b"") -> None:
        """Write `data` where bytes `start` to `end` of the recording are."""
        self._edits.append((start, end, data))

    def settle(self, until: int) -> None:
        """Hand on all that begins before `until`: no edit will come there any more."""
        self._edits.sort(key=_start)
        for done, (start, end, data) in enumerate(self._edits):
            if start >= until:
                del self._edits[:done]
                break
            if start < self._at:
                raise Malformed("two parts overlap", offset=start)
            self._draft.copy(self._at, start)
            self._draft.write(data)
            self._at = end
        else:
            self._edits.clear()
        if self._at < until:
            self._draft.copy(self._at, until)
            self._at = until


def _start(edit: tuple[int, int, bytes]) -> int:
    return edit[0]
