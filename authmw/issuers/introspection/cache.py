"""Whose the tokens are that an authorization server called active a moment ago, by the digest of the token."""

from __future__ import annotations

import math
import threading

from authmw.flow.forks import in_each_child
from authmw.identity.principal import Principal


class KeptPrincipals:
    """A bounded memory of the principals of active tokens.

    Args:
        seconds: for which one is kept at most.
        size: how many are kept; the oldest goes first.

    >>> kept = KeptPrincipals(30, 4096)
    >>> kept.keep(b"digest", Principal("alice"), 1000.0)
    >>> kept.find(b"digest", 1029.0), kept.find(b"digest", 1030.0)
    (Principal(id='alice', kind='user', scopes=[]), None)
    """

    def __init__(self, seconds: float, size: int) -> None:
        self._entries: dict[bytes, tuple[Principal, float]] = {}
        self._seconds = seconds
        self._size = size
        self._after_fork()
        in_each_child(self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    def find(self, key: bytes, now: float) -> Principal | None:
        """The principal of the token with that digest, as far as it is still known."""
        principal, until = self._entries.get(key, (None, 0.0))
        # A clock that was set back prolongs nothing.
        return principal if now < until <= now + self._seconds else None

    def keep(self, key: bytes, principal: Principal, now: float) -> None:
        """Keep what was found out when it was `now`, until the token expires or `seconds` have passed."""
        expires = math.inf if principal.expires_at is None else principal.expires_at
        until = min(expires, now + self._seconds)
        if until <= now or not self._size:
            return
        with self._lock:
            self._entries.pop(key, None)
            while len(self._entries) >= self._size:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = principal, until

    def drop(self, key: bytes) -> None:
        """Forget the token with that digest."""
        with self._lock:
            self._entries.pop(key, None)
