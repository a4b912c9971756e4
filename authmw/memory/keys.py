"""API keys in memory."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from authmw.administration import NotFound
from authmw.enrolment import make_api_key
from authmw.flow import nonblocking
from authmw.memory.users import MemoryUsers
from authmw.ports import ApiKeyRecord
from authmw.tokens import Entropy


@nonblocking
class MemoryApiKeys:
    """API keys in memory (`ApiKeyStore`), as digests.

    Args:
        users: whose keys are refused while they are disabled.
        prefix: what new keys begin with.
        clock: seconds since the epoch.
        entropy: where the randomness of keys comes from.

    >>> keys = MemoryApiKeys()
    >>> key, record = keys.create("alice", ["orders:read"])
    >>> record.owner, key.startswith("ak_")
    ('alice', True)
    """

    def __init__(
        self,
        users: MemoryUsers | None = None,
        *,
        prefix: str = "ak",
        clock: Callable[[], float] = time.time,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._prefix = prefix
        self._clock = clock
        self._entropy = entropy
        self._disabled_since: Mapping[str, float] = {} if users is None else users.disabled_since
        self._by_digest: dict[str, ApiKeyRecord] = {}
        self._digests: dict[str, str] = {}
        self._lock = threading.Lock()

    def find_key(self, digest: str) -> ApiKeyRecord | None:
        """The key with that digest, or None. Of a disabled owner it counts as revoked."""
        record = self._by_digest.get(digest)
        if self._disabled_since and record is not None and record.revoked_at is None:
            disabled_at = self._disabled_since.get(record.owner)
            return record if disabled_at is None else replace(record, revoked_at=disabled_at)
        return record

    def touch_key(self, key_id: str, at: float) -> None:
        """Note that the key was used at `at`."""
        with self._lock:
            record = self._by_digest.get(self._digests.get(key_id, ""))
            if record is not None and (record.last_used_at is None or record.last_used_at < at):
                self._by_digest[record.digest] = replace(record, last_used_at=at)

    def create(
        self, owner: str, scopes: Iterable[str] = (), *, name: str = "", lifetime: float | None = None
    ) -> tuple[str, ApiKeyRecord]:
        """A new key, told this once, and its record; see `authmw.administration.ApiKeyAdmin.create`."""
        key, record = self._make(owner, scopes, name=name, lifetime=lifetime)
        with self._lock:
            self._keep(record)
        return key, record

    def list(self, owner: str | None = None) -> tuple[ApiKeyRecord, ...]:
        """The keys of `owner`, or all, oldest first."""
        with self._lock:
            return tuple(each for each in self._by_digest.values() if owner is None or each.owner == owner)

    def revoke(self, key_id: str) -> ApiKeyRecord:
        """Refuse the key from now on."""
        with self._lock:
            record = self._existing(key_id)
            if record.revoked_at is None:
                record = self._keep(replace(record, revoked_at=self._clock()))
            return record

    def rotate(self, key_id: str, *, overlap: float = 0.0) -> tuple[str, ApiKeyRecord]:
        """A new key in the place of one that goes on for `overlap` seconds."""
        with self._lock:
            old = self._existing(key_id)
            if old.revoked_at is not None:
                raise NotFound(f"the API key {key_id!r} is revoked")
            key, record = self._make(old.owner, old.scopes, name=old.name, lifetime=None)
            record = self._keep(replace(record, expires_at=old.expires_at))
            ends = self._clock() + max(overlap, 0.0)
            self._keep(replace(old, expires_at=ends if old.expires_at is None else min(ends, old.expires_at)))
            return key, record

    def _make(
        self, owner: str, scopes: Iterable[str], *, name: str, lifetime: float | None
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

    def _existing(self, key_id: str) -> ApiKeyRecord:
        if key_id not in self._digests:
            raise NotFound(f"there is no API key {key_id!r}")
        return self._by_digest[self._digests[key_id]]

    def _keep(self, record: ApiKeyRecord) -> ApiKeyRecord:
        self._digests[record.id] = record.digest
        self._by_digest[record.digest] = record
        return record
