"""Clock for tests, which stands still until it is moved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from authmw.flow import clocks
from authmw.flow.durations import Seconds, in_seconds
from authmw.testing.in_test import check_in_test

if TYPE_CHECKING:
    import pytest


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

    def advance(self, seconds: Seconds = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move it forward: ``clock.advance(minutes=11)``."""
        self.now += in_seconds(seconds) + 60 * minutes + 3600 * hours + 86400 * days


class _Time:
    """In place of the module `time` in `authmw.flow.clocks`: both clocks are that of the test."""

    def __init__(self, clock: FakeClock) -> None:
        self.time = self.monotonic = clock


def move_all_clocks(clock: FakeClock, patch: pytest.MonkeyPatch) -> None:
    """Let every clock that authmw has by default show `clock`, until `patch` is undone.

    Raises:
        ConfigurationError: no test runs.
    """
    check_in_test()
    patch.setattr(clocks, "time", _Time(clock))
