"""All SQL stores of one database, as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from authmw.enrolment import DIGEST_ALGORITHMS, Hasher
from authmw.ports import DigestAlgorithm
from authmw_sqlalchemy.clients import SQLClients
from authmw_sqlalchemy.families import SQLFamilies
from authmw_sqlalchemy.keys import SQLApiKeys
from authmw_sqlalchemy.nonces import SQLNonces
from authmw_sqlalchemy.revocations import SQLRevocations
from authmw_sqlalchemy.sqlite import SQLiteDatabase
from authmw_sqlalchemy.throttle import SQLThrottle
from authmw_sqlalchemy.tokens import SQLTokens
from authmw_sqlalchemy.users import SQLUsers

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine


class SQLStores:
    """All that authmw keeps, in an SQLite file: ``PasswordVerifier(SQLStores("sqlite:///app.db").users)``.

    The tables, all named ``authmw_…``, are created on first use; a new file is readable by its owner alone. The file
    is put into WAL mode, which it keeps. Several processes on one machine may share it.

    Args:
        target: a URL, or an `Engine` of the application, whose pool is then shared.
        hasher: hashes new passwords.
        digest_algorithms: what an HA1 is kept for, of users with a ``digest_realm``.
        clock: seconds since the epoch.

    Raises:
        ConfigurationError: `target` is no SQLite file.
    """

    def __init__(
        self,
        target: str | URL | Engine,
        *,
        hasher: Hasher | None = None,
        digest_algorithms: Iterable[DigestAlgorithm] = DIGEST_ALGORITHMS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database = SQLiteDatabase(target)
        self.users: SQLUsers = SQLUsers(database, hasher=hasher, digest_algorithms=digest_algorithms, clock=clock)
        self.keys: SQLApiKeys = SQLApiKeys(database, clock=clock)
        self.tokens: SQLTokens = SQLTokens(database, clock=clock)
        self.clients: SQLClients = SQLClients(database, clock=clock)
        self.families: SQLFamilies = SQLFamilies(database)
        self.nonces: SQLNonces = SQLNonces(database, clock=clock)
        self.throttle: SQLThrottle = SQLThrottle(database)
        self.revocations: SQLRevocations = SQLRevocations(database, clock=clock)

    def close(self) -> None:
        """Close every connection. A store that is used again opens new ones."""
        self._database.close()
