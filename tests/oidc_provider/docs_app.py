"""An API whose docs page authorises at the provider, as ``application`` for Starlette and ``flask_application``."""

from __future__ import annotations

import os
from typing import Any, Final

from authmw_flask import FlaskAuth, docs_blueprint
from authmw_flask import current_principal as flask_principal
from authmw_flask import requires_scopes as flask_requires
from authmw_starlette import AuthMiddleware, current_principal, docs_routes, requires_scopes
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from authmw import Auth, Issuer, OAuth2AuthorizationCodeBearer, OpenIdConnect
from authmw.openapi import DocsPage
from tests.oidc_provider.provider import ORDERS

ISSUER: Final = os.environ.get("OIDC_ISSUER", "http://127.0.0.1:1")
_SCOPES: Final = {"openid": "Who you are", "orders:read": "See orders", "orders:write": "Change orders"}
_TOKENS: Final = Issuer(ISSUER, audience=ORDERS)


_AUTHORIZE: Final = f"{ISSUER}/auth?resource={ORDERS}"
_TOKEN: Final = f"{ISSUER}/token"
AUTH: Final = Auth(
    OAuth2AuthorizationCodeBearer(f"{_AUTHORIZE}/ES256", _TOKEN, _TOKENS, scopes=_SCOPES, name="ES256")
    | OAuth2AuthorizationCodeBearer(f"{_AUTHORIZE}/unknown", _TOKEN, _TOKENS, scopes=_SCOPES, name="Unknown")
    | OpenIdConnect(ISSUER, audience=ORDERS, name="OpenID"),
    realm="orders",
)


def _operation(name: str) -> dict[str, Any]:
    security: list[dict[str, list[str]]] = [{scheme.name: []} for scheme in AUTH.schemes]
    return {"operationId": name, "security": security, "responses": {"200": {"description": "Done."}}}


DOCUMENT: Final[dict[str, Any]] = {
    "openapi": "3.1.1",
    "info": {"title": "Orders", "version": "1"},
    "paths": {"/orders": {"get": _operation("orders"), "post": _operation("order")}},
    "components": {"securitySchemes": {scheme.name: scheme.openapi() for scheme in AUTH.schemes}},
}
_PAGE: Final = DocsPage(document=lambda: DOCUMENT, client_id="docs", scopes=["openid", "orders:read"])


@requires_scopes("orders:read")
async def orders(_: Request) -> JSONResponse:
    return JSONResponse({"hello": current_principal().id, "client": current_principal().client_id})


@requires_scopes("orders:write")
async def order(_: Request) -> JSONResponse:
    return JSONResponse({})


application = Starlette(
    routes=[
        Route("/orders", orders),
        Route("/orders", order, methods=["POST"]),
        *docs_routes(_PAGE, public=True),
    ],
    middleware=[Middleware(AuthMiddleware, auth=AUTH)],
)

flask_application = Flask("orders")
flask_application.register_blueprint(docs_blueprint(_PAGE, url_prefix="/docs", public=True))
FlaskAuth(flask_application, AUTH)


@flask_application.get("/orders")
@flask_requires("orders:read")
def flask_orders() -> dict[str, str | None]:
    return {"hello": flask_principal.id, "client": flask_principal.client_id}


@flask_application.post("/orders")
@flask_requires("orders:write")
def flask_order() -> dict[str, str]:
    return {}
