"""In-memory store of what is pending for a person."""

from __future__ import annotations

import threading
from collections.abc import Callable

from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.stores.memory.sweep import Sweep
from authmw.stores.session_records import Pending


@CallMode.NONBLOCKING
class MemoryPending:
    """What is pending, in memory (`PendingStore`). What has expired is dropped when new ones are added.

    Args:
        clock: seconds since the epoch.

    >>> MemoryPending().take_pending("digest", "recovery", 0.0) is None
    True
    """

    def __init__(self, *, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._kept: dict[str, Pending] = {}
        self._sweep = Sweep()
        self._lock = threading.Lock()

    def put_pending(self, pending: Pending) -> None:
        """Store it."""
        with self._lock:
            now = self._clock()
            self._sweep.drop(self._kept, lambda each: each.expires_at <= now)
            self._kept[pending.digest] = pending

    def peek_pending(self, digest: str, kind: str, now: float) -> Pending | None:
        """What has that digest and kind and has not expired, or None."""
        found = self._kept.get(digest)
        return found if found is not None and found.kind == kind and now < found.expires_at else None

    def take_pending(self, digest: str, kind: str, now: float) -> Pending | None:
        """As `peek_pending`, and remove it."""
        with self._lock:
            found = self.peek_pending(digest, kind, now)
            if found is not None:
                del self._kept[digest]
            return found

    def drop_pending(self, subject: str, kind: str) -> None:
        """Remove everything of that kind that is pending for a subject."""
        with self._lock:
            for each in [each for each in self._kept.values() if each.subject == subject and each.kind == kind]:
                del self._kept[each.digest]

    def of_user(self, subject: str) -> tuple[Pending, ...]:
        """Everything that is pending for a user."""
        with self._lock:
            return tuple(each for each in self._kept.values() if each.subject == subject)

    def erase(self, subject: str) -> None:
        """Delete what is pending for a user, as the user is disabled or deleted, or has a new password or address."""
        with self._lock:
            for each in [each for each in self._kept.values() if each.subject == subject]:
                del self._kept[each.digest]
