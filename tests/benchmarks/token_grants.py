"""The token endpoint: logins by password and refreshes, with everything kept in one place or another.

Passwords are hashed with the cheapest parameters, so that all the rest shows. The tokens are JWTs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import jwt

import authmw.asgi
import authmw.wsgi
from authmw.crypto.chained_tokens import RefreshToken
from tests.benchmarks import apps, databases
from tests.benchmarks.cases import AUDIENCE, ISSUER, Case, Places, claims, signing_key
from tests.benchmarks.harness import USERS, Candidate, Row
from tests.benchmarks.requests import BODY, environ, scope, serve_asgi, serve_wsgi
from tests.benchmarks.token_endpoint import private_ring, service

PASSWORD = "correct horse battery staple"


def memory_case() -> Case:
    """In memory."""
    return _case("memory", databases.in_memory(), None, None)


def sqlite_case() -> Case:
    """In SQLite."""
    return _of("SQLite", databases.open_sqlite(), waits=True)


def postgres_case() -> Case:
    """In PostgreSQL."""
    return _of("PostgreSQL", databases.open_postgres(), waits=True)


def redis_case() -> Case:
    """In Redis, but for users and clients."""
    return _of("Redis", databases.open_redis(), waits=True)


def _of(name: str, opened: databases.Opened, *, waits: bool) -> Case:
    return _case(name, opened.stores, opened.awaited, opened.write, waits=waits, close=opened.close)


def _case(
    name: str,
    stores: Any,
    awaited: Any,
    write: Callable[[str], object] | None,
    *,
    waits: bool = False,
    close: Callable[[], None] = lambda: None,
) -> Case:
    key = signing_key("ES256")
    ring = private_ring(key, "ES256")
    users = [stores.users.create(f"user-{number}", PASSWORD, scopes=["orders:read"]) for number in range(USERS)]
    called = service(stores, ring)
    called.passwords.hasher = databases.HASHER
    wsgi = authmw.wsgi.Mount(called)
    stored = users[0].password_hash or ""
    a_hash = Candidate("one hash", str, lambda _: databases.HASHER.verify(password=PASSWORD, hash=stored))
    a_write = a_hash if write is None else Candidate(f"one write, {name}", str, write, waits=waits)
    encoding = Candidate("jwt.encode ES256", claims, lambda said: jwt.encode(said, key, "ES256"))
    forms = [urlencode({"grant_type": "password", "username": user.username, "password": PASSWORD}) for user in users]
    logins, refreshes = Forms(forms, waits=waits), Refreshes(wsgi, forms, waits=waits)
    bare_wsgi, bare_asgi = logins.wsgi("raw WSGI", apps.bare_wsgi), logins.asgi("raw ASGI", apps.bare_asgi)
    login, refresh = logins.wsgi("login WSGI", wsgi), refreshes.wsgi("refresh WSGI", wsgi)
    rows = [
        Row("login, raw WSGI / one hash", login, bare_wsgi, a_hash),
        Row("refresh, raw WSGI / jwt.encode", refresh, bare_wsgi, encoding),
    ]
    if write is not None:
        rows += [
            Row("login, raw WSGI / one write", login, bare_wsgi, a_write),
            Row("refresh, raw WSGI / one write", refresh, bare_wsgi, a_write),
        ]
    if awaited is not None:
        waiting = service(awaited, ring)
        waiting.passwords.hasher = databases.HASHER
        asgi = authmw.asgi.Mount(waiting)
        rows += [
            Row("login, raw ASGI / one write", logins.asgi("login ASGI", asgi), bare_asgi, a_write),
            Row("refresh, raw ASGI / one write", refreshes.asgi("refresh ASGI", asgi), bare_asgi, a_write),
        ]
    bad = {
        "no grant": "username=user-0",
        "wrong": forms[0] + "x",
        "unknown": urlencode({"grant_type": "password", "username": "nobody", "password": PASSWORD}),
        "bad refresh": "grant_type=refresh_token&refresh_token=garbage",
        "unknown refresh": f"grant_type=refresh_token&refresh_token={RefreshToken.new(ISSUER).text}",
    }

    def is_right(number: int, body: bytes) -> bool:
        token = json.loads(body)["access_token"]
        said = jwt.decode(token, key.public_key(), ["ES256"], issuer=ISSUER, audience=AUDIENCE)
        return (said["sub"], said["scope"]) == (f"user-{number % USERS}", "orders:read")

    places: list[Places] = [logins, refreshes]
    return Case(f"Token endpoint, grants, {name}", rows, places, bad, close, is_right, rounds=10)


class Forms(Places):
    """Makes candidates that post a form to the token endpoint."""

    def __init__(self, values: Sequence[str], *, waits: bool) -> None:
        super().__init__("", values, waits=waits)

    def wsgi(self, name: str, app: apps.App) -> Candidate:
        """A WSGI application."""

        def make(number: int) -> dict[str, Any]:
            return environ("", "", path="/token", form=self._value(number))

        return Candidate(name, make, serve_wsgi(app), waits=self._waits)

    def asgi(self, name: str, app: apps.App) -> Candidate:
        """An ASGI application."""

        def make(number: int) -> dict[str, Any]:
            return scope("", "", path="/token", form=self._value(number))

        return Candidate(name, make, serve_asgi(app), is_async=True, waits=self._waits)


class Refreshes(Forms):
    """The same, where each request has the refresh token that the answer before it gave.

    Args:
        app: logs in, at first.
        logins: the forms of logins.
        waits: whether the candidates wait for a database.
    """

    def __init__(self, app: apps.App, logins: Sequence[str], *, waits: bool) -> None:
        super().__init__(logins, waits=waits)
        self._serve = serve_wsgi(app)

    def wsgi(self, name: str, app: apps.App) -> Candidate:
        """A WSGI application."""
        serve = serve_wsgi(app)
        forms: list[str] = self._begin()

        def refresh(made: dict[str, Any]) -> tuple[str, bytes]:
            number: int = made["number"]
            if self.instead is None:
                made["wsgi.input"] = BytesIO(forms[number].encode())
            status, body = serve(made)
            if self.instead is None:
                forms[number] = _refresh(body)
            return status, body

        def make(number: int) -> dict[str, Any]:
            # All forms are of one length.
            made = environ("", "", path="/token", form=self.instead or forms[number % USERS])
            return made | {"number": number % USERS}

        return Candidate(name, make, refresh, waits=self._waits)

    def asgi(self, name: str, app: apps.App) -> Candidate:
        """An ASGI application."""
        serve = serve_asgi(app)
        forms: list[str] = self._begin()

        async def refresh(made: dict[str, Any]) -> tuple[str, bytes]:
            number: int = made["number"]
            if self.instead is None:
                made[BODY] = forms[number].encode()
            status, body = await serve(made)
            if self.instead is None:
                forms[number] = _refresh(body)
            return status, body

        def make(number: int) -> dict[str, Any]:
            made = scope("", "", path="/token", form=self.instead or forms[number % USERS])
            return made | {"number": number % USERS}

        return Candidate(name, make, refresh, is_async=True, waits=self._waits)

    def _begin(self) -> list[str]:
        """Log everybody in; the first forms."""
        made = [environ("", "", path="/token", form=each) for each in self.values]
        return [_refresh(self._serve(each)[1]) for each in made]


def _refresh(answer: bytes) -> str:
    return f"grant_type=refresh_token&refresh_token={json.loads(answer)['refresh_token']}"
