"""Command ``authmw prune``: deletion of expired records, in transactions so small that no request waits for one."""

from __future__ import annotations

from collections import Counter

import click

from authmw.cli.options import database_option
from authmw.cli.output import json_option, show
from authmw.cli.progress import progress
from authmw.cli.stores import open_stores


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
    with progress("Pruning", total, shown=not as_json) as show_progress:
        for step in steps:
            deleted[step.table] += step.deleted - before
            before = step.deleted
            show_progress(before)
    words = f"{before} expired {'record' if before == 1 else 'records'} deleted"
    show({"deleted": before, "tables": dict(sorted(deleted.items()))}, words, as_json=as_json)
