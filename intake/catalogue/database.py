"""The database under the catalogue: SQLCipher, brought up to date, changed whole or not at all.

catalogue.db     every page encrypted (AES-256, HMAC-SHA512) under the vault's catalogue key
migrations/      NNNN_….sql, applied in order, each whole or not at all; the database's
                 user_version is the number of the last
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from sqlcipher3 import dbapi2 as sqlcipher

from intake.durable import PRIVATE_FILE
from intake.errors import CatalogueFailed, CatalogueNewer, VaultDamaged

_BUSY_SECONDS: Final = 30.0


class Database:
    """An open database. Made with `database`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Any = ()) -> Any:
        """Run one statement; its answer can be gone through, or fetched."""
        return self._connection.execute(sql, values)

    def executemany(self, sql: str, rows: Any) -> None:
        """Run one statement for each row of values."""
        self._connection.executemany(sql, rows)

    def copy_to(self, path: Path, key: bytes) -> None:
        """Copy the database, as it is at one moment, to a file that is new; encrypted by `key`."""
        path.touch(mode=PRIVATE_FILE, exist_ok=False)
        copy = sqlcipher.connect(str(path), isolation_level=None)
        try:
            copy.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
            # Nobody has seen the file yet, so nothing in it needs to be taken back.
            copy.execute("PRAGMA journal_mode = OFF")
            self._connection.backup(copy)
        except sqlcipher.OperationalError as error:
            # It is the copy's disk that is full: reading needs no room.
            why = errno.ENOSPC if "full" in str(error) else errno.EIO
            raise OSError(why, os.strerror(why), str(path)) from None
        finally:
            copy.close()
        with path.open("rb") as file:
            os.fsync(file.fileno())

    def damage(self) -> list[str]:
        """Return what is wrong with the file: nothing, if every page is authentic."""
        found = [line for (line,) in self._connection.execute("PRAGMA cipher_integrity_check")]
        checked = self._connection.execute("PRAGMA quick_check")
        return found + [line for (line,) in checked if line != "ok"]

    def compact(self) -> bool:
        """Write the file anew without its free pages; say whether there was room to."""
        try:
            self._connection.execute("VACUUM")
        except sqlcipher.OperationalError:
            return False
        return True

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Make all changes of the block, or none. Inside another's block, that one decides."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk makes SQLite roll back by itself.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


@contextmanager
def database(path: Path, key: bytes) -> Iterator[Database]:
    """Give the database at `path`, made if missing, its tables brought up to date.

    Raises VaultDamaged when `key` (32 bytes) doesn't open it, CatalogueNewer, OSError when the disk
    is full, and CatalogueFailed when another program stands in the way.
    """
    path.touch(mode=PRIVATE_FILE)
    connection = sqlcipher.connect(str(path), timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        try:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA cache_size = -32000")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA synchronous = EXTRA")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlcipher.DatabaseError:
            raise VaultDamaged(path.name) from None
        _migrate(connection.executescript, version)
        yield Database(connection)
    except sqlcipher.Error as error:
        if "full" in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None
        raise CatalogueFailed(str(error)) from None
    finally:
        connection.close()


def _migrate(execute_script: Callable[[str], object], version: int) -> None:
    scripts = {
        int(script.name.partition("_")[0]): script
        for script in files("intake.catalogue").joinpath("migrations").iterdir()
    }
    if version > max(scripts):
        raise CatalogueNewer(version, max(scripts))
    for number in sorted(number for number in scripts if number > version):
        sql = scripts[number].read_text("utf-8")
        execute_script(f"BEGIN IMMEDIATE; {sql}\nPRAGMA user_version = {number}; COMMIT;")
