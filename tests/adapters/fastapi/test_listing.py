"""The routes of a FastAPI application, each with what protects it."""

from typing import Annotated

import fastapi
from authmw_fastapi import CurrentPrincipal, FastAPIAuth, OptionalPrincipal, Scopes, Security, public, requires_scopes
from authmw_fastapi.security import APIKeyHeader
from authmw_starlette.listing import routes_of
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from authmw import Principal
from authmw.engine.routes.route import Kind, Protection, needs
from tests.adapters.fastapi.apps import make_auth

AUTH = make_auth()


def helper() -> None: ...


requires_scopes("items:read")(helper)


async def plain(request: Request) -> Response:
    return PlainTextResponse("plain")


def make_app() -> FastAPI:
    app, sub = FastAPI(openapi_url=None), FastAPI(openapi_url=None)
    router = APIRouter(prefix="/router", dependencies=[Scopes("items")])
    app.router.routes.append(Route("/plain/{number:int}", plain, include_in_schema=False))

    @app.get("/undeclared")
    async def undeclared() -> None: ...

    @app.get("/public")
    @public
    async def open_to_all() -> None: ...

    @app.get("/me")
    async def me(principal: CurrentPrincipal) -> None: ...

    @app.get("/optional")
    async def optional(principal: OptionalPrincipal) -> None: ...

    @app.get("/mine")
    async def mine(principal: Annotated[Principal, Security(AUTH, scopes=["mine"])]) -> None: ...

    @app.get("/foreign")
    async def foreign(key: Annotated[str, fastapi.Security(APIKeyHeader(name="X-Key"))]) -> None: ...

    @router.get("/items/{number:path}")
    @requires_scopes("items:read")
    async def items(number: str) -> None: ...

    @router.websocket("/socket")
    async def socket(websocket: WebSocket) -> None: ...

    @sub.post("/orders", include_in_schema=False)
    async def orders(principal: Annotated[Principal, Scopes("orders")]) -> None: ...

    @app.get("/misplaced", dependencies=[Depends(helper)])
    async def misplaced() -> None: ...

    app.include_router(router, prefix="/v1")
    app.mount("/sub", requires_scopes("sub")(sub))
    return app


def listed(app: FastAPI) -> list[tuple[str, str, Protection, str, Kind]]:
    return [
        (route.method, route.path, route.protection, needs(route.requirement), route.kind) for route in routes_of(app)
    ]


def test_every_route_is_listed_with_what_protects_it() -> None:
    app = make_app()
    FastAPIAuth(app, AUTH, public=["/plain/*"])
    declared, anyone = Protection.DECLARED, "anyone authenticated"
    assert listed(app) == [
        ("GET", "/plain/{number}", Protection.PUBLIC, "nobody", Kind.HTTP),
        ("GET", "/undeclared", Protection.DEFAULT, anyone, Kind.HTTP),
        ("GET", "/public", Protection.PUBLIC, "nobody", Kind.HTTP),
        ("GET", "/me", declared, anyone, Kind.HTTP),
        ("GET", "/optional", Protection.PUBLIC, "nobody, or anyone", Kind.HTTP),
        ("GET", "/mine", declared, "mine", Kind.HTTP),
        ("GET", "/foreign", Protection.DEFAULT, anyone, Kind.HTTP),
        ("GET", "/misplaced", Protection.MISPLACED, "items:read", Kind.HTTP),
        ("GET", "/v1/router/items/{number}", declared, "items, items:read", Kind.HTTP),
        ("", "/v1/router/socket", declared, "items", Kind.WEBSOCKET),
        ("POST", "/sub/orders", declared, "sub, orders", Kind.HTTP),
    ]


def test_without_a_guard_what_nobody_declared_is_open() -> None:
    found = {route.path: route for route in routes_of(make_app())}
    assert found["/undeclared"].protection is Protection.UNPROTECTED
    assert found["/foreign"].is_open
    assert found["/misplaced"].is_open
    assert found["/mine"].protection is Protection.DECLARED
    assert [path for path, route in found.items() if not route.in_document] == [
        "/plain/{number}",
        "/v1/router/socket",
        "/sub/orders",
    ]


def test_a_route_says_where_its_endpoint_is_written_and_what_is_in_its_path() -> None:
    found = {route.path: route for route in routes_of(make_app())}
    route = found["/v1/router/items/{number}"]
    assert route.name == "items"
    assert route.place.rpartition(":")[0].endswith("test_listing.py")
    assert [(each["name"], each["schema"]) for each in route.parameters] == [("number", {"type": "string"})]
    assert found["/plain/{number}"].parameters[0]["schema"] == {"type": "integer", "minimum": 0}


def test_an_included_router_without_routes_is_no_application_and_reads_no_path() -> None:
    outer, app = APIRouter(), FastAPI(openapi_url=None)
    outer.include_router(APIRouter(), prefix="/inner")
    app.include_router(APIRouter(), prefix="/empty")
    app.include_router(outer, prefix="/outer")

    @app.get("/docs/")
    async def docs() -> None: ...

    assert [route.path for route in routes_of(app)] == ["/docs/"]
    FastAPIAuth(app, AUTH, public=["/docs/*"])
    assert TestClient(app).get("/docs/").status_code == 200
