"""flask-smorest: its document has the security that is enforced, by ``secure_openapi(app, api)``.

python examples/openapi/smorest_app.py
curl -H "Authorization: Bearer t0ken" http://127.0.0.1:8000/orders
curl http://127.0.0.1:8000/openapi.json
authmw routes 'examples.openapi.smorest_app:create_app()' --check
"""

# flask-smorest has no types.
# mypy: disable-error-code="import-untyped, untyped-decorator"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import os
from collections.abc import Mapping

from authmw_flask import FlaskAuth, any_of, current_principal, public, requires_scopes, secure_openapi
from flask import Flask
from flask.views import MethodView
from flask_smorest import Api, Blueprint

from authmw import APIKeyHeader, Auth, HTTPBearer, Principal

SCOPES = {"orders:read": "See orders", "orders:write": "Change orders", "orders:admin": "Run the shop"}
PEOPLE = {"t0ken": Principal("alice", scopes={"orders:read"})}

shop = Blueprint("shop", __name__)


@shop.route("/health")
@shop.response(200)
@public
def health() -> dict[str, bool]:
    """Whether the shop is open"""
    return {"ok": True}


@shop.route("/orders")
class Orders(MethodView):
    @shop.response(200)
    @requires_scopes("orders:read")
    def get(self) -> list[str]:
        """All orders"""
        return ["tea", "cake"]

    @shop.response(201)
    @requires_scopes(any_of("orders:write", "orders:admin"))
    def post(self) -> dict[str, bool]:
        """Order something"""
        return {"created": True}


@shop.route("/orders/<int:number>")
@shop.response(200)
@requires_scopes("orders:read")
def get_order(number: int) -> dict[str, int]:
    """One order"""
    return {"number": number}


@shop.route("/me")
@shop.response(200)
def me() -> dict[str, str]:
    """Who is calling"""
    return {"id": current_principal.id}


def create_app(people: Mapping[str, Principal] = PEOPLE) -> Flask:
    """The application.

    Args:
        people: who holds which token or key.
    """
    app = Flask("shop")
    app.config.from_mapping(API_TITLE="Shop", API_VERSION="1.0", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX="/")
    api = Api(app)
    api.register_blueprint(shop)
    auth = Auth(HTTPBearer(people.get) | APIKeyHeader("X-API-Key", people.get), scopes=SCOPES)
    FlaskAuth(app, auth, public=["/openapi.json"])
    secure_openapi(app, api)
    return app


if __name__ == "__main__":
    create_app().run("127.0.0.1", int(os.environ.get("PORT", "8000")))
