"""A guarded ASGI application without any framework, over an SQLite file, with logins: tokens, passwords and API keys.

    authmw users create alice --scope orders:read
    python examples/asgi_app.py
    curl -d grant_type=password -d username=alice -d password=... http://127.0.0.1:8000/auth/token
    curl -H "Authorization: Bearer eyJ..." http://127.0.0.1:8000/orders

Its docs are at http://127.0.0.1:8000/docs, with an Authorize button. ``examples/flask_app.py`` is the same application
under WSGI: one token opens both, and is revoked for both.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from authmw_sqlalchemy import SQLStores

from authmw import (
    APIKeyHeader,
    ApiKeyVerifier,
    Auth,
    HTTPBasic,
    KeyRing,
    OAuth2PasswordBearer,
    PasswordVerifier,
    current_principal,
    public,
    requirement_of,
    requires_scopes,
)
from authmw.asgi import ASGIApp, AuthMiddleware, Mount, Receive, Scope, Send
from authmw.oauth2 import TokenService
from authmw.openapi import DocsPage, Operation, document

ISSUER = "https://authmw.example/auth"
AUDIENCE = "orders"
SCOPES = {"orders:read": "See orders", "orders:write": "Change orders"}


@public
async def index(scope: Scope, receive: Receive, send: Send) -> None:
    """The caller, or anonymous."""
    await answer(send, {"hello": current_principal().id or "stranger"})


@requires_scopes("orders:read")
async def list_orders(scope: Scope, receive: Receive, send: Send) -> None:
    """All orders."""
    await answer(send, {"orders": ["tea", "cake"]})


@requires_scopes("orders:write")
async def create_order(scope: Scope, receive: Receive, send: Send) -> None:
    """Order something."""
    await answer(send, {"created": True}, status=201)


async def me(scope: Scope, receive: Receive, send: Send) -> None:
    """Who is calling."""
    principal = scope["authmw.principal"]
    await answer(send, {"id": principal.id, "scopes": sorted(principal.scopes), "scheme": principal.scheme})


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, {"error": "not found"}, status=404)


ROUTES = {
    ("GET", "/"): index,
    ("GET", "/orders"): list_orders,
    ("POST", "/orders"): create_order,
    ("GET", "/me"): me,
}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":  # there is none here; closed before it is accepted, it is a 403
        await receive()
        await send({"type": "websocket.close", "code": 1000})
        return
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")  # how a server learns that there is no lifespan
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    await ROUTES.get((method, scope["path"]), not_found)(scope, receive, send)


def mounted(prefix: str, below: ASGIApp, beside: ASGIApp) -> ASGIApp:
    """`below` for every path that begins with `prefix`, and `beside` for all else."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and f"{scope['path']}/".startswith(f"{prefix}/"):
            await below({**scope, "root_path": scope.get("root_path", "") + prefix}, receive, send)
        else:
            await beside(scope, receive, send)

    return application


async def answer(send: Send, content: Any, status: int = 200) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})


def create_app(database: str = "sqlite:///app.db", keys: str | Path = "keys.json") -> ASGIApp:
    stores = SQLStores(database)
    service = TokenService(
        issuer=ISSUER,
        audience=AUDIENCE,
        stores=stores,
        keys=KeyRing.load(keys, create=True),
        password=True,
        scopes=SCOPES,
    )
    auth = Auth(
        OAuth2PasswordBearer("auth/token", service.verifier())
        | HTTPBasic(PasswordVerifier(stores.users, throttle=stores.throttle))
        | APIKeyHeader("X-API-Key", ApiKeyVerifier(stores.keys)),
        realm="orders",
        scopes=SCOPES,
    )
    operations = [
        Operation(
            path=path, method=method, requirement=requirement_of(view), name=view.__name__, doc=view.__doc__ or ""
        )
        for (method, path), view in ROUTES.items()
    ]
    docs = Mount(DocsPage(document=document(auth, operations, title="Orders")))
    # Beside what is guarded: every client may read, and the token service reads the credentials of its clients itself.
    guarded = AuthMiddleware(application, auth, public=["/"])
    return mounted("/docs", docs, mounted("/auth", Mount(service), guarded))


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), host="127.0.0.1", port=int(os.environ.get("PORT", "8000")), lifespan="off")
