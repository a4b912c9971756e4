"""Cache of verified credentials, keyed by the SHA-256 of the ``Authorization`` header. No entry outlives its token.

Only successes that a signature proves, or whose revocations are followed, are kept (`Authenticated.remember_until`).
No credential is kept in memory, only its digest, so two credentials cannot be taken for one another (class 14). A
change of keys drops everything. What may have been revoked is not recalled (`Authenticated.still_holds`).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from authmw.flow.bounded_cache import BoundedCache, Holds

if TYPE_CHECKING:
    from authmw.engine.authentication import Authentication
    from authmw.identity.principal import Principal


class Memo(BoundedCache[bytes, "Authentication"]):
    """A bounded cache of verified ``Authorization`` values.

    Args:
        size: how many are kept; the oldest goes first.
        clock: seconds since the epoch.
        verifier: what proved the entries. When its ``version`` (that of its keys) changes, all are dropped.
    """

    __slots__ = ("_forgotten", "_seen", "_verifier")

    def __init__(self, size: int, clock: Callable[[], float], verifier: Any) -> None:
        super().__init__(size, clock=clock)
        self._verifier = verifier
        self._seen = self._verifier.version
        self._forgotten = 0

    def recall(self, header: bytes) -> Authentication | None:
        """What was proved about this ``Authorization`` value, if it is remembered and still valid."""
        return self.get(sha256(header).digest()) if self._verifier.version == self._seen else None

    def remember(
        self, header: bytes, authentication: Authentication, until: float, version: Any, holds: Holds | None = None
    ) -> None:
        """Remember a success until `until`, proved since `version` was taken, and recall it only while it `holds`."""
        with self._lock:
            if self._verifier.version != self._seen:
                self._entries.clear()
                self._seen = self._verifier.version
            if version == (self._seen, self._forgotten):
                self._put(sha256(header).digest(), authentication, until, holds)

    @property
    def version(self) -> Any:
        """What a verification depends on now: taken before it begins, given to `remember`."""
        return self._verifier.version, self._forgotten

    def forget(self, matches: Callable[[Principal], bool]) -> None:
        """Drop every entry whose principal `matches`. What is being verified meanwhile is not remembered."""
        with self._lock:
            self._forgotten += 1
            doomed = [key for key, (known, *_) in self._entries.items() if matches(known.principal)]
            for key in doomed:
                del self._entries[key]
