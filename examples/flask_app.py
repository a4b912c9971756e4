"""A guarded Flask application over an SQLite file, with logins: tokens, passwords and API keys open it.

    authmw users create alice --scope orders:read
    python examples/flask_app.py
    curl -d grant_type=password -d username=alice -d password=... http://127.0.0.1:8000/auth/token
    curl -H "Authorization: Bearer eyJ..." http://127.0.0.1:8000/orders

Its docs are at http://127.0.0.1:8000/docs, with an Authorize button. ``examples/asgi_app.py`` is the same application
under ASGI: one token opens both, and is revoked for both.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from authmw_flask import (
    FlaskAuth,
    current_principal,
    docs_blueprint,
    openapi_document,
    public,
    requires_scopes,
    token_blueprint,
)
from authmw_sqlalchemy import SQLStores
from flask import Blueprint, Flask

from authmw import APIKeyHeader, ApiKeyVerifier, Auth, HTTPBasic, KeyRing, OAuth2PasswordBearer, PasswordVerifier
from authmw.oauth2 import TokenService
from authmw.openapi import DocsPage

ISSUER = "https://authmw.example/auth"
AUDIENCE = "orders"
SCOPES = {"orders:read": "See orders", "orders:write": "Change orders"}

shop = Blueprint("shop", __name__)


@shop.get("/")
@public
def index() -> dict[str, str]:
    """The caller, or anonymous."""
    return {"hello": current_principal.id or "stranger"}


@shop.get("/orders")
@requires_scopes("orders:read")
def list_orders() -> dict[str, list[str]]:
    """All orders."""
    return {"orders": ["tea", "cake"]}


@shop.post("/orders")
@requires_scopes("orders:write")
def create_order() -> tuple[dict[str, bool], int]:
    """Order something."""
    return {"created": True}, 201


@shop.get("/me")
def me() -> dict[str, Any]:
    """Who is calling."""
    return {
        "id": current_principal.id,
        "scopes": sorted(current_principal.scopes),
        "scheme": current_principal.scheme,
    }


def create_app(database: str = "sqlite:///app.db", keys: str | Path = "keys.json") -> Flask:
    stores = SQLStores(database)
    service = TokenService(
        issuer=ISSUER,
        audience=AUDIENCE,
        stores=stores,
        keys=KeyRing.load(keys, create=True),
        password=True,
        scopes=SCOPES,
    )
    auth = Auth(
        OAuth2PasswordBearer("auth/token", service.verifier())
        | HTTPBasic(PasswordVerifier(stores.users, throttle=stores.throttle))
        | APIKeyHeader("X-API-Key", ApiKeyVerifier(stores.keys)),
        realm="orders",
        scopes=SCOPES,
    )
    app = Flask(__name__)
    app.register_blueprint(shop)
    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    docs = DocsPage(document=lambda: openapi_document(app, title="Orders"))
    app.register_blueprint(docs_blueprint(docs, public=True))
    FlaskAuth(app, auth)
    return app


if __name__ == "__main__":
    create_app().run("127.0.0.1", int(os.environ.get("PORT", "8000")))
