"""APIFlask: its document has the security that is enforced, by ``secure_openapi(app)``.

python examples/openapi/apiflask_app.py
curl -H "Authorization: Bearer t0ken" http://127.0.0.1:8000/orders
curl http://127.0.0.1:8000/openapi.json
authmw routes 'examples.openapi.apiflask_app:create_app()' --check
"""

# Some of APIFlask's types are dictionaries of anything.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import os
from collections.abc import Mapping

from apiflask import APIFlask
from authmw_flask import FlaskAuth, any_of, current_principal, public, requires_scopes, secure_openapi

from authmw import APIKeyHeader, Auth, HTTPBearer, Principal

SCOPES = {"orders:read": "See orders", "orders:write": "Change orders", "orders:admin": "Run the shop"}
PEOPLE = {"t0ken": Principal("alice", scopes={"orders:read"})}


def create_app(people: Mapping[str, Principal] = PEOPLE) -> APIFlask:
    """The application.

    Args:
        people: who holds which token or key.
    """
    app = APIFlask("shop", title="Shop", version="1.0", docs_path=None)
    app.config["OPENAPI_VERSION"] = "3.1.0"

    @app.get("/health")
    @public
    def health() -> dict[str, bool]:
        """Whether the shop is open"""
        return {"ok": True}

    @app.get("/orders")
    @requires_scopes("orders:read")
    def list_orders() -> list[str]:
        """All orders"""
        return ["tea", "cake"]

    @app.post("/orders")
    @app.output({}, status_code=201)
    @requires_scopes(any_of("orders:write", "orders:admin"))
    def create_order() -> dict[str, bool]:
        """Order something"""
        return {}

    @app.get("/orders/<int:number>")
    @requires_scopes("orders:read")
    def get_order(number: int) -> dict[str, int]:
        """One order"""
        return {"number": number}

    @app.get("/me")
    def me() -> dict[str, str]:
        """Who is calling"""
        return {"id": current_principal.id}

    auth = Auth(HTTPBearer(people.get) | APIKeyHeader("X-API-Key", people.get), scopes=SCOPES)
    FlaskAuth(app, auth, public=["/openapi.json"])
    secure_openapi(app)
    return app


if __name__ == "__main__":
    create_app().run("127.0.0.1", int(os.environ.get("PORT", "8000")))
