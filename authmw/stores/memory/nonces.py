"""In-memory store of used nonces: Digest counts, and the ``jti`` of assertions and DPoP proofs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from heapq import heappop, heappush

from authmw.errors import ConfigurationError, StoreUnavailable
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.stores.records import NonceUse


@CallMode.NONBLOCKING
class MemoryNonces:
    """Remembers the highest used count of each nonce (`NonceStore`).

    When `size` nonces are live, a new one is refused with a 503 until the oldest expires: if one were forgotten, its
    request could be replayed. Only a right response uses a nonce, so clients without a password cannot fill the store.
    No client can fill it alone: of the names that begin alike, up to their last colon, as those of one user or of one
    DPoP key, there are never more than there is room for others. Names that differ only after a slash, as those of one
    Digest nonce, take one place together.

    Args:
        size: how many nonces are kept.
        clock: seconds since the epoch; the same clock as the verifier's.

    >>> nonces = MemoryNonces(clock=lambda: 0.0)
    >>> [nonces.use_nonce("n", count, 60.0).value for count in (1, 2, 2)]
    ['fresh', 'fresh', 'replayed']
    """

    def __init__(self, *, size: int = 100_000, clock: Callable[[], float] = now) -> None:
        if size < 1:
            raise ConfigurationError("MemoryNonces(size=...) must be at least 1")
        self._size = size
        self._clock = clock
        self._used: dict[str, _Used] = {}
        self._expiries: list[tuple[float, str]] = []
        self._owned: dict[str, int] = {}
        self._lock = threading.Lock()

    def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
        """Use `count` of `nonce`: FRESH once, for a count above all used before, else REPLAYED."""
        name, _, part = nonce.partition("/")
        with self._lock:
            now = self._clock()
            self._drop_expired(now)
            used = self._used.get(name)
            highest = None if used is None else used.counts.get(part)
            if highest is not None and count <= highest:
                return NonceUse.REPLAYED
            if highest is None and expires_at <= now:
                return NonceUse.REPLAYED  # it may have been used and forgotten already
            if used is None:
                self._take_place(name)
                used = self._used[name] = _Used()
            used.counts[part] = count
            if expires_at > used.expires_at:
                used.expires_at = expires_at
                heappush(self._expiries, (expires_at, name))
            return NonceUse.FRESH

    def _drop_expired(self, now: float) -> None:
        expiries = self._expiries
        while expiries and expiries[0][0] <= now:
            expires_at, name = heappop(expiries)
            used = self._used.get(name)
            if used is None or used.expires_at != expires_at:
                continue  # it was used again, and is kept for longer
            del self._used[name]
            owner = _owner(name)
            if owner:
                self._owned[owner] -= 1
                if not self._owned[owner]:
                    del self._owned[owner]

    def _take_place(self, name: str) -> None:
        free = self._size - len(self._used)
        if free <= 0:
            raise StoreUnavailable("as many nonces are in use as MemoryNonces may keep")
        owner = _owner(name)
        if owner:
            owned = self._owned.get(owner, 0)
            if owned >= free:
                raise StoreUnavailable("one client uses as many nonces as MemoryNonces has room for others")
            self._owned[owner] = owned + 1


class _Used:
    """The highest used count of each name with one beginning, and until when they are kept."""

    __slots__ = ("counts", "expires_at")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.expires_at = 0.0


def _owner(nonce: str) -> str:
    """The part of a name that all names of one client share; empty for a name without it."""
    return nonce.rpartition(":")[0]
