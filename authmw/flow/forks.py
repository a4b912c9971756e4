"""Fork hook: a method that is called in each forked child process, to make locks, threads and pools anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from weakref import WeakMethod


def in_each_child(method: Callable[[], None]) -> None:
    """Call `method`, a method of an object, in each child process that is forked while the object exists.

    In the child, the threads of the parent do not exist, and a lock stays locked if one of them held it.
    """
    if not hasattr(os, "register_at_fork"):
        return
    known = WeakMethod(method)

    def call() -> None:
        bound = known()
        if bound is not None:
            bound()

    os.register_at_fork(after_in_child=call)
