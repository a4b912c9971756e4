"""What the tests of stores share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from authmw_sqlalchemy import SQLStores

from authmw.stores import MemoryStores
from authmw.testing import FakeClock

T = TypeVar("T")
Stores = MemoryStores | SQLStores


class Clock(FakeClock):
    """A clock that stands still, a million seconds after the epoch, until it is set."""

    def __init__(self) -> None:
        super().__init__(1_000_000.0)


def at_once(count: int, function: Callable[[int], T]) -> list[T]:
    """What `function` answers to each number below `count`, called at the same time on as many threads."""
    start = Barrier(count)

    def call(number: int) -> T:
        start.wait(timeout=30)
        return function(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(call, range(count)))
