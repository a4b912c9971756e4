"""The ASGI middleware around a Quart application."""

from __future__ import annotations

import os

from quart import Quart, Response
from werkzeug.datastructures import Headers

from authmw import AccessRefused, APIKeyHeader, ApiKeyVerifier, Auth, current_principal, requires_scopes
from authmw.asgi import ASGIApp, AuthMiddleware
from authmw.stores import MemoryApiKeys


async def refused(error: AccessRefused) -> Response:
    """The answer to a refusal, which Quart would take for a bug."""
    answer = error.refusal.response()
    return Response(answer.body, answer.status, Headers(answer.headers))


def create_app(keys: MemoryApiKeys) -> ASGIApp:
    app = Quart(__name__)

    @app.get("/orders")
    @requires_scopes("orders:read")
    async def orders() -> dict[str, str]:
        return {"id": current_principal().id}

    app.register_error_handler(AccessRefused, refused)
    return AuthMiddleware(app, Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))), public=["/health"])


if __name__ == "__main__":
    import uvicorn

    store = MemoryApiKeys()
    print("X-API-Key:", store.create("alice", ["orders:read"])[0], flush=True)
    uvicorn.run(create_app(store), host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
