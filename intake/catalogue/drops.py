"""What the desk knows of its drops, and of who sent them.

The evidence folder is the truth and this is what was learned from it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from crypto.manifest import Condition, Manifest, RemovedValue, Source
from intake.catalogue.database import Database
from intake.drop import Alarm, CleaningOutcome, Drop, SetAside, Status
from intake.errors import UnknownDrop

_DROPS: Final = """
    SELECT drop_number, digest, status, set_aside, canaries.day, purged.day, length_ms,
           outcome, cleanings.format,
           name, recordings.size, recordings.sha256, recordings.format, condition, recordings.day,
           newsroom_digest, recipients, source_number, pseudonym, mailbox_id, reply_key
"""
_FROM: Final = """
    FROM drops LEFT JOIN recordings USING (drop_number) LEFT JOIN sources USING (source_number)
         LEFT JOIN canaries USING (drop_number) LEFT JOIN purged USING (drop_number)
         LEFT JOIN stream_facts USING (drop_number) LEFT JOIN cleanings USING (drop_number)
"""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was not known before: the digests of envelopes that are here now, and that are not."""

    arrived: tuple[bytes, ...] = ()
    missing: tuple[bytes, ...] = ()


class Drops:
    """Every drop of the desk."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def adopt(self, *, arrived: Collection[bytes], promised: Collection[bytes]) -> Adopted:
        """Give a number to each envelope that has none; note what was promised and isn't here.

        `arrived` are the digests of the evidence folder, `promised` those of all signed bags.
        """
        known = dict(self._db.execute("SELECT digest, set_aside FROM drops"))
        new = sorted(set(arrived) - known.keys())
        missing = sorted(set(promised) - set(arrived) - known.keys())
        late = [each for each in arrived if known.get(each) == SetAside.NOT_ARRIVED]
        if not (new or missing or late):
            return Adopted()
        with self._db.whole():
            self._db.executemany(
                "INSERT OR IGNORE INTO drops (digest, status, set_aside) VALUES (?, ?, ?)",
                [(digest, Status.STORED, None) for digest in new]
                + [(digest, Status.SET_ASIDE, SetAside.NOT_ARRIVED) for digest in missing],
            )
            self._db.executemany(
                "UPDATE drops SET status = ?, set_aside = NULL WHERE digest = ?",
                [(Status.STORED, digest) for digest in late],
            )
        return Adopted((*new, *late), tuple(missing))

    def all(self) -> list[Drop]:
        """Return every drop but the canary's and purged ones, in the order of their numbers."""
        return self._in_order("canaries.day IS NULL AND purged.day IS NULL")

    def purged(self) -> list[Drop]:
        """Return what was destroyed: of each its number and digest are left, and the day."""
        return self._in_order("purged.day IS NOT NULL")

    def canaries(self) -> list[Drop]:
        """Return what the server's canary sent, in the same order."""
        return self._in_order("canaries.day IS NOT NULL")

    def from_source(self, number: int) -> list[Drop]:
        """Return what one source sent and is open, in the same order."""
        return self._in_order("source_number = ?", (number,))

    def drop(self, number: int) -> Drop:
        """Return one drop. Raises UnknownDrop."""
        found = self._in_order("drop_number = ?", (number,))
        if not found:
            raise UnknownDrop(f"drop-{number:04d}")
        return found[0]

    def of(self, digest: bytes) -> Drop | None:
        """Return the drop whose envelope this is, if it is known."""
        return next(iter(self._in_order("digest = ?", (digest,))), None)

    def opened(self, drop: Drop, manifest: Manifest, alarms: Collection[Alarm]) -> Drop:
        """Note that a drop was opened and what its manifest says; return the drop as it is now."""
        with self._db.whole():
            self._forget(drop.number)
            self._db.execute(
                "INSERT INTO recordings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    drop.number,
                    self._source_number(manifest.source),
                    manifest.name,
                    manifest.size,
                    manifest.sha256,
                    manifest.format,
                    manifest.condition,
                    manifest.day,
                    manifest.newsroom_digest,
                    manifest.recipients,
                ),
            )
            for remains, counts in ((0, manifest.removed), (1, manifest.remains)):
                self._db.executemany(
                    "INSERT INTO findings VALUES (?, ?, ?, ?)",
                    [(drop.number, remains, kind, count) for kind, count in counts.items()],
                )
            self._db.executemany(
                "INSERT INTO removed_values VALUES (?, ?, ?, ?, ?)",
                [
                    (drop.number, place, value.kind, value.name, value.text)
                    for place, value in enumerate(manifest.values)
                ],
            )
            self._db.executemany(
                "INSERT INTO alarms VALUES (?, ?)", [(drop.number, alarm) for alarm in alarms]
            )
            self._set_status(drop.number, Status.OPENED, None)
        return self.drop(drop.number)

    def canary(self, drop: Drop, day: str) -> Drop:
        """Note that a drop was opened and is the canary's; return it as it is now."""
        with self._db.whole():
            self._forget(drop.number)
            self._db.execute("INSERT INTO canaries VALUES (?, ?)", (drop.number, day))
            self._set_status(drop.number, Status.OPENED, None)
        return self.drop(drop.number)

    def set_aside(self, drop: Drop, why: SetAside) -> Drop:
        """Note that a drop can't be opened, and why; return the drop as it is now."""
        with self._db.whole():
            self._forget(drop.number)
            self._set_status(drop.number, Status.SET_ASIDE, why)
        return self.drop(drop.number)

    def untold(self, ours: Collection[bytes]) -> list[tuple[int, Source, int, str | None]]:
        """Return each source of whom more drops had been opened than it was last told.

        Only drops whose digests are among `ours` count, and what was purged since. Each source with
        its number, how many had been opened, and the file name of what it was told before.
        """
        rows = self._db.execute(
            """
            SELECT digest, source_number, pseudonym, mailbox_id, reply_key,
                   coalesce(told.opened, 0), file_name, coalesce(told.purged, 0)
            FROM drops JOIN recordings USING (drop_number) JOIN sources USING (source_number)
                 LEFT JOIN told USING (source_number)
            WHERE status = ? ORDER BY source_number
            """,
            (Status.OPENED,),
        )
        found = Counter(tuple(source) for digest, *source in rows.fetchall() if digest in ours)
        return [(number, Source(*source), opened + purged, before)
                for (number, *source, told, before, purged), opened in found.items()
                if opened + purged > told]  # fmt: skip

    def told(self, source_number: int, opened: int, file_name: str) -> None:
        """Note that a source is told how many of its drops had been opened."""
        with self._db.whole():
            self._db.execute(
                "INSERT INTO told (source_number, opened, file_name) VALUES (?, ?, ?) ON CONFLICT "
                "DO UPDATE SET opened = excluded.opened, file_name = excluded.file_name",
                (source_number, opened, file_name),
            )

    def _in_order(self, condition: str, values: tuple[object, ...] = ()) -> list[Drop]:
        """Return the drops of which `condition` is true, by four queries however many."""
        rows = self._db.execute(
            f"{_DROPS} {_FROM} WHERE {condition} ORDER BY drop_number", values
        ).fetchall()
        details = _Details()
        which = f"drop_number IN (SELECT drop_number {_FROM} WHERE {condition})"
        for number, alarm in self._db.execute(
            f"SELECT drop_number, alarm FROM alarms WHERE {which} ORDER BY alarm",  # noqa: S608
            values,
        ):
            details.alarms[number].append(Alarm(alarm))
        for number, remains, kind, count in self._db.execute(
            f"SELECT * FROM findings WHERE {which} ORDER BY kind",  # noqa: S608
            values,
        ):
            details.findings[number, remains][kind] = count
        for number, *said in self._db.execute(
            f"SELECT drop_number, kind, name, text FROM removed_values "  # noqa: S608
            f"WHERE {which} ORDER BY place",
            values,
        ):
            details.values[number].append(RemovedValue(*said))
        return [_drop(row, details) for row in rows]

    def _source_number(self, source: Source) -> int:
        said = (source.mailbox_id, source.pseudonym, source.reply_key)
        self._db.execute(
            "INSERT OR IGNORE INTO sources (mailbox_id, pseudonym, reply_key) VALUES (?, ?, ?)",
            said,
        )
        (number,) = self._db.execute(
            "SELECT source_number FROM sources "
            "WHERE mailbox_id = ? AND pseudonym = ? AND reply_key = ?",
            said,
        ).fetchone()
        return int(number)

    def _set_status(self, number: int, status: Status, why: SetAside | None) -> None:
        self._db.execute(
            "UPDATE drops SET status = ?, set_aside = ? WHERE drop_number = ?",
            (status, why, number),
        )

    def _forget(self, number: int) -> None:
        for table in ("findings", "removed_values", "alarms", "recordings", "canaries"):
            self._db.execute(f"DELETE FROM {table} WHERE drop_number = ?", (number,))  # noqa: S608


@dataclass(frozen=True, slots=True)
class _Details:
    """What other tables say of drops, by their numbers."""

    alarms: defaultdict[int, list[Alarm]] = field(default_factory=lambda: defaultdict(list))
    findings: defaultdict[tuple[int, int], dict[str, int]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By a drop's number, and 1 for what remains, 0 for what was removed."""
    values: defaultdict[int, list[RemovedValue]] = field(default_factory=lambda: defaultdict(list))


def _drop(row: Any, details: _Details) -> Drop:
    number, digest, status, set_aside, canary_day, purged_day, length_ms, *rest = row
    outcome, cleaned_format, name, *rest = rest
    *columns, source_number, pseudonym, mailbox_id, reply_key = rest
    manifest = None
    if name is not None:
        source = Source(pseudonym, mailbox_id, reply_key)
        manifest = _manifest(number, name, columns, source, details)
    return Drop(
        number=number,
        digest=digest,
        status=_status(status, canary_day, purged_day),
        set_aside=SetAside(set_aside) if set_aside else None,
        manifest=manifest,
        alarms=tuple(details.alarms[number]),
        canary_day=canary_day,
        purged_day=purged_day,
        length_ms=length_ms,
        cleaned_format=cleaned_format if outcome == CleaningOutcome.CLEANED else None,
        source_number=source_number,
    )


def _status(said: str, canary_day: str | None, purged_day: str | None) -> Status:
    if purged_day is not None:
        return Status.PURGED
    return Status(said) if canary_day is None else Status.CANARY


def _manifest(number: int, name: str, columns: Any, source: Source, details: _Details) -> Manifest:
    size, sha256, form, condition, day, newsroom, recipients = columns
    return Manifest(
        name=name,
        size=size,
        sha256=sha256,
        format=form,
        condition=Condition(condition),
        day=day,
        source=source,
        newsroom_digest=newsroom,
        recipients=recipients,
        removed=details.findings[number, 0],
        remains=details.findings[number, 1],
        values=tuple(details.values[number]),
    )
