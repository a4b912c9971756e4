"""Databases to measure against: a file of SQLite, a schema of PostgreSQL, keys of Redis. Each is deleted in the end.

Beside our stores each has what it is measured by: one row or key, asked for as directly as its driver can.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import redis
import redis.asyncio
from authmw_redis import AsyncRedisStores, RedisStores
from authmw_sqlalchemy import AsyncSQLStores, SQLStores
from authmw_sqlalchemy.tables import tokens
from sqlalchemy import URL, bindparam, create_engine, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import create_async_engine

from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.stores import MemoryStores, Stores
from tests.adapters.sqlalchemy.databases import POSTGRES, drop_schema, make_schema
from tests.benchmarks.cases import Absent
from tests.benchmarks.harness import complete

REDIS = os.environ.get("AUTHMW_TEST_REDIS", "redis://127.0.0.1:6379/0")
HASHER = PasswordHasher(CHEAPEST)

Get = Callable[[str], object]
GetAsync = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Opened:
    """One database.

    Args:
        stores: all that a token service needs, called.
        awaited: the same for an event loop; None where the called ones serve it too.
        get: finds a token by its digest: the floor.
        get_async: the same for an event loop.
        core: the same by SQLAlchemy Core, the usual way; None where there is none.
        core_async: the same for an event loop.
        write: writes one row or key, durably: the floor of what changes something.
        close: deletes it.
        url: how another process opens it; empty where none does.
    """

    stores: Any
    awaited: Any
    get: Get
    get_async: GetAsync | None
    core: Get | None
    core_async: GetAsync | None
    write: Get
    close: Callable[[], None]
    url: str = ""


def in_memory() -> Any:
    """Stores in memory."""
    return MemoryStores(hasher=HASHER)


def open_sqlite() -> Opened:
    """A file of SQLite."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="authmw-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = f"sqlite:///{folder / 'bench.db'}"
        stores = SQLStores(url, hasher=HASHER)
        stack.callback(stores.close)
        stores.users.find("nobody")  # makes the tables
        kept = sqlite3.connect(folder / "bench.db", isolation_level=None)
        stack.callback(kept.close)
        kept.execute("CREATE TABLE floor (id INTEGER PRIMARY KEY, digest TEXT)")
        kept.execute("INSERT INTO floor VALUES (1, '')")
        sql = _select(sqlite.dialect(paramstyle="qmark"))

        def get(digest: str) -> object:
            return kept.execute(sql, (digest,)).fetchone()

        def write(digest: str) -> object:
            return kept.execute("UPDATE floor SET digest = ? WHERE id = 1", (digest,))

        return Opened(stores, None, get, None, _core(url, stack), None, write, stack.pop_all().close, url)


def open_postgres() -> Opened:
    """A schema of PostgreSQL.

    Raises:
        Absent: it does not answer.
    """
    _listens("PostgreSQL", POSTGRES.host or "", POSTGRES.port or 5432)
    with ExitStack() as stack:
        namespace = f"bench_{uuid4().hex}"
        stack.callback(drop_schema, namespace)
        url = make_schema(namespace)
        stores, awaited = SQLStores(url, hasher=HASHER), AsyncSQLStores(url, hasher=HASHER)
        stack.callback(stores.close)
        stack.callback(lambda: complete(awaited.aclose()))
        conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        kept = psycopg.connect(conninfo, autocommit=True)
        stack.callback(kept.close)
        cursor = kept.cursor()
        cursor.execute("CREATE TABLE floor (id integer PRIMARY KEY, digest text)")
        cursor.execute("INSERT INTO floor VALUES (1, '')")
        waiting: Any = complete(psycopg.AsyncConnection.connect(conninfo, autocommit=True))
        stack.callback(lambda: complete(waiting.close()))
        waiting_cursor: Any = waiting.cursor()
        make: Any = postgresql.psycopg.dialect
        sql: Any = _select(make(paramstyle="format"))

        def get(digest: str) -> object:
            return cursor.execute(sql, (digest,), prepare=True).fetchone()

        async def get_async(digest: str) -> object:
            await waiting_cursor.execute(sql, (digest,), prepare=True)
            return await waiting_cursor.fetchone()

        def write(digest: str) -> object:
            return cursor.execute("UPDATE floor SET digest = %s WHERE id = 1", (digest,), prepare=True)

        core, core_async = _core(url, stack), _core_async(url, stack)
        shown = url.render_as_string(hide_password=False)
        return Opened(stores, awaited, get, get_async, core, core_async, write, stack.pop_all().close, shown)


def open_redis() -> Opened:
    """Keys of Redis, and users and clients in memory.

    Raises:
        Absent: it does not answer.
    """
    # The types of redis-py are not complete.
    pools: Any = redis.ConnectionPool
    clients: Any = redis.Redis
    async_clients: Any = redis.asyncio.Redis
    address = pools.from_url(REDIS).connection_kwargs
    _listens("Redis", address.get("host", "127.0.0.1"), address.get("port", 6379))
    with ExitStack() as stack:
        prefix = f"bench-{uuid4().hex}"
        client = clients.from_url(REDIS)
        stack.callback(client.close)
        stack.callback(_delete, client, prefix)
        waiting = async_clients.from_url(REDIS)
        stack.callback(lambda: complete(waiting.aclose()))
        memory = MemoryStores(hasher=HASHER)
        called, awaited = RedisStores(REDIS, prefix=prefix), AsyncRedisStores(REDIS, prefix=prefix)
        stack.callback(called.close)
        stack.callback(lambda: complete(awaited.aclose()))

        def get(digest: str) -> object:
            return client.get(f"{prefix}:token:{{{digest}}}")

        async def get_async(digest: str) -> object:
            return await waiting.get(f"{prefix}:token:{{{digest}}}")

        def write(digest: str) -> object:
            return client.set(f"{prefix}:floor", digest)

        stores, both = Stores.of(memory, called), Stores.of(memory, awaited)
        return Opened(stores, both, get, get_async, None, None, write, stack.pop_all().close)


def _select(dialect: Any) -> str:
    return str(select(tokens).where(tokens.c.digest == bindparam("digest")).compile(dialect=dialect))


def _core(url: str | URL, stack: ExitStack) -> Get:
    engine = create_engine(url)
    stack.callback(engine.dispose)
    statement = select(tokens).where(tokens.c.digest == bindparam("digest"))

    def core(digest: str) -> object:
        with engine.connect() as connection:
            return connection.execute(statement, {"digest": digest}).one()

    return core


def _core_async(url: URL, stack: ExitStack) -> GetAsync:
    engine = create_async_engine(url)
    stack.callback(lambda: complete(engine.dispose()))
    statement = select(tokens).where(tokens.c.digest == bindparam("digest"))

    async def core(digest: str) -> object:
        async with engine.connect() as connection:
            return (await connection.execute(statement, {"digest": digest})).one()

    return core


def _delete(client: Any, prefix: str) -> None:
    for key in [*client.scan_iter(match=f"{prefix}:*", count=1000), *client.scan_iter(match=f"{{{prefix}:*")]:
        client.delete(key)


def _listens(name: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError as error:
        raise Absent(f"{name} does not answer on {host}:{port}") from error
