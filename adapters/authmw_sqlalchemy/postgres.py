"""PostgreSQL database for WSGI and the command.

Each lookup of a request is one statement. SQLAlchemy compiles it once. It is executed as a prepared statement on a
psycopg connection in autocommit, which is kept for lookups, and so takes one round trip. Transactions go through
SQLAlchemy's pool.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from psycopg import Connection as Driver
from psycopg import Cursor, Error
from sqlalchemy import URL, Connection, Engine, Executable, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DisconnectionError

from authmw.errors import StoreUnavailable
from authmw.flow.breaker import Breaker
from authmw.flow.call_mode import CallMode
from authmw.flow.drive import drive
from authmw.flow.forks import in_each_child
from authmw_sqlalchemy import schema
from authmw_sqlalchemy.errors import as_unavailable, unavailable
from authmw_sqlalchemy.postgres_connections import (
    ANSWER_TIMEOUT,
    PROBE_TIMEOUT,
    BoundedConnection,
    arguments,
    is_answer,
    is_broken,
    question,
)
from authmw_sqlalchemy.postgres_idle_connections import IdleConnections
from authmw_sqlalchemy.statements import AsyncCommit, Exclusive, Operation, Query, Row, Step

T = TypeVar("T")

POOL_TIMEOUT: Final = 1.0
"""Seconds to wait for a connection while all are in use."""


class PostgresDatabase:
    """One PostgreSQL database, which the stores share.

    Args:
        target: a URL, or an application's `Engine`, whose pool is then shared.
        pool_size: the number of connections for lookups, and again of those for transactions.
    """

    read_mode = CallMode.BLOCKING

    def __init__(self, target: URL | Engine, *, pool_size: int) -> None:
        self._owns_pool = not isinstance(target, Engine)
        self.engine: Engine = shared(target) if isinstance(target, Engine) else _opened(target, pool_size)
        self._pool_size = pool_size
        self.location: URL | Engine = self.engine
        """Where the database is."""
        self._ready = False
        self.breaker: Breaker = Breaker("the database", self._probe, is_answer=is_answer)
        """Refuses questions while the database is silent. An asynchronous database on the same server shares it."""
        self._reset()
        in_each_child(self._after_fork)

    def insert(self, table: Table) -> Any:
        """An ``INSERT`` that supports ``ON CONFLICT``."""
        return postgresql.insert(table)

    def read(self, query: Query, values: tuple[object, ...], convert: Callable[[Sequence[Row]], T]) -> T:
        """Run a query that only reads, and convert all its rows."""
        return convert(self._rows(query, values, read_only=True))

    def write(self, query: Query, values: tuple[object, ...], convert: Callable[[Sequence[Row]], T]) -> T:
        """Run one statement that writes, and convert all rows that it returns."""
        return convert(self._rows(query, values, read_only=False))

    def run(self, operation: Callable[..., Operation[T]], *args: object) -> T:
        """Run `operation` as one transaction, and return its result."""
        self.breaker.admit()
        with self.breaker.watch(), question(ANSWER_TIMEOUT), self.begin() as connection:
            return drive(operation(*args), lambda statement: connection.execute(executable(statement)))

    @contextmanager
    def begin(self) -> Generator[Connection, None, None]:
        """A transaction.

        Raises:
            StoreUnavailable: the database failed, or is not up to date.
        """
        with as_unavailable(Error), self.engine.begin() as connection:
            if not self._ready:
                refuse_missing(schema.columns(connection))
                self._ready = True
            yield connection

    def close(self) -> None:
        """Close every connection. Using the database again opens new ones."""
        self.breaker.close()
        self._connections.close()
        if self._owns_pool:
            self.engine.dispose()

    def _after_fork(self) -> None:
        """In a child process: drop the parent's connections. Closing them would end the sessions of the parent."""
        _inherited.extend(self._connections.idle)
        self._reset()
        if self._owns_pool:
            self.engine.dispose(close=False)

    def _reset(self) -> None:
        self._connections = IdleConnections[Cursor[Any]](lambda cursor: cursor.connection.close())
        self._slots = threading.BoundedSemaphore(self._pool_size)

    def _rows(self, query: Query, values: tuple[object, ...], *, read_only: bool) -> list[Row]:
        statement = query.postgres

        def step(cursor: Cursor[Any] | None) -> object:
            if cursor is None:
                return self._open()
            return cursor.execute(statement.sql, statement.arranged(values), prepare=True).fetchall()

        self.breaker.admit()
        with question(ANSWER_TIMEOUT):
            slots = self._slots
            if not slots.acquire(timeout=POOL_TIMEOUT):
                taken = f"all {self._pool_size} connections to the database are in use: raise pool_size="
                raise StoreUnavailable(taken)
            try:
                with self.breaker.watch():
                    return drive(self._connections.rows(read_only=read_only), step)
            finally:
                slots.release()

    def _probe(self) -> None:
        """Ask the database anything, on a new connection: the others may be lost."""
        self._connections.close()
        if self._owns_pool:
            self.engine.dispose()
        with question(PROBE_TIMEOUT):
            cursor = self._open()
            try:
                cursor.execute("SELECT 1").fetchall()
            except BaseException:
                cursor.connection.close()
                raise
        self._connections.idle.append(cursor)

    def _open(self) -> Cursor[Any]:
        with as_unavailable(Error):
            pooled = self.engine.raw_connection()
        driver: Driver[Any] = pooled.driver_connection  # type: ignore[assignment]  # of psycopg, by the URL
        pooled.detach()
        try:
            driver.autocommit = True
            cursor = driver.cursor()
            if not self._ready:
                refuse_missing(cursor.execute(schema.COLUMNS_OF["postgresql"].encode()).fetchall())
                self._ready = True
        except Error as error:
            driver.close()
            raise unavailable(error) from error
        except BaseException:
            driver.close()
            raise
        return cursor


def executable(step: Step) -> Executable:
    """The statement to execute for a step of an operation."""
    if isinstance(step, AsyncCommit):
        return text("SET LOCAL synchronous_commit = off")
    if not isinstance(step, Exclusive):
        return step
    # The lock is released after the written rows have become visible.
    return text(f"SELECT pg_advisory_xact_lock('{step.table.name}'::regclass::oid::bigint)")


def refuse_missing(found: Sequence[Row]) -> None:
    """Refuse a database that is not up to date. A request never upgrades it.

    Raises:
        StoreUnavailable: it names what is missing, and the command that creates it.
    """
    sentences = schema.missing([(table, column) for table, column in found])
    if sentences:
        raise StoreUnavailable("\n".join(sentences))


def shared(engine: Engine) -> Engine:
    """The engine of an application with the same pool, and the options that the stores need."""
    copy = engine.execution_options(isolation_level="READ COMMITTED")
    # Errors and logs must not show stored values, so statements are reported without parameters.
    copy.hide_parameters = True
    return copy


def refuse_broken(connection: Any, record: Any, _: object) -> None:
    """Make the pool replace a connection that the server has closed."""
    if is_broken(record.driver_connection):
        raise DisconnectionError


def engine_options(pool_size: int) -> dict[str, Any]:
    """The options of an engine that authmw creates, for threads or for an event loop."""
    return {
        # Errors and logs must not show stored values, so statements are reported without parameters.
        "hide_parameters": True,
        "isolation_level": "READ COMMITTED",
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT,
        "use_native_hstore": False,
    }


def _opened(url: URL, pool_size: int) -> Engine:
    engine = create_engine(url, **engine_options(pool_size), connect_args=arguments(url))
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkout", refuse_broken)
    return engine


def _connect(_: object, __: object, args: Sequence[Any], kwargs: dict[str, Any]) -> BoundedConnection:
    return BoundedConnection.connect(*args, **kwargs)


_inherited: list[Cursor[Any]] = []
"""Cursors of the parent process. They are kept, since the garbage collector would close their connections."""
