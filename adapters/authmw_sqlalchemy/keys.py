"""API keys in SQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace

from sqlalchemy import Insert, bindparam, case, func, insert, or_, select, update

from authmw.crypto.opaque_tokens import Entropy
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds
from authmw.stores.administration import NotFound
from authmw.stores.new_records import checked_overlap, make_api_key
from authmw.stores.records import ApiKeyRecord
from authmw.stores.told_changes import revokes
from authmw_sqlalchemy.base import Store, text
from authmw_sqlalchemy.retired import revoked_from_start
from authmw_sqlalchemy.statements import Database, Operation, Query, Row, every, first, nothing
from authmw_sqlalchemy.tables import api_keys, clients, users

_COLUMNS = tuple(api_keys.c)
# A key of a disabled user or client counts as revoked.
_revoked_at = func.coalesce(api_keys.c.revoked_at, users.c.disabled_at, clients.c.disabled_at)
_FIND = Query.of(
    select(*(column if column is not api_keys.c.revoked_at else _revoked_at for column in _COLUMNS))
    .join_from(api_keys, users, users.c.id == api_keys.c.owner, isouter=True)
    .join(clients, clients.c.id == api_keys.c.owner, isouter=True)
    .where(api_keys.c.digest == bindparam("digest")),
    "digest",
)
_ordered = select(*_COLUMNS).order_by(api_keys.c.created_at, api_keys.c.id)
_LIST = Query.of(_ordered)
_LIST_OWNER = Query.of(_ordered.where(api_keys.c.owner == bindparam("owner")), "owner")
_TOUCH = Query.of(
    update(api_keys)
    .where(api_keys.c.id == bindparam("key_id"))
    .where(or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < bindparam("at")))
    .values(last_used_at=bindparam("at"))
    .returning(api_keys.c.id),
    *("key_id", "at"),
)


class SQLApiKeys(Store):
    """API keys, as digests (`ApiKeyStore`, `ApiKeyAdmin`).

    Args:
        database: the database of the records.
        prefix: the beginning of new keys.
        clock: seconds since the epoch.
        entropy: makes the random bytes of keys.
    """

    _LOOKUPS = ("find_key",)

    def __init__(
        self,
        database: Database,
        *,
        prefix: str = "ak",
        clock: Callable[[], float] = now,
        entropy: Entropy = os.urandom,
    ) -> None:
        super().__init__(database)
        self._prefix = prefix
        self._clock = clock
        self._entropy = entropy

    def find_key(self, digest: str) -> ApiKeyRecord | None:
        """The key with that digest, or None. The key of a disabled owner counts as revoked."""
        return self._database.read(_FIND, (digest,), _found)

    def touch_key(self, key_id: str, at: float) -> None:
        """Note that the key was used at `at`."""
        return self._database.write(_TOUCH, (key_id, at), nothing)

    def create(
        self, owner: str, scopes: Iterable[str] = (), *, name: str = "", lifetime: Seconds | None = None
    ) -> tuple[str, ApiKeyRecord]:
        """A new key, shown only this once, and its record; see `authmw.stores.ApiKeyAdmin.create`."""
        key, record = self._make(owner, scopes, name=name, lifetime=lifetime)
        return self._database.run(_created, key, record)

    def list(self, owner: str | None = None) -> tuple[ApiKeyRecord, ...]:
        """The keys of `owner`, or all, oldest first."""
        if owner is None:
            return self._database.read(_LIST, (), every(_record))
        return self._database.read(_LIST_OWNER, (owner,), every(_record))

    @revokes("key")
    def revoke(self, key_id: str) -> ApiKeyRecord:
        """Refuse the key from now on."""
        return self._database.run(_revoked, key_id, self._clock())

    def rotate(self, key_id: str, *, overlap: Seconds = 0.0) -> tuple[str, ApiKeyRecord]:
        """A new key to replace one, which stays valid for `overlap` seconds."""
        return self._database.run(self._rotated, key_id, self._clock() + checked_overlap(overlap))

    def _rotated(self, key_id: str, ends: float) -> Operation[tuple[str, ApiKeyRecord]]:
        # The owner first, as a transaction that deletes the owner does it: otherwise each could wait for the other.
        owner = select(api_keys.c.owner).where(api_keys.c.id == key_id).scalar_subquery()
        yield select(users.c.id).where(users.c.id == owner).with_for_update(read=True)
        # This statement locks the row, so the values that it returns cannot change before the commit.
        locked = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        row = (yield locked.values(name=api_keys.c.name).returning(*_COLUMNS)).one_or_none()
        if row is None:
            raise NotFound(f"there is no API key {key_id!r}, or it is revoked")
        old = _record(row)
        key, record = self._make(old.owner, old.scopes, name=old.name, lifetime=None)
        record = replace(record, expires_at=old.expires_at)
        record = yield from _added(record)
        earlier = case((api_keys.c.expires_at < ends, api_keys.c.expires_at), else_=ends)
        yield update(api_keys).where(api_keys.c.id == key_id).values(expires_at=earlier)
        return key, record

    def _make(
        self, owner: str, scopes: Iterable[str], *, name: str, lifetime: Seconds | None
    ) -> tuple[str, ApiKeyRecord]:
        return make_api_key(
            owner,
            scopes,
            name=name,
            lifetime=lifetime,
            prefix=self._prefix,
            now=self._clock(),
            entropy=self._entropy,
        )


def _insert(record: ApiKeyRecord) -> Insert:
    return insert(api_keys).values({**asdict(record), "scopes": text(record.scopes)})


def _added(record: ApiKeyRecord) -> Operation[ApiKeyRecord]:
    record = replace(record, revoked_at=(yield from revoked_from_start(record.owner)))
    yield _insert(record)
    return record


def _created(key: str, record: ApiKeyRecord) -> Operation[tuple[str, ApiKeyRecord]]:
    return key, (yield from _added(record))


def _revoked(key_id: str, at: float) -> Operation[ApiKeyRecord]:
    revoked_at = func.coalesce(api_keys.c.revoked_at, at)
    statement = update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=revoked_at).returning(*_COLUMNS)
    row = (yield statement).one_or_none()
    if row is None:
        raise NotFound(f"there is no API key {key_id!r}")
    return _record(row)


def keys_of(owner: str) -> Operation[tuple[ApiKeyRecord, ...]]:
    """The keys of `owner`, oldest first, as part of a transaction."""
    return tuple(map(_record, (yield _ordered.where(api_keys.c.owner == owner))))


def _record(row: Row) -> ApiKeyRecord:
    key_id, digest, owner, scopes, *rest = row
    return ApiKeyRecord(key_id, digest, owner, frozenset(scopes.split()), *rest)


_found = first(_record)
