"""SQLite database: one file, read on the driver's own connections and written through SQLAlchemy.

Each lookup of a request selects one row by a unique column. Through a SQLAlchemy connection such a select takes
fourteen times as long as in SQLite itself. So SQLAlchemy compiles it once, and it is executed on a connection of the
driver that is kept open for reading. That takes about as long as a hash and a dictionary lookup, far less than a switch
of threads, and in WAL mode no reader waits for a writer. So reading may happen on an event loop. All else, above all
every write, goes through SQLAlchemy, and under ASGI to a thread.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final, TypeVar, cast

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import sqlite

from authmw.errors import StoreUnavailable
from authmw.flow.call_mode import CallMode
from authmw.flow.drive import drive
from authmw.flow.forks import in_each_child
from authmw_sqlalchemy import schema
from authmw_sqlalchemy.errors import as_unavailable, unavailable
from authmw_sqlalchemy.statements import AsyncCommit, Exclusive, Operation, Query, Row
from authmw_sqlalchemy.urls import checked_sqlite, create_private

T = TypeVar("T")

_WRITE_TIMEOUT: Final = 1.0
"""Seconds for which a writer waits for other threads, and then for other processes; after that it is a 503."""
_READ_TIMEOUT_MS: Final = 100
"""Milliseconds for which a reader may wait, perhaps on an event loop: for a recovery after a crash, and little else."""
_RETRY_AFTER: Final = 0.02
_KEPT_READERS: Final = 64


class SQLiteDatabase:
    """One SQLite file, which the stores share.

    Args:
        target: a URL, as ``sqlite:///app.db``, or an application's `Engine`, whose pool is then shared.

    Raises:
        ConfigurationError: it is no SQLite file.
    """

    read_mode = CallMode.NONBLOCKING
    """In WAL mode no reader waits for a writer."""

    def __init__(self, target: URL | Engine) -> None:
        self._owns_pool = not isinstance(target, Engine)
        url = checked_sqlite(target.url if isinstance(target, Engine) else target)
        # Errors and logs must not show stored values, so statements are reported without parameters.
        if isinstance(target, Engine):
            self.engine: Engine = create_engine(url, pool=target.pool, hide_parameters=True)
        else:
            self.engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _WRITE_TIMEOUT})
            event.listen(self.engine, "connect", _enforce_foreign_keys)
        self._readers: deque[sqlite3.Connection] = deque()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self.location: URL | Engine = self.engine
        """Where the database is."""
        self._ready = False
        in_each_child(self._after_fork)
        # A database that is no longer referenced closes its connections by itself.
        closing_itself = weakref.finalize(self, _close, self._readers, self.engine if self._owns_pool else None)
        closing_itself.atexit = False

    def insert(self, table: Table) -> Any:
        """An ``INSERT`` that supports ``ON CONFLICT``."""
        return sqlite.insert(table)

    def read(self, query: Query, values: tuple[object, ...], convert: Callable[[Sequence[Row]], T]) -> T:
        """Run a query that only reads, and convert all its rows."""
        try:
            reader = self._readers.pop()
        except IndexError:
            reader = self._open_reader()
        statement = query.sqlite
        try:
            rows = reader.execute(statement.sql, statement.arranged(values)).fetchall()
        except UnicodeEncodeError:
            rows = []  # SQLite cannot store such a value, so there is no row with it
        except BaseException as error:
            reader.close()
            if isinstance(error, sqlite3.Error):
                raise unavailable(error) from error
            raise
        if len(self._readers) < _KEPT_READERS:
            self._readers.append(reader)
        else:
            reader.close()
        return convert(rows)

    def write(self, query: Query, values: tuple[object, ...], convert: Callable[[Sequence[Row]], T]) -> T:
        """Run one statement that writes, and convert all rows that it returns."""
        statement = query.sqlite
        with self.begin() as connection:
            rows = connection.exec_driver_sql(statement.sql, statement.arranged(values)).all()
        return convert(rows)

    def run(self, operation: Callable[..., Operation[T]], *args: object) -> T:
        """Run `operation` as one transaction, and return its result."""
        with self.begin() as connection:
            return drive(
                operation(*args),
                lambda statement: (
                    None if isinstance(statement, Exclusive | AsyncCommit) else connection.execute(statement)
                ),
            )

    @contextmanager
    def begin(self) -> Generator[Connection, None, None]:
        """A transaction. Its first statement has to write: then SQLite never refuses a later one, as busy.

        Raises:
            StoreUnavailable: other threads were writing all the time, or the database failed.
        """
        with as_unavailable(sqlite3.Error, OSError):
            self._prepare()
        # SQLite has one writer at a time, and the others try again after a sleep. The threads of this process queue for
        # this lock instead.
        if not self._writing.acquire(timeout=_WRITE_TIMEOUT):
            raise StoreUnavailable("other threads are writing to the database")
        try:
            with as_unavailable(), self.engine.begin() as connection:
                yield connection
        finally:
            self._writing.release()

    def close(self) -> None:
        """Close every connection. Using the database again opens new ones."""
        _close(self._readers, self.engine if self._owns_pool else None)

    def _after_fork(self) -> None:
        """In a child process: drop the parent's connections, but do not close them (SQLite, "How To Corrupt", §2.6)."""
        _inherited.extend(self._readers)
        self._readers.clear()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        if self._owns_pool:
            self.engine.dispose(close=False)

    def _open_reader(self) -> sqlite3.Connection:
        with as_unavailable(sqlite3.Error, OSError):
            self._prepare()
            pooled = self.engine.raw_connection()
        reader = cast("sqlite3.Connection", pooled.driver_connection)
        pooled.detach()
        reader.execute(f"PRAGMA busy_timeout = {_READ_TIMEOUT_MS}")
        reader.execute("PRAGMA query_only = ON")
        return reader

    def _prepare(self) -> None:
        """Create or upgrade the file and its tables, once."""
        if self._ready:
            return
        with self._lock:
            if not self._ready:
                if self._owns_pool:
                    create_private(self.engine.url)
                self._bring_up_to_date()
                self._ready = True

    def _bring_up_to_date(self) -> None:
        with closing(self.engine.raw_connection()) as connection:
            _write_ahead(cast("sqlite3.Connection", connection.driver_connection))
        with self.engine.connect() as connection:
            if not schema.missing(schema.columns(connection)):
                return
        with schema.exclusive(self.engine) as connection:
            if schema.columns(connection):
                schema.migrate(connection)
            else:
                schema.create(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Put the file into WAL mode, which it keeps, so that readers never wait for a writer."""
    deadline = time.monotonic() + _WRITE_TIMEOUT
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError:
            # SQLite does not wait for its lock here. Another process holds it, most likely for the same change.
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_AFTER)


def _close(readers: deque[sqlite3.Connection], engine: Engine | None) -> None:
    while readers:
        readers.pop().close()
    if engine is not None:
        engine.dispose()


def _enforce_foreign_keys(connection: Any, _: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


_inherited: list[sqlite3.Connection] = []
"""Connections of the parent process. They are kept, since the garbage collector would close them."""
