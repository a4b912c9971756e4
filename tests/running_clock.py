"""A clock that stands still while this process does: what a test that measures seconds owes to a busy machine."""

from __future__ import annotations

import threading
import time
from typing import Final, Self

_TICK: Final = 0.005
"""Seconds between two looks at the time."""


class RunningClock:
    """Seconds in which this process could run. A thread wakes up again and again, and notes by how much it was late.

    >>> with RunningClock() as clock:
    ...     began = clock()
    ...     time.sleep(0.02)
    >>> 0.005 < clock() - began < time.monotonic()
    True
    """

    def __init__(self) -> None:
        self._late = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __call__(self) -> float:
        """Now, in seconds from some point on."""
        return time.monotonic() - self._late

    def _run(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            time.sleep(_TICK)
            self._late += max(0.0, time.monotonic() - began - 2 * _TICK)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
