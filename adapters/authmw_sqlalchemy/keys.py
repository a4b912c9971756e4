"""API keys in SQL."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, insert, or_, select, update

from authmw.administration import NotFound
from authmw.enrolment import make_api_key
from authmw.flow import nonblocking
from authmw.ports import ApiKeyRecord
from authmw.tokens import Entropy
from authmw_sqlalchemy.database import Database, compiled
from authmw_sqlalchemy.tables import api_keys, users

_COLUMNS = tuple(api_keys.c)
# A key of a disabled user counts as revoked.
_FIND = compiled(
    select(
        *(column for column in api_keys.c if column.name not in ("revoked_at", "last_used_at")),
        func.coalesce(api_keys.c.revoked_at, users.c.disabled_at),
        api_keys.c.last_used_at,
    )
    .join_from(api_keys, users, users.c.id == api_keys.c.owner, isouter=True)
    .where(api_keys.c.digest == bindparam("digest"))
)


class SQLApiKeys:
    """API keys, as digests (`ApiKeyStore`, `ApiKeyAdmin`).

    Args:
        database: where they are kept.
        prefix: what new keys begin with.
        clock: seconds since the epoch.
        entropy: where the randomness of keys comes from.
    """

    def __init__(
        self,
        database: Database,
        *,
        prefix: str = "ak",
        clock: Callable[[], float] = time.time,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._database = database
        self._prefix = prefix
        self._clock = clock
        self._entropy = entropy

    @nonblocking
    def find_key(self, digest: str) -> ApiKeyRecord | None:
        """The key with that digest, or None. Of a disabled owner it counts as revoked."""
        row = self._database.row(_FIND, digest)
        return None if row is None else _record(row)

    def touch_key(self, key_id: str, at: float) -> None:
        """Note that the key was used at `at`."""
        older = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < at)
        with self._database.begin() as connection:
            connection.execute(update(api_keys).where(api_keys.c.id == key_id, older).values(last_used_at=at))

    def create(
        self, owner: str, scopes: Iterable[str] = (), *, name: str = "", lifetime: float | None = None
    ) -> tuple[str, ApiKeyRecord]:
        """A new key, told this once, and its record; see `authmw.administration.ApiKeyAdmin.create`."""
        key, record = self._make(owner, scopes, name=name, lifetime=lifetime)
        with self._database.begin() as connection:
            _insert(connection, record)
        return key, record

    def list(self, owner: str | None = None) -> tuple[ApiKeyRecord, ...]:
        """The keys of `owner`, or all, oldest first."""
        statement = select(*_COLUMNS).order_by(api_keys.c.created_at, api_keys.c.id)
        if owner is not None:
            statement = statement.where(api_keys.c.owner == owner)
        return tuple(map(_record, self._database.rows(statement)))

    def revoke(self, key_id: str) -> ApiKeyRecord:
        """Refuse the key from now on."""
        revoked_at = func.coalesce(api_keys.c.revoked_at, self._clock())
        statement = update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=revoked_at).returning(*_COLUMNS)
        with self._database.begin() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            raise NotFound(f"there is no API key {key_id!r}")
        return _record(row)

    def rotate(self, key_id: str, *, overlap: float = 0.0) -> tuple[str, ApiKeyRecord]:
        """A new key in the place of one that goes on for `overlap` seconds."""
        ends = self._clock() + max(overlap, 0.0)
        with self._database.begin() as connection:
            # The first statement takes the write lock; what it finds stays true until the commit.
            locked = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            row = connection.execute(locked.values(name=api_keys.c.name).returning(*_COLUMNS)).one_or_none()
            if row is None:
                raise NotFound(f"there is no API key {key_id!r}, or it is revoked")
            old = _record(row)
            key, record = self._make(old.owner, old.scopes, name=old.name, lifetime=None)
            record = replace(record, expires_at=old.expires_at)
            _insert(connection, record)
            earlier = case((api_keys.c.expires_at < ends, api_keys.c.expires_at), else_=ends)
            connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(expires_at=earlier))
        return key, record

    def _make(
        self, owner: str, scopes: Iterable[str], *, name: str, lifetime: float | None
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


def _insert(connection: Connection, record: ApiKeyRecord) -> None:
    connection.execute(insert(api_keys).values({**asdict(record), "scopes": " ".join(sorted(record.scopes))}))


def _record(row: Sequence[Any]) -> ApiKeyRecord:
    key_id, digest, owner, scopes, *rest = row
    return ApiKeyRecord(key_id, digest, owner, frozenset(scopes.split()), *rest)
