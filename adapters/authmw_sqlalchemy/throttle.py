"""Throttle in SQL: counts of attempts to guess, and the sources that accounts were used from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Table, bindparam, case, select, update

from authmw.stores.throttling import Count, ThrottlePolicy
from authmw_sqlalchemy.base import Store, as_key
from authmw_sqlalchemy.statements import AsyncCommit, Database, Operation, Query, nothing
from authmw_sqlalchemy.tables import familiar_sources, throttle


def _remember(insert: Callable[[Table], Any]) -> Any:
    statement = insert(familiar_sources).values(pair=bindparam("pair"), expires_at=bindparam("expires_at"))
    kept, given = familiar_sources.c.expires_at, statement.excluded.expires_at
    return statement.on_conflict_do_update(
        index_elements=[familiar_sources.c.pair], set_={"expires_at": case((kept > given, kept), else_=given)}
    ).returning(familiar_sources.c.pair)


_REMEMBER = Query(_remember, "pair", "expires_at")
_KNOWS = Query.of(
    select(familiar_sources.c.pair).where(
        familiar_sources.c.pair == bindparam("pair"), familiar_sources.c.expires_at > bindparam("now")
    ),
    *("pair", "now"),
)


class SQLThrottle(Store):
    """Slows down guessing, counted for all processes together (`Throttle`, `FamiliarSources`).

    After `free` attempts each further one waits twice as long as the one before. It never locks an account for ever: no
    wait is longer than `longest`, and an attempt made during a wait does not prolong it.

    Args:
        database: the database of the records.
        free: attempts without any wait.
        first: seconds of the first wait.
        longest: seconds of the longest wait. After that long without an attempt, a key counts from 0 again.

    Raises:
        ConfigurationError: there is no such policy.
    """

    _LOOKUPS = ("knows_source",)

    def __init__(self, database: Database, *, free: int = 10, first: float = 1.0, longest: float = 900.0) -> None:
        super().__init__(database)
        self._policy = ThrottlePolicy("SQLThrottle", free=free, first=first, longest=longest)

    def attempt(self, key: str, now: float) -> float:
        """Count one attempt. Returns the seconds to wait; 0.0 means go ahead."""
        return self._database.run(self._attempted, as_key(key), now)

    def succeeded(self, key: str) -> None:
        """Take back one attempt, which was no guess. Attempts of others on the account, or from the source, stay."""
        return self._database.run(self._taken_back, as_key(key))

    def remember_source(self, pair: str, until: float) -> None:
        """Keep `pair`, an account and a source, until then."""
        return self._database.write(_REMEMBER, (as_key(pair), until), nothing)

    def knows_source(self, pair: str, now: float) -> bool:
        """Whether `pair` is kept."""
        return self._database.read(_KNOWS, (as_key(pair), now), bool)

    def _attempted(self, key: str, now: float) -> Operation[float]:
        yield AsyncCommit()
        # The first statement locks the row, or inserts it, so that other transactions on the same key wait.
        begun = self._database.insert(throttle).values(key=key, attempts=0, not_before=0.0, expires_at=0.0)
        locked = yield begun.on_conflict_do_update(
            index_elements=[throttle.c.key], set_={"attempts": throttle.c.attempts}
        ).returning(throttle.c.attempts, throttle.c.not_before)
        count, wait = self._policy.attempt(Count(*locked.one()), now)
        yield from self._kept(key, count)
        return wait

    def _taken_back(self, key: str) -> Operation[None]:
        yield AsyncCommit()
        locked = update(throttle).where(throttle.c.key == key).values(attempts=throttle.c.attempts)
        row = (yield locked.returning(throttle.c.attempts, throttle.c.not_before)).one_or_none()
        if row is not None:
            yield from self._kept(key, self._policy.succeeded(Count(*row)))

    def _kept(self, key: str, count: Count) -> Operation[None]:
        yield (
            update(throttle)
            .where(throttle.c.key == key)
            .values(
                attempts=count.attempts,
                not_before=count.not_before,
                expires_at=count.not_before + self._policy.longest,
            )
        )
