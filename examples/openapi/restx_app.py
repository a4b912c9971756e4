"""flask-restx: its document has the security that is enforced, by ``secure_openapi(app, api)``.

It writes Swagger 2.0, which has no bearer tokens: they are an API key in ``Authorization`` there.

    python examples/openapi/restx_app.py
    curl -H "Authorization: Bearer t0ken" http://127.0.0.1:8000/orders
    curl http://127.0.0.1:8000/swagger.json
    authmw routes 'examples.openapi.restx_app:create_app()' --check
"""

# flask-restx has no types.
# mypy: disable-error-code="import-untyped, misc"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportArgumentType=false

from __future__ import annotations

import os
from collections.abc import Mapping

from authmw_flask import FlaskAuth, any_of, current_principal, public, requires_scopes, secure_openapi
from flask import Flask
from flask_restx import Api, Namespace, Resource

from authmw import APIKeyHeader, Auth, HTTPBearer, Principal

SCOPES = {"orders:read": "See orders", "orders:write": "Change orders", "orders:admin": "Run the shop"}
PEOPLE = {"t0ken": Principal("alice", scopes={"orders:read"})}

shop = Namespace("shop", path="/")


@shop.route("/health")
class Health(Resource):
    @public
    def get(self) -> dict[str, bool]:
        """Whether the shop is open"""
        return {"ok": True}


@shop.route("/orders")
class Orders(Resource):
    @requires_scopes("orders:read")
    def get(self) -> list[str]:
        """All orders"""
        return ["tea", "cake"]

    @requires_scopes(any_of("orders:write", "orders:admin"))
    def post(self) -> tuple[dict[str, bool], int]:
        """Order something"""
        return {"created": True}, 201


@shop.route("/orders/<int:number>")
class Order(Resource):
    @requires_scopes("orders:read")
    def get(self, number: int) -> dict[str, int]:
        """One order"""
        return {"number": number}


@shop.route("/me")
class Me(Resource):
    def get(self) -> dict[str, str]:
        """Who is calling"""
        return {"id": current_principal.id}


def create_app(people: Mapping[str, Principal] = PEOPLE) -> Flask:
    """The application.

    Args:
        people: who holds which token or key.
    """
    app = Flask("shop")
    api = Api(app, title="Shop", version="1.0", doc=False)
    api.add_namespace(shop)
    auth = Auth(HTTPBearer(people.get) | APIKeyHeader("X-API-Key", people.get), scopes=SCOPES)
    FlaskAuth(app, auth, public=["/swagger.json"])
    secure_openapi(app, api)
    return app


if __name__ == "__main__":
    create_app().run("127.0.0.1", int(os.environ.get("PORT", "8000")))
