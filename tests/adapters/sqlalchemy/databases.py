"""Databases for tests: files of SQLite, and schemas of PostgreSQL that are dropped in the end."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import (
    AbstractContextManager,
    aclosing,
    asynccontextmanager,
    closing,
    contextmanager,
    suppress,
)
from functools import cache
from pathlib import Path
from typing import Final

from authmw_sqlalchemy import AsyncSQLStores, SQLStores, SQLThrottle, schema
from authmw_sqlalchemy.tables import metadata
from sqlalchemy import URL, Engine, NullPool, create_engine, make_url, text

from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from tests.adapters.patience import patience

POSTGRES: Final = make_url("postgresql+psycopg://postgres@127.0.0.1:5432/test")
HASHER: Final = PasswordHasher(CHEAPEST)


def in_schema(namespace: str, url: URL = POSTGRES) -> URL:
    """The URL of a schema of its own."""
    return url.update_query_dict({"options": f"-csearch_path={namespace}"})


def written(url: URL) -> str:
    """A URL as people write it."""
    return url.render_as_string(hide_password=False)


@contextmanager
def engine_of(url: URL) -> Generator[Engine]:
    """An engine that keeps nothing open."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        yield engine
    finally:
        engine.dispose()


def make_schema(namespace: str, *, tables: bool = True) -> URL:
    """Make a schema, unless it is there, with all our tables or none; its URL."""
    url = in_schema(namespace)
    with engine_of(url) as engine, schema.exclusive(engine) as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {namespace}"))
        if tables and not schema.columns(connection):
            schema.create(connection)
    return url


_spare: Final[list[str]] = []
"""Schemas with empty tables."""


def reuse_schema(namespace: str) -> URL:
    """Give a schema with empty tables this name, or make one; its URL. Unless it is there, as for a second process."""
    if not _spare:
        return make_schema(namespace)
    with engine_of(POSTGRES) as engine, engine.begin() as connection:
        if connection.scalar(text("SELECT to_regnamespace(:name) IS NULL"), {"name": namespace}):
            connection.execute(text(f"ALTER SCHEMA {_spare.pop()} RENAME TO {namespace}"))
    return in_schema(namespace)


def empty_schema(namespace: str) -> None:
    """Empty the tables of a schema, which `reuse_schema` takes again: that is a fifth of the work of new tables.

    `drop_spare_schemas` has to follow.
    """
    _spare.append(namespace)
    with engine_of(in_schema(namespace)) as engine, engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        connection.execute(text("ALTER SEQUENCE authmw_revocations_sequence_seq RESTART"))


def drop_spare_schemas() -> None:
    """Drop the schemas that `empty_schema` has left."""
    while _spare:
        drop_schema(_spare.pop())


def drop_schema(namespace: str) -> None:
    """Drop a schema with all that is in it."""
    with engine_of(POSTGRES) as engine, engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {namespace} CASCADE"))


def sqlite_file(namespace: str) -> Path:
    """Where the file of a namespace is."""
    return Path(tempfile.gettempdir()) / f"authmw_{namespace}.db"


def drop_file(namespace: str) -> None:
    """Delete the file of a namespace."""
    path = sqlite_file(namespace)
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()


@cache
def _empty_file() -> bytes:
    """A file of SQLite with empty tables: to copy it takes a quarter of the time that it takes to make it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        with engine_of(make_url(f"sqlite:///{path}")) as engine, schema.exclusive(engine) as connection:
            schema.create(connection)
        return path.read_bytes()


@contextmanager
def sqlite(namespace: str) -> Generator[SQLStores]:
    """The stores in the file of a namespace."""
    with suppress(FileExistsError), sqlite_file(namespace).open("xb") as file:
        file.write(_empty_file())
    with closing(SQLStores(f"sqlite:///{sqlite_file(namespace)}", hasher=HASHER)) as stores:
        yield stores


@contextmanager
def postgres(namespace: str) -> Generator[SQLStores]:
    """The stores in the schema of a namespace."""
    with closing(SQLStores(reuse_schema(namespace), hasher=HASHER)) as stores:
        yield stores


@asynccontextmanager
async def postgres_async(namespace: str) -> AsyncGenerator[AsyncSQLStores]:
    """The asynchronous stores in the schema of a namespace."""
    async with aclosing(AsyncSQLStores(reuse_schema(namespace), hasher=HASHER)) as stores:
        yield stores


def __getattr__(name: str) -> Callable[[str], object]:
    """What opens one store, as the contracts name it: ``sqlite__users``."""
    database, _, store = name.partition("__")
    if database not in ("sqlite", "postgres", "postgres_async") or not store:
        raise AttributeError(name)
    if database == "postgres_async":
        return lambda namespace: _one_async(namespace, store)
    return lambda namespace: _one(sqlite if database == "sqlite" else postgres, namespace, store)


@contextmanager
def _one(opened: Callable[[str], AbstractContextManager[SQLStores]], namespace: str, store: str) -> Generator[object]:
    with patience(), opened(namespace) as stores:
        yield _store(stores, store)


@asynccontextmanager
async def _one_async(namespace: str, store: str) -> AsyncGenerator[object]:
    with patience():
        async with postgres_async(namespace) as stores:
            yield _store(stores, store)


def _store(stores: SQLStores | AsyncSQLStores, name: str) -> object:
    if name == "all":
        return stores
    # The contract of throttles goes by this policy.
    return SQLThrottle(stores.database, free=5) if name == "throttle" else getattr(stores, name)
