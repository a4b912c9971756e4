"""apispec with plain Flask: the document is written by hand, and its security by ``secure_openapi(app, spec)``.

python examples/openapi/apispec_app.py
curl -H "Authorization: Bearer t0ken" http://127.0.0.1:8000/orders
curl http://127.0.0.1:8000/openapi.json
authmw routes 'examples.openapi.apispec_app:create_app()' --check
"""

# Some of apispec's types are dictionaries of anything.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from authmw_flask import FlaskAuth, any_of, current_principal, public, requires_scopes, secure_openapi
from flask import Flask

from authmw import APIKeyHeader, Auth, HTTPBearer, Principal

SCOPES = {"orders:read": "See orders", "orders:write": "Change orders", "orders:admin": "Run the shop"}
PEOPLE = {"t0ken": Principal("alice", scopes={"orders:read"})}


def create_app(people: Mapping[str, Principal] = PEOPLE) -> Flask:
    """The application.

    Args:
        people: who holds which token or key.
    """
    app = Flask("shop")
    spec = APISpec("Shop", "1.0", "3.1.0")

    @app.get("/health")
    @public
    def health() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/orders")
    @requires_scopes("orders:read")
    def list_orders() -> list[str]:
        return ["tea", "cake"]

    @app.post("/orders")
    @requires_scopes(any_of("orders:write", "orders:admin"))
    def create_order() -> tuple[dict[str, bool], int]:
        return {"created": True}, 201

    @app.get("/orders/<int:number>")
    @requires_scopes("orders:read")
    def get_order(number: int) -> dict[str, int]:
        return {"number": number}

    @app.get("/me")
    def me() -> dict[str, str]:
        return {"id": current_principal.id}

    @app.get("/openapi.json")
    @public
    def openapi() -> dict[str, Any]:
        return spec.to_dict()

    number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
    spec.path("/health", operations={"get": _operation("Whether the shop is open")})
    spec.path("/orders", operations={"get": _operation("All orders"), "post": _operation("Order something", "201")})
    spec.path("/orders/{number}", operations={"get": {**_operation("One order"), "parameters": [number]}})
    spec.path("/me", operations={"get": _operation("Who is calling")})

    FlaskAuth(app, Auth(HTTPBearer(people.get) | APIKeyHeader("X-API-Key", people.get), scopes=SCOPES))
    secure_openapi(app, spec)
    return app


def _operation(summary: str, status: str = "200") -> dict[str, Any]:
    return {"summary": summary, "responses": {status: {"description": "Done"}}}


if __name__ == "__main__":
    create_app().run("127.0.0.1", int(os.environ.get("PORT", "8000")))
