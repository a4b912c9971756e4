"""Each adapter over the raw middleware: JWTs of HS256, with an undecorated view and with ``@requires_scopes``.

The overhead of an adapter is its time less that of the same framework's bare application. What it adds to the raw
middleware is that overhead less the overhead of raw WSGI or ASGI in the same round.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jwt

from authmw import Auth, HTTPBearer, requires_scopes
from authmw.verifiers.jwt import JWTVerifier
from tests.benchmarks import apps, peers
from tests.benchmarks.cases import AUDIENCE, ISSUER, SECRET, Case, Places, claims, ring
from tests.benchmarks.harness import USERS, Candidate, Row

REMEMBERED = {"authmw, Flask": "3", "authmw, Starlette": "2", "authmw, FastAPI": "2"}
FIRST_SEEN = dict.fromkeys(REMEMBERED, "6")


def jwt_case(*, remembered: bool) -> Case:
    """Flask, Starlette and FastAPI, each over the raw middleware of its protocol."""
    values = [bearer(user, "orders:read orders:write") for user in range(USERS)]
    places = Places("Authorization", values)
    tokens = Places("Authorization", [value.removeprefix("Bearer ") for value in values])
    floor = tokens.floor("F1 jwt.decode HS256", peers.pyjwt(SECRET, "HS256", ISSUER, AUDIENCE))
    verifier = JWTVerifier(ring(SECRET, "HS256"), issuer=ISSUER, audience=AUDIENCE)
    auth = Auth(HTTPBearer(verifier), remember=4096 if remembered else 0)
    bare_wsgi, bare_asgi = places.wsgi("raw WSGI", apps.bare_wsgi), places.asgi("raw ASGI", apps.bare_asgi)
    wsgi = Row("authmw, raw WSGI", places.wsgi("authmw WSGI", apps.guarded_wsgi(auth)), bare_wsgi, floor)
    asgi = Row("authmw, raw ASGI", places.asgi("authmw ASGI", apps.guarded_asgi(auth)), bare_asgi, floor)
    overheads = [
        *_adapter("Flask", places.wsgi, apps.flask_app, partial(apps.guarded_flask, auth), wsgi),
        *_adapter("Starlette", places.asgi, apps.starlette_app, partial(apps.guarded_starlette, auth), asgi),
        *_adapter("FastAPI", places.asgi, apps.fastapi_app, partial(apps.guarded_fastapi, auth), asgi),
    ]
    goals = REMEMBERED if remembered else FIRST_SEEN
    added = [_added(row, raw, goals.get(row.label, "")) for row, raw in overheads]
    rows = [wsgi, asgi, *(row for row, _ in overheads), *added]
    bad = {"none": "", "garbage": "Bearer garbage", "no scope": bearer(0, "")}
    state = "remembered" if remembered else "first seen"
    title = f"Adapters, JWT HS256, {state}: overhead / jwt.decode, and over raw in us"
    return Case(title, rows, [places], bad)


def _adapter(
    name: str,
    place: Callable[[str, apps.App], Candidate],
    app: Callable[[], apps.App],
    guarded: Callable[[apps.Decorator], apps.App],
    raw: Row,
) -> list[tuple[Row, Row]]:
    """The rows of one adapter, each with the row of the raw middleware of its protocol."""
    bare = place(name, app())
    views: dict[str, apps.Decorator] = {name: apps.undecorated, f"{name}, scopes": requires_scopes("orders:read")}
    return [
        (Row(f"authmw, {label}", place(f"authmw {label}", guarded(view)), bare, raw.floor), raw)
        for label, view in views.items()
    ]


def _added(row: Row, raw: Row, goal: str) -> Row:
    """What the adapter adds to the raw middleware, in microseconds."""
    label = f"{row.label.removeprefix('authmw, ')} - raw [us]"
    return Row(label, row.candidate, row.bare, None, goal, over=raw)


def bearer(user: int, scope: str) -> str:
    """The value of ``Authorization`` for a user of that number."""
    payload = {**claims(user), "scope": scope}
    return "Bearer " + jwt.encode(payload, SECRET, "HS256", headers={"typ": "at+jwt", "kid": "k1"})
