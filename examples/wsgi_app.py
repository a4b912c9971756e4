"""A guarded WSGI application without any framework, with API keys in memory.

    python examples/wsgi_app.py
    curl -H "X-API-Key: ak_..." http://127.0.0.1:8000/orders

It prints two keys: one may read, one may read and write. They are gone when it stops.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from wsgiref.simple_server import make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from authmw import APIKeyHeader, ApiKeyVerifier, Auth, current_principal, requires_scopes
from authmw.stores import MemoryApiKeys
from authmw.wsgi import AuthMiddleware, WSGIApp


def index(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return answer(start_response, {"hello": current_principal().id or "stranger"})


@requires_scopes("orders:read")
def list_orders(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return answer(start_response, {"orders": ["tea", "cake"]})


@requires_scopes("orders:write")
def create_order(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return answer(start_response, {"created": True}, "201 Created")


def me(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    principal = environ["authmw.principal"]
    return answer(start_response, {"id": principal.id, "scopes": sorted(principal.scopes)})


def not_found(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return answer(start_response, {"error": "not found"}, "404 Not Found")


ROUTES: dict[tuple[str, str], WSGIApp] = {
    ("GET", "/"): index,
    ("GET", "/orders"): list_orders,
    ("POST", "/orders"): create_order,
    ("GET", "/me"): me,
}


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    route = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
    return ROUTES.get(route, not_found)(environ, start_response)


def answer(start_response: StartResponse, content: object, status: str = "200 OK") -> list[bytes]:
    body = json.dumps(content).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def create_app(keys: MemoryApiKeys) -> WSGIApp:
    return AuthMiddleware(application, Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))), public=["/"])


if __name__ == "__main__":
    store = MemoryApiKeys()
    with make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), create_app(store)) as server:
        print(f"Running on http://127.0.0.1:{server.server_port}")
        for scopes in (["orders:read"], ["orders:read", "orders:write"]):
            print(store.create("alice", scopes)[0], *scopes, flush=True)
        server.serve_forever()
