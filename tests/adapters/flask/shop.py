"""What the tests of the Flask adapter share: who may be trusted, and how to ask as one of them."""

from __future__ import annotations

from typing import Final

from flask import Flask
from werkzeug.test import TestResponse

from authmw import Auth, HTTPBearer, Principal

PEOPLE: Final = {
    "reader": Principal("reader", scopes={"orders:read"}),
    "writer": Principal("writer", scopes={"orders:read", "orders:write"}),
    "nobody-special": Principal("nobody-special"),
}

NO_CREDENTIALS: Final = 'Bearer realm="app"'


def shop_auth() -> Auth:
    """A token is the name of who holds it."""
    return Auth(HTTPBearer(PEOPLE.get))


def ask(app: Flask, path: str, *, as_: str = "", method: str = "GET", **headers: str) -> TestResponse:
    """One request, with the token of `as_` if that is given."""
    if as_:
        headers["Authorization"] = f"Bearer {as_}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().open(path, method=method, headers=named, buffered=True)


def challenge(scopes: str = "", error: str = "") -> str:
    """The ``WWW-Authenticate`` value of a refusal."""
    parts = ['Bearer realm="app"']
    if error:
        parts.append(f'error="{error}"')
    if scopes:
        parts.append(f'scope="{scopes}"')
    return ", ".join(parts)
