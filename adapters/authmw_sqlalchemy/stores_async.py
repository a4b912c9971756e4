"""All stores of one PostgreSQL database, as one object, for event loops of asyncio."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy import URL

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.errors import ConfigurationError
from authmw.stores.new_records import DIGEST_ALGORITHMS, Hasher
from authmw.stores.ports import (
    ApiKeyStore,
    ClientStore,
    DigestStore,
    FamiliarSources,
    FamilyStore,
    NonceStore,
    PasswordUpgrader,
    RevocationStore,
    Throttle,
    TokenKeeper,
    UserStore,
)
from authmw_sqlalchemy.clients import SQLClients
from authmw_sqlalchemy.families import SQLFamilies
from authmw_sqlalchemy.keys import SQLApiKeys
from authmw_sqlalchemy.nonces import SQLNonces
from authmw_sqlalchemy.revocations import SQLRevocations
from authmw_sqlalchemy.statements import Database
from authmw_sqlalchemy.stores import POOL_SIZE, SQLStores, needs_psycopg
from authmw_sqlalchemy.throttle import SQLThrottle
from authmw_sqlalchemy.tokens import SQLTokens
from authmw_sqlalchemy.urls import checked_url
from authmw_sqlalchemy.users import SQLUsers

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


class AsyncUsers(UserStore, DigestStore, PasswordUpgrader, Protocol):
    """A store that finds users, and their HA1."""


class AsyncThrottle(Throttle, FamiliarSources, Protocol):
    """Counts of attempts, and the sources that accounts were used from."""


class AsyncSQLStores:
    """All stores of authmw in PostgreSQL, for ASGI on asyncio: ``TokenVerifier(AsyncSQLStores(url).tokens)``.

    The methods of its stores return awaitables. The methods that manage records are in `sync`, as for WSGI. For SQLite,
    and under trio, use `SQLStores`.

    Args:
        target: a URL, or an `AsyncEngine` of the application, whose pool is then shared. Its timeouts are its own.
        hasher: hashes new passwords.
        digest_algorithms: the algorithms for which the HA1 of a user with a ``digest_realm`` is stored.
        clock: seconds since the epoch.
        pool_size: the number of each event loop's connections for lookups, and again of those for transactions.

    Raises:
        ConfigurationError: `target` is not PostgreSQL.
    """

    def __init__(
        self,
        target: str | URL | AsyncEngine,
        *,
        hasher: Hasher | None = None,
        digest_algorithms: Iterable[DigestAlgorithm] = DIGEST_ALGORITHMS,
        clock: Callable[[], float] = time.time,
        pool_size: int = POOL_SIZE,
    ) -> None:
        url = _checked(target)
        try:
            from authmw_sqlalchemy.postgres_async import AsyncPostgresDatabase
        except ModuleNotFoundError as error:
            raise needs_psycopg(error) from None
        given: Any = url if isinstance(target, str | URL) else target
        self.sync: SQLStores = SQLStores(
            url, hasher=hasher, digest_algorithms=digest_algorithms, clock=clock, pool_size=pool_size
        )
        """The stores of the same database for threads and the command, not for an event loop."""
        self._opened = AsyncPostgresDatabase(given, pool_size=pool_size)
        opened = cast("Database", self._opened)  # its methods return awaitables, and so do those of its stores
        self.database: Database = opened
        """The database, to make a store with other settings: ``SQLThrottle(stores.database, free=5)``."""
        self.users: AsyncUsers = SQLUsers(opened, hasher=hasher, digest_algorithms=digest_algorithms, clock=clock)
        self.keys: ApiKeyStore = SQLApiKeys(opened, clock=clock)
        self.tokens: TokenKeeper = SQLTokens(opened, clock=clock)
        self.clients: ClientStore = SQLClients(opened, clock=clock)
        self.families: FamilyStore = SQLFamilies(opened)
        self.nonces: NonceStore = SQLNonces(opened, clock=clock)
        self.throttle: AsyncThrottle = SQLThrottle(opened)
        self.revocations: RevocationStore = SQLRevocations(opened, clock=clock, sync=self.sync.revocations)

    async def aclose(self) -> None:
        """Close every connection, those of `sync` too. A store that is used again opens new ones."""
        await self._opened.aclose()
        self.sync.close()


def _checked(target: str | URL | AsyncEngine) -> URL:
    url = checked_url(target if isinstance(target, str | URL) else target.url)
    if url.get_backend_name() == "sqlite":
        raise ConfigurationError("use SQLStores for SQLite: they serve ASGI too, and do not block the event loop")
    if not isinstance(target, str | URL) and target.dialect.driver not in ("psycopg", "psycopg_async"):
        raise ConfigurationError(
            f"AsyncSQLStores needs an AsyncEngine of {url.drivername}, not of {target.url.drivername}"
        )
    return url
