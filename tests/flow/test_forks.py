"""What is called in a forked child."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

import pytest

from authmw.flow.forks import in_each_child

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        self.count += 1


def in_a_child(tell: Callable[[], int]) -> int:
    """What `tell` returns in a child: 0 to 255."""
    child = os.fork()
    if child == 0:
        told = 255
        try:
            told = tell()
        finally:
            os._exit(told)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def test_a_method_is_called_in_each_child_and_never_in_the_parent() -> None:
    counter = Counter()
    in_each_child(counter.add)
    assert (in_a_child(lambda: counter.count), in_a_child(lambda: counter.count), counter.count) == (1, 1, 0)


def test_a_child_of_a_child_is_one_too() -> None:
    counter = Counter()
    in_each_child(counter.add)
    assert in_a_child(lambda: in_a_child(lambda: counter.count)) == 2


def test_nothing_is_called_of_what_is_gone() -> None:
    count = [0]

    class Gone:
        def add(self) -> None:
            count[0] += 1

    gone = Gone()
    in_each_child(gone.add)
    del gone
    gc.collect()
    assert in_a_child(lambda: count[0]) == 0
