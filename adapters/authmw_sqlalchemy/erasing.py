"""Operations that erase what is kept about a user, or give it another user name."""

from __future__ import annotations

from sqlalchemy import delete, update

from authmw.stores.records import Revocation
from authmw.stores.throttling import account_key
from authmw_sqlalchemy.base import as_key
from authmw_sqlalchemy.families import ended_where
from authmw_sqlalchemy.retired import retired
from authmw_sqlalchemy.revocations import published
from authmw_sqlalchemy.sessions import sessions_ended_where
from authmw_sqlalchemy.statements import Operation
from authmw_sqlalchemy.tables import (
    api_keys,
    familiar_sources,
    pending,
    refresh_families,
    sessions,
    tokens,
    user_digests,
)


def user_erased(user_id: str, username: str, at: float) -> Operation[None]:
    """Delete what is kept about a user besides the row itself, retire the id, and publish the revocations."""
    yield from retired(user_id, at)
    families = yield from ended_where(refresh_families.c.subject == user_id, at)
    browsers = yield from sessions_ended_where(sessions.c.subject == user_id, at)
    yield delete(refresh_families).where(refresh_families.c.subject == user_id)
    yield delete(sessions).where(sessions.c.subject == user_id)
    yield delete(pending).where(pending.c.subject == user_id)
    yield delete(tokens).where(tokens.c.subject == user_id)
    yield delete(api_keys).where(api_keys.c.owner == user_id)
    yield from _forgotten(user_id, username)
    ended = [*(family.id for family in families), *(session.id for session in browsers)]
    yield from published(Revocation.of_user(user_id, at), *(Revocation.of_family(id, at) for id in ended))


def user_renamed(user_id: str, old: str, new: str) -> Operation[None]:
    """Give the families of a user the new name, and delete what was made with the old one."""
    yield update(refresh_families).where(refresh_families.c.subject == user_id).values(username=new)
    yield from _forgotten(user_id, old)


def _forgotten(user_id: str, username: str) -> Operation[None]:
    """Delete the HA1s of a user, which are digests of the name too, and the sources that the name is familiar with."""
    yield delete(user_digests).where(user_digests.c.user_id == user_id)
    yield delete(familiar_sources).where(familiar_sources.c.account == as_key(account_key(username)))
