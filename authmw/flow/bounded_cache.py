"""Bounded cache: key → value with an expiry time. What was put first is evicted first, in constant time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from math import inf
from typing import Generic, TypeVar

from authmw.flow.clocks import now
from authmw.flow.forks import in_each_child

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Holds = Callable[[], bool]
"""A check that an entry is still valid. True only when that is certain."""


class BoundedCache(Generic[K, V]):
    """Keeps at most `size` values, each until its own expiry time. A forked child process keeps the entries.

    Reading takes no lock.

    Args:
        size: the largest number of entries. When the cache is full, the key that came first is removed. 0 keeps no
            entry.
        longest: the longest time that an entry is kept, in seconds. It also limits an entry whose expiry time moves
            away because the clock was set back.
        clock: returns the time, in seconds since the epoch.

    >>> cache = BoundedCache[str, int](2, clock=lambda: 1000.0)
    >>> cache.put("a", 1), cache.put("b", 2, until=1000.0), cache.put("c", 3), cache.put("d", 4)
    (None, None, None, None)
    >>> [cache.get(key) for key in "abcd"]
    [None, None, 3, 4]
    """

    __slots__ = ("__weakref__", "_clock", "_entries", "_lock", "_longest", "_order", "_size")

    def __init__(self, size: int, *, longest: float = inf, clock: Callable[[], float] = now) -> None:
        self._entries: dict[K, tuple[V, float, Holds | None]] = {}
        # The keys as they came; a key that was dropped keeps its place. The first key of a dict is no substitute: to
        # find it takes the longer the more keys before it were deleted.
        self._order: deque[K] = deque()
        self._size = size
        self._longest = longest
        self._clock = clock
        self._after_fork()
        in_each_child(self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent may have held it

    def get(self, key: K) -> V | None:
        """The value of `key`; None when there is no value or it has expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, until, holds = entry
        if until != inf:  # without an expiry time, the clock need not be read
            now = self._clock()
            if not now < until <= now + self._longest:
                return None
        return value if holds is None or holds() is True else None

    def put(self, key: K, value: V, until: float = inf, holds: Holds | None = None) -> None:
        """Keep `value` under `key`. It replaces an earlier value, in its place of the order.

        Args:
            key: the key for `get`.
            value: the value to keep.
            until: when the value expires, in seconds since the epoch.
            holds: called at each `get`, which returns the value only if this returns True.
        """
        with self._lock:
            self._put(key, value, until, holds)

    def drop(self, key: K) -> None:
        """Remove the value of `key`, if there is one."""
        with self._lock:
            self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)

    def _put(self, key: K, value: V, until: float, holds: Holds | None) -> None:
        """As `put`. The caller holds the lock."""
        now = self._clock()
        if until <= now or not self._size:
            self._entries.pop(key, None)
            return
        if key not in self._entries:
            self._order.append(key)
            if len(self._order) > self._size:
                self._entries.pop(self._order.popleft(), None)
        self._entries[key] = (value, min(until, now + self._longest), holds)

    def _clear(self) -> None:
        """Remove all entries. The caller holds the lock."""
        self._entries.clear()
        self._order.clear()
