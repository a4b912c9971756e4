"""In-memory throttle: counts of login attempts, and familiar sources."""

from __future__ import annotations

import threading
from collections import OrderedDict

from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw.stores.throttling import Count, ThrottlePolicy


@CallMode.NONBLOCKING
class MemoryThrottle:
    """Slows down guessing: after `free` attempts each further one waits twice as long as the one before.

    It implements `Throttle` and `FamiliarSources`.

    No account is locked for ever: no wait is longer than `longest`, and an attempt during a wait does not prolong it.

    Memory is bounded. When it is full of random names, those with the fewest attempts are dropped first. A throttled
    account is dropped only after `size` other accounts have used up their free attempts.

    Args:
        free: attempts without any wait.
        first: seconds of the first wait.
        longest: seconds of the longest wait. After that time without an attempt, the count of a key starts again at 0.
        size: the largest number of throttled keys, of keys not yet throttled, and of familiar sources.

    >>> throttle = MemoryThrottle(free=2)
    >>> [throttle.attempt("alice", now=0.0) for _ in range(3)]
    [0.0, 0.0, 1.0]
    """

    def __init__(self, *, free: int = 10, first: float = 1.0, longest: float = 900.0, size: int = 10_000) -> None:
        if size < 1:
            raise ConfigurationError("MemoryThrottle(size=...) must be at least 1")
        self._policy = ThrottlePolicy("MemoryThrottle", free=free, first=first, longest=longest)
        self._size = size
        # Not a `BoundedCache`: the caller gives the time, an attempt during a wait keeps its place, and one lock covers
        # all three. These two are in the order of the last attempt that did not have to wait.
        self._few: OrderedDict[str, Count] = OrderedDict()
        self._many: OrderedDict[str, Count] = OrderedDict()
        # In the order in which they were last remembered.
        self._familiar: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def attempt(self, key: str, now: float) -> float:
        """Count one attempt. Answers the seconds to wait, 0.0 for none."""
        with self._lock:
            kept = self._many.get(key) or self._few.get(key) or Count()
            count, wait = self._policy.attempt(kept, now)
            if wait > 0:
                (self._many if key in self._many else self._few)[key] = count
            else:
                self._keep(key, count)
            return wait

    def succeeded(self, key: str) -> None:
        """Remove one attempt from the count: its credentials were right. Other attempts on the key stay counted."""
        with self._lock:
            count = self._many.get(key) or self._few.get(key)
            if count is None:
                return
            count = self._policy.succeeded(count)
            if count.attempts < self._policy.free:
                self._keep(key, count)
            else:
                self._many[key] = count

    def remember_source(self, pair: str, until: float) -> None:
        """Keep `pair`, an account and a source, until `until` (seconds since the epoch)."""
        with self._lock:
            self._familiar[pair] = max(until, self._familiar.get(pair, until))
            self._familiar.move_to_end(pair)
            if len(self._familiar) > self._size:
                self._familiar.popitem(last=False)

    def knows_source(self, pair: str, now: float) -> bool:
        """Whether `pair` is kept."""
        return now < self._familiar.get(pair, now)

    def __len__(self) -> int:
        return len(self._few) + len(self._many) + len(self._familiar)

    def _keep(self, key: str, count: Count) -> None:
        self._few.pop(key, None)
        self._many.pop(key, None)
        kept = self._few if count.attempts < self._policy.free else self._many
        kept[key] = count
        kept.move_to_end(key)
        if len(kept) > self._size:
            kept.popitem(last=False)
