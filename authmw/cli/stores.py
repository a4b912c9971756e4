"""Stores of the database and of Redis, opened for one command.

The adapters are imported by name, when a command needs one: the core imports no adapter.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import click

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.stores.administration import ApiKeyAdmin, ClientAdmin, NotFound, TokenAdmin, UserAdmin
from authmw.stores.new_records import DIGEST_ALGORITHMS
from authmw.stores.ports import Answer, FamilyStore, RevocationStore, Throttle, TokenKeeper
from authmw.stores.records import User
from authmw.stores.session_ports import PendingStore, SessionStore
from authmw.stores.session_records import Pending

_SQLITE_FILE: Final = "sqlite:///"


class Users(UserAdmin, Protocol):
    """A store that manages and finds users."""

    def find(self, username: str, /) -> User | None:
        """The user of that name, or None."""
        ...


class Tokens(TokenAdmin, TokenKeeper, Protocol):
    """A store that manages and finds opaque tokens."""


class PendingMatters(PendingStore, Protocol):
    """A store that finds and deletes everything that is pending for a user."""

    def of_user(self, subject: str, /) -> Answer[tuple[Pending, ...]]:
        """Everything that is pending for a user."""
        ...

    def erase(self, subject: str, /) -> Answer[None]:
        """Delete what is pending for a user."""
        ...


class Place(Protocol):
    """The stores of tokens, logins, revocations and attempts, in the database or in Redis."""

    @property
    def tokens(self) -> Tokens:
        """Its opaque tokens."""
        ...

    @property
    def families(self) -> FamilyStore:
        """Its refresh families."""
        ...

    @property
    def sessions(self) -> SessionStore:
        """Its browser sessions."""
        ...

    @property
    def pending(self) -> PendingMatters:
        """What is pending for users."""
        ...

    @property
    def revocations(self) -> RevocationStore:
        """The revocations that running processes follow."""
        ...

    @property
    def throttle(self) -> Throttle:
        """Its limits of attempts, and what accounts are familiar with."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class Pruned(Protocol):
    """The progress of a pruning."""

    @property
    def table(self) -> str:
        """The table that was last deleted from."""
        ...

    @property
    def deleted(self) -> int:
        """How many records have been deleted so far."""
        ...

    @property
    def total(self) -> int:
        """How many records had expired at the start."""
        ...


class Database(Place, Protocol):
    """The stores of one database that the commands use."""

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
        """Delete expired records, and yield the progress. The first step deletes nothing and has the total."""
        ...


def open_stores(
    url: str, *, create: bool = False, digest_algorithms: tuple[DigestAlgorithm, ...] = DIGEST_ALGORITHMS
) -> Database:
    """The stores at `url`. They are closed when the command ends.

    Args:
        url: of the database.
        create: create a file of SQLite that does not exist yet.
        digest_algorithms: an HA1 is stored for each of these.

    Raises:
        click.ClickException: there is no such file, or SQLAlchemy is not installed.
    """
    if not create and (missing := _missing_file(url)) is not None:
        raise click.ClickException(
            f"there is no database {missing.name} in {missing.absolute().parent}: go to the folder of the program, "
            "name the database with --database or AUTHMW_DATABASE, or create it with `authmw users create`"
        )
    stores: Database = sql_adapter().SQLStores(url, digest_algorithms=digest_algorithms)
    click.get_current_context().call_on_close(stores.close)
    return stores


def redis_stores(redis: str | None) -> tuple[Place, ...]:
    """The stores in the Redis at that URL, closed when the command ends; empty without a URL."""
    if redis is None:
        return ()
    stores: Place = _adapter("authmw_redis", "Redis needs its client", "redis").RedisStores(redis)
    click.get_current_context().call_on_close(stores.close)
    return (stores,)


def sql_adapter() -> Any:
    """The package ``authmw_sqlalchemy``.

    Raises:
        click.ClickException: SQLAlchemy is not installed; the message says how to install it.
    """
    return _adapter("authmw_sqlalchemy", "a database needs SQLAlchemy", "sql")


def _adapter(name: str, need: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise click.ClickException(f'{need}: pip install "authmw[{extra}]"') from None


def existing(users: Users, username: str) -> User:
    """The user of that name. Raises `NotFound`."""
    user = users.find(username)
    if user is None:
        raise NotFound(f"there is no user {username!r}")
    return user


def granted(user: User, asked: Iterable[str]) -> list[str]:
    """The scopes `asked` for, or all scopes of the user.

    Raises:
        click.ClickException: the user does not have one of them.
    """
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
