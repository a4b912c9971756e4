"""Revocations in SQL: appended rows, which are read from a cursor on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, cast

from sqlalchemy import bindparam, func, insert, select, union_all

from authmw.flow.clocks import now
from authmw.stores.records import Revocation, RevocationKind, RevocationPage
from authmw_sqlalchemy.base import Store
from authmw_sqlalchemy.statements import Database, Exclusive, Operation, Query, Row, every
from authmw_sqlalchemy.tables import revocations

_COLUMNS = (revocations.c.kind, revocations.c.target, revocations.c.at, revocations.c.expires_at)
_MOST_ROWS: Final = 1000
"""Rows in one statement: databases limit the number of its parameters."""
_Key = tuple[RevocationKind, str]

# A cursor names a row by its number and time. If there is no such row, because it was pruned or the database is another
# one, it is unknown which rows came after it, and all are read again.
_row_of_cursor = (
    select(revocations.c.sequence)
    .where(revocations.c.sequence == bindparam("sequence"), revocations.c.at == bindparam("at"))
    .scalar_subquery()
)
_AFTER = Query.of(
    select(revocations.c.sequence, *_COLUMNS)
    .where(revocations.c.sequence > func.coalesce(_row_of_cursor, bindparam("start")))
    .where(revocations.c.expires_at > bindparam("now"))
    .order_by(revocations.c.sequence)
    .limit(bindparam("limit")),
    *("sequence", "at", "start", "now", "limit"),
)


class SQLRevocations(Store):
    """Revocations, which all processes read (`RevocationStore`).

    Args:
        database: the database of the records.
        clock: seconds since the epoch.
        sync: the same store for a thread; itself unless given.
    """

    _LOOKUPS = ("revocations_after", "find_revocations")

    def __init__(
        self, database: Database, *, clock: Callable[[], float] = now, sync: SQLRevocations | None = None
    ) -> None:
        super().__init__(database)
        self._clock = clock
        self.sync: Final[SQLRevocations] = sync or self

    def publish(self, revocation: Revocation) -> None:
        """Store a revocation. A reader with an older cursor finds it as soon as this has answered."""
        return self._database.run(published, revocation)

    def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        """The revocations published since `cursor`; with an empty cursor, all that have not expired."""
        sequence, at = _parsed(cursor)

        def page(rows: Sequence[Row]) -> RevocationPage:
            end = f"{rows[-1][0]}@{rows[-1][3]!r}" if rows else cursor
            return RevocationPage(tuple(_revocation(row[1:]) for row in rows), end)

        return self._database.read(_AFTER, (sequence, at, 0, self._clock(), limit), page)

    def find_revocations(self, keys: tuple[_Key, ...]) -> tuple[Revocation, ...]:
        """The latest revocation of each of `keys` that has one which has not expired."""
        asked = keys or (("token", ""),)  # a key that no revocation has
        values = [value for key in asked for value in key]
        return self._database.read(_latest(len(asked)), (self._clock(), *values), every(_revocation))


def published(*given: Revocation) -> Operation[None]:
    """Append revocations, as the last part of a transaction."""
    # Rows have to become visible in the order of their numbers: a reader never reads below its cursor again.
    yield Exclusive(revocations)
    rows = [{"kind": each.kind, "target": each.id, "at": each.at, "expires_at": each.expires_at} for each in given]
    for start in range(0, len(rows), _MOST_ROWS):
        yield insert(revocations).values(rows[start : start + _MOST_ROWS])


def revocations_of(user_id: str, now: float) -> Operation[tuple[Revocation, ...]]:
    """The revocations of a user that have not expired, oldest first, as part of a transaction."""
    of_user = select(*_COLUMNS).where(revocations.c.kind == "user", revocations.c.target == user_id)
    live = of_user.where(revocations.c.expires_at > now).order_by(revocations.c.sequence)
    return tuple(map(_revocation, (yield live)))


@cache
def _latest(count: int) -> Query:
    """The query for the latest revocation of each of `count` keys."""
    each = [
        select(*_COLUMNS)
        .where(revocations.c.kind == bindparam(f"kind{number}"), revocations.c.target == bindparam(f"target{number}"))
        .where(revocations.c.expires_at > bindparam("now"))
        .order_by(revocations.c.at.desc())
        .limit(1)
        .subquery()
        for number in range(count)
    ]
    names = [f"{name}{number}" for number in range(count) for name in ("kind", "target")]
    return Query.of(union_all(*map(select, each)), "now", *names)


def _parsed(cursor: str) -> tuple[int, float]:
    sequence, _, at = cursor.partition("@")
    try:
        return int(sequence), float(at)
    except ValueError:
        return 0, 0.0


def _revocation(row: Row) -> Revocation:
    kind, target, at, expires_at = row
    return Revocation(cast("RevocationKind", kind), target, at, expires_at)
