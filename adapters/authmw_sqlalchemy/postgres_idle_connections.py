"""Idle psycopg connections that are kept for lookups, in autocommit, and the rule for trying a lookup again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Generic, Protocol, TypeVar

from psycopg import AsyncConnection, Connection, DataError, Error

from authmw_sqlalchemy.errors import unavailable
from authmw_sqlalchemy.postgres_connections import ServerTimeout, is_broken
from authmw_sqlalchemy.statements import Row


class _Cursor(Protocol):
    @property
    def connection(self) -> Connection[Any] | AsyncConnection[Any]: ...


C = TypeVar("C", bound=_Cursor)


class IdleConnections(Generic[C]):
    """The connections of one thread pool or of one event loop that wait for the next lookup, each as its cursor.

    Args:
        close: closes the connection of a cursor, without waiting for the server.
    """

    def __init__(self, close: Callable[[C], None]) -> None:
        self.idle: deque[C] = deque()
        self._close = close

    def rows(self, *, read_only: bool) -> Generator[C | None, Any, list[Row]]:
        """All rows of one statement. Yields None for a new connection, and a cursor to execute the statement on.

        A kept connection may have been lost while it was idle: then a statement that only reads is executed again.

        Args:
            read_only: the statement only reads.

        Raises:
            StoreUnavailable: the database failed.
        """
        while True:
            kept = self._kept()
            cursor: C = (yield None) if kept is None else kept
            try:
                rows: list[Row] = yield cursor
            except (DataError, UnicodeEncodeError) as error:
                self.idle.append(cursor)
                if read_only:
                    return []  # the database cannot store such a value, so there is no row with it
                raise unavailable(error) from error
            except Error as error:
                # After a timeout the server is not asked again: the caller has waited as long as it may.
                is_late = isinstance(error, ServerTimeout)
                if self._has_lost(cursor, error) and kept is not None and read_only and not is_late:
                    continue
                raise unavailable(error) from error
            except BaseException:
                self._close(cursor)
                raise
            self.idle.append(cursor)
            return rows

    def close(self) -> None:
        """Close every connection that is idle."""
        while self.idle:
            self._close(self.idle.pop())

    def _kept(self) -> C | None:
        while True:
            try:
                cursor = self.idle.pop()
            except IndexError:
                return None
            if not is_broken(cursor.connection):
                return cursor
            self._close(cursor)

    def _has_lost(self, cursor: C, error: Error) -> bool:
        """Whether the connection is gone; if it is not, it is kept."""
        if not is_broken(cursor.connection):
            self.idle.append(cursor)
            return False
        self._close(cursor)
        if isinstance(error, ServerTimeout):
            # The other connections would time out too, one after the other.
            self.close()
        return True
