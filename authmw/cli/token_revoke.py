"""Command ``authmw tokens revoke``: revocation of one token, of a session, or of all that a user or client was issued.

Running processes follow within the bound of their revocation feed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import click

from authmw.cli.options import database_option, redis_option
from authmw.cli.output import json_option, printable, show
from authmw.cli.revocation import (
    end_browser_session,
    end_client,
    end_session,
    end_session_with,
    end_user,
    revoke_record,
    revoke_signed,
    revoke_token,
)
from authmw.cli.secret_input import read_token
from authmw.cli.stores import Database, Place, existing, open_stores, redis_stores
from authmw.crypto.chained_tokens import RefreshToken
from authmw.issuers.diagnosis.explain import unverified
from authmw.stores.administration import NotFound


@dataclass(frozen=True, slots=True)
class _Revoked:
    """What was revoked: its kind, its id, and how many sessions ended with it."""

    kind: str
    id: str
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class _Places:
    """The stores to search: those of the database, and those of Redis if there is one."""

    database: Database
    every: tuple[Place, ...]


@click.command()
@click.argument("token_id", required=False)
@click.option("--jti", help="The signed token with this jti.")
@click.option("--session", metavar="ID", help="This session, with all its tokens.")
@click.option("--user", metavar="USERNAME", help="All tokens and sessions of this user.")
@click.option("--client", metavar="CLIENT_ID", help="All tokens and sessions of this client.")
@database_option
@redis_option
@json_option
def revoke(database: str, redis: str | None, as_json: bool, **names: str | None) -> None:
    """Refuse tokens from now on: the opaque token TOKEN_ID, what an option names, or the token on standard input.

    A token itself is read from standard input only, where no list of processes shows it. It may be a signed token, an
    opaque token, or a refresh token, whose session ends.
    """
    named = {name: value for name, value in names.items() if value is not None}
    if len(named) > 1:
        raise click.UsageError("name one thing: TOKEN_ID, --jti, --session, --user or --client")
    name, value = next(iter(named.items())) if named else ("text", read_token())
    stores = open_stores(database)
    done = _WAYS[name](_Places(stores, (stores, *redis_stores(redis))), value)
    words = f"{done.kind} {printable(done.id)}: revoked"
    if done.sessions:
        words += f", {done.sessions} {'session' if done.sessions == 1 else 'sessions'} ended"
    show({"revoked": done.kind, "id": done.id, "sessions_ended": done.sessions}, words, as_json=as_json)


def _by_id(places: _Places, token_id: str) -> _Revoked:
    record = revoke_record(places.every, token_id)
    if record is None:
        raise NotFound(f"there is no token {token_id!r}")
    return _Revoked("token", record.id)


def _by_jti(places: _Places, jti: str) -> _Revoked:
    revoke_signed(places.every, jti)
    return _Revoked("token", jti)


def _session(places: _Places, family_id: str) -> _Revoked:
    session, family = end_browser_session(places.every, family_id), end_session(places.every, family_id)
    if session is None and family is None:
        raise NotFound(f"there is no session {family_id!r}")
    return _Revoked("session", family_id, 1)


def _user(places: _Places, username: str) -> _Revoked:
    subject = existing(places.database.users, username).id
    return _Revoked("user", subject, end_user(places.every, subject))


def _client(places: _Places, client_id: str) -> _Revoked:
    # The client need not be stored: the first-party client of a token service is not.
    return _Revoked("client", client_id, end_client(places.every, client_id))


def _text(places: _Places, text: str) -> _Revoked:
    """Revoke the token `text`. A dot makes it a signed token, ``rt_`` in front a refresh token, else it is opaque."""
    if "." in text:
        return _signed(places, text)
    if text.startswith(_REFRESH):
        return _refresh(places, text)
    record = revoke_token(places.every, text)
    if record is None:
        raise NotFound("there is no such token")
    return _Revoked("token", record.id)


def _signed(places: _Places, text: str) -> _Revoked:
    """Revoke a signed token. Its signature is not verified: the command may revoke any ``jti`` anyway."""
    read = unverified(text)
    jti, expires_at = (None, None) if read is None else (read[1].get("jti"), read[1].get("exp"))
    if not isinstance(jti, str) or not jti:
        raise click.ClickException(
            "this token cannot be revoked by itself, since it has no jti: revoke all tokens of its user with --user"
        )
    if not isinstance(expires_at, int | float):
        expires_at = None
    elif expires_at <= time.time():
        raise click.ClickException("this token has expired, so it is refused anyway")
    revoke_signed(places.every, jti, expires_at)
    return _Revoked("token", jti)


def _refresh(places: _Places, text: str) -> _Revoked:
    token = RefreshToken.parse(text)
    family = None if token is None else end_session_with(places.every, token.key)
    if family is None:
        raise NotFound("there is no session with that refresh token")
    return _Revoked("session", family.id, 1)


_REFRESH: Final = "rt_"
_WAYS: Final[Mapping[str, Callable[[_Places, str], _Revoked]]] = {
    "token_id": _by_id,
    "jti": _by_jti,
    "session": _session,
    "user": _user,
    "client": _client,
    "text": _text,
}
