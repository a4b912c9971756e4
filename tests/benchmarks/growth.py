"""Growth: what a request takes with many patterns, routes, remembered tokens, API keys and lists of scopes, beside few.

A ratio of 1 is flat. What grows by itself, as the walk of a framework over its routes, is the unit of its rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

import authmw_starlette
from authmw_fastapi import FastAPIAuth
from authmw_flask import FlaskAuth
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse as FastAPIText
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from authmw import APIKeyHeader, Auth, Authenticated, HTTPBearer, Principal, public
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken
from authmw.stores import MemoryApiKeys
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.jwt import JWTVerifier
from authmw.wsgi import AuthMiddleware
from tests.benchmarks import apps
from tests.benchmarks.adapters import bearer
from tests.benchmarks.cases import AUDIENCE, ISSUER, SECRET, Case, Headers, Places, ring
from tests.benchmarks.harness import USERS, Candidate, Row, answered
from tests.benchmarks.requests import fresh

FLAT: Final = "1.25"
PATTERNS: Final = (10, 100, 1_000, 10_000)
ROUTES: Final = (10, 300)
ENTRIES: Final = (1_000, 10_000, 100_000)
SCOPE_LISTS: Final = (10, 1_000, 10_000)


def patterns_case() -> Case:
    """Public patterns and rules from outside, in front of a stranger and of a remembered token."""
    strangers, known = Places("Authorization", [""]), _remembered_tokens()
    closed = Places("Authorization", [""], path="/closed/a/b")
    public_path = Places("Authorization", [""], path="/part5/a/b")
    bare = strangers.wsgi("raw WSGI", apps.bare_wsgi)
    rows: list[Row] = []

    def compare(what: str, places: Places, status: str, guarded: Callable[[int], apps.App]) -> None:
        few, *more = (places.wsgi(f"{what}, {size:,}", guarded(size)) for size in PATTERNS)
        rows.extend(_grown(many, few, bare, status) for many in more)

    def opened(size: int) -> apps.App:
        return AuthMiddleware(apps.bare_wsgi, _auth(), public=[f"/part{number}/*" for number in range(size)])

    def ruled(size: int) -> apps.App:
        needs = {f"/part{number}/*": "orders:read" for number in range(size - 1)}
        return AuthMiddleware(apps.bare_wsgi, _auth(), needs={**needs, "/orders": "orders:read"})

    compare("public path, patterns", public_path, "200", opened)
    compare("401, patterns", closed, "401", opened)
    compare("remembered token, rules", known, "200", ruled)
    return Case(f"Growth, patterns and rules: overhead / overhead with {PATTERNS[0]}", rows, [strangers, known], {})


def routes_case() -> Case:
    """Routes of applications: how often authmw and the framework walk the table, and what is flat in Flask."""
    strangers, known = Places("Authorization", [""]), _remembered_tokens()
    opened = Places("Authorization", [""], path="/open")
    asked = {
        "remembered token": (known, "200", "1.1"),
        "401": (strangers, "401", "1.1"),
        "@public": (opened, "200", "2.2"),
    }
    rows: list[Row] = []
    for framework, app, guarded in (
        ("Starlette", _starlette, _guarded_starlette),
        ("FastAPI", _fastapi, _guarded_fastapi),
    ):
        bare, ours = [app(size) for size in ROUTES], [guarded(size) for size in ROUTES]
        for what, (places, status, goal) in asked.items():
            label = f"{framework}, {what}"
            few, many = (
                _checked(places.asgi(f"{label}, {size:,}", each), status)
                for each, size in zip(ours, ROUTES, strict=True)
            )
            bare_few, bare_many = (
                _checked(places.asgi(f"bare {label}, {size:,}", each), "200")
                for each, size in zip(bare, ROUTES, strict=True)
            )
            # What many routes add to the guarded application, by what they add to the bare one.
            rows.append(Row(label, many, few, bare_many, goal, floor_bare=bare_few))
    flask = [_guarded_flask(size) for size in ROUTES]
    for what in ("remembered token", "401"):
        places, status, _ = asked[what]
        few, many = (
            _checked(places.wsgi(f"Flask, {what}, {size:,}", each), status)
            for each, size in zip(flask, ROUTES, strict=True)
        )
        rows.append(Row(f"{many.name} / {ROUTES[0]}", many, None, few, FLAT))
    title = "Growth, routes: walks of the table / one walk of the framework; in Flask time / time with 10"
    return Case(title, rows, [strangers, known, opened], {})


def remembered_case() -> Case:
    """Remembered tokens: one of many is recalled; a new one is remembered, and the oldest is evicted."""
    bare = Places("Authorization", ["Bearer x"]).wsgi("raw WSGI", apps.bare_wsgi)
    recalled: list[Candidate] = []
    evicting: list[Candidate] = []
    for size in ENTRIES:
        known, unknown = _full(size), _full(size)
        new = itertools.count(size)
        old = itertools.cycle(range(size))
        recalled.append(_in_turn(f"recall, {size:,}", old, AuthMiddleware(apps.bare_wsgi, known)))
        evicting.append(_in_turn(f"remember and evict, {size:,}", new, AuthMiddleware(apps.bare_wsgi, unknown)))
    rows = [_grown(many, few, bare, "200") for few, *more in (recalled, evicting) for many in more]
    return Case(f"Growth, remembered tokens: overhead / overhead with {ENTRIES[0]:,}", rows, [], {})


def forget_case() -> Case:
    """`Auth.forget` of one principal of many, which is remembered, and of a client that has a tenth of all tokens."""
    rows: list[Row] = []
    for what in ("principal", "client"):
        few, *more = (_forgetting(what, size) for size in ENTRIES)
        rows += [Row(f"{many.name} / {ENTRIES[0]:,}", many, None, few, FLAT) for many in more]
    return Case(f"Growth, Auth.forget: time / time with {ENTRIES[0]:,} remembered tokens", rows, [], {})


def api_keys_case() -> Case:
    """API keys in memory, each presented in its turn."""
    found: list[Candidate] = []
    for size in ENTRIES:
        store = MemoryApiKeys()
        keys = [store.create(f"user-{number}", scopes={"orders:read"})[0] for number in range(size)]
        places = Places("X-API-Key", _turns(keys))
        auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(store)))
        found.append(places.wsgi(f"API keys, {size:,}", AuthMiddleware(apps.bare_wsgi, auth)))
        # The first use of a key changes its record, so that the verdict is made anew at the second.
        for _ in range(2 * size):
            _checked(found[-1], "200")
    bare = Places("X-API-Key", ["x"]).wsgi("raw WSGI", apps.bare_wsgi)
    few, *more = found
    rows = [_grown(many, few, bare, "200") for many in more]
    return Case(f"Growth, API keys in memory: overhead / overhead with {ENTRIES[0]:,}", rows, [], {})


def scopes_case() -> Case:
    """Tokens that are seen for the first time, with few and many different lists of scopes."""
    verifier = JWTVerifier(ring(SECRET, "HS256"), issuer=ISSUER, audience=AUDIENCE)
    guarded = AuthMiddleware(apps.bare_wsgi, Auth(HTTPBearer(verifier), remember=0))
    seen: list[Candidate] = []
    for size in SCOPE_LISTS:
        values = [bearer(number, f"orders:read project:{number}:write") for number in range(size)]
        seen.append(Places("Authorization", _turns(values)).wsgi(f"lists of scopes, {size:,}", guarded))
    bare = Places("Authorization", ["Bearer x"]).wsgi("raw WSGI", apps.bare_wsgi)
    few, *more = seen
    rows = [_grown(many, few, bare, "200") for many in more]
    return Case(f"Growth, lists of scopes, first seen: overhead / overhead with {SCOPE_LISTS[0]}", rows, [], {})


def _grown(many: Candidate, few: Candidate, bare: Candidate, status: str) -> Row:
    label = f"{many.name} / {few.name.rpartition(', ')[2]}"
    return Row(label, _checked(many, status), bare, _checked(few, status), FLAT, floor_bare=bare)


def _checked(candidate: Candidate, status: str) -> Candidate:
    """The candidate, which answers as it should.

    Raises:
        SystemExit: it does not.
    """
    answer = answered(candidate, 0)[0]
    if not answer.startswith(status):
        raise SystemExit(f"{candidate.name} answers {answer}, not {status}")
    return candidate


def _remembered_tokens() -> Places:
    return Places("Authorization", [bearer(user, "orders:read orders:write") for user in range(USERS)])


def _auth() -> Auth:
    return Auth(HTTPBearer(JWTVerifier(ring(SECRET, "HS256"), issuer=ISSUER, audience=AUDIENCE)))


def _turns(values: Sequence[str]) -> Headers:
    """Each of the values in its turn, in all batches together."""
    turn = itertools.cycle(values)
    return Headers(lambda _: next(turn))


# Remembered tokens


class _Tokens:
    """Lets every token in, as that of a user of its own and of one of ten clients."""

    ignores_request: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def verify(self, credentials: BearerToken, request: RequestHead, /) -> Authenticated:
        """The verdict, which may be remembered."""
        number = credentials.token
        principal = Principal(f"user-{number}", credential_id=f"jti-{number}", client_id=f"client-{number[-1]}")
        return Authenticated(principal, remember_until=2.0**33)


def _full(size: int) -> Auth:
    """An `Auth` that remembers as many tokens as it can."""
    auth = Auth(HTTPBearer(_Tokens()), remember=size)
    guarded = AuthMiddleware(apps.bare_wsgi, auth)
    fill = _in_turn("fill", iter(range(size)), guarded)
    for _ in range(size):
        fill.serve(fill.make(0))
    return auth


def _in_turn(name: str, numbers: Any, guarded: apps.App) -> Candidate:
    return Places("Authorization", Headers(lambda _: f"Bearer {next(numbers)}")).wsgi(name, guarded)


def _forgetting(what: str, size: int) -> Candidate:
    auth, turn = _full(size), itertools.cycle(range(size))

    def forget(name: str) -> None:
        auth.forget(**{what: name})

    if what == "client":
        return Candidate(f"forget a client, {size:,}", lambda number: fresh(f"client-{number % 10}"), forget)
    return Candidate(f"forget a principal, {size:,}", lambda _: fresh(f"user-{next(turn)}"), forget)


# Routes


def _paths(size: int) -> list[str]:
    return [f"/part{number}" for number in range(size - 2)]


async def _answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def _open(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def _starlette(size: int) -> Starlette:
    """So many routes, of which the last two are asked for."""
    routes = [Route(path, _answer) for path in _paths(size)]
    return Starlette(routes=[*routes, Route("/orders", _answer), Route("/open", public(_open))])


def _guarded_starlette(size: int) -> Starlette:
    app = _starlette(size)
    app.add_middleware(authmw_starlette.AuthMiddleware, auth=_auth())
    return app


def _fastapi(size: int) -> FastAPI:
    app = FastAPI(openapi_url=None)

    async def answer() -> str:
        return "ok"

    async def opened() -> str:
        return "ok"

    for path in [*_paths(size), "/orders"]:
        app.get(path, response_class=FastAPIText)(answer)
    app.get("/open", response_class=FastAPIText)(public(opened))
    return app


def _guarded_fastapi(size: int) -> FastAPI:
    app = _fastapi(size)
    FastAPIAuth(app, _auth())
    return app


def _flask(size: int) -> Flask:
    app = Flask("bench")
    for path in [*_paths(size), "/orders"]:
        app.add_url_rule(path, path, lambda: "ok")
    return app


def _guarded_flask(size: int) -> Flask:
    app = _flask(size)
    FlaskAuth(app, _auth())
    return app
