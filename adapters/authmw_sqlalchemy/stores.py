"""All SQL stores of one database, as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from authmw.enrolment import DIGEST_ALGORITHMS, Hasher
from authmw.ports import DigestAlgorithm
from authmw_sqlalchemy.database import Database
from authmw_sqlalchemy.keys import SQLApiKeys
from authmw_sqlalchemy.tokens import SQLTokens
from authmw_sqlalchemy.users import SQLUsers

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine


class SQLStores:
    """Users, API keys and opaque tokens in an SQLite file: ``PasswordVerifier(SQLStores("sqlite:///app.db").users)``.

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
        self._database = Database(target)
        self.users: SQLUsers = SQLUsers(self._database, hasher=hasher, digest_algorithms=digest_algorithms, clock=clock)
        self.keys: SQLApiKeys = SQLApiKeys(self._database, clock=clock)
        self.tokens: SQLTokens = SQLTokens(self._database, clock=clock)

    def close(self) -> None:
        """Close every connection. A store that is used again opens new ones."""
        self._database.close()
