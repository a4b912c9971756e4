"""Deletion of expired rows, in transactions so small that no request waits for one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, ColumnElement, Delete, Table, delete, func, select

from authmw.flow.clocks import now
from authmw_sqlalchemy.statements import Database, Operation
from authmw_sqlalchemy.tables import (
    familiar_sources,
    nonces,
    pending,
    refresh_families,
    revocations,
    sessions,
    throttle,
    tokens,
)

EXPIRING: Final[tuple[Column[float], ...]] = (
    tokens.c.expires_at,
    refresh_families.c.idle_until,
    refresh_families.c.revoked_at,
    sessions.c.idle_until,
    sessions.c.ended_at,
    pending.c.expires_at,
    nonces.c.expires_at,
    throttle.c.expires_at,
    familiar_sources.c.expires_at,
    revocations.c.expires_at,
)
"""The columns whose time, once past, lets a row be deleted. Each has an index."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """The progress of a pruning.

    Args:
        table: the table that was last deleted from; empty at the start.
        deleted: the number of rows that were deleted so far, from all tables.
        total: the number of rows that had expired at the start. More may have expired since.
    """

    table: str
    deleted: int
    total: int


def prune(
    database: Database, now: float | None = None, batch: int = 1000, *, clock: Callable[[], float] = now
) -> Iterator[Pruned]:
    """Delete expired rows, `batch` rows in each transaction, and yield the progress.

    A revoked row that has not expired is kept. A revoked refresh family and a session that was ended are deleted at
    once: a token of a family that does not exist is refused too, and so is the cookie of a session that does not exist.
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


def is_expired(column: Column[float], at: float) -> ColumnElement[bool]:
    """Whether the row may be deleted."""
    return column <= at


def deletion(column: Column[float], at: float, batch: int) -> Delete:
    """The statement that deletes the rows that expired first. It skips rows that another transaction has locked."""
    table: Table = column.table
    (key,) = table.primary_key.columns
    expired = (
        select(key).where(is_expired(column, at)).order_by(column).limit(batch).with_for_update(skip_locked=True)
    ).cte("expired")
    return delete(table).where(key.in_(select(expired.c[key.name])))


def _counted(column: Column[float], at: float) -> Operation[int]:
    count: int = (yield select(func.count()).select_from(column.table).where(is_expired(column, at))).scalar_one()
    return count


def _deleted(column: Column[float], at: float, batch: int) -> Operation[int]:
    # sqlite3 does not count the rows of a statement that begins with WITH, so the rows are returned and counted here.
    return len((yield deletion(column, at, batch).returning(column)).all())
