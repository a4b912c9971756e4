"""Checks of database URLs, and of the SQLite files that they name."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from authmw.errors import ConfigurationError

_EXAMPLES = "sqlite:///app.db or postgresql://app@localhost/app"


def checked_url(target: str | URL) -> URL:
    """The URL of a supported database, with its driver. Errors do not repeat the URL: it may hold a password.

    >>> checked_url("postgresql://localhost/app").drivername
    'postgresql+psycopg'
    """
    try:
        url = make_url(target)
    except ArgumentError:
        raise ConfigurationError(f"SQLStores takes a URL: {_EXAMPLES}") from None
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg_async"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        return url
    raise ConfigurationError(f"SQLStores keeps its records in SQLite or PostgreSQL, not {url.drivername}: {_EXAMPLES}")


def checked_sqlite(url: URL) -> URL:
    """The URL of a file of SQLite, in a folder that exists."""
    database = url.database or ""
    if database in ("", ":memory:") or "mode=memory" in database or url.query.get("mode") == "memory":
        raise ConfigurationError("SQLite in memory is a new database for each connection: use MemoryStores() instead")
    folder = Path(database).parent
    if not database.startswith("file:") and not folder.is_dir():
        raise ConfigurationError(f"the folder {folder} does not exist: create it, or name a file in another one")
    return url


def missing_file(url: URL) -> Path | None:
    """The SQLite file of the URL, if it does not exist; otherwise None."""
    database = url.database or ""
    if url.get_backend_name() != "sqlite" or database.startswith("file:"):
        return None
    path = Path(database)
    return None if path.exists() else path


def create_private(url: URL) -> None:
    """Create the file, readable by its owner only: it holds hashes and HA1. SQLite gives its WAL the same mode."""
    if url.database is not None and not url.database.startswith("file:"):
        with suppress(FileExistsError):
            os.close(os.open(url.database, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
