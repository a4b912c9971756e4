"""What a child of a process has to do anew: no thread survives a fork, and a lock may have been held."""

from __future__ import annotations

import os
from collections.abc import Callable
from weakref import WeakMethod


def in_each_child(method: Callable[[], None]) -> None:
    """Call `method` of an object in each child that is forked from now on, for as long as the object lives."""
    if not hasattr(os, "register_at_fork"):
        return
    known = WeakMethod(method)

    def call() -> None:
        bound = known()
        if bound is not None:
            bound()

    os.register_at_fork(after_in_child=call)
