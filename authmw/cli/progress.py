"""Progress of long work, on standard error: a bar on a terminal, and nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click


@contextmanager
def progress(label: str, total: int, *, shown: bool = True) -> Generator[Callable[[int], None]]:
    """A function that is called with how many of `total` steps are done, while the block runs.

    Args:
        label: what is done, as ``Pruning``.
        total: the number of steps.
        shown: False shows nothing, as for ``--json``.
    """
    if not shown or not total or not sys.stderr.isatty():
        yield _nothing
        return
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield lambda done: bar.update(done - bar.pos)


def _nothing(done: int) -> None:
    """Show no progress."""
