"""What the route table tells about a request without credentials."""

from __future__ import annotations

from functools import partial

import pytest
from authmw_starlette import AuthMiddleware
from authmw_starlette.routes import declared
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from authmw import Requirement, public, requires_scopes
from authmw.identity.requirement import PUBLIC
from tests.adapters.starlette.support import PLACEMENTS, READER, Placement, client_of, guard, make_auth


@public
async def open_to_all(request: Request) -> Response:
    return PlainTextResponse("open")


@requires_scopes("orders:read")
async def readers_only(request: Request) -> Response:
    return PlainTextResponse("orders")


async def undecorated(request: Request) -> Response:
    return PlainTextResponse("undecorated")


@public
async def open_socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("raw")(scope, receive, send)


class Orders(HTTPEndpoint):
    @public
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("open")

    @requires_scopes("orders:write")
    async def post(self, request: Request) -> Response:
        return PlainTextResponse("written")

    async def delete(self, request: Request) -> Response:
        return PlainTextResponse("deleted")


@requires_scopes("orders:read")
class ReadersOnly(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("orders")

    @requires_scopes("orders:write")
    async def post(self, request: Request) -> Response:
        return PlainTextResponse("written")


READ, WRITE, ADMIN = (Requirement.all_of(scope) for scope in ("orders:read", "orders:write", "admin"))

ROUTER = Router(
    routes=[
        Route("/open", open_to_all),
        Route("/orders", readers_only),
        Route("/undecorated", undecorated),
        Route("/partial", partial(readers_only)),
        Route("/class", Orders),
        Route("/readers", ReadersOnly),
        Route("/items/{number:int}", open_to_all),
        Mount("/raw", app=raw),
        Mount("/files", app=public(Starlette(routes=[Mount("/", app=raw)]))),
        WebSocketRoute("/socket", open_socket),
        Mount("/nested", routes=[Route("/open", open_to_all), Mount("/deeper", routes=[Route("/open", open_to_all)])]),
        Mount("/admin", app=requires_scopes("admin")(Router([Route("/open", open_to_all), Route("/a", readers_only)]))),
        Mount("/zipped", routes=[Route("/open", open_to_all)], middleware=[Middleware(GZipMiddleware)]),
        Host("api.example", app=Router([Route("/host", open_to_all)])),
        Route("/first", undecorated),
        Route("/{anything}", open_to_all, methods=["PUT"]),
        Route("/first", open_to_all),
    ]
)
TABLE: dict[str, Requirement | None] = {
    "GET /open": PUBLIC,
    "HEAD /open": PUBLIC,
    "POST /open": None,
    "PUT /open": PUBLIC,
    "GET /orders": READ,
    "GET /undecorated": None,
    "GET /partial": READ,
    "GET /class": PUBLIC,
    "HEAD /class": PUBLIC,
    "POST /class": WRITE,
    "DELETE /class": None,
    "GET /readers": READ,
    "POST /readers": READ & WRITE,
    "GET /items/7": PUBLIC,
    "GET /items/" + 5000 * "9": None,
    "GET /items/x": None,
    "GET /raw/any": None,
    "GET /files/any": PUBLIC,
    "GET /nested/open": PUBLIC,
    "GET /nested/deeper/open": PUBLIC,
    "GET /nested/nope": None,
    "GET /admin/open": ADMIN,
    "GET /admin/a": ADMIN & READ,
    "GET /admin/nope": None,
    "GET /zipped/open": PUBLIC,
    "GET /first": None,
    "GET /open/": None,
    "GET /nope": None,
}


def scope_of(asked: str, *, kind: str = "http", root_path: str = "", host: str = "localhost") -> Scope:
    method, _, path = asked.partition(" ")
    headers = [(b"host", host.encode())]
    return {"type": kind, "method": method, "path": path, "root_path": root_path, "headers": headers}


@pytest.mark.parametrize("asked, expected", [pytest.param(*row, id=row[0][:40]) for row in TABLE.items()])
def test_the_endpoint_that_comes_first_tells_what_is_needed(asked: str, expected: Requirement | None) -> None:
    assert declared(ROUTER, scope_of(asked)) == expected
    assert declared(GZipMiddleware(Starlette(routes=ROUTER.routes)), scope_of(asked)) == expected


def test_a_host_is_told_apart() -> None:
    assert declared(ROUTER, scope_of("GET /host", host="api.example")) == PUBLIC
    assert declared(ROUTER, scope_of("GET /host")) is None


def test_a_websocket_is_told_apart() -> None:
    assert declared(ROUTER, scope_of("GET /socket", kind="websocket")) == PUBLIC
    assert declared(ROUTER, scope_of("GET /socket")) is None
    assert declared(ROUTER, scope_of("GET /open", kind="websocket")) is None


def test_the_root_path_is_taken_off() -> None:
    assert declared(ROUTER, scope_of("GET /api/open", root_path="/api")) == PUBLIC


def test_what_is_no_application_tells_nothing() -> None:
    assert declared(None, scope_of("GET /open")) is None
    assert declared(raw, scope_of("GET /open")) is None


def test_what_was_declared_on_the_whole_application_counts() -> None:
    assert declared(requires_scopes("admin")(Router(ROUTER.routes)), scope_of("GET /orders")) == ADMIN & READ


def test_asking_changes_nothing_in_the_scope() -> None:
    scope = scope_of("GET /nested/deeper/open")
    before = dict(scope)
    declared(ROUTER, scope)
    assert scope == before


def fastapi_app() -> FastAPI:
    app, outer, inner = FastAPI(), APIRouter(), APIRouter()

    @inner.get("/open")
    @public
    async def open_to_all() -> str:
        return "open"

    @inner.get("/orders")
    @requires_scopes("orders:read")
    async def orders() -> str:
        return "orders"

    @inner.get("/undecorated")
    async def undecorated() -> str:
        return "undecorated"

    outer.include_router(inner, prefix="/inner")
    outer.mount("/mounted", Router([Route("/open", ROUTER.routes[0].endpoint)]))  # type: ignore[attr-defined]  # a Route
    app.include_router(outer, prefix="/outer")
    app.get("/outer/{anything:path}")(open_to_all)
    return app


@pytest.mark.parametrize(
    "asked, expected",
    [
        ("GET /outer/inner/open", PUBLIC),
        ("GET /outer/inner/orders", READ),
        ("GET /outer/inner/undecorated", None),
        ("GET /outer/mounted/open", PUBLIC),
        ("GET /outer/other", PUBLIC),
        ("POST /outer/inner/open", None),
        ("GET /docs", None),
        ("GET /openapi.json", None),
    ],
)
def test_fastapi_keeps_its_routes_as_a_tree(asked: str, expected: Requirement | None) -> None:
    assert declared(fastapi_app(), scope_of(asked)) == expected


def test_fastapi_writes_its_own_root_path_before_it_routes() -> None:
    app = FastAPI()
    app.root_path = "/api"
    app.get("/orders")(undecorated)
    app.get("/api/{anything}")(public(open_to_all))
    assert declared(app, scope_of("GET /api/orders")) is None


def test_a_route_class_that_matches_its_own_way_is_not_guessed() -> None:
    class Switched(APIRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            return Match.NONE, {}

    app, router = FastAPI(), APIRouter(route_class=Switched)
    router.get("/open")(open_to_all)
    other = APIRouter()
    other.get("/open")(undecorated)
    router.include_router(other)
    app.include_router(router)
    assert declared(app, scope_of("GET /open")) is None


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("asked", TABLE)
def test_without_credentials_only_what_is_public_is_served(asked: str, placement: Placement) -> None:
    method, _, path = asked.partition(" ")
    app = guard(Starlette(routes=ROUTER.routes), placement)
    answer = client_of(app).request(method, path)
    assert (answer.status_code == 200) is (TABLE[asked] == PUBLIC)
    assert answer.status_code in {200, 401}


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_with_credentials_routing_is_as_ever(placement: Placement) -> None:
    client = client_of(guard(Starlette(routes=ROUTER.routes), placement), headers=READER)
    answers = {asked: client.request(*asked.split(" ", 1)).status_code for asked in TABLE if "999" not in asked}
    assert {asked for asked, status in answers.items() if status == 404} == {
        "GET /items/x",
        "GET /nested/nope",
    }
    assert {asked for asked, status in answers.items() if status == 405} == {"POST /open", "GET /nope"}


def hiding(app: ASGIApp) -> ASGIApp:
    """Middleware that tells nobody what it wraps."""

    async def hidden(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return hidden


def test_behind_middleware_that_hides_its_application_the_one_it_was_added_to_is_asked() -> None:
    app = Starlette(routes=ROUTER.routes)
    app.add_middleware(hiding)
    client = client_of(guard(app))
    assert client.get("/open").status_code == 200
    assert client.get("/undecorated").status_code == 401


def test_a_guard_within_a_mount_does_not_ask_the_application_further_out() -> None:
    # Below the mount the path is another: /open of the application is not what is asked for.
    inner = AuthMiddleware(hiding(Router([Route("/open", undecorated)])), make_auth())
    client = client_of(Starlette(routes=[Mount("/inner", app=inner), Route("/open", open_to_all)]))
    assert client.get("/inner/open").status_code == 401
    assert client.get("/inner/open", headers=READER).text == "undecorated"
