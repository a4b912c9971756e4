"""Operation that collects everything that a database keeps about a user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from authmw.stores.personal_data import document_of
from authmw.stores.records import User
from authmw.stores.throttling import account_key
from authmw_sqlalchemy.base import as_key
from authmw_sqlalchemy.families import families_of
from authmw_sqlalchemy.keys import keys_of
from authmw_sqlalchemy.pending import pending_of
from authmw_sqlalchemy.revocations import revocations_of
from authmw_sqlalchemy.sessions import sessions_of
from authmw_sqlalchemy.statements import Operation
from authmw_sqlalchemy.tables import familiar_sources, user_digests, users
from authmw_sqlalchemy.tokens import tokens_of


def user_exported(user: User, now: float) -> Operation[dict[str, Any]]:
    """The document of `user`, read in one transaction."""
    times: Any = (yield select(users.c.created_at, users.c.disabled_at).where(users.c.id == user.id)).one()
    digests = yield select(user_digests.c.realm, user_digests.c.algorithm).where(user_digests.c.user_id == user.id)
    digested: Sequence[Any] = digests.all()
    account = as_key(account_key(user.username))
    known = yield select(familiar_sources.c.expires_at).where(familiar_sources.c.account == account)
    return document_of(
        user,
        created_at=times.created_at,
        disabled_at=times.disabled_at,
        digests=[(each.realm, each.algorithm) for each in digested],
        keys=(yield from keys_of(user.id)),
        tokens=(yield from tokens_of(user.id)),
        families=(yield from families_of(user.id)),
        browser_sessions=(yield from sessions_of(user.id)),
        pending=(yield from pending_of(user.id)),
        revocations=(yield from revocations_of(user.id, now)),
        familiar_until=known.scalars().all(),
    )
