"""Find words in all that the desk knows."""

from typing import Any

from aiohttp import web

from intake.desk.room import ROOM
from intake.desk.showing import shown
from intake.searching.query import query
from intake.searching.snippets import snippet
from intake.unlocked import Unlocked
from intake.views.doubts import doubts

LIMIT = 50
_WIDTH = 160


async def show(request: web.Request) -> web.StreamResponse:
    """Show what was found, or how to ask."""
    typed = request.query.get("q", "")
    said = await request.app[ROOM].ask(lambda desk: _said(desk, typed))
    return shown(request, "search.html", said)


def _said(desk: Unlocked, typed: str) -> dict[str, Any]:
    asked = query(typed)
    said = {"q": typed, "too_short": asked.too_short, "doubts": list(doubts(desk, asked))}
    if not asked.asks:
        return said | {"total": None, "hits": []}
    found = desk.catalogue.search.find(asked, limit=LIMIT)
    hits = []
    for hit in found.hits:
        drop = desk.catalogue.drops.of(hit.about) if hit.about is not None else None
        places = [(place, snippet(place.text, asked.terms, width=_WIDTH)) for place in hit.places]
        hits.append((hit, drop, [(place, _pieces(shown)) for place, shown in places]))
    return said | {"total": found.total, "hits": hits}


def _pieces(shown: Any) -> list[tuple[str, bool]]:
    """Return the text of a snippet in pieces, each with whether it is what was looked for."""
    pieces, at = [], 0
    for begin, end in shown.marks:
        pieces += [(shown.text[at:begin], False), (shown.text[begin:end], True)]
        at = end
    return [*pieces, (shown.text[at:], False)]
