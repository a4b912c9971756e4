"""In-memory store of revocations."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from itertools import islice, takewhile

from authmw.crypto.opaque_tokens import Entropy, new_id
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.stores.memory.sweep import Sweep
from authmw.stores.records import Revocation, RevocationKind, RevocationPage

_Key = tuple[RevocationKind, str]


@CallMode.NONBLOCKING
class MemoryRevocations:
    """Revocations in memory (`RevocationStore`). Expired ones are dropped when new ones are added.

    Args:
        clock: seconds since the epoch.
        entropy: makes random bytes, by which the cursors of two stores differ.

    >>> revocations = MemoryRevocations(clock=lambda: 0.0)
    >>> revocations.publish(Revocation.of_user("alice", 0.0))
    >>> page = revocations.revocations_after("", 10)
    >>> [each.id for each in page.revocations], revocations.revocations_after(page.cursor, 10).revocations
    (['alice'], ())
    """

    def __init__(self, *, clock: Callable[[], float] = now, entropy: Entropy = os.urandom) -> None:
        self._clock = clock
        self._name = new_id("feed", entropy=entropy)
        self._last = 0
        self._published: dict[int, Revocation] = {}
        self._by_key: dict[_Key, tuple[Revocation, ...]] = {}
        self._sweep = Sweep()
        self._lock = threading.Lock()

    def publish(self, revocation: Revocation) -> None:
        """Store a revocation. After this has answered, each reader with an older cursor finds it."""
        with self._lock:
            self._drop_expired()
            self._last += 1
            self._published[self._last] = revocation
            key = (revocation.kind, revocation.id)
            # Drop one that is neither later nor lasts longer than the new one: it never is the answer again.
            others = (
                each
                for each in self._by_key.get(key, ())
                if each.at > revocation.at or each.expires_at > revocation.expires_at
            )
            self._by_key[key] = (*others, revocation)

    def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        """The revocations since `cursor`; with an empty cursor or one of another store, all that have not expired."""
        name, _, number = cursor.partition(":")
        after = int(number) if name == self._name and number.isdecimal() else 0
        with self._lock:
            now = self._clock()
            newer = [*takewhile(lambda number: number > after, reversed(self._published))]
            live = (number for number in reversed(newer) if self._published[number].expires_at > now)
            numbers = tuple(islice(live, limit))
            last = numbers[-1] if numbers and len(numbers) == limit else self._last
            return RevocationPage(tuple(self._published[number] for number in numbers), f"{self._name}:{last}")

    def find_revocations(self, keys: tuple[_Key, ...]) -> tuple[Revocation, ...]:
        """The latest revocation of each of `keys`, without expired ones."""
        with self._lock:
            now = self._clock()
            live = ([each for each in self._by_key.get(key, ()) if each.expires_at > now] for key in keys)
            return tuple(max(each, key=lambda revocation: revocation.at) for each in live if each)

    def _drop_expired(self) -> None:
        now = self._clock()
        for dropped in self._sweep.drop(self._published, lambda each: each.expires_at <= now):
            key = (dropped.kind, dropped.id)
            kept = tuple(each for each in self._by_key.get(key, ()) if each.expires_at > now)
            if kept:
                self._by_key[key] = kept
            else:
                self._by_key.pop(key, None)
