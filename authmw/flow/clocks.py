"""The two clocks of this machine: the default of each argument ``clock``, ``timer`` and ``monotonic``.

They look up `time.time` and `time.monotonic` at each call. So tools that replace these, as freezegun does, also reach
objects that were made before. They are objects, and no functions, so that signatures show their names.
"""

from __future__ import annotations

import time
from typing import Final


class _Now:
    __slots__ = ()

    def __call__(self) -> float:
        return time.time()

    def __repr__(self) -> str:
        return "now"


class _Monotonic:
    __slots__ = ()

    def __call__(self) -> float:
        return time.monotonic()

    def __repr__(self) -> str:
        return "monotonic"


now: Final = _Now()
"""The time in seconds since the epoch."""
monotonic: Final = _Monotonic()
"""Seconds of a clock that nobody sets."""
