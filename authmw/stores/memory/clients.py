"""In-memory store of OAuth clients."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from authmw.crypto.opaque_tokens import Entropy
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds
from authmw.identity.scopes import checked_scopes
from authmw.stores.administration import AlreadyExists, NotFound
from authmw.stores.memory.subjects import Subjects
from authmw.stores.new_records import make_client, make_secret
from authmw.stores.records import Client, ClientAuthMethod
from authmw.stores.told_changes import revokes


@CallMode.NONBLOCKING
class MemoryClients:
    """OAuth clients in memory (`ClientStore`), their secrets as digests.

    Args:
        subjects: the ids that are taken already; revokes tokens and sessions when a client is disabled.
        clock: seconds since the epoch.
        entropy: makes random bytes.

    >>> clients = MemoryClients()
    >>> secret, client = clients.create("shop", scopes=["orders:read"])
    >>> client.id, secret.startswith("cs_")
    ('shop', True)
    """

    def __init__(
        self,
        subjects: Subjects | None = None,
        *,
        clock: Callable[[], float] = now,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._subjects = subjects or Subjects()
        self._clock = clock
        self._entropy = entropy
        self._by_id: dict[str, Client] = {}
        self._lock = threading.Lock()

    def find_client(self, client_id: str) -> Client | None:
        """The client with that id, or None."""
        return self._by_id.get(client_id)

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
        """A new client and its secret, shown only now; see `authmw.stores.ClientAdmin.create`."""
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
        if not self._subjects.take(client.id):
            raise AlreadyExists(f"there is a client or a user with the id {client.id!r} already")
        with self._lock:
            self._by_id[client.id] = client
        return secret, client

    def list(self) -> tuple[Client, ...]:
        """Every client, by id."""
        with self._lock:
            return tuple(self._by_id[id] for id in sorted(self._by_id))

    @revokes("client")
    def disable(self, client_id: str) -> Client:
        """Refuse the client and its tokens from now on. Ends its families."""
        with self._lock:
            client = self._change(client_id, disabled=True)
            at = self._clock()
            self._subjects.disabled_since.setdefault(client.id, at)
            self._subjects.end_client(client.id, at)
            return client

    def enable(self, client_id: str) -> Client:
        """Undo `disable`, except that its tokens and families stay refused."""
        with self._lock:
            client = self._change(client_id, disabled=False)
            self._subjects.disabled_since.pop(client.id, None)
            return client

    def set_scopes(self, client_id: str, scopes: Iterable[str]) -> Client:
        """Replace the scopes that it may be granted."""
        checked = frozenset(checked_scopes(scopes))
        with self._lock:
            return self._change(client_id, scopes=checked)

    def rotate_secret(self, client_id: str, *, overlap: Seconds = 0.0) -> tuple[str, Client]:
        """A new secret, shown only now; the older ones stay valid for `overlap` seconds."""
        with self._lock:
            client = self._existing(client_id)
            secret, renewed = make_secret(client, overlap=overlap, now=self._clock(), entropy=self._entropy)
            self._by_id[client_id] = renewed
            return secret, renewed

    def _existing(self, client_id: str) -> Client:
        client = self._by_id.get(client_id)
        if client is None:
            raise NotFound(f"there is no client {client_id!r}")
        return client

    def _change(self, client_id: str, **changes: Any) -> Client:
        client = self._by_id[client_id] = replace(self._existing(client_id), **changes)
        return client
