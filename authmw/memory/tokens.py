"""Opaque access tokens in memory."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from authmw.administration import NotFound
from authmw.enrolment import make_token
from authmw.flow import nonblocking
from authmw.memory.users import MemoryUsers
from authmw.ports import TokenRecord
from authmw.principal import PrincipalKind
from authmw.tokens import Entropy

_SWEEP_AT_LEAST: Final = 1024


@nonblocking
class MemoryTokens:
    """Opaque access tokens in memory (`TokenStore`), as digests. Expired ones are dropped as new ones come.

    Args:
        users: whose tokens are refused while they are disabled.
        prefix: what new tokens begin with.
        clock: seconds since the epoch.
        entropy: where the randomness of tokens comes from.

    >>> tokens = MemoryTokens()
    >>> token, record = tokens.create("alice", ["orders:read"], lifetime=600)
    >>> record.subject, token.startswith("at_")
    ('alice', True)
    """

    def __init__(
        self,
        users: MemoryUsers | None = None,
        *,
        prefix: str = "at",
        clock: Callable[[], float] = time.time,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._prefix = prefix
        self._clock = clock
        self._entropy = entropy
        self._disabled_since: Mapping[str, float] = {} if users is None else users.disabled_since
        self._by_digest: dict[str, TokenRecord] = {}
        self._digests: dict[str, str] = {}
        self._sweep_at = _SWEEP_AT_LEAST
        self._lock = threading.Lock()

    def find_token(self, digest: str) -> TokenRecord | None:
        """The token with that digest, or None. Of a disabled user it counts as revoked."""
        record = self._by_digest.get(digest)
        if self._disabled_since and record is not None and record.revoked_at is None:
            disabled_at = self._disabled_since.get(record.subject)
            return record if disabled_at is None else replace(record, revoked_at=disabled_at)
        return record

    def create(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        *,
        lifetime: float = 3600.0,
        kind: PrincipalKind = "user",
        client_id: str | None = None,
    ) -> tuple[str, TokenRecord]:
        """A new token, told this once, and its record; see `authmw.administration.TokenAdmin.create`."""
        token, record = make_token(
            subject,
            scopes,
            lifetime=lifetime,
            kind=kind,
            client_id=client_id,
            prefix=self._prefix,
            now=self._clock(),
            entropy=self._entropy,
        )
        with self._lock:
            self._sweep()
            self._digests[record.id] = record.digest
            self._by_digest[record.digest] = record
        return token, record

    def list(self, subject: str | None = None) -> tuple[TokenRecord, ...]:
        """The tokens of `subject`, or all, oldest first."""
        with self._lock:
            return tuple(each for each in self._by_digest.values() if subject is None or each.subject == subject)

    def revoke(self, token_id: str) -> TokenRecord:
        """Refuse the token from now on."""
        with self._lock:
            if token_id not in self._digests:
                raise NotFound(f"there is no token {token_id!r}")
            record = self._by_digest[self._digests[token_id]]
            if record.revoked_at is None:
                record = replace(record, revoked_at=self._clock())
                self._by_digest[record.digest] = record
            return record

    def _sweep(self) -> None:
        """Drop what expired, each time the number of tokens has doubled."""
        if len(self._by_digest) < self._sweep_at:
            return
        now = self._clock()
        for record in [each for each in self._by_digest.values() if each.expires_at <= now]:
            del self._by_digest[record.digest]
            del self._digests[record.id]
        self._sweep_at = max(_SWEEP_AT_LEAST, 2 * len(self._by_digest))
