"""An engine, two tokens, and applications guarded by ``add_middleware`` and from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from authmw_starlette import AuthMiddleware
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from authmw import Auth, HTTPBearer, Principal
from authmw.engine.guard import Preflights

TOKENS: Final[Mapping[str, Principal]] = {
    "reader": Principal("alice", scopes={"orders:read"}),
    "other": Principal("bob"),
}
READER: Final = {"Authorization": "Bearer reader"}
OTHER: Final = {"Authorization": "Bearer other"}
CASES: Final[Mapping[str, dict[str, str]]] = {
    "no credentials": {},
    "another scheme": {"Authorization": "Basic YTpi"},
    "not a token": {"Authorization": "Bearer a b"},
    "unknown token": {"Authorization": "Bearer unknown"},
    "two credentials": {"Authorization": "Bearer reader, Bearer other"},
    "scope missing": OTHER,
}

Placement = Literal["added", "outside"]
PLACEMENTS: Final[tuple[Placement, ...]] = ("added", "outside")


def make_auth() -> Auth:
    """An engine that knows `TOKENS`."""
    return Auth(HTTPBearer(TOKENS.get), realm="orders")


def guard(
    app: Starlette,
    placement: Placement = "added",
    public: Iterable[str] = (),
    preflights: Preflights = "guard",
) -> ASGIApp:
    """`app`, guarded in one of the two ways."""
    auth = make_auth()
    if placement == "outside":
        return AuthMiddleware(app, auth, public=public, preflights=preflights)
    app.add_middleware(AuthMiddleware, auth=auth, public=public, preflights=preflights)
    return app


def client_of(
    app: ASGIApp, headers: Mapping[str, str] | None = None, backend: Literal["asyncio", "trio"] = "asyncio"
) -> TestClient:
    """A client that follows no redirects; an exception of the application fails the test."""
    return TestClient(app, follow_redirects=False, headers=dict(headers or {}), backend=backend)
