"""In-memory store of used nonces: Digest counts, and the ``jti`` of assertions and DPoP proofs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from heapq import heappop, heappush

from authmw.errors import ConfigurationError, StoreUnavailable
from authmw.flow.call_mode import CallMode
from authmw.stores.records import NonceUse


@CallMode.NONBLOCKING
class MemoryNonces:
    """Remembers the highest used count of each nonce (`NonceStore`).

    When `size` nonces are live, a new one is refused with a 503 until the oldest expires: if one were forgotten, its
    request could be replayed. Only a right response uses a nonce, so clients without a password cannot fill the store.

    Args:
        size: how many nonces are kept.
        clock: seconds since the epoch; the same clock as the verifier's.

    >>> nonces = MemoryNonces(clock=lambda: 0.0)
    >>> [nonces.use_nonce("n", count, 60.0).value for count in (1, 2, 2)]
    ['fresh', 'fresh', 'replayed']
    """

    def __init__(self, *, size: int = 100_000, clock: Callable[[], float] = time.time) -> None:
        if size < 1:
            raise ConfigurationError("MemoryNonces(size=...) must be at least 1")
        self._size = size
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._expiries: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
        """Use `count` of `nonce`: FRESH once, for a count above all used before, else REPLAYED."""
        with self._lock:
            now = self._clock()
            self._drop_expired(now)
            highest = self._counts.get(nonce)
            if highest is None:
                if expires_at <= now:
                    return NonceUse.REPLAYED  # it may have been used and forgotten already
                if len(self._counts) >= self._size:
                    raise StoreUnavailable("as many Digest nonces are in use as MemoryNonces may keep")
                heappush(self._expiries, (expires_at, nonce))
            elif count <= highest:
                return NonceUse.REPLAYED
            self._counts[nonce] = count
            return NonceUse.FRESH

    def _drop_expired(self, now: float) -> None:
        expiries = self._expiries
        while expiries and expiries[0][0] <= now:
            del self._counts[heappop(expiries)[1]]
