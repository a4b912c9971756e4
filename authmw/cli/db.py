"""Commands of ``authmw db``: create, upgrade and check the tables of the database."""

from __future__ import annotations

import sys

import click

from authmw.cli.options import database_option
from authmw.cli.output import json_option, show
from authmw.cli.stores import sql_adapter


@click.group()
def db() -> None:
    """The tables of the database."""


@db.command()
@database_option
@json_option
def upgrade(database: str, as_json: bool) -> None:
    """Create the tables, or bring them up to date. If they are up to date, nothing changes."""
    adapter = sql_adapter()
    missing: list[str] = adapter.check(database)
    adapter.upgrade(database)
    show({"upgraded": bool(missing)}, "upgraded" if missing else "up to date already", as_json=as_json)


@db.command()
@database_option
@json_option
def check(database: str, as_json: bool) -> None:
    """Say whether the tables are up to date. Exit code 1: they are not, and `authmw db upgrade` is needed."""
    missing: list[str] = sql_adapter().check(database)
    show({"up_to_date": not missing, "missing": missing}, "\n".join(missing) or "up to date", as_json=as_json)
    if missing:
        sys.exit(1)


@db.command("sql")
@database_option
@json_option
def print_sql(database: str, as_json: bool) -> None:
    """Print the SQL that `upgrade` runs on an empty database, without connecting to it."""
    text: str = sql_adapter().upgrade_sql(database)
    show({"sql": text}, text, as_json=as_json)
