"""A guarded FastAPI application: dependencies say what is needed, and /docs shows it, with an Authorize button.

authmw users create alice --scope orders:read
authmw keys create alice --scope orders:read
python examples/fastapi_app.py
curl -H "Authorization: Bearer ak_..." http://127.0.0.1:8000/orders
"""

from __future__ import annotations

import os
from typing import Annotated

from authmw_fastapi import CurrentPrincipal, FastAPIAuth, OptionalPrincipal, Scopes, any_of
from authmw_sqlalchemy import SQLStores
from authmw_starlette import docs_routes
from fastapi import APIRouter, FastAPI

from authmw import ApiKeyVerifier, Auth, HTTPBasic, HTTPBearer, PasswordVerifier, Principal
from authmw.openapi import DocsPage

SCOPES = {"orders:read": "See orders", "orders:write": "Change orders", "orders:admin": "Do anything to orders"}

shop = APIRouter()
orders = APIRouter(prefix="/orders", dependencies=[Scopes("orders:read")])


@shop.get("/")
async def index(principal: OptionalPrincipal) -> dict[str, str]:
    """For everybody; who says who they are is greeted."""
    return {"hello": principal.id or "stranger"}


@shop.get("/me")
async def me(principal: CurrentPrincipal) -> dict[str, str | list[str]]:
    """For anyone who is authenticated."""
    return {"id": principal.id, "scopes": sorted(principal.scopes)}


@orders.get("")
async def list_orders() -> list[str]:
    """The router says what is needed."""
    return ["tea", "cake"]


Writer = Annotated[Principal, Scopes(any_of("orders:write", "orders:admin"))]


@orders.post("", status_code=201)
def create_order(writer: Writer, name: str = "tea") -> dict[str, str]:
    """What the router needs, and one of two scopes more."""
    return {"created": name, "by": writer.id}


def create_app(database: str = "sqlite:///app.db") -> FastAPI:
    stores = SQLStores(database)
    auth = Auth(
        HTTPBearer(ApiKeyVerifier(stores.keys)) | HTTPBasic(PasswordVerifier(stores.users)),
        realm="orders",
        scopes=SCOPES,
    )
    app = FastAPI(title="Orders", docs_url=None, redoc_url=None)
    app.include_router(shop)
    app.include_router(orders)
    FastAPIAuth(app, auth)  # around everything: /openapi.json needs an authenticated caller, too
    # The docs are public. They load nothing from other hosts, as FastAPI's own page would.
    app.router.routes.extend(docs_routes(DocsPage(document=app.openapi), public=True))
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
