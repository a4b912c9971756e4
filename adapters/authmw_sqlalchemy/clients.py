"""OAuth clients in SQL."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from authmw.crypto.opaque_tokens import Entropy
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds
from authmw.identity.scopes import checked_scopes
from authmw.stores.administration import AlreadyExists, NotFound
from authmw.stores.new_records import make_client, make_secret
from authmw.stores.records import Client, ClientAuthMethod, ClientSecret
from authmw.stores.told_changes import revokes
from authmw_sqlalchemy.base import Store, listed, text, unlisted
from authmw_sqlalchemy.retired import retired_at
from authmw_sqlalchemy.revoking import client_ended
from authmw_sqlalchemy.statements import Database, Exclusive, Operation, Query, Row, every, first
from authmw_sqlalchemy.tables import clients, users

_COLUMNS = tuple(clients.c)
_FIND = Query.of(select(*_COLUMNS).where(clients.c.id == bindparam("id")), "id")
_LIST = Query.of(select(*_COLUMNS).order_by(clients.c.id))


class SQLClients(Store):
    """OAuth clients, their secrets as digests (`ClientStore`, `ClientAdmin`).

    Args:
        database: the database of the records.
        clock: seconds since the epoch.
        entropy: makes the random bytes of ids and secrets.
    """

    _LOOKUPS = ("find_client",)

    def __init__(self, database: Database, *, clock: Callable[[], float] = now, entropy: Entropy = os.urandom) -> None:
        super().__init__(database)
        self._clock = clock
        self._entropy = entropy

    def find_client(self, client_id: str) -> Client | None:
        """The client with that id, or None."""
        return self._database.read(_FIND, (client_id,), first(_client))

    def create(
        self,
        id: str | None = None,
        *,
        name: str = "",
        auth_method: ClientAuthMethod = "client_secret_basic",
        jwks: Mapping[str, Any] | None = None,
        grant_types: Iterable[str] = ("client_credentials",),
        scopes: Iterable[str] = (),
        audiences: Iterable[str] = (),
    ) -> tuple[str | None, Client]:
        """A new client, and its secret, shown only this once; see `authmw.stores.ClientAdmin.create`."""
        secret, client = make_client(
            id,
            name=name,
            auth_method=auth_method,
            jwks=jwks,
            grant_types=grant_types,
            scopes=scopes,
            audiences=audiences,
            now=self._clock(),
            entropy=self._entropy,
        )
        return self._database.run(_created, secret, client)

    def list(self) -> tuple[Client, ...]:
        """Every client, by id."""
        return self._database.read(_LIST, (), every(_client))

    @revokes("client")
    def disable(self, client_id: str) -> Client:
        """Refuse the client and its tokens from now on, and end all its families."""
        return self._database.run(self._disabled, client_id)

    def enable(self, client_id: str) -> Client:
        """Undo `disable`. Earlier tokens and families stay revoked."""
        return self._database.run(_changed, client_id, {"disabled_at": None})

    def set_scopes(self, client_id: str, scopes: Iterable[str]) -> Client:
        """Replace the scopes that it may be granted."""
        return self._database.run(_changed, client_id, {"scopes": text(checked_scopes(scopes))})

    def rotate_secret(self, client_id: str, *, overlap: Seconds = 0.0) -> tuple[str, Client]:
        """A new secret, shown only this once. The older ones stay valid for `overlap` seconds."""
        return self._database.run(self._renewed, client_id, overlap)

    def _disabled(self, client_id: str) -> Operation[Client]:
        at = self._clock()
        client = yield from _changed(client_id, {"disabled_at": func.coalesce(clients.c.disabled_at, at)})
        yield from client_ended(client_id, at)
        return client

    def _renewed(self, client_id: str, overlap: Seconds) -> Operation[tuple[str, Client]]:
        # The first statement locks the row, so the values that it returns cannot change before the commit.
        client = yield from _changed(client_id, {"name": clients.c.name})
        secret, renewed = make_secret(client, overlap=overlap, now=self._clock(), entropy=self._entropy)
        yield update(clients).where(clients.c.id == client_id).values(secrets=_secrets(renewed))
        return secret, renewed


def _created(secret: str | None, client: Client) -> Operation[tuple[str | None, Client]]:
    taken = AlreadyExists(f"there is a client or a user with the id {client.id!r} already")
    yield Exclusive(users)
    try:
        yield insert(clients).values(
            id=client.id,
            name=client.name,
            auth_method=client.auth_method,
            secrets=_secrets(client),
            jwks=None if client.jwks is None else json.dumps(dict(client.jwks)),
            grant_types=text(client.grant_types),
            scopes=text(client.scopes),
            audiences=listed(client.audiences),
            created_at=client.created_at,
        )
    except IntegrityError:
        raise taken from None
    if (yield select(users.c.id).where(users.c.id == client.id)).first() is not None:
        raise taken
    if (yield from retired_at(client.id)) is not None:
        raise AlreadyExists(f"the id {client.id!r} was that of a user who was deleted: choose another one")
    return secret, client


def _changed(client_id: str, values: Mapping[str, object]) -> Operation[Client]:
    changed = yield update(clients).where(clients.c.id == client_id).values(values).returning(*_COLUMNS)
    row = changed.one_or_none()
    if row is None:
        raise NotFound(f"there is no client {client_id!r}")
    return _client(row)


def _secrets(client: Client) -> str:
    return json.dumps([[secret.digest, secret.expires_at] for secret in client.secrets])


def _client(row: Row) -> Client:
    id, name, auth_method, secrets, jwks, grant_types, scopes, audiences, disabled_at, created_at = row
    return Client(
        id,
        name,
        auth_method,
        tuple(ClientSecret(digest, expires_at) for digest, expires_at in json.loads(secrets)),
        None if jwks is None else json.loads(jwks),
        frozenset(grant_types.split()),
        frozenset(scopes.split()),
        unlisted(audiences),
        disabled_at is not None,
        created_at,
    )
