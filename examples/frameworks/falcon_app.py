"""The WSGI middleware around a Falcon application."""

from __future__ import annotations

import os

import falcon

from authmw import APIKeyHeader, Auth, current_principal, requires_scopes
from authmw.memory import MemoryApiKeys
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.wsgi import AuthMiddleware, WSGIApp


class Orders:
    @requires_scopes("orders:read")
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"id": current_principal().id}


def create_app(keys: MemoryApiKeys) -> WSGIApp:
    app = falcon.App()
    app.add_route("/orders", Orders())
    return AuthMiddleware(app, Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))), public=["/health"])


if __name__ == "__main__":
    from wsgiref.simple_server import make_server

    port, keys = int(os.environ.get("PORT", "8000")), MemoryApiKeys()
    key, _ = keys.create("alice", ["orders:read"])
    print(f'curl -H "X-API-Key: {key}" http://127.0.0.1:{port}/orders', flush=True)
    make_server("127.0.0.1", port, create_app(keys)).serve_forever()
