"""The ASGI middleware around a Litestar application."""

from __future__ import annotations

import os

from litestar import Litestar, get

from authmw import APIKeyHeader, Auth, current_principal, requires_scopes
from authmw.asgi import AuthMiddleware
from authmw.asgi.middleware import ASGIApp
from authmw.stores.memory import MemoryApiKeys
from authmw.verifiers.api_key import ApiKeyVerifier


@get("/orders")
@requires_scopes("orders:read")
async def orders() -> dict[str, str]:
    return {"id": current_principal().id}


def create_app(keys: MemoryApiKeys) -> ASGIApp:
    app = Litestar([orders])
    return AuthMiddleware(app, Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))), public=["/health"])


if __name__ == "__main__":
    import uvicorn

    store = MemoryApiKeys()
    print("X-API-Key:", store.create("alice", ["orders:read"])[0], flush=True)
    uvicorn.run(create_app(store), host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
