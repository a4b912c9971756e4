"""An engine, tokens, and how the tests of the verified dependencies ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.testclient import TestClient
from starlette.types import ASGIApp

from authmw import APIKeyHeader, Auth, HTTPBearer, Principal

TOKENS: Final[Mapping[str, Principal]] = {
    "reader": Principal("alice", scopes={"items", "items:read"}),
    "writer": Principal("carol", scopes={"items", "items:read", "items:write"}),
    "nobody": Principal("bob"),
}


def make_auth(name: str = "HTTPBearer", realm: str = "shop") -> Auth:
    """An engine that knows `TOKENS`, as bearer tokens and as API keys."""
    schemes = HTTPBearer(TOKENS.get, name=name) | APIKeyHeader("X-API-Key", TOKENS.get, name=f"Key{name}")
    return Auth(schemes, realm=realm, scopes={"items:read": "See items"})


def as_(token: str) -> dict[str, str]:
    """The headers that a client with that token sends."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def client_of(app: ASGIApp) -> TestClient:
    """A client that follows no redirects; an exception of the application fails the test."""
    return TestClient(app, follow_redirects=False)


def security_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The security of each operation, as ``GET /items``; of one that has none, nothing."""
    return {
        f"{method.upper()} {path}": operation["security"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "security" in operation
    }
