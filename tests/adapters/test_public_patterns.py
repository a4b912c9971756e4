"""A rule of an endpoint holds also where a public pattern names its path, and the lists show that."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Annotated, Any, Final

import pytest
from authmw_fastapi import FastAPIAuth, Scopes
from authmw_flask import FlaskAuth
from authmw_flask.listing import routes_of as flask_routes
from authmw_starlette import AuthMiddleware as StarletteMiddleware
from authmw_starlette.listing import routes_of as starlette_routes
from fastapi import APIRouter, FastAPI
from flask import Blueprint, Flask
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router

from authmw import Auth, HTTPBearer, Principal, authenticated, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.routes.route import Protection
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi

AUTH: Final = Auth(HTTPBearer({"reader": Principal("a"), "admin": Principal("b", scopes={"admin"})}.get))
PUBLIC: Final = ["/orders", "/orders/*", "GET /orders"]
needs_admin = requires_scopes("admin")


def endpoint() -> Callable[[Any], Any]:
    """A new endpoint, since a function remembers what its wrappers declare."""

    async def respond(request: Any) -> PlainTextResponse:
        return PlainTextResponse("seen")

    return respond


def flask_view() -> Any:
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/orders", "orders", needs_admin(lambda: "seen"))
    FlaskAuth(app, AUTH, public=PUBLIC)
    return app


def flask_above_the_route() -> Any:
    app = Flask("shop", static_folder=None)
    needs_admin(app.get("/orders")(lambda: "seen"))
    FlaskAuth(app, AUTH, public=PUBLIC)
    return app


def flask_blueprint() -> Any:
    app = Flask("shop", static_folder=None)
    orders = Blueprint("orders", "orders")
    orders.add_url_rule("/orders", "orders", lambda: "seen")
    app.register_blueprint(needs_admin(orders))
    FlaskAuth(app, AUTH, public=PUBLIC)
    return app


def starlette_endpoint() -> Any:
    return _starlette(Route("/orders", needs_admin(endpoint())))


def starlette_class() -> Any:
    @needs_admin
    class Orders(HTTPEndpoint):
        async def get(self, request: Any) -> PlainTextResponse:
            return PlainTextResponse("seen")

    return _starlette(Route("/orders", Orders))


def starlette_mount() -> Any:
    return _starlette(Mount("/", app=needs_admin(Router([Route("/orders", endpoint())]))))


def _starlette(route: Any) -> Any:
    app = Starlette(routes=[route])
    app.add_middleware(StarletteMiddleware, auth=AUTH, public=PUBLIC)
    return app


def fastapi_endpoint() -> Any:
    app = FastAPI(openapi_url=None)

    @app.get("/orders")
    @needs_admin
    async def orders() -> str:
        return "seen"

    FastAPIAuth(app, AUTH, public=PUBLIC)
    return app


def fastapi_parameter() -> Any:
    app = FastAPI(openapi_url=None)

    async def orders(caller: Any) -> str:
        return "seen"

    orders.__annotations__["caller"] = Annotated[Principal, Scopes("admin")]
    app.get("/orders")(orders)
    FastAPIAuth(app, AUTH, public=PUBLIC)
    return app


def fastapi_router() -> Any:
    app, router = FastAPI(openapi_url=None), APIRouter(dependencies=[Scopes("admin")])

    @router.get("/orders")
    async def orders() -> str:
        return "seen"

    app.include_router(router)
    FastAPIAuth(app, AUTH, public=PUBLIC)
    return app


def wsgi_application() -> Any:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"seen"]

    return WSGIMiddleware(needs_admin(app), AUTH, public=PUBLIC)


def asgi_application() -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("seen")(scope, receive, send)

    return ASGIMiddleware(needs_admin(authenticated(app)), AUTH, public=PUBLIC)


IN_WSGI: Final = (flask_view, flask_above_the_route, flask_blueprint, wsgi_application)
IN_ASGI: Final = (
    starlette_endpoint,
    starlette_class,
    starlette_mount,
    fastapi_endpoint,
    fastapi_parameter,
    fastapi_router,
    asgi_application,
)


def _case(token: str | None) -> Case:
    headers = () if token is None else ((b"Authorization", f"Bearer {token}".encode()),)
    return Case("it", Answer(200), headers, "/orders")


@pytest.mark.parametrize(
    "make, ask", [*((make, ask_wsgi) for make in IN_WSGI), *((make, ask_asgi) for make in IN_ASGI)]
)
def test_a_public_pattern_does_not_open_what_declares_a_rule(make: Callable[[], Any], ask: Any) -> None:
    app = make()
    assert [ask(app, _case(token)).status for token in (None, "reader", "admin")] == [401, 403, 200]


@pytest.mark.parametrize(
    "make, routes",
    [*((make, flask_routes) for make in IN_WSGI[:-1]), *((make, starlette_routes) for make in IN_ASGI[:-1])],
)
def test_a_rule_is_listed_where_a_public_pattern_names_its_path(make: Callable[[], Any], routes: Any) -> None:
    found = {route.protection for route in routes(make()) if route.path == "/orders"}
    assert found == {Protection.DECLARED}


@pytest.mark.parametrize("make", [*IN_WSGI, *IN_ASGI])
def test_an_application_is_kept_by_nothing_but_itself(make: Callable[[], Any]) -> None:
    kept = weakref.ref(make())
    gc.collect()
    assert kept() is None
