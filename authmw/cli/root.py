"""The group of all commands, and how they fail: in one sentence, without a traceback.

Only click and the small modules of the core are loaded to show help; everything else is imported by the command that
needs it. Exit codes: 0 done, 1 refused or failed (a sentence on stderr), 2 called wrongly.
"""

from __future__ import annotations

from typing import Any

import click

from authmw.cli.clients import clients
from authmw.cli.db import db
from authmw.cli.demo import demo
from authmw.cli.doctor import doctor
from authmw.cli.jwk import jwk
from authmw.cli.keys import keys
from authmw.cli.openapi import openapi
from authmw.cli.prune import prune
from authmw.cli.routes import routes
from authmw.cli.sessions import sessions
from authmw.cli.tokens import token, tokens
from authmw.cli.users import users
from authmw.errors import AuthmwError


class _FailingInSentences(click.Group):
    """Tells what went wrong on stderr and exits with 1. A bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AuthmwError as error:
            raise click.ClickException(_words_of_a_store(error.__cause__) or str(error)) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename is not None else ""
            raise click.ClickException(f"{where}{error.strerror or type(error).__name__}") from None
        except Exception as error:
            if (words := _words_of_a_store(error)) is None:
                raise
            raise click.ClickException(words) from None


def _words_of_a_store(error: BaseException | None) -> str | None:
    """What a database or Redis says about its failure; None when it is not one's."""
    cause = getattr(error, "orig", None) or error
    families = {type(each).__module__.partition(".")[0] for each in (cause, error)}
    # The words of these hold no values that are stored: SQLite's never, psycopg's not when it could not connect.
    tells = "sqlite3" in families or ("psycopg" in families and type(cause).__name__ == "OperationalError")
    words = str(cause).partition("\n")[0] if tells else type(cause).__name__
    if families & {"sqlite3", "sqlalchemy", "psycopg"}:
        return f"the database does not answer: {words}"
    return f"Redis does not answer: {words}" if "redis" in families else None


@click.group(cls=_FailingInSentences)
@click.version_option(package_name="authmw")
def group() -> None:
    """Users, clients, API keys, tokens, sessions, signing keys and the database of authmw; routes and documents."""


for _command in (users, clients, keys, tokens, token, sessions, jwk, db, prune, routes, openapi, doctor, demo):
    group.add_command(_command)


def main() -> None:
    """Run the command with the arguments of this process, and exit."""
    group(prog_name="authmw")
