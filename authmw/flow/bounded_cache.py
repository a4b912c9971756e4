"""Bounded cache: key → value with an expiry time. Evicts what was put first, and drops values by name.

All of it takes constant time, however many entries there are.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from math import inf
from typing import Final, Generic, TypeVar

from authmw.flow.clocks import now
from authmw.flow.forks import in_each_child

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Holds = Callable[[], bool]
"""A check that an entry is still valid. True only when that is certain."""

_MOST_DROPPED: Final = 4096
"""How many names are kept that were dropped. What was not read since so many were dropped is dropped too."""


def _no_names(value: object) -> tuple[Hashable, ...]:
    return ()


class BoundedCache(Generic[K, V]):
    """Keeps at most `size` values, each until its own expiry time. A forked child process keeps the entries.

    Reading takes no lock.

    Args:
        size: the largest number of entries. When the cache is full, the key that came first is removed. 0 keeps no
            entry.
        longest: the longest time that an entry is kept, in seconds. It also limits an entry whose expiry time moves
            away because the clock was set back.
        clock: returns the time, in seconds since the epoch.
        names: the names of a value, by which `drop_named` drops it.

    >>> cache = BoundedCache[str, int](2, clock=lambda: 1000.0)
    >>> cache.put("a", 1), cache.put("b", 2, until=1000.0), cache.put("c", 3), cache.put("d", 4)
    (None, None, None, None)
    >>> [cache.get(key) for key in "abcd"]
    [None, None, 3, 4]
    """

    __slots__ = (
        "__weakref__",
        "_clock",
        "_drops",
        "_entries",
        "_generation",
        "_generation_of",
        "_lock",
        "_longest",
        "_names",
        "_oldest",
        "_order",
        "_size",
    )

    def __init__(
        self,
        size: int,
        *,
        longest: float = inf,
        clock: Callable[[], float] = now,
        names: Callable[[V], Iterable[Hashable]] = _no_names,
    ) -> None:
        # The last member of an entry is the generation in which it was found not to be dropped. A drop by name begins
        # a new one, so that the names of a value are compared only with what was dropped since its own.
        self._entries: dict[K, tuple[V, float, Holds | None, int]] = {}
        # The keys as they came; a key that was dropped keeps its place. The first key of a dict is no substitute: to
        # find it takes the longer the more keys before it were deleted.
        self._order: deque[K] = deque()
        self._size = size
        self._longest = longest
        self._clock = clock
        self._names = names
        self._generation = 0
        self._oldest = 0  # entries of older generations are dropped
        self._generation_of: dict[Hashable, int] = {}
        self._drops: deque[tuple[int, Hashable]] = deque()
        self._after_fork()
        in_each_child(self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent may have held it

    def get(self, key: K) -> V | None:
        """The value of `key`; None when there is no value or it has expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, until, holds, generation = entry
        if until != inf:  # without an expiry time, the clock need not be read
            now = self._clock()
            if not now < until <= now + self._longest:
                return None
        if generation != self._generation and self._drop_if_named(key, entry):
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

    def drop_named(self, *names: Hashable) -> None:
        """Drop all values that have one of `names`. Such a value is removed when it is read next, or evicted."""
        with self._lock:
            self._generation += 1
            for name in names:
                self._generation_of[name] = self._generation
                self._drops.append((self._generation, name))
            while len(self._drops) > _MOST_DROPPED:
                self._oldest, name = self._drops.popleft()
                if self._generation_of.get(name) == self._oldest:
                    del self._generation_of[name]

    def __len__(self) -> int:
        """The number of entries, with those that have expired or were dropped by name and not read since."""
        return len(self._entries)

    def _drop_if_named(self, key: K, entry: tuple[V, float, Holds | None, int]) -> bool:
        """Remove the value if it was dropped by name: whether it was. If not, it gets the current generation."""
        value, until, holds, generation = entry
        names = self._names(value)
        with self._lock:
            is_current = self._entries.get(key) is entry
            if generation < self._oldest or any(self._generation_of.get(name, 0) > generation for name in names):
                if is_current:
                    del self._entries[key]
                return True
            if is_current:
                self._entries[key] = (value, until, holds, self._generation)
            return False

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
        self._entries[key] = (value, min(until, now + self._longest), holds, self._generation)

    def _clear(self) -> None:
        """Remove all entries. The caller holds the lock."""
        self._entries.clear()
        self._order.clear()
