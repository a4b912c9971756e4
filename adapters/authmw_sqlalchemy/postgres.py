"""PostgreSQL, for WSGI and the command.

The questions of a request are one statement each. They are compiled once by SQLAlchemy, and executed as prepared
statements on connections of psycopg that are kept for them, in autocommit: one round trip. Transactions go through
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
from authmw.flow.call_mode import CallMode
from authmw.flow.drive import drive
from authmw.flow.forks import in_each_child
from authmw_sqlalchemy import schema
from authmw_sqlalchemy.connections import BoundedConnection, arguments, is_broken
from authmw_sqlalchemy.errors import as_unavailable, unavailable
from authmw_sqlalchemy.kept_connections import KeptConnections
from authmw_sqlalchemy.statements import AsyncCommit, Exclusive, Operation, Query, Row, Step

T = TypeVar("T")

POOL_TIMEOUT: Final = 1.0
"""Seconds to wait for a connection while all are in use."""


class PostgresDatabase:
    """One database of PostgreSQL, shared by the stores.

    Args:
        target: a URL, or an application's `Engine`, whose pool is then shared.
        pool_size: how many connections are kept for lookups, and as many for transactions.
    """

    reads = CallMode.BLOCKING

    def __init__(self, target: URL | Engine, *, pool_size: int) -> None:
        self._owns_pool = not isinstance(target, Engine)
        self.engine: Engine = shared(target) if isinstance(target, Engine) else _opened(target, pool_size)
        self._pool_size = pool_size
        self._ready = False
        self._begin_anew()
        in_each_child(self._after_fork)

    def insert(self, table: Table) -> Any:
        """An ``INSERT`` that can have ``ON CONFLICT``."""
        return postgresql.insert(table)

    def ask(self, query: Query, values: tuple[object, ...], answer: Callable[[Sequence[Row]], T]) -> T:
        """What `answer` makes of all rows that `query` finds."""
        return answer(self._rows(query, values, reads=True))

    def tell(self, query: Query, values: tuple[object, ...], answer: Callable[[Sequence[Row]], T]) -> T:
        """The same for one statement that writes."""
        return answer(self._rows(query, values, reads=False))

    def run(self, operation: Callable[..., Operation[T]], *args: object) -> T:
        """What `operation` returns, run as one transaction."""
        with self.begin() as connection:
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
        self._connections.close()
        if self._owns_pool:
            self.engine.dispose()

    def _after_fork(self) -> None:
        """In a child: leave the parent's connections alone, without closing them: a good-bye would be the parent's."""
        _inherited.extend(self._connections.idle)
        self._begin_anew()
        if self._owns_pool:
            self.engine.dispose(close=False)

    def _begin_anew(self) -> None:
        self._connections = KeptConnections[Cursor[Any]](lambda cursor: cursor.connection.close())
        self._slots = threading.BoundedSemaphore(self._pool_size)

    def _rows(self, query: Query, values: tuple[object, ...], *, reads: bool) -> list[Row]:
        statement = query.postgres
        slots = self._slots
        if not slots.acquire(timeout=POOL_TIMEOUT):
            raise StoreUnavailable("every connection to the database is in use")

        def answer(cursor: Cursor[Any] | None) -> object:
            if cursor is None:
                return self._open()
            return cursor.execute(statement.sql, statement.arranged(values), prepare=True).fetchall()

        try:
            return drive(self._connections.rows(reads=reads), answer)
        finally:
            slots.release()

    def _open(self) -> Cursor[Any]:
        with as_unavailable(Error):
            fairy = self.engine.raw_connection()
        driver: Driver[Any] = fairy.driver_connection  # type: ignore[assignment]  # of psycopg, by the URL
        fairy.detach()
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
    """What to execute for a step of an operation."""
    if isinstance(step, AsyncCommit):
        return text("SET LOCAL synchronous_commit = off")
    if not isinstance(step, Exclusive):
        return step
    # Released after what was written has become visible.
    return text(f"SELECT pg_advisory_xact_lock('{step.table.name}'::regclass::oid::bigint)")


def refuse_missing(found: Sequence[Row]) -> None:
    """Refuse a database that is not up to date: nothing of it is made in passing.

    Raises:
        StoreUnavailable: with what is missing, and the command that makes it.
    """
    sentences = schema.missing([(table, column) for table, column in found])
    if sentences:
        raise StoreUnavailable("\n".join(sentences))


def shared(engine: Engine) -> Engine:
    """The engine of an application, with its pool, as we need it."""
    ours = engine.execution_options(isolation_level="READ COMMITTED")
    # What the database says about a failure must not tell what was stored: no parameters in errors or logs.
    ours.hide_parameters = True
    return ours


def refuse_broken(connection: Any, record: Any, _: object) -> None:
    """Let the pool open another connection in the place of one that the server has closed."""
    if is_broken(record.driver_connection):
        raise DisconnectionError


def engine_options(pool_size: int) -> dict[str, Any]:
    """How an engine of ours is made, one for threads or one for an event loop."""
    return {
        # What the database says about a failure must not tell what was stored: no parameters in errors or logs.
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
"""Of the parent process, kept so that nobody closes their connections."""
