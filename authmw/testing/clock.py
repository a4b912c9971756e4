"""A clock for tests."""

from __future__ import annotations

import time


class FakeClock:
    """A clock that stands still until it is moved. It goes wherever ``clock=`` is asked for.

    Args:
        now: what it shows first, in seconds since the epoch; the present, to the second, unless given.

    >>> clock = FakeClock(1000.0)
    >>> clock.advance(60)
    >>> clock()
    1060.0
    """

    def __init__(self, now: float | None = None) -> None:
        self.now: float = float(int(time.time())) if now is None else now

    def __call__(self) -> float:
        """What it shows."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move it on."""
        self.now += seconds
