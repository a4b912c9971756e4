"""The ASGI middleware around a Litestar application."""

from __future__ import annotations

import os
from typing import Any

from litestar import Litestar, Request, Response, get

from authmw import AccessRefused, APIKeyHeader, ApiKeyVerifier, Auth, current_principal, requires_scopes
from authmw.asgi import ASGIApp, AuthMiddleware
from authmw.stores import MemoryApiKeys


@get("/orders")
@requires_scopes("orders:read")
async def orders() -> dict[str, str]:
    return {"id": current_principal().id}


def refused(request: Request[Any, Any, Any], error: AccessRefused) -> Response[bytes]:
    """The answer to a refusal, which Litestar would take for a bug."""
    answer = error.refusal.response()
    headers: dict[str, str] = {}
    for name, value in answer.headers:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=headers.pop("Content-Type"))


def create_app(keys: MemoryApiKeys) -> ASGIApp:
    app = Litestar([orders], exception_handlers={AccessRefused: refused})
    return AuthMiddleware(app, Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))), public=["/health"])


if __name__ == "__main__":
    import uvicorn

    store = MemoryApiKeys()
    print("X-API-Key:", store.create("alice", ["orders:read"])[0], flush=True)
    uvicorn.run(create_app(store), host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
