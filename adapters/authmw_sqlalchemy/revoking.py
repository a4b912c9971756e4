"""Operations that end all that a user or a client was issued, as part of the transaction that disables it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, update

from authmw.stores.records import Revocation
from authmw_sqlalchemy.families import ended_where
from authmw_sqlalchemy.revocations import published
from authmw_sqlalchemy.sessions import sessions_ended_where
from authmw_sqlalchemy.statements import Operation
from authmw_sqlalchemy.tables import pending, refresh_families, sessions, tokens


def user_ended(user_id: str, at: float) -> Operation[None]:
    """End the families, opaque tokens and sessions that a user was issued until `at`, and publish the revocations.

    What is pending for the user is deleted: a link to a new password is worth nothing once there is one.
    """
    ended = yield from sessions_ended_where(sessions.c.subject == user_id, at)
    yield delete(pending).where(pending.c.subject == user_id)
    yield from _ended(
        Revocation.of_user(user_id, at),
        refresh_families.c.subject == user_id,
        tokens.c.subject == user_id,
        *(Revocation.of_family(session.id, at) for session in ended),
    )


def client_ended(client_id: str, at: float) -> Operation[None]:
    """Revoke the families and opaque tokens that a client was issued until `at`, and publish the revocations."""
    yield from _ended(
        Revocation.of_client(client_id, at),
        refresh_families.c.client_id == client_id,
        tokens.c.client_id == client_id,
    )


def _ended(
    revocation: Revocation, families: ColumnElement[bool], issued: ColumnElement[bool], *others: Revocation
) -> Operation[None]:
    at = revocation.at
    ended = yield from ended_where(families, at)
    yield update(tokens).where(issued, tokens.c.revoked_at.is_(None)).values(revoked_at=at)
    yield from published(revocation, *(Revocation.of_family(family.id, at) for family in ended), *others)
