"""tapedrop-intake reply: answer a source; see what waits, and take it back."""

import re
import sys
from typing import BinaryIO, Final

import click

from crypto.reply import LONGEST_BYTES
from intake.answering.asking import Found, concerns
from intake.answering.replies import put_reply, take_back
from intake.arriving.provenance import Provenance
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.exits import DONE, NEEDS_A_PERSON
from intake.cli.talk import note, print_json, print_table, say_error
from intake.drop import Drop
from intake.errors import BadReply, NotOpenYet, UnknownRecord
from intake.layout import Layout
from intake.records import Kind
from intake.unlocked import Unlocked, today
from intake.wording import CONCERNS, plain

_SOURCE: Final = re.compile(r"source-0{0,8}([1-9][0-9]{0,8})")
_REPLY: Final = re.compile(r"(?:reply-)?0{0,8}([1-9][0-9]{0,8})")
_SHOWN: Final = 60
_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk reply drop-0002 --text-from answer.txt
  $ tapedrop-intake --desk desk reply --waiting
  $ tapedrop-intake --desk desk receipt --to /media/stick
"""


@click.command("reply", short_help="Write to a source.", epilog=_EPILOG)
@click.argument("to", metavar="[ID]", required=False)
@click.option("--text-from", "file", metavar="FILE", type=click.File("rb"),
              help="The reply's text, in UTF-8; - is standard input.")  # fmt: skip
@click.option("--as-it-is", is_flag=True, help="Seal it, whatever there is to warn of.")
@click.option("--waiting", is_flag=True, help="List the replies that no receipt carried out yet.")
@click.option("--take-back", "back", metavar="REPLY", help="Have one of those go nowhere.")
@at_desk
@as_json
def command(
    to: str | None,
    file: BinaryIO | None,
    as_it_is: bool,
    waiting: bool,
    back: str | None,
    desk: Layout,
    as_json: bool,
) -> int:
    """Write to a source: ID is a drop of theirs (drop-0002), or the source (source-0001, or the
    two words).

    What you write is kept at the desk, and sealed so that only the source's codename opens it;
    `receipt` puts what was sealed on a stick. Before that you are told what a source might rather
    not be asked, and can go on all the same.
    """
    if sum([to is not None, waiting, back is not None]) != 1:
        raise click.UsageError("name a drop or a source, or say --waiting, or --take-back REPLY")
    if to is not None:
        return _write(desk, to, file, as_it_is=as_it_is, as_json=as_json)
    with unlocked(desk) as room:
        if back is not None:
            _take_back(room, back, as_json=as_json)
        else:
            _list(room, as_json=as_json)
    return DONE


def _write(desk: Layout, to: str, file: BinaryIO | None, *, as_it_is: bool, as_json: bool) -> int:
    with unlocked(desk) as room:
        drop = _drop(room, to)
        if drop.manifest is None:
            raise NotOpenYet(drop.id)
        if drop.digest not in Provenance(desk.bags, room.settings.server.signer).vouched():
            raise BadReply("the drop came from a colleague's desk, and not from this desk's server")
        text = _text(file)  # once it is sure that it can go to somebody
        found = concerns(text, (value.text for value in drop.manifest.values))
        if not _goes_on(found, as_it_is=as_it_is):
            return NEEDS_A_PERSON
        record = put_reply(text, drop, room.catalogue, by=room.by, day=today())
    source = drop.manifest.source
    if as_json:
        said = {"reply": record.name, "id": drop.id, "pseudonym": source.pseudonym}
        print_json(said | {"concerns": [each.concern for each in found]})
    else:
        click.echo(
            f"{record.name} is sealed to {plain(source.pseudonym)}; "
            "tapedrop-intake receipt carries it out"
        )
    return DONE


def _goes_on(found: list[Found], *, as_it_is: bool) -> bool:
    """Tell what there is to warn of; return whether the reply is to be sealed."""
    for each in found:
        note(f"warning: {CONCERNS[each.concern]} ({plain(each.words)})")
    if as_it_is or not found:
        return True
    if sys.stdin.isatty() and click.confirm("send it as it is?", default=False, err=True):
        return True
    say_error(
        "nothing was sealed", "write it another way; or say --as-it-is, if it has to be like this"
    )
    return False


def _drop(room: Unlocked, untrusted_id: str) -> Drop:
    """Return the drop whose source is meant: of a source its newest one."""
    called = room.catalogue.sources.called(untrusted_id)
    if len(called) > 1:
        raise click.UsageError(f"several are called so: {', '.join(each.id for each in called)}")
    match = _SOURCE.fullmatch(called[0].id if called else untrusted_id)
    if match is None:
        return room.drop(untrusted_id)
    drops = [each for each in room.catalogue.drops.from_source(int(match[1])) if each.manifest]
    if not drops:
        raise UnknownRecord(untrusted_id)
    return drops[-1]


def _list(room: Unlocked, *, as_json: bool) -> None:
    rows = []
    for each in room.catalogue.replies.waiting():
        record = room.catalogue.records.get(each.record)
        assert record is not None  # the two are kept and forgotten together
        drop = room.catalogue.drops.of(record.about or b"")
        said = {"reply": record.name, "id": drop.id if drop else None, "by": record.heads[-1].by}
        rows.append(said | {"day": record.heads[-1].day, "text": record.content.text})
    if as_json:
        print_json(rows)
    elif rows:
        table = [[row["reply"], row["id"] or "-", row["day"], plain(row["by"]), _short(row["text"])]
                 for row in rows]  # fmt: skip
        print_table(("reply", "to", "day", "by", "text"), table)
    else:
        note("no reply waits")


def _take_back(room: Unlocked, untrusted_id: str, *, as_json: bool) -> None:
    match = _REPLY.fullmatch(untrusted_id)
    if match is None:
        raise UnknownRecord(untrusted_id)
    record = room.catalogue.records.one(Kind.REPLY, int(match[1]))
    take_back(record, room.catalogue, by=room.by, day=today())
    if as_json:
        print_json({"reply": record.name, "taken_back": True})
    else:
        click.echo(f"{record.name} goes nowhere")


def _short(text: str) -> str:
    line = plain(" ".join(text.split()))
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def _text(file: BinaryIO | None) -> str:
    if file is None:
        if not sys.stdin.isatty():
            raise click.UsageError("name the text with --text-from FILE, or - for standard input")
        note("write to the source, and end with Ctrl-D on a line of its own")
        file = sys.stdin.buffer
    try:
        return file.read(LONGEST_BYTES + 1).decode().rstrip("\n")
    except UnicodeDecodeError:
        raise BadReply("it is not text in UTF-8: save it so where it was written") from None
