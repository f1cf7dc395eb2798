"""tapedrop-intake list: drops on a line each, those that were asked for; or sources."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import click

from intake.catalogue import Glance
from intake.catalogue.glances import NOTHING
from intake.catalogue.sources import Known
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.naming import kind_and_number, record_named
from intake.cli.talk import note, print_json, print_table
from intake.cli.texts import Day
from intake.drop import Drop, Status
from intake.errors import UnknownRecord
from intake.layout import Layout
from intake.pen import tag_of
from intake.records import Kind, WorkStatus
from intake.unlocked import Unlocked
from intake.views.rows import HEAD, cells, clipped, row
from intake.wording import plain

Glances = Mapping[bytes, Glance]
Wanted = Callable[[Drop, Glance], bool]

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk list --status verifying --case case-0002
  id         day         from         what  size    status     who  about
  drop-0001  2026-11-21  olive crane  WAV   3.4 MB  verifying  AB   A guard counts #cells
  $ tapedrop-intake --desk desk list --unopened
"""
_STATUSES: Final = [each.value for each in WorkStatus]
_SORTS: Final[Mapping[str, Callable[[Drop, Glance], Any]]] = {
    "id": lambda drop, _glance: drop.number,
    "day": lambda drop, _glance: drop.manifest.day if drop.manifest else "",
    "from": lambda drop, _glance: drop.manifest.source.pseudonym if drop.manifest else "",
    "size": lambda drop, _glance: drop.manifest.size if drop.manifest else 0,
    "status": lambda _drop, glance: (
        _STATUSES.index(glance.status) if glance.status in _STATUSES else -1
    ),
    "who": lambda _drop, glance: glance.assignee,
    "notes": lambda _drop, glance: glance.notes,
}
_FLAGS: Final[Mapping[str, Wanted]] = {
    "unopened": lambda drop, _glance: drop.status is Status.STORED,
    "alarms": lambda drop, _glance: bool(drop.alarms),
    "conflicts": lambda _drop, glance: glance.conflicts > 0,
}
_SOURCES_HEAD: Final = ("id", "pseudonym", "drops", "messages", "first", "last")


@click.command(
    "list", short_help="List drops, those that are asked for, or sources.", epilog=_EPILOG
)
@click.option("--status", type=click.Choice(_STATUSES), help="Those whose work is so far.")
@click.option(
    "--tag", "tags", metavar="TAG", multiple=True, help="Those with this tag; or with all."
)
@click.option("--case", metavar="CASE", help="Those of a case, by id or name.")
@click.option("--source", metavar="SOURCE", help="Those of a source, by id or its two words.")
@click.option("--assignee", metavar="AB", help="Those that somebody works on; - for nobody.")
@click.option("--kind", type=click.Choice(["recording", "message"]), help="Only these.")
@click.option("--since", metavar="DAY", type=Day(), help="Those that arrived on this day or later.")
@click.option("--unopened", is_flag=True, help="Those that wait to be opened.")
@click.option("--alarms", is_flag=True, help="Those that raised an alarm.")
@click.option("--conflicts", is_flag=True, help="Those of which desks say different things.")
@click.option(
    "--sort", type=click.Choice(list(_SORTS)), default="id", help="By what; id, if unsaid."
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--sources", is_flag=True, help="List who sent them, instead.")
@click.option("--purged", is_flag=True, help="List what was purged, instead.")
@click.option("--canaries", is_flag=True, help="List what the server's own test source sent.")
@at_desk
@as_json
def command(
    desk: Layout,
    as_json: bool,
    sort: str,
    reverse: bool,
    sources: bool,
    purged: bool,
    canaries: bool,
    **asked: Any,
) -> None:
    """List the drops of the desk: all, or those of which everything asked is true."""
    if sum([sources, purged, canaries]) > 1:
        raise click.UsageError("--sources, --purged and --canaries are asked for one at a time")
    with unlocked(desk) as room:
        if sources:
            _print_sources(room.catalogue.sources.all(), as_json=as_json)
            return
        glances = room.catalogue.records.glances()
        if purged or canaries:
            drops = room.catalogue.drops.purged() if purged else room.catalogue.drops.canaries()
        else:
            drops = room.catalogue.drops.all()
        wanted = _wanted(room, asked)
    found = [drop for drop in drops if all(each(drop, _of(glances, drop)) for each in wanted)]
    found.sort(key=lambda drop: _SORTS[sort](drop, _of(glances, drop)), reverse=reverse)
    if as_json:
        print_json([row(drop, _of(glances, drop)) for drop in found])
    else:
        print_drops(found, glances)


def print_drops(drops: Sequence[Drop], glances: Glances | None = None) -> None:
    """Print a table of drops, or say that there is none."""
    if drops:
        print_table(HEAD, clipped([cells(drop, _of(glances or {}, drop)) for drop in drops]))
    else:
        note("no drops")


def _of(glances: Glances, drop: Drop) -> Glance:
    return glances.get(drop.digest, NOTHING)


def _wanted(room: Unlocked, asked: Mapping[str, Any]) -> list[Wanted]:
    """Return what must be true of a drop, for each option that was given. Raises UsageError."""
    wanted: list[Wanted] = []
    status, assignee, kind, since = (
        asked[name] for name in ("status", "assignee", "kind", "since")
    )
    if status:
        wanted.append(lambda drop, glance: drop.status is Status.OPENED and glance.status == status)
    if asked["tags"]:
        tags = {tag_of(tag) for tag in asked["tags"]}
        wanted.append(lambda _drop, glance: tags <= set(glance.tags))
    if asked["case"]:
        case = record_named(room, Kind.CASE, asked["case"]).name
        wanted.append(lambda _drop, glance: case in glance.cases)
    if asked["source"]:
        numbers = _sources(room, asked["source"])
        wanted.append(lambda drop, _glance: drop.source_number in numbers)
    if assignee:
        who = "" if assignee == "-" else assignee.casefold()
        wanted.append(lambda _drop, glance: glance.assignee.casefold() == who)
    if kind:
        wanted.append(lambda drop, _glance: drop.kind == kind)
    if since:
        day = since.isoformat()
        wanted.append(lambda drop, _glance: drop.manifest is not None and drop.manifest.day >= day)
    return wanted + [true for flag, true in _FLAGS.items() if asked[flag]]


def _sources(room: Unlocked, untrusted: str) -> Collection[int]:
    named = kind_and_number(untrusted)
    if named and named[0] in {"", "source"}:
        return [room.catalogue.sources.one(named[1]).number]
    found = [each.number for each in room.catalogue.sources.called(untrusted)]
    if not found:
        raise UnknownRecord(untrusted)
    return found


def _print_sources(sources: Sequence[Known], *, as_json: bool) -> None:
    if as_json:
        print_json([{"id": each.id} | asdict(each) for each in sources])
    elif not sources:
        note("no drop is open, so no source is known")
    else:
        print_table(
            _SOURCES_HEAD,
            [
                (each.id, plain(each.pseudonym), str(each.drops), str(each.messages),
                 plain(each.first_day), plain(each.last_day))
                for each in sources
            ],
        )  # fmt: skip
