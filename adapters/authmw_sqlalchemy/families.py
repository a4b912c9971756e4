"""Refresh families in SQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, bindparam, case, insert, select, update

from authmw.stores.records import Outcome, RefreshFamily, Rotation, RotationAnswer
from authmw.stores.rotation import rotated
from authmw_sqlalchemy.base import Store, as_text, text
from authmw_sqlalchemy.statements import Operation, Query, Row, every, first, in_order
from authmw_sqlalchemy.tables import clients, users
from authmw_sqlalchemy.tables import refresh_families as families

_COLUMNS = tuple(families.c)


def _is_live(now: Any) -> ColumnElement[bool]:
    return and_(families.c.revoked_at.is_(None), families.c.expires_at > now, families.c.idle_until > now)


_FIND = Query.of(select(*_COLUMNS).where(families.c.key == bindparam("key")), "key")
_OF_SUBJECT = Query.of(
    select(*_COLUMNS)
    .where(families.c.subject == bindparam("subject"), _is_live(bindparam("now")))
    .order_by(families.c.created_at, families.c.id),
    *("subject", "now"),
)


class SQLFamilies(Store):
    """Refresh families (`FamilyStore`)."""

    _LOOKUPS = ("find_family", "families_of")

    def add_family(self, family: RefreshFamily) -> None:
        """Store a new family."""
        return self._database.run(_added, family)

    def find_family(self, key: str) -> RefreshFamily | None:
        """The family with that key, or None."""
        return self._database.read(_FIND, (key,), first(_family))

    def rotate(self, rotation: Rotation) -> RotationAnswer:
        """Replace the presented token by its successor; see `authmw.stores.FamilyStore.rotate`."""
        return self._database.run(_rotated, rotation)

    def end_family(self, family_id: str, at: float) -> RefreshFamily | None:
        """Revoke the family with that id. Returns the family, also if it had ended before, or None."""
        return self._database.run(_ended, family_id, at)

    def end_families(self, subject: str, at: float) -> tuple[RefreshFamily, ...]:
        """Revoke every live family of a subject. Returns those that this call revoked."""
        return self._database.run(ended_where, families.c.subject == subject, at)

    def end_session_families(self, session_id: str, at: float) -> tuple[RefreshFamily, ...]:
        """Revoke every live family of a browser session. Returns those that this call revoked."""
        return self._database.run(ended_where, families.c.session_id == session_id, at)

    def end_client_families(self, client_id: str, at: float) -> tuple[RefreshFamily, ...]:
        """Revoke every live family of a client. Returns those that this call revoked."""
        return self._database.run(ended_where, families.c.client_id == client_id, at)

    def families_of(self, subject: str, now: float) -> tuple[RefreshFamily, ...]:
        """The live families of a subject, oldest first."""
        return self._database.read(_OF_SUBJECT, (subject, now), every(_family))


def ended_where(condition: ColumnElement[bool], at: float) -> Operation[tuple[RefreshFamily, ...]]:
    """Revoke the live families that meet a condition, as part of a transaction. Returns those that this revoked."""
    live = and_(condition, _is_live(at))
    ending = update(families).where(in_order(families, live), live)
    return tuple(map(_family, (yield ending.values(revoked_at=at).returning(*_COLUMNS))))


def families_of(subject: str) -> Operation[tuple[RefreshFamily, ...]]:
    """Every family of a subject, also those that have ended, oldest first, as part of a transaction."""
    of_subject = select(*_COLUMNS).where(families.c.subject == subject)
    return tuple(map(_family, (yield of_subject.order_by(families.c.created_at, families.c.id))))


def _added(family: RefreshFamily) -> Operation[None]:
    kept = {**asdict(family), "scopes": text(family.scopes), "name": as_text(family.name)}
    yield insert(families).values(kept)
    # A transaction that disables a user or a client first locks its row, and does not see this new family. So this one
    # waits here until that one has committed, and a caller who reads the user again afterwards sees it disabled.
    for holders, id in ((users, family.subject), (clients, family.client_id)):
        yield select(holders.c.id).where(holders.c.id == id).with_for_update(read=True)


def _rotated(rotation: Rotation) -> Operation[RotationAnswer]:
    row = (yield _rotation(rotation)).one_or_none()
    if row is not None:
        return RotationAnswer(Outcome.ROTATED, _family(row))
    locked = yield select(*_COLUMNS).where(families.c.key == rotation.key).with_for_update()
    row = locked.one_or_none()
    answer = rotated(None if row is None else _family(row), rotation)
    if answer.outcome in (Outcome.REUSED, Outcome.ROTATED) and answer.family is not None:
        after = {**asdict(answer.family), "scopes": text(answer.family.scopes)}
        yield update(families).where(families.c.id == answer.family.id).values(after)
    return answer


def _rotation(rotation: Rotation) -> Update:
    """The statement that rotates if the presented token is the current one of a live family of that client."""
    idle_until = case((families.c.expires_at < rotation.idle_until, families.c.expires_at), else_=rotation.idle_until)
    return (
        update(families)
        .where(families.c.key == rotation.key, families.c.current == rotation.presented)
        .where(families.c.client_id.is_not_distinct_from(rotation.client_id), _is_live(rotation.now))
        # A family without a refresh token has an empty digest, which no token may match.
        .where(families.c.current != "")
        .values(
            previous=rotation.presented,
            current=rotation.successor,
            salt=rotation.salt,
            rotated_at=rotation.now,
            last_used_at=rotation.now,
            idle_until=idle_until,
        )
        .returning(*_COLUMNS)
    )


def _ended(family_id: str, at: float) -> Operation[RefreshFamily | None]:
    # The condition keeps the time of an earlier end. The row is returned in either case.
    revoked_at = case((families.c.revoked_at.is_(None), at), else_=families.c.revoked_at)
    ended = yield update(families).where(families.c.id == family_id).values(revoked_at=revoked_at).returning(*_COLUMNS)
    row = ended.one_or_none()
    return None if row is None else _family(row)


def _family(row: Row) -> RefreshFamily:
    fields = list(row)
    fields[6] = frozenset(fields[6].split())
    return RefreshFamily(*fields)
