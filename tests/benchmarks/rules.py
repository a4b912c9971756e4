"""Rules from outside: what ten and ten thousand of them add to a remembered JWT."""

from __future__ import annotations

from authmw import Auth, HTTPBearer
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.verifiers.jwt import JWTVerifier
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.benchmarks import apps, peers
from tests.benchmarks.adapters import bearer
from tests.benchmarks.cases import AUDIENCE, ISSUER, SECRET, Case, Places, ring
from tests.benchmarks.harness import USERS, Row


def case() -> Case:
    """No rules, ten, and ten thousand, in front of one path that one of them names."""
    values = [bearer(user, "orders:read orders:write") for user in range(USERS)]
    places = Places("Authorization", values)
    tokens = Places("Authorization", [value.removeprefix("Bearer ") for value in values])
    floor = tokens.floor("F1 jwt.decode HS256", peers.pyjwt(SECRET, "HS256", ISSUER, AUDIENCE))
    auth = Auth(HTTPBearer(JWTVerifier(ring(SECRET, "HS256"), issuer=ISSUER, audience=AUDIENCE)), remember=4096)
    bare_wsgi, bare_asgi = places.wsgi("raw WSGI", apps.bare_wsgi), places.asgi("raw ASGI", apps.bare_asgi)
    rows: list[Row] = []
    for number in (0, 10, 10_000):
        needs = {f"/part{index}/*": "orders:read" for index in range(number - 1)}
        if number:
            needs["/orders"] = "orders:read"
        wsgi = places.wsgi(f"WSGI, {number} rules", WSGIMiddleware(apps.bare_wsgi, auth, needs=needs))
        asgi = places.asgi(f"ASGI, {number} rules", ASGIMiddleware(apps.bare_asgi, auth, needs=needs))
        rows += [Row(wsgi.name, wsgi, bare_wsgi, floor), Row(asgi.name, asgi, bare_asgi, floor)]
    bad = {"none": "", "garbage": "Bearer garbage", "no scope": bearer(0, "")}
    return Case("Rules from outside, JWT HS256, remembered: overhead / jwt.decode", rows, [places], bad)
