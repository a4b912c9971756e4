"""In-memory store of API keys."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from operator import attrgetter
from typing import ClassVar

from authmw.crypto.opaque_tokens import Entropy
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds
from authmw.stores.administration import NotFound
from authmw.stores.memory.issued import Issued
from authmw.stores.memory.users import MemoryUsers
from authmw.stores.new_records import checked_overlap, make_api_key
from authmw.stores.records import ApiKeyRecord
from authmw.stores.told_changes import revokes

_OWNER: Callable[[ApiKeyRecord], str] = attrgetter("owner")


@CallMode.NONBLOCKING
class MemoryApiKeys:
    """API keys in memory (`ApiKeyStore`), as digests.

    Args:
        users: the keys of a disabled user are refused.
        prefix: new keys begin with it.
        clock: seconds since the epoch.
        entropy: makes random bytes.

    >>> keys = MemoryApiKeys()
    >>> key, record = keys.create("alice", ["orders:read"])
    >>> record.owner, key.startswith("ak_")
    ('alice', True)
    """

    in_memory: ClassVar[bool] = True
    """To ask it twice costs nothing, and it answers the same record as long as that does not change."""

    def __init__(
        self,
        users: MemoryUsers | None = None,
        *,
        prefix: str = "ak",
        clock: Callable[[], float] = now,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._prefix = prefix
        self._clock = clock
        self._entropy = entropy
        self._issued = Issued[ApiKeyRecord]("API key", {} if users is None else users.disabled_since)

    def find_key(self, digest: str) -> ApiKeyRecord | None:
        """The key with that digest, or None. A key of a disabled owner counts as revoked."""
        return self._issued.find(digest, _OWNER)

    def touch_key(self, key_id: str, at: float) -> None:
        """Store `at` as the time of the last use."""
        with self._issued.lock:
            try:
                record = self._issued.get(key_id)
            except NotFound:
                return
            if record.last_used_at is None or record.last_used_at < at:
                self._issued.keep(replace(record, last_used_at=at))

    def create(
        self, owner: str, scopes: Iterable[str] = (), *, name: str = "", lifetime: Seconds | None = None
    ) -> tuple[str, ApiKeyRecord]:
        """A new key, shown only now, and its record; see `authmw.stores.ApiKeyAdmin.create`."""
        key, record = self._make(owner, scopes, name=name, lifetime=lifetime)
        return key, self._issued.keep(record)

    def list(self, owner: str | None = None) -> tuple[ApiKeyRecord, ...]:
        """The keys of `owner`, or all keys, oldest first."""
        return self._issued.list(_OWNER, owner)

    @revokes("key")
    def revoke(self, key_id: str) -> ApiKeyRecord:
        """Refuse the key from now on."""
        return self._issued.revoke(key_id, self._clock())

    def erase(self, owner: str) -> None:
        """Delete the keys of `owner`, as a user is deleted."""
        self._issued.remove_all(_OWNER, owner)

    def rotate(self, key_id: str, *, overlap: Seconds = 0.0) -> tuple[str, ApiKeyRecord]:
        """A new key; the old one stays valid for `overlap` seconds."""
        with self._issued.lock:
            old = self._issued.get(key_id)
            if old.revoked_at is not None:
                raise NotFound(f"the API key {key_id!r} is revoked")
            key, record = self._make(old.owner, old.scopes, name=old.name, lifetime=None)
            record = self._issued.keep(replace(record, expires_at=old.expires_at))
            ends = self._clock() + checked_overlap(overlap)
            self._issued.keep(replace(old, expires_at=ends if old.expires_at is None else min(ends, old.expires_at)))
            return key, record

    def _make(
        self, owner: str, scopes: Iterable[str], *, name: str, lifetime: Seconds | None
    ) -> tuple[str, ApiKeyRecord]:
        return make_api_key(
            owner,
            scopes,
            name=name,
            lifetime=lifetime,
            prefix=self._prefix,
            now=self._clock(),
            entropy=self._entropy,
        )
