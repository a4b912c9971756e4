"""Kept connections: psycopg's connections in autocommit on which lookups are executed, and when one is tried again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Generic, Protocol, TypeVar

from psycopg import AsyncConnection, Connection, DataError, Error

from authmw_sqlalchemy.connections import Silent, is_broken
from authmw_sqlalchemy.errors import unavailable
from authmw_sqlalchemy.statements import Row


class _Cursor(Protocol):
    @property
    def connection(self) -> Connection[Any] | AsyncConnection[Any]: ...


C = TypeVar("C", bound=_Cursor)


class KeptConnections(Generic[C]):
    """The connections of one thread pool or of one event loop that wait for the next lookup, each as its cursor.

    Args:
        close: closes the connection of a cursor, without waiting for the server.
    """

    def __init__(self, close: Callable[[C], None]) -> None:
        self.idle: deque[C] = deque()
        self._close = close

    def rows(self, *, reads: bool) -> Generator[C | None, Any, list[Row]]:
        """All rows of one statement. Yields None for a new connection, and a cursor for what the statement finds on it.

        A kept connection may have been lost while it was idle: then a statement that only reads is executed again.

        Args:
            reads: the statement only reads.

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
                if reads:
                    return []  # what cannot be kept is not found
                raise unavailable(error) from error
            except Error as error:
                # A silent server is not asked again: the caller has waited as long as it may.
                if self._has_lost(cursor, error) and kept is not None and reads and not isinstance(error, Silent):
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
        if isinstance(error, Silent):
            # The others would fall silent one after the other, each for as long.
            self.close()
        return True
