"""Deleting what has expired, in small transactions that nobody waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, ColumnElement, Delete, Table, delete, func, select

from authmw_sqlalchemy.statements import Database, Operation
from authmw_sqlalchemy.tables import familiar_sources, nonces, refresh_families, revocations, throttle, tokens

EXPIRING: Final[tuple[Column[float], ...]] = (
    tokens.c.expires_at,
    refresh_families.c.idle_until,
    refresh_families.c.revoked_at,
    nonces.c.expires_at,
    throttle.c.expires_at,
    familiar_sources.c.expires_at,
    revocations.c.expires_at,
)
"""The columns whose time, once past, lets a row be deleted. Each has an index."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How far a pruning has come.

    Args:
        table: what was deleted from last; empty before the beginning.
        deleted: how many rows were deleted so far, of all tables.
        total: how many there were to delete in the beginning. More may have expired since.
    """

    table: str
    deleted: int
    total: int


def prune(
    database: Database, now: float | None = None, batch: int = 1000, *, clock: Callable[[], float] = time.time
) -> Iterator[Pruned]:
    """Delete what has expired, `batch` rows in each transaction, and tell how far that is.

    What was revoked but has not expired is kept, but for refresh families, which nothing else brings back.
    """
    at = clock() if now is None else now
    total = sum(database.run(_counted, column, at) for column in EXPIRING)
    yield Pruned("", 0, total)
    deleted = 0
    for column in EXPIRING:
        for count in _batches(database, column, at, batch):
            deleted += count
            yield Pruned(column.table.name, deleted, total)


def _batches(database: Database, column: Column[float], at: float, batch: int) -> Generator[int, None, None]:
    while True:
        count = database.run(_deleted, column, at, batch)
        if count:
            yield count
        if count < batch:
            return


def is_over(column: Column[float], at: float) -> ColumnElement[bool]:
    """Whether the row may be deleted."""
    return column <= at


def deletion(column: Column[float], at: float, batch: int) -> Delete:
    """Deletes the rows that expired first. Those that a transaction holds are left for another time."""
    table: Table = column.table
    (key,) = table.primary_key.columns
    doomed = (
        select(key).where(is_over(column, at)).order_by(column).limit(batch).with_for_update(skip_locked=True)
    ).cte("doomed")
    return delete(table).where(key.in_(select(doomed.c[key.name])))


def _counted(column: Column[float], at: float) -> Operation[int]:
    count: int = (yield select(func.count()).select_from(column.table).where(is_over(column, at))).scalar_one()
    return count


def _deleted(column: Column[float], at: float, batch: int) -> Operation[int]:
    # sqlite3 counts no rows of a statement that begins with WITH, so each row is told.
    return len((yield deletion(column, at, batch).returning(column)).all())
