"""A guarded Starlette application: functions, threads, classes, a mount and a websocket.

authmw users create alice --scope orders:read
python examples/starlette_app.py
curl --user alice http://127.0.0.1:8000/orders
"""

from __future__ import annotations

import os

from authmw_sqlalchemy import SQLStores
from authmw_starlette import AuthMiddleware, current_principal, public, requires, requires_scopes
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from authmw import APIKeyHeader, ApiKeyVerifier, Auth, HTTPBasic, PasswordVerifier


@public
async def index(request: Request) -> JSONResponse:
    return JSONResponse({"hello": request.user.display_name or "stranger"})


async def me(request: Request) -> JSONResponse:
    """Nothing is declared here, so the default holds: an authenticated caller."""
    return JSONResponse({"id": request.user.identity, "scopes": request.auth.scopes})


class Orders(HTTPEndpoint):
    @requires_scopes("orders:read")
    async def get(self, request: Request) -> JSONResponse:
        return JSONResponse({"orders": ["tea", "cake"]})

    @requires_scopes("orders:write")
    async def post(self, request: Request) -> JSONResponse:
        return JSONResponse({"created": True}, status_code=201)


@requires(lambda principal, request: principal.id == request.path_params["name"])
def profile(request: Request) -> PlainTextResponse:
    """Everybody sees their own. Starlette runs this in a thread, where the principal is, too."""
    return PlainTextResponse(f"the profile of {current_principal().id}")


@requires_scopes("orders:read")
async def watch(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json({"watching": websocket.user.identity})
    await websocket.close()


def create_app(database: str = "sqlite:///app.db") -> Starlette:
    stores = SQLStores(database)
    auth = Auth(
        HTTPBasic(PasswordVerifier(stores.users)) | APIKeyHeader("X-API-Key", ApiKeyVerifier(stores.keys)),
        realm="orders",
    )
    app = Starlette(
        routes=[
            Route("/", index),
            Route("/me", me),
            Route("/orders", Orders),
            Mount("/profiles", routes=[Route("/{name}", profile)]),
            WebSocketRoute("/watch", watch),
        ]
    )
    app.add_middleware(AuthMiddleware, auth=auth)
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
