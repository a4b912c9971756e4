"""All stores of one SQL database, as one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import URL, Engine

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.clocks import now
from authmw.stores.new_records import DIGEST_ALGORITHMS, Hasher
from authmw_sqlalchemy.clients import SQLClients
from authmw_sqlalchemy.families import SQLFamilies
from authmw_sqlalchemy.keys import SQLApiKeys
from authmw_sqlalchemy.nonces import SQLNonces
from authmw_sqlalchemy.pending import SQLPending
from authmw_sqlalchemy.pruning import Pruned, prune
from authmw_sqlalchemy.revocations import SQLRevocations
from authmw_sqlalchemy.sessions import SQLSessions
from authmw_sqlalchemy.sqlite import SQLiteDatabase
from authmw_sqlalchemy.statements import Database
from authmw_sqlalchemy.throttle import SQLThrottle
from authmw_sqlalchemy.tokens import SQLTokens
from authmw_sqlalchemy.urls import checked_url
from authmw_sqlalchemy.users import SQLUsers

POOL_SIZE = 8


@explains_arguments('SQLStores("sqlite:///app.db")')
class SQLStores:
    """All stores of authmw, in SQLite or PostgreSQL: ``PasswordVerifier(SQLStores("sqlite:///app.db").users)``.

    In SQLite the tables, all named ``authmw_…``, are created and upgraded on first use. Only the owner of a new file
    can read it. The file is put into WAL mode, which it keeps. Several processes on one machine may share it. Reading
    is fast enough for an event loop, so these stores serve WSGI and ASGI alike.

    In PostgreSQL ``authmw db upgrade`` creates and upgrades the tables. There, these stores are for WSGI and the
    command; `AsyncSQLStores` is for ASGI.

    Args:
        target: a URL, or an `Engine` of the application, whose pool is then shared. Its timeouts are its own.
        hasher: hashes new passwords.
        digest_algorithms: the algorithms for which the HA1 of a user with a ``digest_realm`` is stored.
        clock: seconds since the epoch.
        pool_size: the number of connections to PostgreSQL for lookups, and again of those for transactions.

    Raises:
        ConfigurationError: `target` is neither a file of SQLite nor PostgreSQL.
    """

    def __init__(
        self,
        target: str | URL | Engine,
        *,
        hasher: Hasher | None = None,
        digest_algorithms: Iterable[DigestAlgorithm] = DIGEST_ALGORITHMS,
        clock: Callable[[], float] = now,
        pool_size: int = POOL_SIZE,
    ) -> None:
        opened: Any = _opened(target, pool_size)
        self._opened = opened
        self._clock = clock
        self.database: Database = opened
        """The database, to make a store with other settings: ``SQLThrottle(stores.database, free=5)``."""
        self.users: SQLUsers = SQLUsers(opened, hasher=hasher, digest_algorithms=digest_algorithms, clock=clock)
        self.keys: SQLApiKeys = SQLApiKeys(opened, clock=clock)
        self.tokens: SQLTokens = SQLTokens(opened, clock=clock)
        self.clients: SQLClients = SQLClients(opened, clock=clock)
        self.families: SQLFamilies = SQLFamilies(opened)
        self.nonces: SQLNonces = SQLNonces(opened, clock=clock)
        self.throttle: SQLThrottle = SQLThrottle(opened)
        self.revocations: SQLRevocations = SQLRevocations(opened, clock=clock)
        self.sessions: SQLSessions = SQLSessions(opened)
        self.pending: SQLPending = SQLPending(opened)

    def prune(self, now: float | None = None, batch: int = 1000) -> Iterator[Pruned]:
        """Delete expired rows in small transactions, and yield the progress. The first step has the total.

        Args:
            now: seconds since the epoch; the clock's unless given.
            batch: the number of rows that one transaction deletes.
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
    """The error that says what to install for PostgreSQL."""
    return ConfigurationError(f'PostgreSQL needs {error.name}: pip install "authmw[postgres]"')
