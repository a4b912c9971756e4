"""Clock for tests, which stands still until it is moved."""

from __future__ import annotations

import time


class FakeClock:
    """A clock that stands still until it is moved. Pass it as any argument ``clock``.

    Args:
        now: the first time that it shows, in seconds since the epoch; by default the present, in whole seconds.

    >>> clock = FakeClock(1000.0)
    >>> clock.advance(60)
    >>> clock()
    1060.0
    """

    def __init__(self, now: float | None = None) -> None:
        self.now: float = float(int(time.time())) if now is None else now

    def __call__(self) -> float:
        """The time that it shows, in seconds since the epoch."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move it forward."""
        self.now += seconds
