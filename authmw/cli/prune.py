"""Command ``authmw prune``: deletion of expired records, in transactions so small that no request waits for one."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import click

from authmw.cli.options import database_option
from authmw.cli.output import json_option, show
from authmw.cli.stores import Pruned, open_stores


@click.command()
@click.option(
    "--batch",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="How many records one transaction deletes.",
)
@database_option
@json_option
def prune(batch: int, database: str, as_json: bool) -> None:
    """Delete expired records: tokens, sessions, revocations, nonces, counts of attempts. Run it daily.

    Users, clients and API keys stay. In Redis everything expires by itself.
    """
    steps = open_stores(database).prune(batch=batch)
    total = next(steps).total
    deleted: Counter[str] = Counter()
    before = 0
    for step in _with_progress(steps, total) if sys.stderr.isatty() and not as_json and total else steps:
        deleted[step.table] += step.deleted - before
        before = step.deleted
    words = f"{before} expired {'record' if before == 1 else 'records'} deleted"
    show({"deleted": before, "tables": dict(sorted(deleted.items()))}, words, as_json=as_json)


def _with_progress(steps: Iterator[Pruned], total: int) -> Iterator[Pruned]:
    """`steps`, with a progress bar on standard error."""
    with click.progressbar(length=total, label="Pruning", file=sys.stderr) as bar:
        for step in steps:
            yield step
            bar.update(step.deleted - bar.pos)
