"""Basic with a remembered password beside an opaque token: looked up each time, and with the feed of revocations."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from typing import Any

from authmw import Auth, HTTPBasic, PasswordVerifier
from authmw.stores.revocation_feed import RevocationFeed
from tests.benchmarks import apps, databases, opaque_tokens
from tests.benchmarks.cases import Case, Places
from tests.benchmarks.harness import USERS, Candidate, Row

_ALL_DAY = 3600.0


def sqlite_case() -> Case:
    """Users and tokens in SQLite."""
    return _case("SQLite", databases.open_sqlite(), waits=False)


def postgres_case() -> Case:
    """Users and tokens in PostgreSQL."""
    return _case("PostgreSQL", databases.open_postgres(), waits=True)


def _case(name: str, opened: databases.Opened, *, waits: bool) -> Case:
    called, awaited = opened.stores, opened.stores if opened.awaited is None else opened.awaited
    stored = databases.HASHER.hash("password")
    for user in range(USERS):
        called.users.create(f"user-{user}", password_hash=stored, scopes=["orders:read", "orders:write"])
    tokens = [
        called.tokens.create(f"user-{user}", ["orders:read", "orders:write"], lifetime=86_400.0)[0]
        for user in range(USERS)
    ]
    basic = Places("Authorization", [_basic(f"user-{user}", "password") for user in range(USERS)], waits=waits)
    bearer = Places("Authorization", [f"Bearer {token}" for token in tokens], waits=waits)
    closing = ExitStack()
    closing.callback(opened.close)

    def row(label: str, *, is_async: bool, feed: bool) -> Row:
        stores = awaited if is_async else called
        by_password = _by_password(stores, closing, feed=feed)
        by_token = opaque_tokens.remembered(stores, closing) if feed else opaque_tokens.each_time(stores)
        guarded = apps.guarded_asgi if is_async else apps.guarded_wsgi
        make, made = (basic.asgi, bearer.asgi) if is_async else (basic.wsgi, bearer.wsgi)
        bare: Candidate = made("raw ASGI", apps.bare_asgi) if is_async else made("raw WSGI", apps.bare_wsgi)
        floor = made(f"token, {label}", guarded(by_token))
        return Row(label, make(f"password, {label}", guarded(by_password)), bare, floor, floor_bare=bare)

    rows = [
        row("looked up, raw WSGI", is_async=False, feed=False),
        row("looked up, raw ASGI", is_async=True, feed=False),
        row("with the feed, raw WSGI", is_async=False, feed=True),
        row("with the feed, raw ASGI", is_async=True, feed=True),
    ]
    bad = {"none": "", "garbage": "Basic %%%", "wrong": _basic("user-0", "wrong"), "unknown": _basic("who", "password")}
    title = f"Basic with a remembered password, {name}: overhead / overhead of an opaque token"
    return Case(title, rows, [basic], bad, closing.close, opaque_tokens.is_user)


def _by_password(stores: Any, closing: ExitStack, *, feed: bool) -> Auth:
    followed = None
    if feed:
        followed = RevocationFeed(stores.revocations)
        closing.callback(followed.close)
    verifier = PasswordVerifier(stores.users, hasher=databases.HASHER, revocations=followed, remember_for=_ALL_DAY)
    return Auth(HTTPBasic(verifier))


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
