"""Browser sessions in SQL."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, bindparam, case, insert, select, update

from authmw.stores.renewal import renewed
from authmw.stores.session_records import BrowserSession, Renewal, RenewalAnswer, RenewalOutcome
from authmw_sqlalchemy.base import Store, as_text, text
from authmw_sqlalchemy.statements import Operation, Query, Row, every, first, in_order, nothing
from authmw_sqlalchemy.tables import sessions, users

_COLUMNS = tuple(sessions.c)


def _is_live(now: Any) -> ColumnElement[bool]:
    return and_(sessions.c.ended_at.is_(None), sessions.c.expires_at > now, sessions.c.idle_until > now)


def _used(at: Any) -> dict[str, Any]:
    """The times after a use at `at`: never back, and never beyond the session's end. As `renewed` sets them."""
    extended = case(
        (sessions.c.idle_until > sessions.c.idle_for + at, sessions.c.idle_until), else_=sessions.c.idle_for + at
    )
    return {
        "last_used_at": case((sessions.c.last_used_at > at, sessions.c.last_used_at), else_=at),
        "idle_until": case((sessions.c.expires_at < extended, sessions.c.expires_at), else_=extended),
    }


_FIND = Query.of(select(*_COLUMNS).where(sessions.c.key == bindparam("key")), "key")
_OF_SUBJECT = Query.of(
    select(*_COLUMNS)
    .where(sessions.c.subject == bindparam("subject"), _is_live(bindparam("now")))
    .order_by(sessions.c.created_at, sessions.c.id),
    *("subject", "now"),
)
_TOUCH = Query.of(
    update(sessions)
    .where(sessions.c.key == bindparam("key"), _is_live(bindparam("at")), sessions.c.last_used_at < bindparam("at"))
    .values(_used(bindparam("at", type_=sessions.c.last_used_at.type)))
    .returning(sessions.c.id),
    *("key", "at"),
)


class SQLSessions(Store):
    """Browser sessions, as digests (`SessionStore`)."""

    _LOOKUPS = ("find_session", "sessions_of")

    def add_session(self, session: BrowserSession) -> None:
        """Store a new session."""
        return self._database.run(_added, session)

    def find_session(self, key: str) -> BrowserSession | None:
        """The session with that key, also one that has ended, or None."""
        return self._database.read(_FIND, (key,), first(_session))

    def renew_session(self, renewal: Renewal) -> RenewalAnswer:
        """Replace the presented value by its successor; see `authmw.stores.SessionStore.renew_session`."""
        return self._database.run(_renewed, renewal)

    def touch_session(self, key: str, at: float) -> None:
        """Store `at` as the time of the last use, and extend the session by it."""
        return self._database.write(_TOUCH, (key, at), nothing)

    def end_session(self, session_id: str, at: float) -> BrowserSession | None:
        """End the session with that id. Returns the session, also if it had ended before, or None."""
        return self._database.run(_ended, session_id, at)

    def end_sessions(self, subject: str, at: float, keep: str = "") -> tuple[BrowserSession, ...]:
        """End every live session of a subject but the one with the id `keep`. Returns those that this call ended."""
        others = and_(sessions.c.subject == subject, sessions.c.id != keep)
        return self._database.run(sessions_ended_where, others, at)

    def sessions_of(self, subject: str, now: float) -> tuple[BrowserSession, ...]:
        """The live sessions of a subject, oldest first."""
        return self._database.read(_OF_SUBJECT, (subject, now), every(_session))


def sessions_ended_where(condition: ColumnElement[bool], at: float) -> Operation[tuple[BrowserSession, ...]]:
    """End the live sessions that meet a condition, as part of a transaction. Returns those that this ended."""
    live = and_(condition, _is_live(at))
    ending = update(sessions).where(in_order(sessions, live), live)
    return tuple(map(_session, (yield ending.values(ended_at=at).returning(*_COLUMNS))))


def sessions_of(subject: str) -> Operation[tuple[BrowserSession, ...]]:
    """Every session of a subject, also those that have ended, oldest first, as part of a transaction."""
    of_subject = select(*_COLUMNS).where(sessions.c.subject == subject)
    return tuple(map(_session, (yield of_subject.order_by(sessions.c.created_at, sessions.c.id))))


def _added(session: BrowserSession) -> Operation[None]:
    yield insert(sessions).values(_values(session))
    # A transaction that disables a user first locks its row, and does not see this new session. So this one waits here
    # until that one has committed, and a caller who reads the user again afterwards sees it disabled.
    yield select(users.c.id).where(users.c.id == session.subject).with_for_update(read=True)


def _renewed(renewal: Renewal) -> Operation[RenewalAnswer]:
    row = (yield _renewal(renewal)).one_or_none()
    if row is not None:
        return RenewalAnswer(RenewalOutcome.RENEWED, _session(row))
    locked = yield select(*_COLUMNS).where(sessions.c.key == renewal.key).with_for_update()
    row = locked.one_or_none()
    answer = renewed(None if row is None else _session(row), renewal)
    if answer.outcome is RenewalOutcome.RENEWED and answer.session is not None:
        yield update(sessions).where(sessions.c.id == answer.session.id).values(_values(answer.session))
    return answer


def _renewal(renewal: Renewal) -> Update:
    """The statement that renews if the presented value is the current one of a live session."""
    proved: dict[str, Any] = {"authenticated_at": renewal.authenticated_at, "acr": renewal.acr}
    if renewal.amr is not None:
        proved["amr"] = json.dumps(renewal.amr)
    return (
        update(sessions)
        .where(sessions.c.key == renewal.key, sessions.c.current == renewal.presented, _is_live(renewal.now))
        # An empty digest is that of no value.
        .where(sessions.c.current != "")
        .values(
            previous=renewal.presented,
            current=renewal.successor,
            salt=renewal.salt,
            renewed_at=renewal.now,
            scopes=text(renewal.scopes),
            **_used(renewal.now),
            **{name: value for name, value in proved.items() if value is not None},
        )
        .returning(*_COLUMNS)
    )


def _ended(session_id: str, at: float) -> Operation[BrowserSession | None]:
    # The condition keeps the time of an earlier end. The row is returned in either case.
    ended_at = case((sessions.c.ended_at.is_(None), at), else_=sessions.c.ended_at)
    ended = yield update(sessions).where(sessions.c.id == session_id).values(ended_at=ended_at).returning(*_COLUMNS)
    row = ended.one_or_none()
    return None if row is None else _session(row)


def _values(session: BrowserSession) -> dict[str, Any]:
    kept = {"scopes": text(session.scopes), "amr": json.dumps(session.amr), "name": as_text(session.name)}
    return {**asdict(session), **kept}


def _session(row: Row) -> BrowserSession:
    kept = dict(zip(sessions.c.keys(), row, strict=True))
    kept |= {
        "scopes": frozenset(kept["scopes"].split()),
        "amr": tuple(json.loads(kept["amr"])) if kept["amr"] != "[]" else (),
        "remembered": bool(kept["remembered"]),  # SQLite has no booleans
    }
    return BrowserSession(**kept)
