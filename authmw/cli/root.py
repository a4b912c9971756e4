"""Group of all commands, and their failures: one sentence on standard error, without a traceback.

Only click and the small modules of the core are loaded to show help; everything else is imported by the command that
needs it. Exit codes: 0 done, 1 refused or failed (a sentence on stderr), 2 wrong usage.
"""

from __future__ import annotations

import os
from typing import Any

import click

from authmw.cli.clients import clients
from authmw.cli.db import db
from authmw.cli.demo import demo
from authmw.cli.doctor.command import doctor
from authmw.cli.explain.command import explain
from authmw.cli.jwk import jwk
from authmw.cli.keys import keys
from authmw.cli.openapi import openapi
from authmw.cli.output import wants_colour
from authmw.cli.prune import prune
from authmw.cli.routes import routes
from authmw.cli.sessions import sessions
from authmw.cli.tokens import token, tokens
from authmw.cli.users import users
from authmw.errors import AuthmwError


class _PlainErrors(click.Group):
    """Prints one sentence on stderr for an expected failure, and exits with 1. A bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        ctx.color = wants_colour(os.environ)  # the contexts of all commands inherit it
        try:
            return super().invoke(ctx)
        except AuthmwError as error:
            raise click.ClickException(_store_failure(error.__cause__) or str(error)) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename is not None else ""
            raise click.ClickException(f"{where}{error.strerror or type(error).__name__}") from None
        except Exception as error:
            if (sentence := _store_failure(error)) is None:
                raise
            raise click.ClickException(sentence) from None


def _store_failure(error: BaseException | None) -> str | None:
    """The sentence for an exception of the database or of Redis; None for any other."""
    cause = getattr(error, "orig", None) or error
    families = {type(each).__module__.partition(".")[0] for each in (cause, error)}
    # Only these messages quote no stored values: those of SQLite, and those of psycopg about a failed connection.
    is_safe = "sqlite3" in families or ("psycopg" in families and type(cause).__name__ == "OperationalError")
    words = str(cause).partition("\n")[0] if is_safe else type(cause).__name__
    if families & {"sqlite3", "sqlalchemy", "psycopg"}:
        return f"the database does not answer: {words}"
    return f"Redis does not answer: {words}" if "redis" in families else None


@click.group(cls=_PlainErrors)
@click.version_option(package_name="authmw")
def group() -> None:
    """Manage the users, clients, API keys, tokens, sessions, signing keys and database of authmw; list routes."""


for _command in (users, clients, keys, tokens, token, sessions, jwk, db, prune, routes, openapi, explain, doctor, demo):
    group.add_command(_command)


def main() -> None:
    """Run the command with the arguments of this process, and exit."""
    group(prog_name="authmw")
