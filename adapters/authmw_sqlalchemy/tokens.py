"""Opaque access tokens in SQL."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from authmw.administration import NotFound
from authmw.enrolment import make_token
from authmw.flow import nonblocking
from authmw.ports import TokenRecord
from authmw.principal import PrincipalKind
from authmw.tokens import Entropy
from authmw_sqlalchemy.database import Database, compiled
from authmw_sqlalchemy.tables import tokens, users

_COLUMNS = tuple(tokens.c)
# A token of a disabled user counts as revoked.
_FIND = compiled(
    select(
        *(column for column in tokens.c if column.name != "revoked_at"),
        func.coalesce(tokens.c.revoked_at, users.c.disabled_at),
    )
    .join_from(tokens, users, users.c.id == tokens.c.subject, isouter=True)
    .where(tokens.c.digest == bindparam("digest"))
)


class SQLTokens:
    """Opaque access tokens, as digests (`TokenStore`, `TokenAdmin`).

    Args:
        database: where they are kept.
        prefix: what new tokens begin with.
        clock: seconds since the epoch.
        entropy: where the randomness of tokens comes from.
    """

    def __init__(
        self,
        database: Database,
        *,
        prefix: str = "at",
        clock: Callable[[], float] = time.time,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._database = database
        self._prefix = prefix
        self._clock = clock
        self._entropy = entropy

    @nonblocking
    def find_token(self, digest: str) -> TokenRecord | None:
        """The token with that digest, or None. Of a disabled user it counts as revoked."""
        row = self._database.row(_FIND, digest)
        return None if row is None else _record(row)

    def create(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        *,
        lifetime: float = 3600.0,
        kind: PrincipalKind = "user",
        client_id: str | None = None,
    ) -> tuple[str, TokenRecord]:
        """A new token, told this once, and its record; see `authmw.administration.TokenAdmin.create`."""
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
        with self._database.begin() as connection:
            connection.execute(insert(tokens).values({**asdict(record), "scopes": " ".join(sorted(record.scopes))}))
        return token, record

    def list(self, subject: str | None = None) -> tuple[TokenRecord, ...]:
        """The tokens of `subject`, or all, oldest first."""
        statement = select(*_COLUMNS).order_by(tokens.c.created_at, tokens.c.id)
        if subject is not None:
            statement = statement.where(tokens.c.subject == subject)
        return tuple(map(_record, self._database.rows(statement)))

    def revoke(self, token_id: str) -> TokenRecord:
        """Refuse the token from now on."""
        revoked_at = func.coalesce(tokens.c.revoked_at, self._clock())
        statement = update(tokens).where(tokens.c.id == token_id).values(revoked_at=revoked_at).returning(*_COLUMNS)
        with self._database.begin() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            raise NotFound(f"there is no token {token_id!r}")
        return _record(row)


def _record(row: Sequence[Any]) -> TokenRecord:
    token_id, digest, subject, expires_at, scopes, *rest = row
    return TokenRecord(token_id, digest, subject, expires_at, frozenset(scopes.split()), *rest)
