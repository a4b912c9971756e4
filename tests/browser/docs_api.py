"""The API that the docs page is tried out on: every scheme that Swagger UI has a form for, and its document."""

from __future__ import annotations

import os
from typing import Any, Final

from authmw import APIKeyCookie, APIKeyHeader, APIKeyQuery, Auth, HTTPBasic, HTTPBearer, PasswordVerifier, Principal
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.oauth2.runtime import Runtime
from authmw.oauth2.service import TokenService
from authmw.schemes.oauth2 import (
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
)
from authmw.stores import MemoryStores
from authmw.stores.memory.clients import MemoryClients

KEY: Final = "k3y"
SCOPES: Final = {"orders:read": "See orders", "orders:write": "Change orders"}
ELSEWHERE: Final = os.environ.get("AUTHORIZATION_SERVER", "http://127.0.0.1:1")

_HASHER: Final = PasswordHasher(CHEAPEST)
STORES: Final = MemoryStores(hasher=_HASHER)
STORES.users.create("alice", "correct horse", id="user-1", scopes=["orders:read"])
STORES.clients = MemoryClients(entropy=bytes)  # so that the secret is known to the browser's side too
CLIENT_SECRET: Final = str(STORES.clients.create("robot", scopes=["orders:read"])[0])
SERVICE: Final = TokenService(
    issuer="http://localhost:1/auth",  # the port is not known yet, and nothing here asks for it
    audience="orders",
    stores=STORES,
    password=True,
    runtime=Runtime(hasher=_HASHER),
)


def _owner_of(key: str) -> Principal | None:
    return Principal("key-1", scopes={"orders:read"}) if key == KEY else None


_TOKENS: Final = SERVICE.verifier()
AUTH: Final = Auth(
    OAuth2PasswordBearer("auth/token", _TOKENS, scopes=SCOPES, name="Password")
    | OAuth2ClientCredentialsBearer("auth/token", _TOKENS, scopes=SCOPES, name="Client")
    | OAuth2AuthorizationCodeBearer(
        f"{ELSEWHERE}/authorize?tenant=1", f"{ELSEWHERE}/token", _TOKENS, scopes=SCOPES, name="Code"
    )
    | HTTPBearer(_TOKENS, name="Bearer")
    | HTTPBasic(PasswordVerifier(STORES.users, hasher=_HASHER), name="Basic")
    | APIKeyHeader("X-API-Key", _owner_of, name="Header")
    | APIKeyQuery("api_key", _owner_of, name="Query")
    | APIKeyCookie("api_key", _owner_of, name="Cookie"),
    realm="orders",
)
_SECURITY: Final[list[dict[str, list[str]]]] = [{scheme.name: []} for scheme in AUTH.schemes]


def _operation(name: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["orders"],
        "security": _SECURITY,
        "responses": {"200": {"description": "Done."}, "401": {"description": "Who are you?"}},
    }


DOCUMENT: Final[dict[str, Any]] = {
    "openapi": "3.1.1",
    "info": {"title": "Orders & <more>", "version": "1.2.3", "description": "What was ordered, and by **whom**."},
    "paths": {
        "/orders": {"get": _operation("orders", "All orders"), "post": _operation("order", "One order more")},
    },
    "components": {"securitySchemes": {scheme.name: scheme.openapi() for scheme in AUTH.schemes}},
}
