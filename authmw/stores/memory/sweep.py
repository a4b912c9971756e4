"""Removal of expired records from a store, at a small cost for each addition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

K = TypeVar("K")
T = TypeVar("T")

_AT_LEAST: Final = 1024


class Sweep:
    """Drops ended records each time their number has doubled, so that the cost of each addition stays small.

    >>> sweep, kept = Sweep(at_least=3), {"a": 1, "b": 2, "c": 3}
    >>> sweep.drop(kept, lambda value: value < 3), kept
    ([1, 2], {'c': 3})
    """

    def __init__(self, *, at_least: int = _AT_LEAST) -> None:
        self._at_least = at_least
        self._at = at_least

    def drop(self, kept: dict[K, T], is_over: Callable[[T], bool]) -> list[T]:
        """Drop the values for which `is_over` is true, and answer them. Does nothing until `kept` has grown enough."""
        if len(kept) < self._at:
            return []
        over = {key: value for key, value in kept.items() if is_over(value)}
        for key in over:
            del kept[key]
        self._at = max(self._at_least, 2 * len(kept))
        return list(over.values())
