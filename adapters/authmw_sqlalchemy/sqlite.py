"""One SQLite file: how it is opened, read on the hot path, and written.

The questions of a request are all one: one row by a unique column. Asked through a SQLAlchemy connection, such a
select costs fourteen times what SQLite needs for it. So each is compiled once by SQLAlchemy, and executed on a
connection of the driver that is kept open for reading. That costs about as much as a dictionary and a hash, far less
than a thread hop, and in WAL mode no reader waits for a writer: reading is fit for an event loop. Everything else,
every write above all, goes through SQLAlchemy, and under ASGI to a thread.
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
"""Seconds a writer waits for the other threads, and then for other processes; after that it is a 503."""
_READ_TIMEOUT_MS: Final = 100
"""Milliseconds a reader may wait, perhaps on an event loop: for recovery after a crash, and little else."""
_RETRY_AFTER: Final = 0.02
_KEPT_READERS: Final = 64


class SQLiteDatabase:
    """One SQLite file, shared by the stores.

    Args:
        target: a URL, as ``sqlite:///app.db``, or an application's `Engine`, whose pool is then shared.

    Raises:
        ConfigurationError: it is no SQLite file.
    """

    reads = CallMode.NONBLOCKING
    """In WAL mode no reader waits for a writer."""

    def __init__(self, target: URL | Engine) -> None:
        self._owns_pool = not isinstance(target, Engine)
        url = checked_sqlite(target.url if isinstance(target, Engine) else target)
        # What the database says about a failure must not tell what was stored: no parameters in errors or logs.
        if isinstance(target, Engine):
            self.engine: Engine = create_engine(url, pool=target.pool, hide_parameters=True)
        else:
            self.engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _WRITE_TIMEOUT})
            event.listen(self.engine, "connect", _enforce_foreign_keys)
        self._readers: deque[sqlite3.Connection] = deque()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._ready = False
        in_each_child(self._after_fork)
        # Nobody has to close a database that is no longer there.
        left = weakref.finalize(self, _close, self._readers, self.engine if self._owns_pool else None)
        left.atexit = False

    def insert(self, table: Table) -> Any:
        """An ``INSERT`` that can have ``ON CONFLICT``."""
        return sqlite.insert(table)

    def ask(self, query: Query, values: tuple[object, ...], answer: Callable[[Sequence[Row]], T]) -> T:
        """What `answer` makes of all rows that `query` finds."""
        try:
            reader = self._readers.pop()
        except IndexError:
            reader = self._open_reader()
        statement = query.sqlite
        try:
            rows = reader.execute(statement.sql, statement.arranged(values)).fetchall()
        except UnicodeEncodeError:
            rows = []  # what cannot be kept is not found
        except BaseException as error:
            reader.close()
            if isinstance(error, sqlite3.Error):
                raise unavailable(error) from error
            raise
        if len(self._readers) < _KEPT_READERS:
            self._readers.append(reader)
        else:
            reader.close()
        return answer(rows)

    def tell(self, query: Query, values: tuple[object, ...], answer: Callable[[Sequence[Row]], T]) -> T:
        """The same for one statement that writes."""
        statement = query.sqlite
        with self.begin() as connection:
            rows = connection.exec_driver_sql(statement.sql, statement.arranged(values)).all()
        return answer(rows)

    def run(self, operation: Callable[..., Operation[T]], *args: object) -> T:
        """What `operation` returns, run as one transaction."""
        with self.begin() as connection:
            return drive(
                operation(*args),
                lambda statement: (
                    None if isinstance(statement, Exclusive | AsyncCommit) else connection.execute(statement)
                ),
            )

    @contextmanager
    def begin(self) -> Generator[Connection, None, None]:
        """A transaction. Its first statement writes, so that it never has to be tried again.

        Raises:
            StoreUnavailable: other threads were writing all the time, or the database failed.
        """
        with as_unavailable(sqlite3.Error, OSError):
            self._prepare()
        # SQLite has one writer at a time, and lets the others try again after a sleep. Threads queue up here instead.
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
        """In a child: leave the parent's connections alone, without closing them (SQLite's "How To Corrupt", §2.6)."""
        _inherited.extend(self._readers)
        self._readers.clear()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        if self._owns_pool:
            self.engine.dispose(close=False)

    def _open_reader(self) -> sqlite3.Connection:
        with as_unavailable(sqlite3.Error, OSError):
            self._prepare()
            fairy = self.engine.raw_connection()
        reader = cast("sqlite3.Connection", fairy.driver_connection)
        fairy.detach()
        reader.execute(f"PRAGMA busy_timeout = {_READ_TIMEOUT_MS}")
        reader.execute("PRAGMA query_only = ON")
        return reader

    def _prepare(self) -> None:
        """Create what is missing, once."""
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
        with schema.alone(self.engine) as connection:
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
            # SQLite does not wait for its lock here. Another process is at it, and most likely does the same.
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
"""Connections of the parent process, kept so that nobody closes them."""
