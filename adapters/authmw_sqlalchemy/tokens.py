"""Opaque access tokens in SQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace

from sqlalchemy import bindparam, func, insert, select, update

from authmw.crypto.opaque_tokens import Entropy
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds
from authmw.identity.principal import PrincipalKind
from authmw.stores.administration import NotFound
from authmw.stores.new_records import make_token
from authmw.stores.records import TokenRecord
from authmw.stores.told_changes import revokes
from authmw_sqlalchemy.base import Store, listed, text, unlisted
from authmw_sqlalchemy.retired import revoked_from_start
from authmw_sqlalchemy.statements import Database, Operation, Query, Row, every, first, nothing
from authmw_sqlalchemy.tables import clients, tokens, users

_COLUMNS = tuple(tokens.c)
# A token of a disabled user or client counts as revoked.
_revoked_at = func.coalesce(tokens.c.revoked_at, users.c.disabled_at, clients.c.disabled_at)
_FIND = Query.of(
    select(*(column if column is not tokens.c.revoked_at else _revoked_at for column in _COLUMNS))
    .join_from(tokens, users, users.c.id == tokens.c.subject, isouter=True)
    .join(clients, clients.c.id == func.coalesce(tokens.c.client_id, tokens.c.subject), isouter=True)
    .where(tokens.c.digest == bindparam("digest")),
    "digest",
)
_ordered = select(*_COLUMNS).order_by(tokens.c.created_at, tokens.c.id)
_LIST = Query.of(_ordered)
_LIST_SUBJECT = Query.of(_ordered.where(tokens.c.subject == bindparam("subject")), "subject")


def _revoke(column: str) -> Query:
    """The query that revokes, as of a given time, the unrevoked tokens whose `column` has a given value."""
    return Query.of(
        update(tokens)
        .where(tokens.c[column] == bindparam("value"), tokens.c.revoked_at.is_(None))
        .values(revoked_at=bindparam("at"))
        .returning(tokens.c.id),
        *("value", "at"),
    )


_REVOKE = _revoke("digest")
_REVOKE_FAMILY = _revoke("family_id")
_REVOKE_SUBJECT = _revoke("subject")
_REVOKE_CLIENT = _revoke("client_id")


class SQLTokens(Store):
    """Opaque access tokens, as digests (`TokenKeeper`, `TokenAdmin`).

    Args:
        database: the database of the records.
        prefix: the beginning of new tokens.
        clock: seconds since the epoch.
        entropy: makes the random bytes of tokens.
    """

    _LOOKUPS = ("find_token",)

    def __init__(
        self,
        database: Database,
        *,
        prefix: str = "at",
        clock: Callable[[], float] = now,
        entropy: Entropy = os.urandom,
    ) -> None:
        super().__init__(database)
        self._prefix = prefix
        self._clock = clock
        self._entropy = entropy

    def find_token(self, digest: str) -> TokenRecord | None:
        """The token with that digest, or None. The token of a disabled user or client counts as revoked."""
        return self._database.read(_FIND, (digest,), _found)

    def add_token(self, record: TokenRecord) -> None:
        """Store a new token."""
        return self._database.run(_added, record)

    def revoke_token(self, digest: str, at: float) -> bool:
        """Refuse the token with that digest from now on. Returns whether this changed anything."""
        return self._database.write(_REVOKE, (digest, at), bool)

    def revoke_family_tokens(self, family_id: str, at: float) -> None:
        """Refuse all tokens of a family from now on."""
        return self._database.write(_REVOKE_FAMILY, (family_id, at), nothing)

    def revoke_subject_tokens(self, subject: str, at: float) -> None:
        """Refuse all tokens of a subject from now on."""
        return self._database.write(_REVOKE_SUBJECT, (subject, at), nothing)

    def revoke_client_tokens(self, client_id: str, at: float) -> None:
        """Refuse all tokens of a client from now on."""
        return self._database.write(_REVOKE_CLIENT, (client_id, at), nothing)

    def create(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        *,
        lifetime: Seconds = 3600.0,
        kind: PrincipalKind = "user",
        client_id: str | None = None,
    ) -> tuple[str, TokenRecord]:
        """A new token, shown only this once, and its record; see `authmw.stores.TokenAdmin.create`."""
        token, record = make_token(
            subject,
            scopes,
            lifetime=lifetime,
            kind=kind,
            client_id=client_id,
            prefix=self._prefix,
            now=self._clock(),
            entropy=self._entropy,
        )
        return self._database.run(_created, token, record)

    def list(self, subject: str | None = None) -> tuple[TokenRecord, ...]:
        """The tokens of `subject`, or all, oldest first."""
        if subject is None:
            return self._database.read(_LIST, (), every(_record))
        return self._database.read(_LIST_SUBJECT, (subject,), every(_record))

    @revokes("token")
    def revoke(self, token_id: str) -> TokenRecord:
        """Refuse the token from now on."""
        return self._database.run(_revoked, token_id, self._clock())


def _added(record: TokenRecord) -> Operation[None]:
    kept = {**asdict(record), "scopes": text(record.scopes), "audience": listed(record.audience)}
    yield insert(tokens).values(kept)
    if record.family_id is None:
        # As for a family: a transaction that disables the client does not see this token, so this one waits for it.
        yield select(clients.c.id).where(clients.c.id == record.client_id).with_for_update(read=True)


def _created(token: str, record: TokenRecord) -> Operation[tuple[str, TokenRecord]]:
    record = replace(record, revoked_at=(yield from revoked_from_start(record.subject)))
    yield from _added(record)
    return token, record


def _revoked(token_id: str, at: float) -> Operation[TokenRecord]:
    revoked_at = func.coalesce(tokens.c.revoked_at, at)
    statement = update(tokens).where(tokens.c.id == token_id).values(revoked_at=revoked_at).returning(*_COLUMNS)
    row = (yield statement).one_or_none()
    if row is None:
        raise NotFound(f"there is no token {token_id!r}")
    return _record(row)


def tokens_of(subject: str) -> Operation[tuple[TokenRecord, ...]]:
    """The tokens of `subject`, oldest first, as part of a transaction."""
    return tuple(map(_record, (yield _ordered.where(tokens.c.subject == subject))))


def _record(row: Row) -> TokenRecord:
    token_id, digest, subject, expires_at, scopes, kind, client_id, created_at, revoked_at, audience, family_id = row
    return TokenRecord(
        token_id,
        digest,
        subject,
        expires_at,
        frozenset(scopes.split()),
        kind,
        client_id,
        created_at,
        revoked_at,
        unlisted(audience),
        family_id,
    )


_found = first(_record)
