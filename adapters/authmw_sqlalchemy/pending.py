"""What is pending for persons, in SQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Table, bindparam, delete, select

from authmw.stores.session_records import Pending
from authmw_sqlalchemy.base import Store
from authmw_sqlalchemy.statements import Operation, Query, Row, every, first, nothing
from authmw_sqlalchemy.tables import pending

_COLUMNS = tuple(pending.c)
_NAMES = tuple(pending.c.keys())
_WANTED = (
    pending.c.digest == bindparam("digest"),
    pending.c.kind == bindparam("kind"),
    pending.c.expires_at > bindparam("now"),
)


def _put(insert: Callable[[Table], Any]) -> Any:
    statement = insert(pending).values({name: bindparam(name) for name in _NAMES})
    changed = {name: statement.excluded[name] for name in _NAMES if name != "digest"}
    return statement.on_conflict_do_update(index_elements=["digest"], set_=changed).returning(pending.c.digest)


_PUT = Query(_put, *_NAMES)
_PEEK = Query.of(select(*_COLUMNS).where(*_WANTED), *("digest", "kind", "now"))
_TAKE = Query.of(delete(pending).where(*_WANTED).returning(*_COLUMNS), *("digest", "kind", "now"))
_DROP = Query.of(
    delete(pending)
    .where(pending.c.subject == bindparam("subject"), pending.c.kind == bindparam("kind"))
    .returning(pending.c.digest),
    *("subject", "kind"),
)
_OF_SUBJECT = Query.of(
    select(*_COLUMNS).where(pending.c.subject == bindparam("subject")).order_by(pending.c.expires_at, pending.c.digest),
    "subject",
)
_ERASE = Query.of(
    delete(pending).where(pending.c.subject == bindparam("subject")).returning(pending.c.digest), "subject"
)


class SQLPending(Store):
    """What is pending, by digests (`PendingStore`)."""

    _LOOKUPS = ("peek_pending",)

    def put_pending(self, pending: Pending) -> None:
        """Store it."""
        values = (pending.digest, pending.kind, pending.subject, pending.expires_at, json.dumps(dict(pending.data)))
        return self._database.write(_PUT, values, nothing)

    def peek_pending(self, digest: str, kind: str, now: float) -> Pending | None:
        """What has that digest and kind and has not expired, or None."""
        return self._database.read(_PEEK, (digest, kind, now), first(_pending))

    def take_pending(self, digest: str, kind: str, now: float) -> Pending | None:
        """As `peek_pending`, and remove it: of calls at the same time, one gets it."""
        return self._database.write(_TAKE, (digest, kind, now), first(_pending))

    def drop_pending(self, subject: str, kind: str) -> None:
        """Remove everything of that kind that is pending for a subject."""
        return self._database.write(_DROP, (subject, kind), nothing)

    def of_user(self, subject: str) -> tuple[Pending, ...]:
        """Everything that is pending for a user."""
        return self._database.read(_OF_SUBJECT, (subject,), every(_pending))

    def erase(self, subject: str) -> None:
        """Delete what is pending for a user, as the user is disabled or deleted, or has a new password or address."""
        return self._database.write(_ERASE, (subject,), nothing)


def pending_of(subject: str) -> Operation[tuple[Pending, ...]]:
    """Everything that is pending for a subject, as part of a transaction."""
    of_subject = select(*_COLUMNS).where(pending.c.subject == subject)
    return tuple(map(_pending, (yield of_subject.order_by(pending.c.expires_at, pending.c.digest))))


def _pending(row: Row) -> Pending:
    digest, kind, subject, expires_at, data = row
    return Pending(digest, kind, subject, expires_at, json.loads(data))
