"""Cache of verified credentials, keyed by the SHA-256 of the ``Authorization`` header. No entry outlives its token.

Only successes that a signature proves, or whose revocations this process follows, are kept
(`Authenticated.remember_until`). The key is the digest of the whole header, so one credential cannot get the result of
another, and no credential stays in memory. A change of keys drops all entries. An entry whose token may have been
revoked is not returned (`Authenticated.still_holds`).
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
        size: maximum number of entries; the oldest is dropped first.
        clock: returns the time in seconds since the epoch.
        verifier: the verifier of the entries. When its ``version`` (that of its keys) changes, all are dropped.
    """

    __slots__ = ("_forgotten", "_seen", "_verifier")

    def __init__(self, size: int, clock: Callable[[], float], verifier: Any) -> None:
        super().__init__(size, clock=clock)
        self._verifier = verifier
        self._seen = self._verifier.version
        self._forgotten = 0

    def recall(self, header: bytes) -> Authentication | None:
        """The result for this ``Authorization`` value; None where it is not remembered or not valid any more."""
        return self.get(sha256(header).digest()) if self._verifier.version == self._seen else None

    def remember(
        self, header: bytes, authentication: Authentication, until: float, version: Any, holds: Holds | None = None
    ) -> None:
        """Remember a success until `until`, and return it only while it `holds`.

        `version` is the one from before the verification: if keys changed or entries were dropped since then, the
        success is not remembered.
        """
        with self._lock:
            if self._verifier.version != self._seen:
                self._entries.clear()
                self._seen = self._verifier.version
            if version == (self._seen, self._forgotten):
                self._put(sha256(header).digest(), authentication, until, holds)

    @property
    def version(self) -> Any:
        """State that a verification depends on: read it before the verification, and give it to `remember`."""
        return self._verifier.version, self._forgotten

    def forget(self, matches: Callable[[Principal], bool]) -> None:
        """Drop every entry whose principal `matches`. Verifications that are running are not remembered."""
        with self._lock:
            self._forgotten += 1
            doomed = [key for key, (known, *_) in self._entries.items() if matches(known.principal)]
            for key in doomed:
                del self._entries[key]
