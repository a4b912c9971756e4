"""Caller of an explanation: a user with the scopes that the application's own store has, or with given ones."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import nullcontext
from typing import Any, cast

import click

from authmw.cli.stores import existing, open_stores
from authmw.engine.routes.frameworks import guards_of
from authmw.identity.principal import Principal
from authmw.identity.usernames import canonical_username
from authmw.stores.records import User
from authmw.verifiers.accounts import checked_user, principal_of

_SOMEBODY = "somebody"


def caller(app: object, name: str | None, scopes: tuple[str, ...], database: str) -> Principal | None:
    """The caller; None for one without credentials.

    Args:
        app: the application, whose store of users is asked. One that has none leaves it to `database`.
        name: the name of the user.
        scopes: the scopes of the caller, in place of those in a store.
        database: the URL of the database of the other commands.

    Raises:
        click.ClickException: there is no such user, or the user is disabled.
    """
    if scopes:
        return Principal(name or _SOMEBODY, scopes=scopes)
    if name is None:
        return None
    user = _user_of(app, name, database)
    if user.disabled:
        raise click.ClickException(f"{name!r} is disabled, so every credential of the user is refused")
    return principal_of(user, "")


def _user_of(app: object, name: str, database: str) -> User:
    stores = list(_stores_of(app))
    if not stores:
        return existing(open_stores(database).users, name)
    found = [checked_user(_find(users, guard, name)) for users, guard in stores]
    user = next((each for each in found if each is not None), None)
    if user is None:
        raise click.ClickException(f"the application's store has no user {name!r}: give scopes by --scope instead")
    return user


def _stores_of(app: object) -> Iterator[tuple[Any, Any]]:
    """The stores of users that verifiers of the application ask, each with what surrounds its calls."""
    for placed in guards_of(app):
        for scheme in placed.settings.auth.schemes:
            users: object = getattr(scheme.verifier, "users", None)
            if callable(getattr(users, "find", None)):
                yield users, getattr(app, "app_context", None)


def _find(users: Any, around: Any, name: str) -> object:
    """The answer of a store, ``def`` or ``async def``."""
    try:
        with nullcontext() if around is None else around():
            answer: object = users.find(canonical_username(name) or name)
            if isinstance(answer, Awaitable):
                import asyncio

                return asyncio.run(_awaited(cast("Awaitable[object]", answer)))
            return answer
    except Exception as error:  # its text may have parameters
        raise click.ClickException(
            f"{type(users).__name__}.find raised {type(error).__name__}: give scopes by --scope instead"
        ) from error


async def _awaited(answer: Awaitable[object]) -> object:
    return await answer
