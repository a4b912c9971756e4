"""The routes of a Starlette application, each with what protects it."""

from __future__ import annotations

from functools import partial

import pytest
from authmw_starlette import AuthMiddleware
from authmw_starlette.listing import routes_of
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from authmw import public, requires_scopes
from authmw.asgi import AuthMiddleware as CoreAuthMiddleware
from authmw.engine.decorators import own_credentials
from authmw.engine.routes.route import Kind, Protection, needs
from tests.adapters.starlette.support import PLACEMENTS, Placement, guard, make_auth


async def undeclared(request: Request) -> Response:
    return PlainTextResponse("undeclared")


@public
async def open_to_all(request: Request) -> Response:
    return PlainTextResponse("open")


@requires_scopes("orders:read")
async def readers_only(request: Request) -> Response:
    return PlainTextResponse("orders")


async def forgotten(request: Request) -> Response:
    return PlainTextResponse("orders")


requires_scopes("orders:read")(forgotten)  # and what it returns is not used


@requires_scopes("orders:read")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("raw")(scope, receive, send)


class Orders(HTTPEndpoint):
    @public
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("open")

    @requires_scopes("orders:write")
    async def post(self, request: Request) -> Response:
        return PlainTextResponse("written")


class Feed(WebSocketEndpoint):
    pass


class Raw:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await raw(scope, receive, send)


ADMIN = Router([Route("/open", open_to_all), Route("/", undeclared)])


def make_app() -> Starlette:
    return Starlette(
        routes=[
            Route("/undeclared", undeclared),
            Route("/open", open_to_all, methods=["GET", "POST"]),
            Route("/orders/{number:int}", readers_only),
            Route("/partial", partial(readers_only)),
            Route("/class", Orders),
            Route("/forgotten", forgotten, include_in_schema=False),
            Route("/raw", own_credentials(Raw())),
            WebSocketRoute("/socket", socket),
            WebSocketRoute("/feed", Feed),
            Mount("/shops/{shop:uuid}", routes=[Route("/", undeclared), Mount("/files", app=raw, name="files")]),
            Mount("/static", app=StaticFiles(directory=".")),
            Mount(
                "/admin", app=requires_scopes("admin")(Router([Route("/open", open_to_all), Route("/", undeclared)]))
            ),
            Mount("/zipped", routes=[Route("/x", readers_only)], middleware=[Middleware(GZipMiddleware)]),
            Host("api.example", app=Router([Route("/host", undeclared)])),
        ]
    )


EXPECTED = [
    ("GET", "/undeclared", "default", "anyone authenticated"),
    ("GET", "/open", "public", "nobody"),
    ("POST", "/open", "public", "nobody"),
    ("GET", "/orders/{number}", "declared", "orders:read"),
    ("GET", "/partial", "declared", "orders:read"),
    ("GET", "/class", "public", "nobody"),
    ("POST", "/class", "declared", "orders:write"),
    ("GET", "/forgotten", "misplaced", "orders:read"),
    ("", "/raw", "public", "credentials of its own"),
    ("", "/socket", "declared", "orders:read"),
    ("", "/feed", "default", "anyone authenticated"),
    ("GET", "/shops/{shop}/", "default", "anyone authenticated"),
    ("", "/shops/{shop}/files/*", "default", "anyone authenticated"),
    ("", "/static/*", "public", "nobody"),
    ("GET", "/admin/open", "declared", "admin"),
    ("GET", "/admin/", "declared", "admin"),
    ("GET", "/zipped/x", "declared", "orders:read"),
    ("GET", "/host", "default", "anyone authenticated"),
]


def listed(app: object) -> list[tuple[str, str, str, str]]:
    return [(route.method, route.path, route.protection.value, needs(route.requirement)) for route in routes_of(app)]


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_route_is_listed_with_what_protects_it(placement: Placement) -> None:
    assert listed(guard(make_app(), placement, public=["/static/*"])) == EXPECTED


def test_the_core_s_middleware_is_seen_around_and_within() -> None:
    app = make_app()
    assert listed(CoreAuthMiddleware(app, make_auth(), public=["/static/*"])) == EXPECTED
    app.add_middleware(CoreAuthMiddleware, auth=make_auth(), public=["/static/*"])
    assert listed(app) == EXPECTED


@pytest.mark.parametrize("before", [True, False], ids=["CORS inside", "CORS outside"])
def test_other_middleware_of_the_application_is_no_guard_and_hides_none(before: bool) -> None:
    def plain(app: ASGIApp) -> ASGIApp:
        return app

    def add_others(app: Starlette) -> None:
        app.add_middleware(CORSMiddleware, allow_origins=["https://app.example"])
        app.add_middleware(plain)

    app = make_app()
    if before:
        add_others(app)
    app.add_middleware(AuthMiddleware, auth=make_auth(), public=["/static/*"])
    if not before:
        add_others(app)
    assert listed(app) == EXPECTED
    unguarded = make_app()
    add_others(unguarded)
    assert listed(unguarded) == listed(make_app())


def test_a_declaration_outside_plain_middleware_in_a_mount_is_listed_and_enforced() -> None:
    inner = GZipMiddleware(Router([Route("/in", undeclared), Route("/open", open_to_all)]))
    marked = Starlette(routes=[Mount("/marked", app=requires_scopes("admin")(inner))])
    twice = Starlette(routes=[Mount("/marked", app=GZipMiddleware(requires_scopes("admin")(inner)))])
    for app in (marked, twice):
        app.add_middleware(AuthMiddleware, auth=make_auth())
        assert listed(app) == [
            ("GET", "/marked/in", "declared", "admin"),
            ("GET", "/marked/open", "declared", "admin"),
        ]
        client = TestClient(app)
        for path in ("/marked/in", "/marked/open"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"Authorization": "Bearer reader"}).status_code == 403


def test_a_guard_behind_other_middleware_and_one_in_a_mount_are_seen() -> None:
    guarded = AuthMiddleware(Router([Route("/in", undeclared), Route("/health", undeclared)]), make_auth())
    app = GZipMiddleware(
        Starlette(
            routes=[
                Mount("/guarded", app=guarded),
                Mount("/mount", routes=[Route("/in", undeclared)], middleware=_guard("/in")),
                Route("/route", undeclared, middleware=_guard()),
                Route("/out", undeclared),
            ]
        )
    )
    assert [(path, protection) for _, path, protection, _ in listed(app)] == [
        ("/guarded/in", "default"),
        ("/guarded/health", "default"),
        ("/mount/in", "public"),
        ("/route", "default"),
        ("/out", "unprotected"),
    ]


def _guard(*paths: str) -> list[Middleware]:
    return [Middleware(AuthMiddleware, auth=make_auth(), public=paths)]


def test_a_public_pattern_of_a_guard_in_a_mount_is_below_the_mount() -> None:
    inner = AuthMiddleware(Router([Route("/health", undeclared)]), make_auth(), public=["/health"])
    app: ASGIApp = Router([Mount("/shop", app=inner)])
    assert listed(app) == [("GET", "/shop/health", "public", "nobody")]
    outside = AuthMiddleware(app, make_auth(), public=["/health"])
    assert listed(outside) == [("GET", "/shop/health", "default", "anyone authenticated")]


def test_without_a_guard_what_nobody_declared_is_open() -> None:
    found = {(route.method, route.path): route for route in routes_of(make_app())}
    assert found["GET", "/undeclared"].protection is Protection.UNPROTECTED
    assert found["", "/static/*"].is_open
    assert not found["GET", "/orders/{number}"].is_open


def test_kinds_places_parameters_and_what_is_left_out_of_documents() -> None:
    found = {(route.method, route.path): route for route in routes_of(make_app())}
    assert found["", "/socket"].kind is Kind.WEBSOCKET
    assert found["", "/feed"].kind is Kind.WEBSOCKET
    assert found["", "/static/*"].kind is Kind.MOUNT
    assert (found["", "/shops/{shop}/files/*"].name, found["", "/static/*"].name) == ("files", "StaticFiles")
    assert found["GET", "/partial"].place.rpartition(":")[0].endswith("test_listing.py")
    assert found["GET", "/class"].place != found["POST", "/class"].place
    assert found["GET", "/orders/{number}"].parameters == (
        {"name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}},
    )
    assert [each["schema"] for each in found["GET", "/shops/{shop}/"].parameters] == [
        {"type": "string", "format": "uuid"}
    ]
    assert not found["GET", "/forgotten"].in_document
    assert not found["", "/raw"].in_document
    assert found["GET", "/open"].in_document


def test_an_application_that_was_guarded_below_its_decorator_is_misplaced() -> None:
    inner = Router([Route("/in", undeclared)])
    requires_scopes("admin")(inner)  # and what it returns is not mounted
    assert listed(Router([Mount("/admin", app=inner)])) == [("GET", "/admin/in", "misplaced", "admin")]


def test_a_route_of_a_kind_of_its_own_is_listed_as_what_cannot_be_told() -> None:
    class Odd(BaseRoute):
        path_format = "/odd"

    assert [(route.path, route.name, route.kind) for route in routes_of(Router([Odd()]))] == [
        ("/odd/*", "Odd", Kind.MOUNT)
    ]
