"""Commands of ``authmw sessions``: list and end logins, which a cookie or refresh tokens prolong."""

from __future__ import annotations

import click

from authmw.cli.options import database_option, redis_option
from authmw.cli.output import json_option, listed, moment, printable, show, table
from authmw.cli.revocation import browser_sessions_of, end_browser_session, end_session, sessions_of
from authmw.cli.stores import existing, open_stores, redis_stores
from authmw.stores.administration import NotFound
from authmw.stores.records import RefreshFamily
from authmw.stores.session_records import BrowserSession


@click.group()
def sessions() -> None:
    """Sessions: the logins of users, which live by a cookie in a browser or by refresh tokens."""


@sessions.command("list")
@click.argument("username")
@database_option
@redis_option
@json_option
def list_sessions(username: str, database: str, redis: str | None, as_json: bool) -> None:
    """List the live sessions of USERNAME, oldest first: those of browsers, and those of refresh tokens."""
    stores = open_stores(database)
    user = existing(stores.users, username)
    places = (stores, *redis_stores(redis))
    families, browsers = sessions_of(places, user.id), browser_sessions_of(places, user.id)
    found: list[RefreshFamily | BrowserSession] = [*families, *browsers]
    found.sort(key=lambda session: session.created_at)
    show(
        {
            "sessions": [_described(family) for family in families],
            "browser_sessions": [_described_browser(session) for session in browsers],
        },
        table(["ID", "KIND", "CLIENT", "SINCE", "LAST USED", "UNTIL", "SCOPES", "NAME"], map(_row, found)),
        as_json=as_json,
    )


@sessions.command()
@click.argument("session_id")
@database_option
@redis_option
@json_option
def end(session_id: str, database: str, redis: str | None, as_json: bool) -> None:
    """End the session SESSION_ID, and refuse its tokens from now on. It may be ended twice."""
    places = (open_stores(database), *redis_stores(redis))
    session, family = end_browser_session(places, session_id), end_session(places, session_id)
    if session is not None:
        document = _described_browser(session)
    elif family is not None:
        document = _described(family)
    else:
        raise NotFound(f"there is no session {session_id!r}")
    show(document, f"{printable(session_id)}: ended", as_json=as_json)


def _row(session: RefreshFamily | BrowserSession) -> list[str]:
    kind, client = ("browser", None) if isinstance(session, BrowserSession) else ("tokens", session.client_id)
    return [
        session.id,
        kind,
        client or "-",
        moment(session.created_at),
        moment(session.last_used_at),
        moment(min(session.idle_until, session.expires_at)),
        listed(session.scopes),
        session.name or "-",
    ]


def _described(family: RefreshFamily) -> dict[str, object]:
    return {
        "id": family.id,
        "subject": family.subject,
        "username": family.username,
        "client_id": family.client_id,
        "session_id": family.session_id,
        "scopes": sorted(family.scopes),
        "name": family.name,
        "created_at": family.created_at,
        "last_used_at": family.last_used_at,
        "idle_until": family.idle_until,
        "expires_at": family.expires_at,
        "revoked_at": family.revoked_at,
    }


def _described_browser(session: BrowserSession) -> dict[str, object]:
    return {
        "id": session.id,
        "subject": session.subject,
        "scopes": sorted(session.scopes),
        "name": session.name,
        "remembered": session.remembered,
        "created_at": session.created_at,
        "authenticated_at": session.authenticated_at,
        "last_used_at": session.last_used_at,
        "idle_until": session.idle_until,
        "expires_at": session.expires_at,
        "ended_at": session.ended_at,
    }
