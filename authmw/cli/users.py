"""Commands of ``authmw users``: create and change users, with their passwords and scopes."""

from __future__ import annotations

import click

from authmw.cli.options import database_option, redis_option, scope_option
from authmw.cli.output import json_option, listed, printable, show, table
from authmw.cli.revocation import end_user
from authmw.cli.secret_input import password_stdin_option, read_password
from authmw.cli.stores import existing, open_stores, redis_stores
from authmw.stores.records import User

_digest_option = click.option("--digest-realm", metavar="REALM", help="Also let the user log in by Digest in REALM.")


@click.group()
def users() -> None:
    """Users, with their passwords and scopes."""


@users.command()
@click.argument("username")
@scope_option
@password_stdin_option
@click.option("--no-password", is_flag=True, help="The user gets tokens and API keys, but cannot log in.")
@_digest_option
@database_option
@json_option
def create(
    *,
    username: str,
    scopes: tuple[str, ...],
    from_stdin: bool,
    no_password: bool,
    digest_realm: str | None,
    database: str,
    as_json: bool,
) -> None:
    """Create the user USERNAME. Asks for the password."""
    if no_password and (from_stdin or digest_realm is not None):
        raise click.UsageError("--no-password goes with neither --password-stdin nor --digest-realm")
    password = None if no_password else read_password(from_stdin=from_stdin)
    store = open_stores(database, create=True).users
    user = store.create(username, password, scopes=scopes, digest_realm=digest_realm)
    _show(user, "created", as_json)


@users.command("list")
@database_option
@json_option
def list_users(database: str, as_json: bool) -> None:
    """List every user, by name."""
    found = open_stores(database).users.list()
    show(
        {"users": [_described(user) for user in found]},
        table(
            ["USERNAME", "STATUS", "SCOPES"], [[user.username, _status(user), listed(user.scopes)] for user in found]
        ),
        as_json=as_json,
    )


@users.command()
@click.argument("username")
@database_option
@redis_option
@json_option
def disable(username: str, database: str, redis: str | None, as_json: bool) -> None:
    """Refuse the password, API keys and tokens of USERNAME from now on, and end every session of the user."""
    others = redis_stores(redis)
    user = open_stores(database).users.disable(username)
    end_user(others, user.id)
    _show(user, "disabled", as_json)


@users.command()
@click.argument("username")
@database_option
@json_option
def enable(username: str, database: str, as_json: bool) -> None:
    """Let USERNAME log in again. Earlier tokens and sessions stay refused."""
    _show(open_stores(database).users.enable(username), "enabled", as_json)


@users.command("set-password")
@click.argument("username")
@password_stdin_option
@_digest_option
@database_option
@redis_option
@json_option
def set_password(
    *,
    username: str,
    from_stdin: bool,
    digest_realm: str | None,
    database: str,
    redis: str | None,
    as_json: bool,
) -> None:
    """Replace the password of USERNAME. Asks for the new one.

    Every session of the user ends, and every token is refused: an attacker with the old password may have them.
    """
    store, others = open_stores(database).users, redis_stores(redis)
    existing(store, username)
    password = read_password(from_stdin=from_stdin)
    user = store.set_password(username, password, digest_realm=digest_realm)
    end_user(others, user.id)
    _show(user, "has a new password", as_json)


@users.command("set-scopes")
@click.argument("username")
@scope_option
@database_option
@json_option
def set_scopes(username: str, scopes: tuple[str, ...], database: str, as_json: bool) -> None:
    """Replace the scopes of USERNAME by the given ones, or by none. Existing API keys and tokens keep their scopes."""
    user = open_stores(database).users.set_scopes(username, scopes)
    _show(user, f"has the scopes {listed(user.scopes)}" if user.scopes else "has no scopes", as_json)


def _show(user: User, what: str, as_json: bool) -> None:
    show(_described(user), f"{printable(user.username)}: {what}", as_json=as_json)


def _status(user: User) -> str:
    if user.disabled:
        return "disabled"
    return "active" if user.password_hash is not None else "no password"


def _described(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "username": user.username,
        "scopes": sorted(user.scopes),
        "disabled": user.disabled,
        "has_password": user.password_hash is not None,
    }
