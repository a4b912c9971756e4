"""Opaque tokens: looked up each time, or remembered while a feed knows that they were not revoked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from authmw import Auth, HTTPBearer
from authmw.crypto.opaque_tokens import new_token, token_digest
from authmw.stores.revocation_feed import RevocationFeed
from authmw.verifiers.token import TokenVerifier
from tests.benchmarks import apps, databases
from tests.benchmarks.cases import Case, Places
from tests.benchmarks.harness import USERS, Candidate, Row
from tests.benchmarks.requests import fresh

Goals = tuple[str, str]
"""For WSGI and for ASGI."""


def sqlite_case() -> Case:
    """In SQLite."""
    return _case("SQLite", "a prepared select", databases.open_sqlite(), ("3", "3"), waits=False)


def postgres_case() -> Case:
    """In PostgreSQL."""
    return _case("PostgreSQL", "psycopg's prepared select", databases.open_postgres(), ("2", "2"))


def redis_case() -> Case:
    """In Redis."""
    return _case("Redis", "redis-py's GET", databases.open_redis(), ("1.3", "1.6"))


def _case(name: str, floor_name: str, opened: databases.Opened, goals: Goals, *, waits: bool = True) -> Case:
    keeper = opened.stores.tokens
    values = [keeper.create(f"user-{user}", ["orders:read", "orders:write"], lifetime=86_400.0)[0]
              for user in range(USERS)]  # fmt: skip
    digests = [token_digest(value) for value in values]
    places = Places("Authorization", [f"Bearer {value}" for value in values], waits=waits)

    def asked(candidate: str, get: Callable[[str], Any] | None, *, is_async: bool = False) -> Candidate:
        """A question for a token by its digest, without any request."""
        assert get is not None
        return Candidate(candidate, lambda n: fresh(digests[n % USERS]), get, is_async=is_async, waits=waits)

    stores = opened.stores
    awaited = opened.stores if opened.awaited is None else opened.awaited
    floor = asked(floor_name, opened.get)
    floor_async = floor
    if opened.get_async is not None:
        floor_async = asked(f"{floor_name}, async", opened.get_async, is_async=True)
    wsgi, asgi = places.wsgi("raw WSGI", apps.bare_wsgi), places.asgi("raw ASGI", apps.bare_asgi)
    each_wsgi = places.wsgi("each WSGI", apps.guarded_wsgi(each_time(stores)))
    each_asgi = places.asgi("each ASGI", apps.guarded_asgi(each_time(awaited)))
    closing = ExitStack()
    closing.callback(opened.close)
    kept_wsgi = places.wsgi("kept WSGI", apps.guarded_wsgi(remembered(stores, closing)))
    kept_asgi = places.asgi("kept ASGI", apps.guarded_asgi(remembered(awaited, closing)))
    rows = [
        Row("each time, raw WSGI", each_wsgi, wsgi, floor, goals[0]),
        Row("each time, raw ASGI", each_asgi, asgi, floor_async, goals[1]),
        Row("find_token alone", asked("find_token", stores.tokens.find_token), None, floor),
        Row("remembered, raw WSGI", kept_wsgi, wsgi, floor),
        Row("remembered, raw ASGI", kept_asgi, asgi, floor_async),
    ]
    if opened.awaited is not None:
        find = awaited.tokens.find_token
        rows[3:3] = [
            Row("find_token alone, async", asked("find_token async", find, is_async=True), None, floor_async),
            Row("each time, raw ASGI / not async", each_asgi, asgi, floor),
        ]
    if opened.core is not None:
        core = asked("SQLAlchemy Core", opened.core)
        rows += [
            Row("SQLAlchemy Core", core, None, floor),
            Row("raw WSGI / SQLAlchemy Core", each_wsgi, wsgi, core, "0.5"),
        ]
    if opened.core_async is not None:
        core = asked("SQLAlchemy Core, async", opened.core_async, is_async=True)
        rows += [
            Row("SQLAlchemy Core, async", core, None, floor_async),
            Row("raw ASGI / SQLAlchemy Core", each_asgi, asgi, core, "0.5"),
        ]
    title = f"Opaque token, {name}: overhead / {floor_name}"
    return Case(title, rows, [places], _bad(keeper, values), closing.close, is_user)


def is_user(number: int, body: bytes) -> bool:
    """Whether the answer to the n-th request names the right user."""
    return body == f"user-{number % USERS}".encode()


def each_time(stores: Any) -> Auth:
    """The token is looked up for each request."""
    return Auth(HTTPBearer(TokenVerifier(stores.tokens)))


def remembered(stores: Any, closing: ExitStack) -> Auth:
    """The token is remembered while the feed of revocations is fresh."""
    feed = RevocationFeed(stores.revocations)
    closing.callback(feed.close)
    return Auth(HTTPBearer(TokenVerifier(stores.tokens, revocations=feed)))


def _bad(keeper: Any, values: list[str]) -> dict[str, str]:
    expired, _ = keeper.create("user-0", lifetime=0.001)
    revoked, record = keeper.create("user-0")
    keeper.revoke(record.id)
    return {
        "none": "",
        "garbage": "Bearer garbage",
        "checksum": f"Bearer {values[0][:-1]}{'0' if values[0][-1] != '0' else '1'}",
        "unknown": f"Bearer {new_token('at')}",
        "expired": f"Bearer {expired}",
        "revoked": f"Bearer {revoked}",
    }
