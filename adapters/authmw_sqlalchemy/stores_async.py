"""All stores of one PostgreSQL database, as one object, for event loops of asyncio."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy import URL

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.clocks import now
from authmw.stores.new_records import DIGEST_ALGORITHMS, Hasher
from authmw.stores.ports import (
    ApiKeyStore,
    ClientStore,
    DigestStore,
    FamilyStore,
    NonceStore,
    PasswordUpgrader,
    RevocationStore,
    Throttle,
    TokenKeeper,
    UserStore,
)
from authmw.stores.session_ports import PendingStore, SessionStore, UserDirectory
from authmw_sqlalchemy.clients import SQLClients
from authmw_sqlalchemy.families import SQLFamilies
from authmw_sqlalchemy.keys import SQLApiKeys
from authmw_sqlalchemy.nonces import SQLNonces
from authmw_sqlalchemy.pending import SQLPending
from authmw_sqlalchemy.revocations import SQLRevocations
from authmw_sqlalchemy.sessions import SQLSessions
from authmw_sqlalchemy.statements import Database
from authmw_sqlalchemy.stores import POOL_SIZE, SQLStores, needs_psycopg
from authmw_sqlalchemy.throttle import SQLThrottle
from authmw_sqlalchemy.tokens import SQLTokens
from authmw_sqlalchemy.urls import checked_url
from authmw_sqlalchemy.users import SQLUsers

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from authmw_sqlalchemy.postgres import PostgresDatabase


class AsyncUsers(UserStore, DigestStore, PasswordUpgrader, UserDirectory, Protocol):
    """A store that finds users, and their HA1."""


@explains_arguments('AsyncSQLStores("postgresql+psycopg://...")')
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
        clock: Callable[[], float] = now,
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
        # An engine of the application may reach its server in a way that is unknown here, so the twin cannot probe it.
        shared = cast("PostgresDatabase", self.sync.database).breaker if given is url else None
        self._opened = AsyncPostgresDatabase(given, pool_size=pool_size, breaker=shared)
        opened = cast("Database", self._opened)  # its methods return awaitables, and so do those of its stores
        self.database: Database = opened
        """The database, to make a store with other settings: ``SQLThrottle(stores.database, free=5)``."""
        self.users: AsyncUsers = SQLUsers(opened, hasher=hasher, digest_algorithms=digest_algorithms, clock=clock)
        self.keys: ApiKeyStore = SQLApiKeys(opened, clock=clock)
        self.tokens: TokenKeeper = SQLTokens(opened, clock=clock)
        self.clients: ClientStore = SQLClients(opened, clock=clock)
        self.families: FamilyStore = SQLFamilies(opened)
        self.nonces: NonceStore = SQLNonces(opened, clock=clock)
        self.throttle: Throttle = SQLThrottle(opened)
        self.revocations: RevocationStore = SQLRevocations(opened, clock=clock, sync=self.sync.revocations)
        self.sessions: SessionStore = SQLSessions(opened)
        self.pending: PendingStore = SQLPending(opened)

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
