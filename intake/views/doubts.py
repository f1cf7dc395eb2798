"""What in a search can find nothing, whatever the desk knows: said before anybody believes it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from intake.catalogue.lines import KINDS
from intake.records import WorkStatus
from intake.searching.query import About, Query
from intake.unlocked import Unlocked
from intake.wording import plain

_CLOSED: Final[Mapping[About, Sequence[str]]] = {
    About.STATUS: tuple(WorkStatus),
    About.KIND: KINDS,
}
"""Of these, a word that is none finds nothing, and never will."""


def doubts(room: Unlocked, asked: Query) -> Iterator[str]:
    """Yield a sentence for each filter whose value is no status, no kind, or nobody's name."""
    for one in asked.filters:
        known = _CLOSED.get(one.about)
        if known is not None and one.value not in known:
            yield f"no {one.about} is called {plain(one.value)}; there are {', '.join(known)}"
        if room.catalogue.search.is_nobodys(one):
            yield (
                f"no drop is {one.about}:{plain(one.value)}; "
                'names are said whole, as in from:"olive crane"'
            )
