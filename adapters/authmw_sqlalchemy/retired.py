"""Ids of deleted users: none of them is given again, so that no id ever comes to mean another person."""

from __future__ import annotations

from sqlalchemy import insert, select

from authmw.crypto.opaque_tokens import token_digest
from authmw_sqlalchemy.statements import Operation
from authmw_sqlalchemy.tables import retired_ids, users


def retired(id: str, at: float) -> Operation[None]:
    """Retire the id of a user, as part of the transaction that deletes the user."""
    yield insert(retired_ids).values(digest=token_digest(id), retired_at=at)


def retired_at(id: str) -> Operation[float | None]:
    """When the user with that id was deleted; None if there was no such user."""
    found = yield select(retired_ids.c.retired_at).where(retired_ids.c.digest == token_digest(id))
    return found.scalar_one_or_none()


def revoked_from_start(owner: str) -> Operation[float | None]:
    """The end of what is being issued to `owner`: when that user was deleted, or None.

    A transaction that deletes a user first locks the row, and does not see what is being issued. So this one waits here
    until that one has committed.
    """
    yield select(users.c.id).where(users.c.id == owner).with_for_update(read=True)
    return (yield from retired_at(owner))
