"""Operations that revoke all that a user or a client was issued, as part of the transaction that disables it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, update

from authmw.stores.records import Revocation
from authmw_sqlalchemy.families import ended_where
from authmw_sqlalchemy.revocations import published
from authmw_sqlalchemy.statements import Operation
from authmw_sqlalchemy.tables import refresh_families, tokens


def user_ended(user_id: str, at: float) -> Operation[None]:
    """Revoke the families and opaque tokens that a user was issued until `at`, and publish the revocations."""
    yield from _ended(
        Revocation.of_user(user_id, at), refresh_families.c.subject == user_id, tokens.c.subject == user_id
    )


def client_ended(client_id: str, at: float) -> Operation[None]:
    """Revoke the families and opaque tokens that a client was issued until `at`, and publish the revocations."""
    yield from _ended(
        Revocation.of_client(client_id, at),
        refresh_families.c.client_id == client_id,
        tokens.c.client_id == client_id,
    )


def _ended(revocation: Revocation, families: ColumnElement[bool], issued: ColumnElement[bool]) -> Operation[None]:
    at = revocation.at
    ended = yield from ended_where(families, at)
    yield update(tokens).where(issued, tokens.c.revoked_at.is_(None)).values(revoked_at=at)
    yield from published(revocation, *(Revocation.of_family(family.id, at) for family in ended))
