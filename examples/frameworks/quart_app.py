"""The ASGI middleware around a Quart application."""

from __future__ import annotations

import os

from quart import Quart

from authmw import AccessRefused, APIKeyHeader, Auth, current_principal, requires_scopes
from authmw.asgi import AuthMiddleware
from authmw.asgi.middleware import ASGIApp
from authmw.stores.memory import MemoryApiKeys
from authmw.verifiers.api_key import ApiKeyVerifier


def create_app(keys: MemoryApiKeys) -> ASGIApp:
    app = Quart(__name__)

    @app.get("/orders")
    @requires_scopes("orders:read")
    async def orders() -> dict[str, str]:
        return {"id": current_principal().id}

    @app.errorhandler(AccessRefused)
    async def refused(error: AccessRefused) -> tuple[str, int]:
        """Quart would report it as an error. It is none; what is sent is written outside."""
        return "", error.refusal.status

    return AuthMiddleware(app, Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))), public=["/health"])


if __name__ == "__main__":
    import uvicorn

    store = MemoryApiKeys()
    print("X-API-Key:", store.create("alice", ["orders:read"])[0], flush=True)
    uvicorn.run(create_app(store), host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
