"""Refresh families in SQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, bindparam, case, insert, select, update

from authmw.stores.records import Outcome, RefreshFamily, Rotation, RotationAnswer
from authmw.stores.rotation import rotated
from authmw_sqlalchemy.statements import Operation, Query, Row, every, first
from authmw_sqlalchemy.store import Store, as_text, text
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
        """Store a family that was just begun."""
        return self._database.run(_added, family)

    def find_family(self, key: str) -> RefreshFamily | None:
        """The family with that key, or None."""
        return self._database.ask(_FIND, (key,), first(_family))

    def rotate(self, rotation: Rotation) -> RotationAnswer:
        """Put the successor in the place of the token presented; see `authmw.stores.FamilyStore.rotate`."""
        return self._database.run(_rotated, rotation)

    def end_family(self, family_id: str, at: float) -> RefreshFamily | None:
        """Revoke the family with that id; the family, also when it had ended before, or None."""
        return self._database.run(_ended, family_id, at)

    def end_families(self, subject: str, at: float) -> tuple[RefreshFamily, ...]:
        """Revoke every family of a subject that has not ended; those that this revoked."""
        return self._database.run(ended_where, families.c.subject == subject, at)

    def end_client_families(self, client_id: str, at: float) -> tuple[RefreshFamily, ...]:
        """Revoke every family of a client that has not ended; those that this revoked."""
        return self._database.run(ended_where, families.c.client_id == client_id, at)

    def families_of(self, subject: str, now: float) -> tuple[RefreshFamily, ...]:
        """The live families of a subject, oldest first."""
        return self._database.ask(_OF_SUBJECT, (subject, now), every(_family))


def ended_where(whose: ColumnElement[bool], at: float) -> Operation[tuple[RefreshFamily, ...]]:
    """Revoke the live families for which `whose` holds, as part of a transaction; those that this revoked."""
    ended = yield update(families).where(whose, _is_live(at)).values(revoked_at=at).returning(*_COLUMNS)
    return tuple(map(_family, ended))


def _added(family: RefreshFamily) -> Operation[None]:
    kept = {**asdict(family), "scopes": text(family.scopes), "name": as_text(family.name)}
    yield insert(families).values(kept)
    # Whoever ends all that a user or a client has, has locked that one first. If they began before this is committed,
    # this is committed after they are: they would not find it, but who looks at the user again finds what they did.
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
    """Rotates if the token presented is the current one of a live family of that client."""
    idle_until = case((families.c.expires_at < rotation.idle_until, families.c.expires_at), else_=rotation.idle_until)
    return (
        update(families)
        .where(families.c.key == rotation.key, families.c.current == rotation.presented)
        .where(families.c.client_id.is_not_distinct_from(rotation.client_id), _is_live(rotation.now))
        # A family without a refresh token has an empty digest, which nothing matches.
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
    # The condition keeps the time of an earlier end; the row is answered either way.
    revoked_at = case((families.c.revoked_at.is_(None), at), else_=families.c.revoked_at)
    ended = yield update(families).where(families.c.id == family_id).values(revoked_at=revoked_at).returning(*_COLUMNS)
    row = ended.one_or_none()
    return None if row is None else _family(row)


def _family(row: Row) -> RefreshFamily:
    fields = list(row)
    fields[6] = frozenset(fields[6].split())
    return RefreshFamily(*fields)
