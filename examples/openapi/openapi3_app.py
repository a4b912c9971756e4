"""flask-openapi3: its document has the security that is enforced, by ``secure_openapi(app)``.

python examples/openapi/openapi3_app.py
curl -H "Authorization: Bearer t0ken" http://127.0.0.1:8000/orders
curl http://127.0.0.1:8000/openapi/openapi.json
authmw routes 'examples.openapi.openapi3_app:create_app()' --check
"""

# flask-openapi3 has types, and exports its names in a way that type checkers do not follow.
# mypy: disable-error-code="attr-defined"
# pyright: reportPrivateImportUsage=false, reportUnknownMemberType=false, reportUntypedFunctionDecorator=false

from __future__ import annotations

import os
from collections.abc import Mapping

from authmw_flask import FlaskAuth, any_of, current_principal, public, requires_scopes, secure_openapi
from flask_openapi3 import APIBlueprint, Info, OpenAPI
from pydantic import BaseModel

from authmw import APIKeyHeader, Auth, HTTPBearer, Principal

SCOPES = {"orders:read": "See orders", "orders:write": "Change orders", "orders:admin": "Run the shop"}
PEOPLE = {"t0ken": Principal("alice", scopes={"orders:read"})}

shop = APIBlueprint("shop", __name__)


class OrderPath(BaseModel):
    number: int


@shop.get("/health")
@public
def health() -> dict[str, bool]:
    """Whether the shop is open"""
    return {"ok": True}


@shop.get("/orders")
@requires_scopes("orders:read")
def list_orders() -> list[str]:
    """All orders"""
    return ["tea", "cake"]


@shop.post("/orders")
@requires_scopes(any_of("orders:write", "orders:admin"))
def create_order() -> tuple[dict[str, bool], int]:
    """Order something"""
    return {"created": True}, 201


@shop.get("/orders/<int:number>")
@requires_scopes("orders:read")
def get_order(path: OrderPath) -> dict[str, int]:
    """One order"""
    return {"number": path.number}


@shop.get("/me")
def me() -> dict[str, str]:
    """Who is calling"""
    return {"id": current_principal.id}


def create_app(people: Mapping[str, Principal] = PEOPLE) -> OpenAPI:
    """The application.

    Args:
        people: who holds which token or key.
    """
    app = OpenAPI("shop", info=Info(title="Shop", version="1.0"))
    app.register_api(shop)
    auth = Auth(HTTPBearer(people.get) | APIKeyHeader("X-API-Key", people.get), scopes=SCOPES)
    FlaskAuth(app, auth, public=["/openapi/openapi.json"])
    secure_openapi(app)
    return app


if __name__ == "__main__":
    create_app().run("127.0.0.1", int(os.environ.get("PORT", "8000")))
