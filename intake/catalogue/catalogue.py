"""The catalogue: what the desk knows of its drops, in SQLCipher under the vault.

    catalogue.db     every page encrypted (AES-256, HMAC-SHA512) under the vault's catalogue key
    migrations/      NNNN_….sql, applied in order, each whole or not at all; the database's
                     user_version is the number of the last

The evidence folder is the truth and this is what was learned from it. No other module holds SQL.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from sqlcipher3 import dbapi2 as sqlcipher

from crypto.manifest import Condition, Manifest, RemovedValue, Source
from intake.drop import Alarm, Drop, SetAside, Status
from intake.durable import PRIVATE_FILE
from intake.errors import CatalogueFailed, CatalogueNewer, UnknownDrop, VaultDamaged

_BUSY_SECONDS: Final = 30.0
_DROPS: Final = """
    SELECT drop_number, digest, status, set_aside, canaries.day,
           name, size, sha256, format, condition, recordings.day,
           newsroom_digest, recipients, pseudonym, mailbox_id, reply_key
    FROM drops LEFT JOIN recordings USING (drop_number) LEFT JOIN sources USING (source_number)
         LEFT JOIN canaries USING (drop_number)
"""


class Catalogue:
    """An open catalogue. Made with `opened`."""

    def __init__(self, connection: Any) -> None:
        self._db = connection

    def adopt(self, *, arrived: Collection[bytes], promised: Collection[bytes]) -> None:
        """Give a number to each envelope that has none; note what was promised and isn't here.

        `arrived` are the digests of the evidence folder, `promised` those of all signed bags.
        """
        known = dict(self._db.execute("SELECT digest, set_aside FROM drops"))
        new = sorted(set(arrived) - known.keys())
        missing = sorted(set(promised) - set(arrived) - known.keys())
        late = [each for each in arrived if known.get(each) == SetAside.NOT_ARRIVED]
        if not (new or missing or late):
            return
        with self._whole():
            self._db.executemany(
                "INSERT OR IGNORE INTO drops (digest, status, set_aside) VALUES (?, ?, ?)",
                [(digest, Status.STORED, None) for digest in new]
                + [(digest, Status.SET_ASIDE, SetAside.NOT_ARRIVED) for digest in missing],
            )
            self._db.executemany(
                "UPDATE drops SET status = ?, set_aside = NULL WHERE digest = ?",
                [(Status.STORED, digest) for digest in late],
            )

    def drops(self) -> list[Drop]:
        """Return every drop but the canary's, in the order of their numbers."""
        return self._in_order("canaries.day IS NULL")

    def canaries(self) -> list[Drop]:
        """Return what the server's canary sent, in the same order."""
        return self._in_order("canaries.day IS NOT NULL")

    def drop(self, number: int) -> Drop:
        """Return one drop. Raises UnknownDrop."""
        row = self._db.execute(f"{_DROPS} WHERE drop_number = ?", (number,)).fetchone()
        if row is None:
            raise UnknownDrop(f"drop-{number:04d}")
        return self._drop(row)

    def opened(self, drop: Drop, manifest: Manifest, alarms: Collection[Alarm]) -> Drop:
        """Note that a drop was opened and what its manifest says; return the drop as it is now."""
        with self._whole():
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
        with self._whole():
            self._forget(drop.number)
            self._db.execute("INSERT INTO canaries VALUES (?, ?)", (drop.number, day))
            self._set_status(drop.number, Status.OPENED, None)
        return self.drop(drop.number)

    def set_aside(self, drop: Drop, why: SetAside) -> Drop:
        """Note that a drop can't be opened, and why; return the drop as it is now."""
        with self._whole():
            self._forget(drop.number)
            self._set_status(drop.number, Status.SET_ASIDE, why)
        return self.drop(drop.number)

    def untold(self) -> list[tuple[int, Source, int, str | None]]:
        """Return each source of whom more drops are open than it was last told.

        Each with its number, how many are open, and the file name of what it was told before.
        """
        rows = self._db.execute(
            """
            SELECT source_number, pseudonym, mailbox_id, reply_key, count(*), file_name
            FROM drops JOIN recordings USING (drop_number) JOIN sources USING (source_number)
                 LEFT JOIN told USING (source_number)
            WHERE status = ?
            GROUP BY source_number HAVING count(*) > coalesce(told.opened, 0)
            """,
            (Status.OPENED,),
        )
        return [(number, Source(*source), opened, before)
                for number, *source, opened, before in rows]  # fmt: skip

    def told(self, source_number: int, opened: int, file_name: str) -> None:
        """Note that a source is told how many of its drops are open."""
        with self._whole():
            self._db.execute(
                "INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (source_number, opened, file_name)
            )

    def _in_order(self, condition: str) -> list[Drop]:
        rows = self._db.execute(f"{_DROPS} WHERE {condition} ORDER BY drop_number")
        return [self._drop(row) for row in rows]

    def _drop(self, row: Any) -> Drop:
        number, digest, status, set_aside, canary_day, name, *rest = row
        manifest = None
        if name is not None:
            manifest = self._manifest(number, name, *rest)
        alarms = self._db.execute(
            "SELECT alarm FROM alarms WHERE drop_number = ? ORDER BY alarm", (number,)
        )
        return Drop(
            number=number,
            digest=digest,
            status=Status(status) if canary_day is None else Status.CANARY,
            set_aside=SetAside(set_aside) if set_aside else None,
            manifest=manifest,
            alarms=tuple(Alarm(alarm) for (alarm,) in alarms),
            canary_day=canary_day,
        )

    def _manifest(self, number: int, name: str, *columns: Any) -> Manifest:
        size, sha256, form, condition, day, newsroom, recipients, *source = columns
        pseudonym, mailbox_id, reply_key = source
        found: tuple[dict[str, int], dict[str, int]] = ({}, {})
        for remains, kind, count in self._db.execute(
            "SELECT remains, kind, count FROM findings WHERE drop_number = ? ORDER BY kind",
            (number,),
        ):
            found[remains][kind] = count
        values = self._db.execute(
            "SELECT kind, name, text FROM removed_values WHERE drop_number = ? ORDER BY place",
            (number,),
        )
        return Manifest(
            name=name,
            size=size,
            sha256=sha256,
            format=form,
            condition=Condition(condition),
            day=day,
            source=Source(pseudonym, mailbox_id, reply_key),
            newsroom_digest=newsroom,
            recipients=recipients,
            removed=found[0],
            remains=found[1],
            values=tuple(RemovedValue(*value) for value in values),
        )

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

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # A full disk makes SQLite roll back by itself.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


@contextmanager
def opened(path: Path, key: bytes) -> Iterator[Catalogue]:
    """Give the catalogue at `path`, made if missing, its tables brought up to date.

    Raises VaultDamaged when `key` (32 bytes) doesn't open it, CatalogueNewer, and CatalogueFailed
    when the disk or another program stands in the way.
    """
    path.touch(mode=PRIVATE_FILE)
    connection = sqlcipher.connect(str(path), timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        try:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = EXTRA")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlcipher.DatabaseError:
            raise VaultDamaged(path.name) from None
        _migrate(connection.executescript, version)
        yield Catalogue(connection)
    except sqlcipher.Error as error:
        raise CatalogueFailed(str(error)) from None
    finally:
        connection.close()


def _migrate(execute_script: Callable[[str], object], version: int) -> None:
    scripts = sorted(
        (entry for entry in files("intake.catalogue").joinpath("migrations").iterdir()),
        key=lambda entry: entry.name,
    )
    if version > len(scripts):
        raise CatalogueNewer(version, len(scripts))
    for number, script in enumerate(scripts[version:], start=version + 1):
        sql = script.read_text("utf-8")
        execute_script(f"BEGIN IMMEDIATE; {sql}\nPRAGMA user_version = {number}; COMMIT;")
