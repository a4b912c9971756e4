"""The WSGI middleware around a Falcon application."""

from __future__ import annotations

import os

import falcon

from authmw import AccessRefused, APIKeyHeader, ApiKeyVerifier, Auth, current_principal, requires_scopes
from authmw.stores import MemoryApiKeys
from authmw.wsgi import AuthMiddleware, WSGIApp


class Orders:
    @requires_scopes("orders:read")
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"id": current_principal().id}


def refused(request: falcon.Request, response: falcon.Response, error: AccessRefused, params: object) -> None:
    """Answers a refusal, which Falcon would take for a bug."""
    answer = error.refusal.response()
    response.status, response.data = answer.status_line, answer.body
    for name, value in answer.headers:
        response.append_header(name, value)


def create_app(keys: MemoryApiKeys) -> WSGIApp:
    app = falcon.App()
    app.add_route("/orders", Orders())
    app.add_error_handler(AccessRefused, refused)
    return AuthMiddleware(app, Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))), public=["/health"])


if __name__ == "__main__":
    from wsgiref.simple_server import make_server

    store = MemoryApiKeys()
    with make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), create_app(store)) as server:
        print(f"Running on http://127.0.0.1:{server.server_port}")
        print("X-API-Key:", store.create("alice", ["orders:read"])[0], flush=True)
        server.serve_forever()
