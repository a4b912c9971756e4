"""What becomes of connections in a child of a process."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """What has connections that a child must leave alone."""

    def after_fork(self) -> None:
        """Forget them, in the child, and begin anew."""
        ...


def forget_after_fork(database: Forked) -> None:
    """Have `database` forget its connections in each child of this process, for as long as it is used."""
    if not hasattr(os, "register_at_fork"):
        return
    reference = weakref.ref(database)

    def forget() -> None:
        known = reference()
        if known is not None:
            known.after_fork()

    os.register_at_fork(after_in_child=forget)
