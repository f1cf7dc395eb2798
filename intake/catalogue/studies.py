"""What this desk found out about drops by itself: stream facts, and what came of cleaning."""

import json

from intake.catalogue.database import Database
from intake.drop import Cleaning, CleaningOutcome
from scrub import StreamFacts


class Studies:
    """What was found out, by drop."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def facts(self, digest: bytes) -> StreamFacts | None:
        """Return what a recording's headers say of its sound, if anybody has looked."""
        row = self._db.execute(
            "SELECT length_ms, sample_rate, channels, bits, bitrate, codec FROM stream_facts "
            "JOIN drops USING (drop_number) WHERE digest = ?",
            (digest,),
        ).fetchone()
        return StreamFacts(*row) if row is not None else None

    def keep_facts(self, digest: bytes, facts: StreamFacts) -> None:
        """Keep what a recording's headers say."""
        said = (facts.length_ms, facts.sample_rate, facts.channels, facts.bits, facts.bitrate)
        with self._db.whole():
            self._db.execute(
                "INSERT OR REPLACE INTO stream_facts "
                "SELECT drop_number, ?, ?, ?, ?, ?, ? FROM drops WHERE digest = ?",
                (*said, facts.codec, digest),
            )

    def cleaning(self, digest: bytes) -> Cleaning | None:
        """Return what came of cleaning a drop here, if anybody has tried."""
        row = self._db.execute(
            "SELECT outcome, nested, size, sha256, format, extension, removed, remains "
            "FROM cleanings JOIN drops USING (drop_number) WHERE digest = ?",
            (digest,),
        ).fetchone()
        if row is None:
            return None
        outcome, nested, size, sha256, form, extension, removed, remains = row
        return Cleaning(
            outcome=CleaningOutcome(outcome),
            nested=bool(nested),
            size=size,
            sha256=sha256,
            format=form,
            extension=extension,
            removed=json.loads(removed),
            remains=json.loads(remains),
        )

    def keep_cleaning(self, digest: bytes, cleaning: Cleaning) -> None:
        """Keep what came of cleaning a drop here."""
        with self._db.whole():
            self._db.execute(
                "INSERT OR REPLACE INTO cleanings "
                "SELECT drop_number, ?, ?, ?, ?, ?, ?, ?, ? FROM drops WHERE digest = ?",
                (
                    cleaning.outcome,
                    cleaning.nested,
                    cleaning.size,
                    cleaning.sha256,
                    cleaning.format,
                    cleaning.extension,
                    json.dumps(dict(cleaning.removed)),
                    json.dumps(dict(cleaning.remains)),
                    digest,
                ),
            )

    def forget(self, digest: bytes) -> None:
        """Forget all of it."""
        with self._db.whole():
            for table in ("stream_facts", "cleanings"):
                self._db.execute(
                    f"DELETE FROM {table} WHERE drop_number = "  # noqa: S608
                    "(SELECT drop_number FROM drops WHERE digest = ?)",
                    (digest,),
                )
