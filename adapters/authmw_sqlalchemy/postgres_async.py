"""PostgreSQL database for ASGI: `authmw_sqlalchemy.postgres` on event loops of asyncio.

A connection belongs to the event loop on which it was opened. So each loop has its own connections, and when a loop is
closed they are closed too.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from psycopg import AsyncConnection as Driver
from psycopg import AsyncCursor, Error
from sqlalchemy import URL, Engine, Table, event, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from authmw.errors import StoreUnavailable
from authmw.flow.breaker import Breaker
from authmw.flow.call_mode import CallMode
from authmw.flow.drive import drive_async
from authmw.flow.forks import in_each_child
from authmw_sqlalchemy import schema
from authmw_sqlalchemy.errors import as_unavailable, unavailable
from authmw_sqlalchemy.postgres import POOL_TIMEOUT, engine_options, executable, refuse_broken, refuse_missing
from authmw_sqlalchemy.postgres_connections import BoundedAsyncConnection, arguments, is_answer
from authmw_sqlalchemy.postgres_idle_connections import IdleConnections
from authmw_sqlalchemy.statements import Operation, Query, Row

T = TypeVar("T")


class AsyncPostgresDatabase:
    """One PostgreSQL database, which asynchronous stores share. Its methods return awaitables.

    Args:
        target: a URL, or an application's `AsyncEngine`, whose pool is then shared.
        pool_size: the number of each loop's connections for lookups, and again of those for transactions.
        breaker: that of the same database for threads, if the target is a URL.
    """

    read_mode = CallMode.ASYNC

    def __init__(self, target: URL | AsyncEngine, *, pool_size: int, breaker: Breaker | None = None) -> None:
        self._target = _shared(target) if isinstance(target, AsyncEngine) else target
        self.location: URL | Engine = target.url if isinstance(target, AsyncEngine) else target
        """Where the database is."""
        self._pool_size = pool_size
        self._breaker = breaker or Breaker("the database", is_answer=is_answer)
        self._ready = False
        self._loops: dict[asyncio.AbstractEventLoop, _Loop] = {}
        in_each_child(self._after_fork)

    def insert(self, table: Table) -> Any:
        """An ``INSERT`` that supports ``ON CONFLICT``."""
        return postgresql.insert(table)

    async def read(self, query: Query, values: tuple[object, ...], convert: Callable[[Sequence[Row]], Any]) -> Any:
        """Run a query that only reads, and convert all its rows."""
        return convert(await self._rows(query, values, read_only=True))

    async def write(self, query: Query, values: tuple[object, ...], convert: Callable[[Sequence[Row]], Any]) -> Any:
        """Run one statement that writes, and convert all rows that it returns."""
        return convert(await self._rows(query, values, read_only=False))

    async def run(self, operation: Callable[..., Operation[Any]], *args: object) -> Any:
        """Run `operation` as one transaction, and return its result."""
        await self._breaker.admit_async()
        with self._breaker.watch():
            return await self._run(operation, *args)

    async def _run(self, operation: Callable[..., Operation[Any]], *args: object) -> Any:
        async with self.begin() as connection:
            return await drive_async(operation(*args), lambda statement: connection.execute(executable(statement)))

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncConnection, None]:
        """A transaction.

        Raises:
            StoreUnavailable: the database failed, or is not up to date.
        """
        with as_unavailable():
            async with self._loop().engine.begin() as connection:
                if not self._ready:
                    found = await connection.execute(text(schema.COLUMNS_OF["postgresql"]))
                    refuse_missing(found.all())
                    self._ready = True
                yield connection

    async def aclose(self) -> None:
        """Close every connection. Using the database again opens new ones."""
        loop = self._loops.pop(asyncio.get_running_loop(), None)
        if loop is not None:
            await loop.aclose()
        for other in list(self._loops):
            self._loops.pop(other).abandon()

    def _after_fork(self) -> None:
        """In a child process: drop the parent's connections. Closing them would end the sessions of the parent."""
        _inherited.extend(self._loops.values())
        self._loops = {}

    def _loop(self) -> _Loop:
        running = asyncio.get_running_loop()
        loop = self._loops.get(running)
        if loop is None:
            for each in [each for each in self._loops if each.is_closed()]:
                self._loops.pop(each).abandon()
            loop = self._loops[running] = _Loop(self._target, self._pool_size)
        return loop

    async def _rows(self, query: Query, values: tuple[object, ...], *, read_only: bool) -> list[Row]:
        statement = query.postgres
        loop = self._loop()

        async def step(cursor: AsyncCursor[Any] | None) -> object:
            if cursor is None:
                return await self._open(loop)
            await cursor.execute(statement.sql, statement.arranged(values), prepare=True)
            return await cursor.fetchall()

        await self._breaker.admit_async()
        await loop.take_slot()
        try:
            with self._breaker.watch():
                return await drive_async(loop.connections.rows(read_only=read_only), step)
        finally:
            loop.slots.release()

    async def _open(self, loop: _Loop) -> AsyncCursor[Any]:
        with as_unavailable(Error):
            pooled = await loop.engine.raw_connection()
        driver: Driver[Any] = pooled.driver_connection  # type: ignore[assignment]  # of psycopg, by the URL
        pooled.detach()
        try:
            await driver.set_autocommit(True)
            cursor = driver.cursor()
            if not self._ready:
                await cursor.execute(schema.COLUMNS_OF["postgresql"].encode())
                refuse_missing(await cursor.fetchall())
                self._ready = True
        except Error as error:
            _close(driver)
            raise unavailable(error) from error
        except BaseException:
            _close(driver)
            raise
        return cursor


class _Loop:
    """The engine and the connections of one event loop."""

    def __init__(self, target: URL | AsyncEngine, pool_size: int) -> None:
        self._owns_pool = not isinstance(target, AsyncEngine)
        self._opened = weakref.WeakSet[Driver[Any]]()
        self.engine = target if isinstance(target, AsyncEngine) else self._open_engine(target, pool_size)
        self.connections = IdleConnections[AsyncCursor[Any]](lambda cursor: _close(cursor.connection))
        self.slots = asyncio.Semaphore(pool_size)
        self._pool_size = pool_size

    async def take_slot(self) -> None:
        """Wait until a connection for lookups is free."""
        if not self.slots.locked():
            await self.slots.acquire()
            return
        try:
            async with asyncio.timeout(POOL_TIMEOUT):
                await self.slots.acquire()
        except TimeoutError as error:
            taken = f"all {self._pool_size} connections to the database are in use: raise pool_size="
            raise StoreUnavailable(taken) from error

    async def aclose(self) -> None:
        """Close every connection, on their own loop."""
        self.connections.close()
        if self._owns_pool:
            await self.engine.dispose()

    def abandon(self) -> None:
        """Close every connection after their loop was closed."""
        self.connections.close()
        if self._owns_pool:
            self.engine.sync_engine.dispose(close=False)
            for driver in list(self._opened):
                _close(driver)

    def _open_engine(self, url: URL, pool_size: int) -> AsyncEngine:
        async def connect(*args: Any, **kwargs: Any) -> Driver[Any]:
            driver = await BoundedAsyncConnection.connect(*args, **kwargs)
            self._opened.add(driver)
            return driver

        connecting = {**arguments(url), "async_creator_fn": connect}
        engine = create_async_engine(url, **engine_options(pool_size), connect_args=connecting)
        event.listen(engine.sync_engine, "checkout", refuse_broken)
        return engine


def _shared(engine: AsyncEngine) -> AsyncEngine:
    copy = engine.execution_options(isolation_level="READ COMMITTED")
    copy.sync_engine.hide_parameters = True
    return copy


def _close(driver: Driver[Any]) -> None:
    """Close a connection at once, on any loop. This does not wait for the server."""
    driver.pgconn.finish()


_inherited: list[_Loop] = []
"""Connections of the parent process. They are kept, since the garbage collector would close them."""
