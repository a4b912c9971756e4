"""Opening the database. Its adapter is loaded by name, once a command needs it: the core imports no adapter."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import click

from authmw.stores.administration import ApiKeyAdmin, ClientAdmin, NotFound, TokenAdmin, UserAdmin
from authmw.stores.ports import FamilyStore, RevocationStore, TokenKeeper
from authmw.stores.records import User

_SQLITE_FILE: Final = "sqlite:///"


class Users(UserAdmin, Protocol):
    """Users, to be managed and to be found."""

    def find(self, username: str, /) -> User | None:
        """The user of that name, or None."""
        ...


class Tokens(TokenAdmin, TokenKeeper, Protocol):
    """Opaque tokens, to be managed and to be found."""


class Place(Protocol):
    """Where tokens and refresh families are, and what processes tell each other about them."""

    @property
    def tokens(self) -> Tokens:
        """Its opaque tokens."""
        ...

    @property
    def families(self) -> FamilyStore:
        """Its refresh families."""
        ...

    @property
    def revocations(self) -> RevocationStore:
        """What running processes follow."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class Pruned(Protocol):
    """How far a pruning has come."""

    @property
    def table(self) -> str:
        """What was deleted from last."""
        ...

    @property
    def deleted(self) -> int:
        """How many records were deleted so far."""
        ...

    @property
    def total(self) -> int:
        """How many there were to delete in the beginning."""
        ...


class Database(Place, Protocol):
    """The stores of one database, as far as the commands need them."""

    @property
    def users(self) -> Users:
        """Its users."""
        ...

    @property
    def keys(self) -> ApiKeyAdmin:
        """Its API keys."""
        ...

    @property
    def clients(self) -> ClientAdmin:
        """Its OAuth clients."""
        ...

    def prune(self, *, batch: int) -> Iterator[Pruned]:
        """Delete what has expired; how far that is, the total first."""
        ...


def open_stores(url: str, *, create: bool = False) -> Database:
    """The stores at `url`, until the command ends. A file of SQLite is made only to `create` something in it."""
    if not create and (missing := _missing_file(url)) is not None:
        raise click.ClickException(
            f"there is no database {missing}: name it with --database or AUTHMW_DATABASE, "
            "or begin it with `authmw users create`"
        )
    stores: Database = sql_adapter().SQLStores(url)
    click.get_current_context().call_on_close(stores.close)
    return stores


def elsewhere(redis: str | None) -> tuple[Place, ...]:
    """The stores in the Redis at that URL, until the command ends; none where there is no URL."""
    if redis is None:
        return ()
    stores: Place = _adapter("authmw_redis", "Redis needs its client", "redis").RedisStores(redis)
    click.get_current_context().call_on_close(stores.close)
    return (stores,)


def sql_adapter() -> Any:
    """The package ``authmw_sqlalchemy``, or the sentence that says how to install what it needs."""
    return _adapter("authmw_sqlalchemy", "a database needs SQLAlchemy", "sql")


def _adapter(name: str, need: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise click.ClickException(f'{need}: pip install "authmw[{extra}]"') from None


def existing(users: Users, username: str) -> User:
    """The user of that name, or `NotFound`."""
    user = users.find(username)
    if user is None:
        raise NotFound(f"there is no user {username!r}")
    return user


def granted(user: User, asked: Iterable[str]) -> list[str]:
    """The scopes `asked` for, or all of the user's; none that the user does not have."""
    asked = frozenset(asked)
    missing = sorted(asked - user.scopes)
    if missing:
        raise click.ClickException(
            f"{user.username!r} does not have {' '.join(missing)}: see `authmw users set-scopes`"
        )
    return sorted(asked or user.scopes)


def _missing_file(url: str) -> Path | None:
    name = url.removeprefix(_SQLITE_FILE).partition("?")[0]
    if not url.startswith(_SQLITE_FILE) or name in ("", ":memory:") or name.startswith("file:"):
        return None
    path = Path(name)
    return None if path.exists() else path
