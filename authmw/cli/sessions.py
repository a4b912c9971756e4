"""Commands of ``authmw sessions``: list and end the logins that refresh tokens prolong."""

from __future__ import annotations

import click

from authmw.cli.options import database_option, redis_option
from authmw.cli.output import json_option, listed, moment, printable, show, table
from authmw.cli.revocation import end_session, sessions_of
from authmw.cli.stores import existing, open_stores, redis_stores
from authmw.stores.administration import NotFound
from authmw.stores.records import RefreshFamily


@click.group()
def sessions() -> None:
    """Sessions: the logins of users that refresh tokens prolong."""


@sessions.command("list")
@click.argument("username")
@database_option
@redis_option
@json_option
def list_sessions(username: str, database: str, redis: str | None, as_json: bool) -> None:
    """List the live sessions of USERNAME, oldest first."""
    stores = open_stores(database)
    user = existing(stores.users, username)
    found = sessions_of((stores, *redis_stores(redis)), user.id)
    rows = [
        [
            each.id,
            each.client_id or "-",
            moment(each.created_at),
            moment(each.last_used_at),
            moment(min(each.idle_until, each.expires_at)),
            listed(each.scopes),
            each.name or "-",
        ]
        for each in found
    ]
    show(
        {"sessions": [_described(family) for family in found]},
        table(["ID", "CLIENT", "SINCE", "LAST USED", "UNTIL", "SCOPES", "NAME"], rows),
        as_json=as_json,
    )


@sessions.command()
@click.argument("session_id")
@database_option
@redis_option
@json_option
def end(session_id: str, database: str, redis: str | None, as_json: bool) -> None:
    """End the session SESSION_ID, and refuse its tokens from now on. It may be ended twice."""
    family = end_session((open_stores(database), *redis_stores(redis)), session_id)
    if family is None:
        raise NotFound(f"there is no session {session_id!r}")
    show(_described(family), f"{printable(family.id)}: ended", as_json=as_json)


def _described(family: RefreshFamily) -> dict[str, object]:
    return {
        "id": family.id,
        "subject": family.subject,
        "username": family.username,
        "client_id": family.client_id,
        "scopes": sorted(family.scopes),
        "name": family.name,
        "created_at": family.created_at,
        "last_used_at": family.last_used_at,
        "idle_until": family.idle_until,
        "expires_at": family.expires_at,
        "revoked_at": family.revoked_at,
    }
