"""A token service and an API behind it, mounted four ways, for OAuth clients to use over real sockets.

``CLIENTS_ISSUER`` says where it is reached, ``CLIENTS_TOKENS`` whether it issues ``jwt`` or ``opaque`` ones, and
``CLIENTS_JWKS`` holds the public keys of the clients that sign.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any, Final

from authmw_flask import FlaskAuth, token_blueprint
from authmw_starlette import AuthMiddleware, token_routes
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from authmw import Auth, HTTPBearer, current_principal, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.asgi import Mount as ASGIMount
from authmw.crypto.keyring import KeyRing
from authmw.crypto.opaque_tokens import token_digest
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.flow.call_mode import CallMode
from authmw.http.request import Receive, Scope, Send
from authmw.oauth2 import TokenService
from authmw.oauth2.runtime import Runtime
from authmw.stores import MemoryStores, MemoryThrottle, Stores
from authmw.stores.records import Client, ClientAuthMethod, ClientSecret
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from authmw.wsgi import Mount as WSGIMount
from tests.clients.accounts import BEYOND_ASCII, ODD_ID, PASSWORD, SECRET

GRANTS: Final = frozenset({"password", "refresh_token", "client_credentials"})
SCOPES: Final = frozenset({"orders:read", "orders:write"})


def _client(id: str, method: ClientAuthMethod, secret: str | None = SECRET) -> Client:
    return Client(
        id,
        auth_method=method,
        secrets=() if secret is None else (ClientSecret(token_digest(secret)),),
        jwks=json.loads(os.environ["CLIENTS_JWKS"]) if method == "private_key_jwt" else None,
        grant_types=GRANTS,
        scopes=SCOPES,
    )


@CallMode.NONBLOCKING
class _Clients:
    """Clients whose secrets their tests know."""

    def __init__(self) -> None:
        clients = [
            _client(ODD_ID, "client_secret_basic"),
            _client("billing", "client_secret_basic"),
            _client(f"{ODD_ID}/post", "client_secret_post"),
            _client("robot", "private_key_jwt", None),
            _client("phone", "none", None),
        ]
        self._by_id = {client.id: client for client in clients}

    def find_client(self, client_id: str) -> Client | None:
        return self._by_id.get(client_id)


def _service() -> TokenService:
    hasher = PasswordHasher(CHEAPEST)
    stores = MemoryStores(hasher=hasher)
    stores.users.create("alice", PASSWORD, id="user-1", scopes=sorted(SCOPES))
    stores.users.create(*BEYOND_ASCII, id="user-2", scopes=["orders:read"])
    service = TokenService(
        issuer=os.environ["CLIENTS_ISSUER"],
        audience="orders",
        stores=Stores.of(stores, Stores(throttle=MemoryThrottle(free=1000))),
        keys=KeyRing.generate() if os.environ["CLIENTS_TOKENS"] == "jwt" else None,
        password=True,
        runtime=Runtime(hasher=hasher),
    )
    service.clients = _Clients()
    return service


_served: Final = _service()
_auth: Final = Auth(HTTPBearer(_served.verifier()))


@requires_scopes("orders:read")
def _orders() -> str:
    return f"hello {current_principal().id}"


def _flask() -> Flask:
    app = Flask("shop")
    app.register_blueprint(token_blueprint(_served, url_prefix="/auth"))
    app.add_url_rule("/orders", view_func=_orders)
    FlaskAuth(app, _auth)
    return app


@requires_scopes("orders:read")
async def _starlette_orders(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"hello {current_principal().id}")


@requires_scopes("orders:read")
def _wsgi_orders(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"hello {current_principal().id}".encode()]


@requires_scopes("orders:read")
async def _asgi_orders(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"hello {current_principal().id}".encode()})


_wsgi_tokens: Final = WSGIMount(_served)
_wsgi_api: Final = WSGIMiddleware(_wsgi_orders, _auth)
_asgi_tokens: Final = ASGIMount(_served)
_asgi_api: Final = ASGIMiddleware(_asgi_orders, _auth)

flask: Final = _flask()
starlette: Final = Starlette(
    routes=[Mount("/auth", routes=token_routes(_served)), Route("/orders", _starlette_orders)],
    middleware=[Middleware(AuthMiddleware, auth=_auth)],
)


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The token service at ``/auth``, the API elsewhere."""
    path: str = environ["PATH_INFO"]
    if not path.startswith("/auth/"):
        return _wsgi_api(environ, start_response)
    return _wsgi_tokens({**environ, "SCRIPT_NAME": "/auth", "PATH_INFO": path.removeprefix("/auth")}, start_response)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """The token service at ``/auth``, the API elsewhere."""
    if scope["type"] == "http" and not scope["path"].startswith("/auth/"):
        await _asgi_api(scope, receive, send)
    else:
        await _asgi_tokens({**scope, "root_path": "/auth"}, receive, send)
