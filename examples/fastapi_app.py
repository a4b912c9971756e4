"""A guarded FastAPI application: endpoints, dependencies, routers, and its documentation, which is guarded too.

authmw users create alice --scope orders:read
authmw keys create alice
python examples/fastapi_app.py
curl -H "Authorization: Bearer ak_..." http://127.0.0.1:8000/orders
"""

from __future__ import annotations

import os
from typing import Annotated

from authmw_sqlalchemy import SQLStores
from authmw_starlette import AuthMiddleware, any_of, current_principal, public, requires_scopes
from fastapi import APIRouter, Depends, FastAPI

from authmw import Auth, HTTPBasic, HTTPBearer, Principal
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.password import PasswordVerifier

router = APIRouter(prefix="/orders")


@router.get("")
@requires_scopes("orders:read")
async def list_orders() -> list[str]:
    return ["tea", "cake"]


@router.post("", status_code=201)
@requires_scopes(any_of("orders:write", "orders:admin"))
def create_order(name: str = "tea") -> dict[str, str]:
    return {"created": name, "by": current_principal().id}


@public
async def index() -> dict[str, str]:
    return {"hello": current_principal().id or "stranger"}


def caller() -> Principal:
    """For an endpoint that takes its caller as an argument."""
    return current_principal()


async def me(principal: Annotated[Principal, Depends(caller)]) -> dict[str, str | list[str]]:
    """Nothing is declared here, and so it takes somebody: that is the default."""
    return {"id": principal.id, "scopes": sorted(principal.scopes)}


def create_app(database: str = "sqlite:///app.db") -> FastAPI:
    stores = SQLStores(database)
    auth = Auth(
        HTTPBearer(ApiKeyVerifier(stores.keys)) | HTTPBasic(PasswordVerifier(stores.users)),
        realm="orders",
    )
    app = FastAPI(title="Orders")
    app.get("/")(index)
    app.get("/me")(me)
    app.include_router(router)
    # Around everything: /docs and /openapi.json want somebody, too. A browser asks for the password.
    app.add_middleware(AuthMiddleware, auth=auth)
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
