"""Nonces in a file of SQLite that several processes share: as it should be, and as it is often done."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection, connect
from tempfile import gettempdir
from time import sleep

from authmw.stores.records import NonceUse


class FileNonces:
    """Remembers the highest count of each nonce, within the caller's transaction."""

    def __init__(self, connection: Connection, begin: str, *, seconds_to_write: float = 0) -> None:
        self._connection = connection
        self._begin = begin
        self._seconds_to_write = seconds_to_write

    def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
        """Read the highest count, then write this one: atomic if the transaction keeps others out meanwhile."""
        self._connection.execute(self._begin)
        try:
            row = self._connection.execute("SELECT count FROM nonces WHERE nonce = ?", (nonce,)).fetchone()
            if row is not None and count <= row[0]:
                return NonceUse.REPLAYED
            sleep(self._seconds_to_write)
            self._connection.execute("INSERT OR REPLACE INTO nonces VALUES (?, ?)", (nonce, count))
            return NonceUse.FRESH
        finally:
            self._connection.execute("COMMIT" if self._connection.in_transaction else "SELECT 1")


def path_of(namespace: str) -> Path:
    """The file of a test."""
    return Path(gettempdir(), f"authmw-{namespace}.db")


@contextmanager
def atomic(namespace: str) -> Generator[FileNonces]:
    """A store that keeps others out."""
    with closing(_connected(namespace)) as connection:
        yield FileNonces(connection, "BEGIN IMMEDIATE")


@contextmanager
def reading_then_writing(namespace: str) -> Generator[FileNonces]:
    """A store in which each statement is on its own."""
    with closing(_connected(namespace)) as connection:
        # Long enough that on a busy machine, too, others read before this one writes.
        yield FileNonces(connection, "SELECT 1", seconds_to_write=0.1)


def _connected(namespace: str) -> Connection:
    connection = connect(path_of(namespace), timeout=30, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, count INTEGER) WITHOUT ROWID")
    return connection
