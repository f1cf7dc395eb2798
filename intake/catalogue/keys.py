"""What opens drops without a card: their session keys, and the keys of their working copies."""

from dataclasses import dataclass, field

from intake.catalogue.database import Database


@dataclass(frozen=True, slots=True)
class DropKeys:
    """The keys of one opened drop."""

    copy: bytes = field(repr=False)
    """32 bytes; of its working copy."""
    session: str = field(repr=False)
    """Of the OpenPGP message, as gpg says it: algorithm, a colon, hex digits."""
    subkey: str | None
    """The fingerprint of the subkey that opened it here first; None where another desk did."""


class Keys:
    """The keys of every drop that was opened."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, digest: bytes) -> DropKeys | None:
        """Return a drop's keys, if it was ever opened and its keys were not destroyed."""
        row = self._db.execute(
            "SELECT copy_key, session_key, subkey FROM drop_keys JOIN drops USING (drop_number) "
            "WHERE digest = ?",
            (digest,),
        ).fetchone()
        return DropKeys(*row) if row is not None else None

    def subkeys(self) -> dict[bytes, str | None]:
        """Return which subkey opened each drop, by its digest; None where another desk did."""
        return dict(
            self._db.execute("SELECT digest, subkey FROM drop_keys JOIN drops USING (drop_number)")
        )

    def keep(self, digest: bytes, keys: DropKeys) -> None:
        """Keep a drop's keys, instead of those that are here."""
        with self._db.whole():
            self._db.execute(
                "INSERT OR REPLACE INTO drop_keys "
                "SELECT drop_number, ?, ?, ? FROM drops WHERE digest = ?",
                (keys.copy, keys.session, keys.subkey, digest),
            )

    def inside(self, digest: bytes) -> str | None:
        """Return the session key of what a drop's source had encrypted, if it was ever opened."""
        row = self._db.execute(
            "SELECT session_key FROM inside_keys JOIN drops USING (drop_number) WHERE digest = ?",
            (digest,),
        ).fetchone()
        return row[0] if row is not None else None

    def inside_subkeys(self) -> dict[bytes, str | None]:
        """Return which subkey opened what drops' sources had encrypted; None: another desk did."""
        return dict(
            self._db.execute(
                "SELECT digest, subkey FROM inside_keys JOIN drops USING (drop_number)"
            )
        )

    def keep_inside(self, digest: bytes, session_key: str, subkey: str | None) -> None:
        """Keep the session key of what a drop's source had encrypted.

        Backups from before do not have it: they do not hold the drop with what opens it.
        """
        with self._db.whole():
            self._db.execute("UPDATE backed_up SET keyed = 0 WHERE digest = ?", (digest,))
            self._db.execute(
                "INSERT OR REPLACE INTO inside_keys "
                "SELECT drop_number, ?, ? FROM drops WHERE digest = ?",
                (session_key, subkey, digest),
            )

    def forget_inside(self, digest: bytes) -> None:
        """Forget the session key of what a drop's source had encrypted."""
        with self._db.whole():
            self._db.execute(
                "DELETE FROM inside_keys WHERE drop_number = "
                "(SELECT drop_number FROM drops WHERE digest = ?)",
                (digest,),
            )

    def destroy(self, digest: bytes) -> None:
        """Destroy a drop's keys."""
        with self._db.whole():
            self.forget_inside(digest)
            self._db.execute(
                "DELETE FROM drop_keys WHERE drop_number = "
                "(SELECT drop_number FROM drops WHERE digest = ?)",
                (digest,),
            )
