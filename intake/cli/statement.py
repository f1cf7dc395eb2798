"""tapedrop-intake statement: the account of a drop, or of a case, for an editor or a court."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import click

from intake.arriving.pace import Step
from intake.arriving.provenance import Provenance
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import Progress, note, print_json
from intake.drop import Drop
from intake.durable import appearing
from intake.layout import Layout
from intake.proving.custody import Act
from intake.proving.signed import signed
from intake.proving.statement import Account, Statement
from intake.unlocked import Unlocked, today

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk statement drop-0001
  $ tapedrop-intake --desk desk statement case-0002 --to /media/stick/account.txt
"""


@click.command(
    "statement", short_help="Account for a drop, to an editor or a court.", epilog=_EPILOG
)
@click.argument("what", metavar="ID|CASE")
@click.option("--to", metavar="FILE", type=click.Path(path_type=Path),
              help="Where the text goes, and FILE.json, signed; never overwritten.")  # fmt: skip
@at_desk
@as_json
def command(what: str, to: Path | None, desk: Layout, as_json: bool) -> None:
    """Say, line by line, what arrived, what was checked, and what was done with it here.

    It names no source, and no other drop. Envelopes are hashed anew for it. With --to it is
    written down and signed, and the custody log has that.
    """
    with unlocked(desk) as room:
        drops = room.drops([what], also_purged=True)
        whole = _whole(room, drops)
        if to is None:
            statement = _statement(room, drops, whole)
        else:
            with appearing(_beside(to)) as facts, appearing(to) as text:
                with room.catalogue.whole():
                    for drop in drops:
                        room.catalogue.custody.add(
                            Act.STATED, drop=drop.digest, by=room.by, day=today()
                        )
                statement = _statement(room, drops, whole)
                text.write(statement.text().encode())
                facts.write(signed(statement.facts(), room.signing_key))
                facts.flush()  # a disk that is full says so before the text has its name
    if to is None and not as_json:
        click.echo(statement.text(), nl=False)
    elif to is None:
        print_json(statement.facts())
    elif as_json:
        print_json({"file": str(to), "signed": str(_beside(to))})
    else:
        click.echo(f"the statement is in {to}, and signed in {_beside(to)}")
        note("it names no source; whoever has it can tell which envelopes it is about")


def _whole(room: Unlocked, drops: Sequence[Drop]) -> frozenset[bytes]:
    """Return which of these envelopes are here, and are what was imported; reads all of them."""
    here = [drop.digest for drop in drops if drop.digest in room.evidence.digests()]
    passed, total = 0, sum(map(room.evidence.size, here))
    whole = []
    with Progress("hashing") as progress:
        for at, digest in enumerate(here, start=1):

            def told(size: int, at: int = at) -> None:
                nonlocal passed
                passed += size
                progress(Step(passed, total, at, len(here)))

            if room.evidence.is_whole(digest, told):
                whole.append(digest)
    return frozenset(whole)


def _statement(room: Unlocked, drops: Sequence[Drop], whole: Collection[bytes]) -> Statement:
    """Return what can be said of these drops now. Raises CustodyBroken."""
    catalogue = room.catalogue
    provenance = Provenance(room.layout.bags, room.settings.server.signer)
    brought = provenance.brought({drop.digest for drop in drops})
    # Hashing took a while, and others may be at work: what is said is as it is at one moment.
    with catalogue.whole():
        now = [catalogue.drops.drop(drop.number) for drop in drops]
        entries = list(catalogue.custody.entries())
        accounts = []
        for drop in now:
            mark = room.vault.mark(drop.digest)
            account = Account(
                drop=drop,
                mark=mark,
                salt=room.vault.mark_salt(drop.digest),
                brought=brought.get(drop.digest, ()),
                whole=drop.digest in whole,
                entries=[entry for entry in entries if entry.drop == mark],
                cleaning=catalogue.studies.cleaning(drop.digest),
                elsewhere=catalogue.elsewhere.of(drop.digest),
            )
            accounts.append(account)
        head = catalogue.custody.head
    return Statement(
        desk=room.settings.desk.name,
        key=room.signing_key.public_key().public_bytes_raw(),
        day=today().isoformat(),
        accounts=accounts,
        head=head,
    )


def _beside(to: Path) -> Path:
    return to.with_name(f"{to.name}.json")
