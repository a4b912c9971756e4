"""Bounded cache: key → value with an end, the oldest entry evicted first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from math import inf
from typing import Generic, TypeVar

from authmw.flow.forks import in_each_child

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Holds = Callable[[], bool]
"""Whether it is certain that an entry still holds."""


class BoundedCache(Generic[K, V]):
    """At most `size` values, each until an end of its own. Reading takes no lock; a forked child keeps the entries.

    Args:
        size: how many are kept; when it is full, the entry that was put first goes. 0 keeps none.
        longest: seconds that any entry is kept. It also bounds what a clock that was set back could prolong.
        clock: seconds since the epoch.

    >>> cache = BoundedCache[str, int](2, clock=lambda: 1000.0)
    >>> cache.put("a", 1), cache.put("b", 2, until=1000.0), cache.put("c", 3), cache.put("d", 4)
    (None, None, None, None)
    >>> [cache.get(key) for key in "abcd"]
    [None, None, 3, 4]
    """

    __slots__ = ("__weakref__", "_clock", "_entries", "_lock", "_longest", "_size")

    def __init__(self, size: int, *, longest: float = inf, clock: Callable[[], float] = time.time) -> None:
        self._entries: dict[K, tuple[V, float, Holds | None]] = {}
        self._size = size
        self._longest = longest
        self._clock = clock
        self._after_fork()
        in_each_child(self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent may have held it

    def get(self, key: K) -> V | None:
        """The value of `key`; None when there is none, or it has ended."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, until, holds = entry
        if until != inf:  # an entry without an end costs no look at the clock
            now = self._clock()
            if not now < until <= now + self._longest:
                return None
        return value if holds is None or holds() is True else None

    def put(self, key: K, value: V, until: float = inf, holds: Holds | None = None) -> None:
        """Keep `value` under `key`, in the place of what was there.

        Args:
            key: found by it.
            value: is kept.
            until: when it ends, in seconds since the epoch.
            holds: asked at each `get`, which finds the value only while this answers True.
        """
        with self._lock:
            self._put(key, value, until, holds)

    def drop(self, key: K) -> None:
        """Forget the value of `key`, if there is one."""
        with self._lock:
            self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)

    def _put(self, key: K, value: V, until: float, holds: Holds | None) -> None:
        """`put`, for those that hold the lock."""
        self._entries.pop(key, None)
        now = self._clock()
        if until <= now or not self._size:
            return
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (value, min(until, now + self._longest), holds)
