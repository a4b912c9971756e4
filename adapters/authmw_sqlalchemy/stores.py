"""All SQL stores of one database, as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import URL, Engine

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.errors import ConfigurationError
from authmw.stores.new_records import DIGEST_ALGORITHMS, Hasher
from authmw_sqlalchemy.clients import SQLClients
from authmw_sqlalchemy.families import SQLFamilies
from authmw_sqlalchemy.keys import SQLApiKeys
from authmw_sqlalchemy.nonces import SQLNonces
from authmw_sqlalchemy.pruning import Pruned, prune
from authmw_sqlalchemy.revocations import SQLRevocations
from authmw_sqlalchemy.sqlite import SQLiteDatabase
from authmw_sqlalchemy.statements import Database
from authmw_sqlalchemy.throttle import SQLThrottle
from authmw_sqlalchemy.tokens import SQLTokens
from authmw_sqlalchemy.urls import checked_url
from authmw_sqlalchemy.users import SQLUsers

POOL_SIZE = 8


class SQLStores:
    """All that authmw keeps, in SQLite or PostgreSQL: ``PasswordVerifier(SQLStores("sqlite:///app.db").users)``.

    In SQLite the tables, all named ``authmw_…``, are created and brought up to date on first use; a new file is
    readable by its owner alone, and put into WAL mode, which it keeps. Several processes on one machine may share it.
    Reading is fast enough for an event loop, so these stores serve WSGI and ASGI alike.

    In PostgreSQL they are made by ``authmw db upgrade``. These stores are for WSGI and the command there; for ASGI
    there is `AsyncSQLStores`.

    Args:
        target: a URL, or an `Engine` of the application, whose pool is then shared. Its timeouts are its own.
        hasher: hashes new passwords.
        digest_algorithms: what an HA1 is kept for, of users with a ``digest_realm``.
        clock: seconds since the epoch.
        pool_size: how many connections to PostgreSQL are kept for lookups, and as many for transactions.

    Raises:
        ConfigurationError: `target` is neither a file of SQLite nor PostgreSQL.
    """

    def __init__(
        self,
        target: str | URL | Engine,
        *,
        hasher: Hasher | None = None,
        digest_algorithms: Iterable[DigestAlgorithm] = DIGEST_ALGORITHMS,
        clock: Callable[[], float] = time.time,
        pool_size: int = POOL_SIZE,
    ) -> None:
        opened: Any = _opened(target, pool_size)
        self._opened = opened
        self._clock = clock
        self.database: Database = opened
        """For a store with settings of its own: ``SQLThrottle(stores.database, free=5)``."""
        self.users: SQLUsers = SQLUsers(opened, hasher=hasher, digest_algorithms=digest_algorithms, clock=clock)
        self.keys: SQLApiKeys = SQLApiKeys(opened, clock=clock)
        self.tokens: SQLTokens = SQLTokens(opened, clock=clock)
        self.clients: SQLClients = SQLClients(opened, clock=clock)
        self.families: SQLFamilies = SQLFamilies(opened)
        self.nonces: SQLNonces = SQLNonces(opened, clock=clock)
        self.throttle: SQLThrottle = SQLThrottle(opened)
        self.revocations: SQLRevocations = SQLRevocations(opened, clock=clock)

    def prune(self, now: float | None = None, batch: int = 1000) -> Iterator[Pruned]:
        """Delete what has expired, in small transactions; how far that has come, first of all the total.

        Args:
            now: seconds since the epoch; the clock's unless given.
            batch: how many rows are deleted at once.
        """
        return prune(self.database, now, batch, clock=self._clock)

    def close(self) -> None:
        """Close every connection. A store that is used again opens new ones."""
        self._opened.close()


def _opened(target: str | URL | Engine, pool_size: int) -> Any:
    if pool_size < 1:
        raise ConfigurationError("SQLStores(pool_size=...) must be at least 1")
    url = checked_url(target.url if isinstance(target, Engine) else target)
    if isinstance(target, Engine) and url.drivername != target.url.drivername:
        raise ConfigurationError(f"SQLStores needs an Engine of {url.drivername}, not of {target.url.drivername}")
    if url.get_backend_name() == "sqlite":
        return SQLiteDatabase(target if isinstance(target, Engine) else url)
    try:
        from authmw_sqlalchemy.postgres import PostgresDatabase
    except ModuleNotFoundError as error:
        raise needs_psycopg(error) from None
    return PostgresDatabase(target if isinstance(target, Engine) else url, pool_size=pool_size)


def needs_psycopg(error: ModuleNotFoundError) -> ConfigurationError:
    """What to install for PostgreSQL."""
    return ConfigurationError(f'PostgreSQL needs {error.name}: pip install "authmw[postgres]"')
