"""Revocations in SQL: rows that are appended, and read from a cursor on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, cast

from sqlalchemy import bindparam, func, insert, select, union_all

from authmw.stores.records import Revocation, RevocationKind, RevocationPage
from authmw_sqlalchemy.statements import Database, Exclusive, Operation, Query, Row, every
from authmw_sqlalchemy.store import Store
from authmw_sqlalchemy.tables import revocations

_TOLD = (revocations.c.kind, revocations.c.target, revocations.c.at, revocations.c.expires_at)
_AT_ONCE: Final = 1000
"""Rows in one statement: databases have a limit to the parameters of one."""
_Key = tuple[RevocationKind, str]

# A cursor names a row by its number and time. Where there is no such row, because it was pruned or the database is
# another one, what came after it is not known, and all is told again.
_known = (
    select(revocations.c.sequence)
    .where(revocations.c.sequence == bindparam("sequence"), revocations.c.at == bindparam("at"))
    .scalar_subquery()
)
_AFTER = Query.of(
    select(revocations.c.sequence, *_TOLD)
    .where(revocations.c.sequence > func.coalesce(_known, bindparam("start")))
    .where(revocations.c.expires_at > bindparam("now"))
    .order_by(revocations.c.sequence)
    .limit(bindparam("limit")),
    *("sequence", "at", "start", "now", "limit"),
)


class SQLRevocations(Store):
    """What processes tell each other about revocations (`RevocationStore`).

    Args:
        database: where they are kept.
        clock: seconds since the epoch.
        sync: the same, for a thread; itself unless given.
    """

    _LOOKUPS = ("revocations_after", "find_revocations")

    def __init__(
        self, database: Database, *, clock: Callable[[], float] = time.time, sync: SQLRevocations | None = None
    ) -> None:
        super().__init__(database)
        self._clock = clock
        self.sync: Final[SQLRevocations] = sync or self

    def publish(self, revocation: Revocation) -> None:
        """Store a revocation. Whoever reads on from an older cursor after this has answered finds it."""
        return self._database.run(published, revocation)

    def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        """What was published since `cursor`; with an empty one, all that has not expired."""
        sequence, at = _parsed(cursor)

        def page(rows: Sequence[Row]) -> RevocationPage:
            end = f"{rows[-1][0]}@{rows[-1][3]!r}" if rows else cursor
            return RevocationPage(tuple(_revocation(row[1:]) for row in rows), end)

        return self._database.ask(_AFTER, (sequence, at, 0, self._clock(), limit), page)

    def find_revocations(self, keys: tuple[_Key, ...]) -> tuple[Revocation, ...]:
        """The latest revocation of each of `keys` that has one which has not expired."""
        asked = keys or (("token", ""),)  # which is none
        values = [value for key in asked for value in key]
        return self._database.ask(_latest(len(asked)), (self._clock(), *values), every(_revocation))


def published(*news: Revocation) -> Operation[None]:
    """Append revocations, as part of a transaction and at its end."""
    # Numbers have to become visible in their order: a reader never looks for one below its cursor again.
    yield Exclusive(revocations)
    rows = [{"kind": each.kind, "target": each.id, "at": each.at, "expires_at": each.expires_at} for each in news]
    for start in range(0, len(rows), _AT_ONCE):
        yield insert(revocations).values(rows[start : start + _AT_ONCE])


@cache
def _latest(count: int) -> Query:
    """The latest of each of `count` keys."""
    each = [
        select(*_TOLD)
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
