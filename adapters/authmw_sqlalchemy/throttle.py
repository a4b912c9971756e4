"""Throttle in SQL: counts of attempts to guess, and what accounts are familiar with."""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy import case, delete, select, update

from authmw.flow.durations import Seconds
from authmw.stores.records import Attempt, AttemptOutcome, Reservation, Wait
from authmw.stores.throttling import MAX_MARKS, Count, Pace, ThrottlePolicy, Turn
from authmw_sqlalchemy.base import Store, as_key
from authmw_sqlalchemy.statements import AsyncCommit, Database, Operation, Row
from authmw_sqlalchemy.tables import familiar_sources, throttle

_COLUMNS: Final = (throttle.c.attempts, throttle.c.not_before, throttle.c.state)


class SQLThrottle(Store):
    """Slows down guessing (`Throttle`), for all processes together.

    Args:
        database: the database of the records.
        free: attempts without any wait.
        first: seconds of the first wait of a source.
        longest: seconds of its longest wait. After four times that long without an attempt, it starts again at 0.

    Raises:
        ConfigurationError: there is no such policy.
    """

    def __init__(self, database: Database, *, free: int = 10, first: Seconds = 1.0, longest: Seconds = 900.0) -> None:
        super().__init__(database)
        self._policy = ThrottlePolicy("SQLThrottle", free=free, first=first, longest=longest)

    def reserve(self, attempt: Attempt, now: float) -> Reservation | Wait:
        """Reserve one check for `attempt`, or answer how long it has to wait."""
        return self._database.run(self._reserved, attempt, now)

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
    ) -> None:
        """End a reservation. It counts from now on if it `FAILED`, and else not at all."""
        return self._database.run(self._settled, reservation, outcome, now, familiar_until)

    def make_familiar(self, account: str, mark: str, until: float) -> None:
        """Make `account` familiar with `mark` until then (seconds since the epoch)."""
        return self._database.run(self._remembered, account, (mark,), until)

    # Each transaction locks the row of the source before that of the account, so that none waits for another in turn.

    def _reserved(self, attempt: Attempt, now: float) -> Operation[Reservation | Wait]:
        yield AsyncCommit()
        policy, source = self._policy, Count()
        answer: Reservation | Wait = Reservation(attempt)
        if attempt.source:
            source, answer = policy.source_reserved((yield from self._locked(attempt.source)), attempt, now)
        if attempt.account and isinstance(answer, Reservation):
            mark, known_until = yield from self._mark_of(attempt, now)
            key = mark or attempt.account
            before = yield from self._locked(key)
            count, answer = policy.account_reserved(before, attempt, now, mark=mark, known_until=known_until)
            if count != before:
                yield from self._kept(key, count, policy.of_account(mark))
        if attempt.source and isinstance(answer, Reservation):
            yield from self._kept(attempt.source, source, policy.source)
        return answer

    def _settled(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float
    ) -> Operation[None]:
        yield AsyncCommit()
        policy, attempt = self._policy, reservation.attempt
        if attempt.source:
            source = policy.source_settled((yield from self._locked(attempt.source)), reservation, outcome, now)
            yield from self._kept(attempt.source, source, policy.source)
        if attempt.account:
            key = reservation.mark or attempt.account
            count = policy.account_settled((yield from self._locked(key)), reservation, outcome, now)
            yield from self._kept(key, count, policy.of_account(reservation.mark))
        if familiar_until:
            yield from self._remembered(attempt.account, attempt.marks, familiar_until)

    def _locked(self, key: str) -> Operation[Count]:
        """The count of `key`. The statement locks its row, or inserts it, so that other transactions on it wait."""
        begun = self._database.insert(throttle).values(
            key=as_key(key), attempts=0, not_before=0.0, state="", expires_at=0.0
        )
        locked = begun.on_conflict_do_update(
            index_elements=[throttle.c.key], set_={"attempts": throttle.c.attempts}
        ).returning(*_COLUMNS)
        return _count((yield locked).one())

    def _kept(self, key: str, count: Count, pace: Pace) -> Operation[None]:
        yield (
            update(throttle)
            .where(throttle.c.key == as_key(key))
            .values(
                attempts=count.failed,
                not_before=count.not_before,
                state=json.dumps([count.held, count.turns]) if count.held or count.turns else "",
                expires_at=pace.expires_at(count),
            )
        )

    def _mark_of(self, attempt: Attempt, now: float) -> Operation[tuple[str, float]]:
        """The mark of `attempt` that its account is familiar with, and until when."""
        if not attempt.marks:
            return "", 0.0
        known = select(familiar_sources.c.pair, familiar_sources.c.expires_at).where(
            familiar_sources.c.pair.in_(attempt.marks), familiar_sources.c.expires_at > now
        )
        until: dict[str, float] = dict(map(tuple, (yield known)))
        return next(((mark, until[mark]) for mark in attempt.marks if mark in until), ("", 0.0))

    def _remembered(self, account: str, marks: tuple[str, ...], until: float) -> Operation[None]:
        owner = as_key(account)
        for mark in marks:
            statement = self._database.insert(familiar_sources).values(pair=mark, account=owner, expires_at=until)
            kept, given = familiar_sources.c.expires_at, statement.excluded.expires_at
            yield statement.on_conflict_do_update(
                index_elements=[familiar_sources.c.pair], set_={"expires_at": case((kept > given, kept), else_=given)}
            )
        of_account = familiar_sources.c.account == owner
        lasting = (
            select(familiar_sources.c.pair)
            .where(of_account)
            .order_by(familiar_sources.c.expires_at.desc(), familiar_sources.c.pair)
            .limit(MAX_MARKS)
        )
        yield delete(familiar_sources).where(of_account, familiar_sources.c.pair.not_in(lasting))


def _count(row: Row) -> Count:
    failed, not_before, state = row
    held, turns = json.loads(state) if state else ((), ())
    return Count(failed, not_before, tuple(held), tuple(Turn(*each) for each in turns))
