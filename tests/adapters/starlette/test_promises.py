"""Strangers who are let in for a public endpoint: what else answers inside of the layers gives them a 401."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import authmw_starlette.promises as promises_module
import httpx
import pytest
from authmw_starlette import AuthMiddleware, authenticated, public
from authmw_starlette.listing import routes_of
from authmw_starlette.routes import Step, asked_from
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from authmw.engine.decorators import own_credentials
from authmw.engine.routes.route import Protection
from authmw.errors import ConfigurationError
from tests.adapters.starlette.support import PLACEMENTS, READER, Placement, client_of, guard, make_auth

placements = pytest.mark.parametrize("placement", PLACEMENTS)
SECRET = {"X-Secret": "s3cret", "Set-Cookie": "s3cret", "Link": "</s3cret>", "Access-Control-Allow-Origin": "*"}


class Serving:
    """A layer that answers below ``/files`` itself, and changes what the header ``X-Rewrite`` names."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serving(self.app)(scope, receive, send)


def serving(app: ASGIApp) -> ASGIApp:
    """The same as a closure."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "/files/" in scope["path"]:
            await PlainTextResponse("s3cret", headers=SECRET)(scope, receive, send)
            return
        if scope["type"] == "websocket" and "/files/" in scope["path"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": "s3cret"})
            return
        await app(rewritten(scope), receive, send)

    return layer


def rewritten(scope: Scope) -> Scope:
    """The scope that the header ``X-Rewrite: path=/closed`` asks for."""
    for name, value in scope.get("headers", ()):
        if name == b"x-rewrite":
            key, _, text = value.decode().partition("=")
            if key == "host":
                others = [pair for pair in scope["headers"] if pair[0] != b"host"]
                return {**scope, "headers": [*others, (b"host", text.encode())]}
            return {**scope, key: text}
    return scope


class Base(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        if "/files/" in request.scope["path"]:
            return PlainTextResponse("s3cret", headers=SECRET)
        request.scope.update(rewritten(request.scope))
        return await call_next(request)


LAYERS: dict[str, Callable[[ASGIApp], ASGIApp]] = {"class": Serving, "closure": serving, "base": Base}
layers = pytest.mark.parametrize("layer", LAYERS)


class Site:
    """Public and closed endpoints, and the names of those that ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

        @public
        async def page(request: Request) -> Response:
            self.ran.append("page")
            return PlainTextResponse("page")

        async def closed(request: Request) -> Response:
            self.ran.append("closed")
            return PlainTextResponse("closed")

        @public
        async def socket(websocket: WebSocket) -> None:
            self.ran.append("socket")
            await websocket.accept()
            await websocket.send_text("open")
            await websocket.close()

        async def closed_socket(websocket: WebSocket) -> None:
            self.ran.append("closed socket")
            await websocket.accept()

        class Class(HTTPEndpoint):
            @public
            async def get(self, request: Request) -> Response:
                return await page(request)

            async def post(self, request: Request) -> Response:
                return await closed(request)

        self.page, self.closed = page, closed
        self.routes: list[Any] = [
            Route("/closed", closed),
            Route("/class", Class),
            WebSocketRoute("/closed", closed_socket),
            Host("admin.test", Router([Route("/{path:path}", closed)])),
            Route("/{path:path}", page, methods=["GET", "POST"]),
            WebSocketRoute("/{path:path}", socket),
        ]


def site(where: str, layer: str, placement: Placement = "added") -> tuple[TestClient, list[str], str]:
    """A client of a guarded application with `layer` inside, the names of what runs, and the prefix of its paths."""
    made, prefix = Site(), "" if where in ("application", "router", "fastapi") else "/sub"
    middleware = [Middleware(LAYERS[layer])]
    if where == "application":
        app = Starlette(routes=made.routes, middleware=middleware)
    elif where == "fastapi":
        app = FastAPI(middleware=middleware)
        app.router.routes.extend(made.routes)
    elif where == "included":
        app = FastAPI(middleware=middleware)
        router = APIRouter(prefix="/sub")
        _add_to_router(router, made.ran)
        app.include_router(router)
    elif where == "router":
        app = Starlette()
        app.router = Router(made.routes, middleware=middleware)
    elif where == "mount":
        app = Starlette(routes=[Mount("/sub", routes=made.routes, middleware=middleware)])
    elif where == "mounted application":
        app = Starlette(routes=[Mount("/sub", Starlette(routes=made.routes, middleware=middleware))])
    else:
        assert where == "mounted fastapi"
        inner = FastAPI(middleware=middleware)
        inner.router.routes.extend(made.routes)
        app = FastAPI(routes=[Mount("/sub", inner)])
    return client_of(guard(app, placement)), made.ran, prefix


def _add_to_router(router: APIRouter, ran: list[str]) -> None:
    @router.get("/closed")
    async def closed() -> str:
        ran.append("closed")
        return "closed"

    @router.websocket("/closed")
    async def closed_socket(websocket: WebSocket) -> None:
        ran.append("closed socket")

    @router.api_route("/{path:path}", methods=["GET", "POST"])
    @public
    async def page(path: str) -> Response:
        ran.append("page")
        return PlainTextResponse("page")

    @router.websocket("/{path:path}")
    @public
    async def socket(websocket: WebSocket, path: str) -> None:
        ran.append("socket")
        await websocket.accept()
        await websocket.send_text("open")
        await websocket.close()


PLACES = ["application", "fastapi", "included", "mount", "mounted application", "mounted fastapi", "router"]


@placements
@layers
@pytest.mark.parametrize("where", PLACES)
def test_a_layer_inside_opens_nothing_and_closes_nothing(where: str, layer: str, placement: Placement) -> None:
    client, ran, prefix = site(where, layer, placement)
    for method in ("GET", "POST", "HEAD"):
        refused = client.request(method, f"{prefix}/files/report")
        assert (refused.status_code, "s3cret" in str(refused.headers) + refused.text) == (401, False)
        assert method == "HEAD" or refused.headers["access-control-allow-origin"] == "*"
    assert client.get(f"{prefix}/files/report", headers=READER).text == "s3cret"
    assert ran == []
    assert client.get(f"{prefix}/page").text == "page"
    assert client.get(f"{prefix}/page", headers={"X-Rewrite": f"path={prefix}/other"}).text == "page"
    assert client.get(f"{prefix}/page", headers={"X-Rewrite": "method=POST"}).text == "page"
    assert ran == ["page", "page", "page"]
    for rewrite in (f"path={prefix}/closed", "method=DELETE", "path=/nowhere/else", "root_path=/x"):
        answer = client.get(f"{prefix}/page", headers={"X-Rewrite": rewrite})
        assert answer.status_code == 401 or answer.text == "page", rewrite
    assert client.get(f"{prefix}/page", headers={"X-Rewrite": f"path={prefix}/closed"}).status_code == 401
    assert client.get(f"{prefix}/page", headers={"X-Rewrite": "method=DELETE"}).status_code == 401
    assert "closed" not in ran


@placements
@layers
@pytest.mark.parametrize("where", ["application", "fastapi", "mount", "mounted application", "mounted fastapi"])
def test_a_layer_that_changes_the_host_does_not_reach_a_closed_endpoint(
    where: str, layer: str, placement: Placement
) -> None:
    client, ran, prefix = site(where, layer, placement)
    assert client.get(f"{prefix}/page", headers={"X-Rewrite": "host=admin.test"}).status_code == 401
    assert client.get(f"{prefix}/page", headers={"X-Rewrite": "host=other.test"}).text == "page"
    assert ran == ["page"]


@placements
def test_a_layer_may_answer_for_a_public_endpoint_at_a_public_path(placement: Placement) -> None:
    made = Site()
    routes: list[BaseRoute] = [Route("/files/report", made.page), Route("/files/other", made.page)]
    app = Starlette(routes=routes, middleware=[Middleware(Serving)])
    client = client_of(guard(app, placement, public=["/files/report"]))
    assert client.get("/files/report").text == "s3cret"
    assert client.get("/files/other").status_code == 401


@placements
@pytest.mark.parametrize("layer", ["class", "closure"])
@pytest.mark.parametrize("where", [place for place in PLACES if place != "router"])
def test_a_layer_inside_opens_no_websocket(where: str, layer: str, placement: Placement) -> None:
    client, ran, prefix = site(where, layer, placement)
    with client.websocket_connect(f"{prefix}/socket") as websocket:
        assert websocket.receive_text() == "open"
    for end, headers in (("/files/x", {}), ("/socket", {"X-Rewrite": f"path={prefix}/closed"})):
        path = f"{prefix}{end}"
        with (
            pytest.raises(WebSocketDenialResponse) as denied,
            client.websocket_connect(f"{prefix}{path}", headers=headers),
        ):
            raise AssertionError("accepted")
        assert denied.value.status_code == 401
    assert ran == ["socket"]


@placements
@pytest.mark.parametrize("method, status", [("GET", 200), ("POST", 401)])
def test_the_methods_of_a_class_are_told_apart(method: str, status: int, placement: Placement) -> None:
    client, ran, _ = site("application", "class", placement)
    assert client.get("/class", headers={"X-Rewrite": f"method={method}"}).status_code == status
    assert client.get("/x", headers={"X-Rewrite": "path=/class"}).status_code == 200
    assert "closed" not in ran


@pytest.mark.parametrize("layer", ["class", "base"])
def test_the_layers_of_one_route_or_mount_open_nothing(layer: str) -> None:
    made = Site()

    class Class(HTTPEndpoint):
        @public
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("open")

        async def post(self, request: Request) -> Response:
            made.ran.append("post")
            return PlainTextResponse("closed")

    static = public(_Files())
    middleware = [Middleware(LAYERS[layer])]
    app = Starlette(
        routes=[
            Route("/class/{path:path}", Class, middleware=middleware),
            Mount("/mounted", static, middleware=middleware),
            Mount("/bare", static),
        ]
    )
    client = client_of(guard(app))
    for path in ("/class/x", "/mounted/x", "/bare/x"):
        assert client.get(path).text == "open", path
    for path in ("/class/files/x", "/mounted/files/x"):
        assert client.get(path).status_code == 401
    assert client.get("/class/x", headers={"X-Rewrite": "method=POST"}).status_code == 401
    assert made.ran == []


class _Files:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("open")(scope, receive, send)


def test_checkpoints_do_not_become_more_with_each_request() -> None:
    made = Site()

    @public
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("page")(scope, receive, send)

    routes: list[BaseRoute] = [
        Route("/route", made.page, middleware=[Middleware(Serving)]),
        Mount("/mount", routes=[Route("/page", made.page)], middleware=[Middleware(Serving)]),
        Mount("/application", app=Serving(Serving(mounted))),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Serving)])
    client = client_of(guard(app, "added", public=["/missing"]))

    def checkpoints() -> int:
        for path in ("/route", "/mount/page", "/application/page"):
            assert client.get(path).text == "page"
        assert client.get("/missing").status_code == 404
        gc.collect()
        return sum(type(each) is promises_module.Checkpoint for each in gc.get_objects())

    after_one = checkpoints()
    assert [checkpoints() for _ in range(3)] == [after_one] * 3


def test_an_application_that_is_public_as_a_whole_needs_no_confirmation() -> None:
    assert client_of(AuthMiddleware(public(_Files()), make_auth())).get("/x").text == "open"
    hidden = client_of(AuthMiddleware(GZipMiddleware(public(_Files())), make_auth()))
    assert hidden.get("/x").text == "open"
    served = client_of(AuthMiddleware(Serving(public(_Files())), make_auth()))
    assert (served.get("/x").text, served.get("/files/x").status_code) == ("open", 401)


class Hiding:
    """A layer that keeps what it calls where nothing finds it."""

    def __init__(self, app: ASGIApp) -> None:
        self._apps = [app]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apps[0](rewritten(scope), receive, send)


def test_the_routes_of_a_router_that_hides_them_stay_closed(caplog: pytest.LogCaptureFixture) -> None:
    router = Router(Site().routes, middleware=[Middleware(Hiding)])
    client = client_of(AuthMiddleware(router, make_auth()))
    with caplog.at_level(logging.ERROR, "authmw"):
        assert [client.get("/page").status_code for _ in range(2)] == [401, 401]
    assert [record.getMessage() for record in caplog.records if "does not show" in record.getMessage()]
    assert client.get("/page", headers=READER).text == "page"


def test_a_router_that_hides_its_routes_is_refused_at_start_up_where_public_paths_may_lead_to_them() -> None:
    router = Router(Site().routes, middleware=[Middleware(Hiding)])
    for app in (router, Starlette(routes=[Mount("/sub", router)])):
        with pytest.raises(ConfigurationError, match="does not show what it calls"):
            client_of(AuthMiddleware(app, make_auth(), public=["/page"])).get("/page")


@dataclass(frozen=True)
class ByAttribute:
    """A layer that keeps what it calls under another name."""

    following: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.following(rewritten(scope), receive, send)


class BySlot:
    """The same, in a slot."""

    __slots__ = ("following",)

    def __init__(self, app: ASGIApp) -> None:
        self.following = app

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.following(rewritten(scope), receive, send)


async def _serve(app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, then: ASGIApp) -> None:
    await then(rewritten(scope), receive, send)


def by_method(app: ASGIApp) -> ASGIApp:
    return BySlot(app).serve


def by_partial(app: ASGIApp) -> ASGIApp:
    return partial(_serve, _Files(), then=app)


def by_argument(app: ASGIApp) -> ASGIApp:
    async def serve(following: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await following(rewritten(scope), receive, send)

    return partial(serve, app)


SHAPES = [serving, ByAttribute, by_method, by_partial, by_argument]


@pytest.mark.parametrize("shapes", [*([shape] for shape in SHAPES), SHAPES], ids=len)
@pytest.mark.parametrize("mounted", [False, True])
def test_a_layer_of_a_router_leads_no_stranger_away_from_a_public_path(shapes: list[Any], mounted: bool) -> None:
    made = Site()
    router = Router(made.routes, middleware=[Middleware(shape) for shape in shapes])
    app, prefix = (Starlette(routes=[Mount("/sub", router)]), "/sub") if mounted else (router, "")
    client = client_of(AuthMiddleware(app, make_auth(), public=[f"{prefix}/health"]))
    for _ in range(2):
        assert client.get(f"{prefix}/health").text == "page"
        assert client.get(f"{prefix}/health", headers={"X-Rewrite": f"path={prefix}/closed"}).status_code == 401
        assert client.get(f"{prefix}/health", headers={"X-Rewrite": f"path={prefix}/other"}).text == "page"
    assert "closed" not in made.ran
    assert client.get(f"{prefix}/closed", headers=READER).text == "closed"


@placements
@pytest.mark.parametrize("where", PLACES)
def test_the_route_table_is_read_once_more_at_each_router_on_the_way(
    where: str, placement: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks: list[object] = []

    def counted(step: Step, scope: Scope, way: list[Step]) -> Any:
        walks.append(step)
        return asked_from(step, scope, way)

    monkeypatch.setattr(promises_module, "asked_from", counted)
    client, _, prefix = site(where, "class", placement)
    routers = 2 if "mount" in where else 1
    assert client.get(f"{prefix}/page", params={"q": "1"}, headers={"X-Any": "1"}).text == "page"
    assert len(walks) == routers
    assert client.get(f"{prefix}/page", headers=READER).text == "page"
    assert len(walks) == routers


class Plugging:
    """A layer that changes the routes of a router during a request, as one that loads plugins on first use."""

    def __init__(self, app: ASGIApp, change: Callable[[], None]) -> None:
        self.app = app
        self._change = change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            self._change()
        await self.app(scope, receive, send)


@placements
@pytest.mark.parametrize("prefix", ["", "/sub"])
@pytest.mark.parametrize(
    "change, path", [("insert", "/plugin"), ("mount", "/plugin/"), ("remove", "/plugin"), ("replace", "/plugin")]
)
def test_a_layer_that_changes_the_route_table_opens_nothing_that_it_adds(
    change: str, path: str, prefix: str, placement: Placement
) -> None:
    ran: list[str] = []

    async def closed(request: Request) -> Response:
        ran.append(request.url.path)
        return PlainTextResponse("closed")

    async def page(request: Request) -> Response:
        return PlainTextResponse("page")

    def change_routes() -> None:
        routes = below.routes
        if change == "insert":
            routes.insert(0, Route("/plugin", closed))
        elif change == "mount":
            routes.insert(0, Mount("/plugin", Starlette(routes=[Route("/", closed)])))
        elif change == "remove":
            del routes[:-1]
        else:
            routes[:] = [Route("/plugin", closed), *routes[1:]]

    below = Router([Route("/plugin/", public(page)), Route("/plugin", public(page)), Route("/{path:path}", closed)])
    if change != "remove":
        below.routes[-1] = Route("/{path:path}", public(page))
    app = Starlette(
        routes=[Mount("/sub", below)] if prefix else below.routes,
        middleware=[Middleware(Plugging, change=change_routes)],
    )
    below = below if prefix else app.router
    client = client_of(guard(app, placement))
    for _ in range(2):
        assert client.get(f"{prefix}{path}").status_code == 401
    assert ran == []
    assert client.get(f"{prefix}{path}", headers=READER).text == "closed"
    assert change == "remove" or client.get(f"{prefix}/other").text == "page"


def test_a_layer_of_fastapi_that_includes_a_router_opens_nothing_in_it() -> None:
    app, plugin, ran = FastAPI(), APIRouter(), list[str]()

    @plugin.get("/plugin/admin")
    async def admin() -> str:
        ran.append("admin")
        return "admin"

    @app.middleware("http")
    async def loading(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if not hasattr(app.state, "loaded"):
            app.state.loaded = True
            app.include_router(plugin)
            app.router.routes.insert(0, app.router.routes.pop())
        return await call_next(request)

    @app.get("/{path:path}")
    @public
    async def page(path: str) -> str:
        return "page"

    client = client_of(guard(app))
    assert [client.get("/plugin/admin").status_code for _ in range(2)] == [401, 401]
    assert ran == []
    assert (client.get("/other").text, client.get("/plugin/admin", headers=READER).text) == ('"page"', '"admin"')


@placements
@pytest.mark.parametrize("prefix", ["", "/sub"])
@pytest.mark.parametrize("key", ["tenant", "state", "user-agent"])
def test_routes_that_choose_by_what_a_layer_writes_are_asked_again(key: str, prefix: str, placement: Placement) -> None:
    ran: list[str] = []
    kept: dict[str, str] = {}  # "user-agent": outside of the scope

    class Tenants:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                tenant = dict(scope["headers"]).get(b"x-tenant", b"open").decode()
                if key == "tenant":
                    scope["tenant"] = tenant
                elif key == "state":
                    scope["state"]["tenant"] = tenant
                else:
                    kept["tenant"] = tenant
            await self.app(scope, receive, send)

    class TenantRoute(Route):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            match, child = super().matches(scope)
            tenant = {"tenant": scope, "state": scope.get("state", {})}.get(key, kept).get("tenant", "open")
            return (match, child) if match is Match.NONE or tenant == self.name else (Match.NONE, {})

    async def closed(request: Request) -> Response:
        ran.append("closed")
        return PlainTextResponse("closed")

    @public
    async def page(request: Request) -> Response:
        return PlainTextResponse("page")

    routes: list[BaseRoute] = [TenantRoute("/x", closed, name="closed"), Route("/x", page)]
    app = Starlette(routes=[Mount("/sub", routes=routes)] if prefix else routes, middleware=[Middleware(Tenants)])

    @contextlib.asynccontextmanager
    async def lifespan(_: object) -> AsyncGenerator[dict[str, str]]:
        yield {"started": "yes"}

    app.router.lifespan_context = lifespan
    with client_of(guard(app, placement)) as client:
        assert client.get(f"{prefix}/x").text == "page"
        assert client.get(f"{prefix}/x", headers={"X-Tenant": "closed"}).status_code == 401
        assert ran == []
        assert client.get(f"{prefix}/x", headers={**READER, "X-Tenant": "closed"}).text == "closed"


def test_a_layer_that_calls_the_application_twice_is_looked_at_twice() -> None:
    made = Site()

    def twice(app: ASGIApp) -> ASGIApp:
        async def layer(scope: Scope, receive: Receive, send: Send) -> None:
            async def drop(message: object) -> None: ...

            await app(scope, receive, drop)
            await app({**scope, "path": "/closed"}, receive, send)

        return layer

    app = Starlette(routes=made.routes, middleware=[Middleware(twice)])
    assert client_of(guard(app)).get("/page").status_code == 401
    assert made.ran == ["page"]


def test_a_route_that_is_added_while_the_application_serves_is_looked_at() -> None:
    client, ran, _ = site("application", "class")
    app: Any = client.app
    assert client.get("/page").text == "page"

    async def late(request: Request) -> Response:
        ran.append("late")
        return PlainTextResponse("late")

    app.router.routes.insert(0, Route("/late", late))
    assert client.get("/page", headers={"X-Rewrite": "path=/late"}).status_code == 401
    app.router.routes.insert(0, Route("/public", public(late)))
    assert client.get("/page", headers={"X-Rewrite": "path=/public"}).text == "late"
    assert ran == ["page", "late"]


@pytest.mark.parametrize("inner", ["same", "other"])
def test_one_guard_inside_of_another_confirms_for_both(inner: str) -> None:
    made = Site()
    auth = make_auth()
    below = Starlette(routes=made.routes)
    below.add_middleware(AuthMiddleware, auth=auth if inner == "same" else make_auth())
    app = Starlette(routes=[Mount("/sub", below)], middleware=[Middleware(Serving)])
    client = client_of(guard(app))
    assert client.get("/sub/page").text == "page"
    assert client.get("/sub/files/x").status_code == 401
    assert client.get("/sub/page", headers={"X-Rewrite": "path=/sub/closed"}).status_code == 401
    assert made.ran == ["page"]


def test_a_public_endpoint_may_stream_and_fail() -> None:
    @public
    async def stream(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"a"
            yield b"b"

        return StreamingResponse(chunks(), 206)

    @public
    async def broken(request: Request) -> Response:
        raise LookupError

    app = Starlette(routes=[Route("/stream", stream), Route("/broken", broken)], middleware=[Middleware(Base)])
    client = TestClient(guard(app), raise_server_exceptions=False)
    assert [(client.get("/stream").status_code, client.get("/stream").text)] == [(206, "ab")]
    assert client.get("/broken").status_code == 500


def test_the_token_endpoint_does_not_open_what_a_layer_inside_reaches_in_its_place() -> None:
    ran: list[str] = []

    async def token(request: Request) -> Response:
        return PlainTextResponse("token")

    async def closed(request: Request) -> Response:
        ran.append("closed")
        return PlainTextResponse("closed")

    routes = [
        Route("/token", own_credentials(token), methods=["POST"]),
        Route("/files/token", own_credentials(token), methods=["POST"]),
        Route("/closed", closed, methods=["POST"]),
    ]
    client = client_of(guard(Starlette(routes=routes, middleware=[Middleware(Serving)])))
    assert client.post("/token", headers={"Authorization": "Basic YTpi"}).text == "token"
    for headers in ({}, READER):
        assert client.post("/token", headers={**headers, "X-Rewrite": "path=/closed"}).status_code == 401
    assert client.post("/files/token").status_code == 401
    assert ran == []


@pytest.mark.parametrize("catches", [True, False])
def test_a_layer_that_answers_a_refusal_in_its_own_way_serves_nothing_to_strangers(catches: bool) -> None:
    @authenticated
    async def closed(request: Request) -> Response:
        return PlainTextResponse("closed")

    @public
    async def page(request: Request) -> Response:
        return PlainTextResponse("page")

    def fallback(app: ASGIApp) -> ASGIApp:
        async def layer(scope: Scope, receive: Receive, send: Send) -> None:
            async def watch(message: Any) -> None:
                if catches and message["type"] == "http.response.start" and message["status"] == 401:
                    raise LookupError
                await send(message)

            try:
                await app(rewritten(scope), receive, watch)
            except Exception:
                await PlainTextResponse("s3cret")(scope, receive, send)

        return layer

    app = Starlette(routes=[Route("/closed", closed), Route("/page", page)], middleware=[Middleware(fallback)])
    client = client_of(guard(app))
    assert client.get("/page").text == "page"
    assert client.get("/page", headers={"X-Rewrite": "path=/closed"}).status_code == 401


def test_fastapi_functions_around_each_request_are_layers_too() -> None:
    app, ran = FastAPI(), list[str]()

    @app.get("/{path:path}")
    @public
    async def page(path: str) -> str:
        ran.append(path)
        return path

    @app.middleware("http")
    async def metrics(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.url.path == "/metrics":
            return PlainTextResponse("s3cret")
        answer = await call_next(request)
        answer.headers["X-Time"] = "1"
        return answer

    client = client_of(guard(app))
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=READER).text == "s3cret"
    assert client.get("/page").headers["X-Time"] == "1"
    assert ran == ["page"]


@placements
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
@pytest.mark.parametrize("prefix", ["", "/sub"])
def test_a_layer_leads_nobody_from_a_public_path_to_a_closed_endpoint(
    prefix: str, kind: type[Starlette], placement: Placement
) -> None:
    made = Site()

    async def undecorated(request: Request) -> Response:
        made.ran.append(f"{request.method} {request.url.path}")
        return PlainTextResponse("undecorated")

    class Moving:
        """A layer that moves the prefix from the path to the root path, as some do behind a proxy."""

        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if dict(scope.get("headers", ())).get(b"x-move"):
                scope = {**scope, "root_path": f"{prefix}/open", "path": scope["path"].removeprefix(f"{prefix}/open")}
            await self.app(scope, receive, send)

    routes = [*made.routes[:1], Route("/{path:path}", undecorated, methods=["GET", "POST"])]
    middleware = [Middleware(Serving), Middleware(Moving)]
    app = kind(routes=routes, middleware=middleware)
    if prefix:
        app = kind(routes=[Mount(prefix, app)])
    patterns = [f"GET {prefix}/health", f"{prefix}/open/*", f"{prefix}/files/*"]
    client = client_of(guard(app, placement, public=patterns))
    assert client.get(f"{prefix}/health").text == "undecorated"
    assert client.get(f"{prefix}/files/x").text == "s3cret"  # what the layer answers is named
    assert client.get(f"{prefix}/health", headers={"X-Rewrite": f"path={prefix}/open/x"}).text == "undecorated"
    assert client.get(f"{prefix}/open/x", headers={"X-Move": "1"}).text == "undecorated"
    assert len(made.ran) == 3
    for rewrite in (f"path={prefix}/closed", f"path={prefix}/other", "method=POST"):
        assert client.get(f"{prefix}/health", headers={"X-Rewrite": rewrite}).status_code == 401
    assert len(made.ran) == 3
    assert client.get(f"{prefix}/health", headers={**READER, "X-Rewrite": f"path={prefix}/closed"}).text == "closed"


@placements
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
@pytest.mark.parametrize("prefix", ["", "/sub"])
def test_a_prefix_that_a_client_names_does_not_lead_from_a_public_path_to_a_closed_endpoint(
    prefix: str, kind: type[Starlette], placement: Placement
) -> None:
    async def page(request: Request) -> Response:
        return PlainTextResponse(request.path_params["path"])

    class Told(BaseHTTPMiddleware):
        """A well-known layer: the header of a proxy becomes the root path."""

        async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
            request.scope["root_path"] += request.headers.get("x-forwarded-prefix", "")
            return await call_next(request)

    app = kind(routes=[Route("/{path:path}", page)], middleware=[Middleware(Told)])
    if prefix:
        app = kind(routes=[Mount(prefix, app)])
    client = client_of(guard(app, placement, public=[f"{prefix}/static/*"]))
    assert client.get(f"{prefix}/static/a").text == "static/a"
    if not prefix:
        assert client.get("/static/a", headers={"X-Forwarded-Prefix": "/shop"}).text == "static/a"
    assert client.get(f"{prefix}/static/admin", headers={"X-Forwarded-Prefix": "/static"}).status_code == 401
    assert client.get(f"{prefix}/static/admin", headers={**READER, "X-Forwarded-Prefix": "/static"}).text == "admin"


@pytest.mark.filterwarnings("ignore:.*root_path")
@placements
def test_public_paths_are_below_the_root_path_that_fastapi_itself_writes(placement: Placement) -> None:
    app = FastAPI(root_path="/auth")
    app.add_api_route("/admin", lambda: "admin")
    app.add_api_route("/health", lambda: "health")
    app.add_api_route("/auth/login", lambda: "login")
    client = client_of(guard(app, placement, public=["/auth/*", "/health"]))
    assert client.get("/auth/admin").status_code == 401
    assert client.get("/auth/auth/login").text == '"login"'
    assert client.get("/auth/health").text == client.get("/health").text == '"health"'


@placements
def test_a_layer_that_changes_the_headers_in_place_is_looked_at(placement: Placement) -> None:
    class Forwarded:
        """A layer that takes the host from the header of a proxy."""

        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            headers = scope.get("headers", [])
            headers[:] = [(k, dict(headers).get(b"x-forwarded-host", v) if k == b"host" else v) for k, v in headers]
            await self.app(scope, receive, send)

    routes = [Host("admin.test", PlainTextResponse("admin")), Host("shop.test", public(PlainTextResponse("shop")))]
    app = Starlette(routes=routes, middleware=[Middleware(Forwarded)])
    client = client_of(guard(app, placement))
    assert client.get("/", headers={"Host": "shop.test"}).text == "shop"
    assert client.get("/", headers={"Host": "shop.test", "X-Forwarded-Host": "admin.test"}).status_code == 401


@placements
def test_a_layer_that_makes_a_new_scope_reaches_no_closed_endpoint(placement: Placement) -> None:
    ran: list[str] = []

    async def page(request: Request) -> Response:
        ran.append(request.url.path)
        return PlainTextResponse("page")

    class Fresh:
        """A layer that hands on only what ASGI asks for."""

        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                path = dict(scope["headers"]).get(b"x-path", scope["path"].encode()).decode()
                names = ("type", "method", "headers", "query_string", "root_path", "scheme", "app")
                scope = {**{name: scope[name] for name in names if name in scope}, "path": path}
            await self.app(scope, receive, send)

    async def other(request: Request) -> Response:
        return await page(request)

    routes = [Route("/closed", other), Route("/page", public(page)), Route("/open/{rest}", other)]
    client = client_of(guard(Starlette(routes=routes, middleware=[Middleware(Fresh)]), placement, public=["/open/*"]))
    assert client.get("/page").text == client.get("/open/x").text == "page"
    assert client.get("/page", headers={"X-Path": "/closed"}).status_code == 401
    assert client.get("/open/x", headers={"X-Path": "/closed"}).status_code == 401
    assert ran == ["/page", "/open/x"]
    assert client.get("/open/x", headers={**READER, "X-Path": "/closed"}).text == "page"


@placements
def test_a_public_endpoint_may_ask_another_guarded_application(placement: Placement) -> None:
    async def inner(request: Request) -> Response:
        return PlainTextResponse("inner")

    other = guard(Starlette(routes=[Route("/inner", public(inner)), Route("/named", inner)]), public=["/named"])

    async def outer(request: Request) -> Response:
        transport = httpx.ASGITransport(app=other)
        async with httpx.AsyncClient(transport=transport, base_url="http://other.test") as client:
            return PlainTextResponse((await client.get("/inner")).text + (await client.get("/named")).text)

    client = client_of(guard(Starlette(routes=[Route("/outer", public(outer))]), placement))
    assert client.get("/outer").text == "innerinner"


@placements
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_a_header_that_names_a_mount_closes_no_public_path_below_it(
    kind: type[Starlette], placement: Placement
) -> None:
    async def page(request: Request) -> Response:
        return PlainTextResponse("page")

    below = kind(routes=[Route("/a/b", page)])
    app = kind(routes=[Mount("/shop", Router([Mount("/in", below)]))])
    client = client_of(guard(app, placement, public=["/shop/*"]))
    for prefix in ("/shop", "/in", "/shop/in"):
        assert client.get("/shop/in/a/b", headers={"X-Forwarded-Prefix": prefix}).text == "page"


class Replacing:
    """A layer that replaces a 404, by a page of its own or by what the application answers elsewhere."""

    def __init__(self, app: ASGIApp, elsewhere: str) -> None:
        self.app = app
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        held: list[Any] = []

        async def hold(message: Any) -> None:
            held.append(message)

        await self.app({**scope}, receive, hold)
        if held[0]["status"] != 404:
            for message in held:
                await send(message)
        elif self._elsewhere:
            await self.app({**scope, "path": self._elsewhere}, receive, send)
        else:
            await PlainTextResponse("a page of its own")(scope, receive, send)


@placements
@pytest.mark.parametrize(
    "elsewhere, text", [("", "a page of its own"), ("/page", "page"), ("/closed", None)], ids=["page", "open", "closed"]
)
def test_the_404_of_a_public_endpoint_that_was_reached_may_be_replaced(
    placement: Placement, elsewhere: str, text: str | None
) -> None:
    @public
    async def missing(request: Request) -> Response:
        return PlainTextResponse("missing", status_code=404)

    made = Site()
    app = Starlette(
        routes=[Route("/missing", missing), *made.routes], middleware=[Middleware(Replacing, elsewhere=elsewhere)]
    )
    answer = client_of(guard(app, placement)).get("/missing")
    assert answer.status_code == (401 if text is None else 200)
    assert text in (None, answer.text)
    assert "closed" not in made.ran


class Rewriting:
    """A layer that changes what the header ``X-Rewrite`` names."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(rewritten(scope), receive, send)


def _calling(app: ASGIApp) -> ASGIApp:
    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        await app(rewritten(scope), receive, send)

    return layer


HIDING_TABLES: dict[str, Callable[[ASGIApp], ASGIApp]] = {
    "closure": _calling,
    "attribute": ByAttribute,
    "method": by_method,
    "partial": by_partial,
    "closures": lambda app: _calling(_calling(app)),
    "class and closure": lambda app: Rewriting(_calling(app)),
    "closure and class": lambda app: _calling(Rewriting(app)),
}


@pytest.mark.parametrize("layer", HIDING_TABLES)
@pytest.mark.parametrize("place", ["mount", "mount of an application", "host", "outside"])
def test_a_layer_that_hides_a_route_table_leads_away_from_no_public_path(place: str, layer: str) -> None:
    made = Site()
    routes: list[BaseRoute] = [Route("/health", made.page), Route("/closed", made.closed)]
    hide = HIDING_TABLES[layer]
    if place == "outside":
        app: ASGIApp = AuthMiddleware(hide(Starlette(routes=routes)), make_auth(), public=["/health"])
        prefix = ""
    else:
        below = hide(Router(routes) if place == "mount" else Starlette(routes=routes))
        prefix = "" if place == "host" else "/sub"
        mount = Host("testserver", below) if place == "host" else Mount("/sub", below)
        app = guard(Starlette(routes=[mount]), "added", public=[f"{prefix}/health"])
    client = client_of(app)
    for _ in range(2):
        assert client.get(f"{prefix}/health").text == "page"
        assert client.get(f"{prefix}/health", headers={"X-Rewrite": f"path={prefix}/closed"}).status_code == 401
    assert "closed" not in made.ran
    assert client.get(f"{prefix}/health", headers={**READER, "X-Rewrite": f"path={prefix}/closed"}).text == "closed"


class OwnCall(Router):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(rewritten(scope), receive, send)


class OwnApp(Router):
    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().app(rewritten(scope), receive, send)


@pytest.mark.parametrize("router", [OwnCall, OwnApp])
def test_a_class_of_routers_that_leads_elsewhere_itself_opens_nothing(
    router: type[Router], caplog: pytest.LogCaptureFixture
) -> None:
    made = Site()
    routes: list[BaseRoute] = [Route("/page", made.page), Route("/closed", made.closed)]
    client = client_of(guard(Starlette(routes=[Mount("/sub", router(routes))]), "added"))
    with caplog.at_level(logging.ERROR, "authmw"):
        for rewrite in ("", "path=/sub/closed"):
            assert client.get("/sub/page", headers={"X-Rewrite": rewrite}).status_code == 401
    assert made.ran == []
    assert client.get("/sub/page", headers=READER).text == "page"
    app = guard(Starlette(routes=[Mount("/sub", router(routes))]), "added", public=["/sub/page"])
    with pytest.raises(ConfigurationError, match="of its own class"):
        client_of(app).get("/sub/page")


def test_an_application_that_is_mounted_in_itself_is_looked_at_once() -> None:
    made = Site()
    app = Starlette(routes=[Route("/health", made.page)])
    app.mount("/again", _calling(app))
    client = client_of(AuthMiddleware(app, make_auth(), public=["/health"]))
    assert client.get("/health").text == "page"
    assert client.get("/again/health").status_code == 401


@placements
@pytest.mark.parametrize("layer", [Rewriting, Hiding])
@pytest.mark.parametrize("place", ["mount", "deep", "router", "fastapi", "fallback", "route"])
def test_a_layer_of_what_is_mounted_while_serving_leads_away_from_no_public_path(
    place: str, layer: type[Rewriting], placement: Placement
) -> None:
    made, middleware = Site(), [Middleware(layer)]
    health = Route("/health", made.page)
    app = FastAPI() if place == "fastapi" else Starlette()
    app.router.routes[:] = [health]
    client = client_of(guard(app, placement, public=["/health", "/sub/health", "GET /sub/class"]))
    assert client.get("/health").text == "page"
    routes: list[BaseRoute] = [
        *made.routes[:2],
        health,
        Route("/sub/closed", made.closed),
        Route("/sub/health", made.page),
    ]
    below: ASGIApp = Router(routes, middleware=middleware)
    if place == "mount":
        app.mount("/sub", Starlette(routes=routes, middleware=middleware))
    elif place == "deep":
        app.mount("/sub", Starlette(routes=[Mount("/", below)]))
    elif place == "fastapi":
        app.mount("/sub", FastAPI(routes=routes, middleware=middleware))
    elif place == "fallback":
        app.router.default = below
    elif place == "route":
        app.router.routes.append(Route("/sub/class", made.routes[1].endpoint, middleware=middleware))
    else:
        app.router.routes.append(Mount("/sub", below))
    path, rewrite = ("/sub/class", "method=POST") if place == "route" else ("/sub/health", "path=/sub/closed")
    for _ in range(2):
        if layer is Rewriting:
            assert client.get(path).text == "page"
        assert client.get(path, headers={"X-Rewrite": rewrite}).status_code == 401
    assert "closed" not in made.ran
    assert client.get(path, headers={**READER, "X-Rewrite": rewrite}).text == "closed"


async def _get(self: HTTPEndpoint, request: Request) -> Response:
    return PlainTextResponse("page")


async def _delete(self: HTTPEndpoint, request: Request) -> Response:
    return PlainTextResponse("closed")


async def _overriding(self: HTTPEndpoint) -> None:
    self.scope["method"] = dict(self.scope["headers"]).get(b"x-method", self.scope["method"].encode()).decode()
    await HTTPEndpoint.dispatch(self)


async def _serving(self: HTTPEndpoint) -> None:
    await PlainTextResponse("closed")(self.scope, self.receive, self.send)


def _await(self: HTTPEndpoint) -> Any:
    return _serving(self).__await__()


def _init(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
    HTTPEndpoint.__init__(self, scope, receive, send)
    self.get = self.delete


def _new(cls: type, scope: Scope, receive: Receive, send: Send) -> Any:
    return PlainTextResponse("closed")(scope, receive, send)


def _getattribute(self: Any, name: str) -> Any:
    return object.__getattribute__(self, "delete" if name == "get" else name)


OWN: dict[str, dict[str, Any]] = {
    "override": {"dispatch": _overriding},
    "dispatch": {"dispatch": _serving},
    "await": {"__await__": _await},
    "init": {"__init__": _init},
    "new": {"__new__": _new},
    "getattribute": {"__getattribute__": _getattribute},
}


@placements
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
@pytest.mark.parametrize("above", ["same", "below", "above"])
@pytest.mark.parametrize("own", OWN)
def test_a_public_method_does_not_open_a_class_that_dispatches_itself(
    own: str, above: str, kind: type[Starlette], placement: Placement, caplog: pytest.LogCaptureFixture
) -> None:
    methods = {"get": public(_get), "delete": _delete}
    if above == "same":
        items = type("Items", (HTTPEndpoint,), {**methods, **OWN[own]})
    elif above == "below":
        items = type("Items", (type("Base", (HTTPEndpoint,), methods),), OWN[own])
    else:
        items = type("Items", (type("Base", (HTTPEndpoint,), OWN[own]),), methods)
    app = kind(routes=[Route("/items", items), Route("/open", public(type("Open", (items,), {})))])
    guarded = guard(app, placement)
    client = client_of(guarded)
    for headers in ({}, {"X-Method": "DELETE"}):
        assert client.get("/items", headers=headers).status_code == 401
    assert client.get("/items", headers={**READER, "X-Method": "DELETE"}).text in ("closed", "page")
    assert client.get("/open").status_code == 200
    assert [record.getMessage() for record in caplog.records if "a public method of Items" in record.getMessage()]
    listed = {(route.path, route.method): route.protection for route in routes_of(guarded)}
    assert listed["/items", "GET"] is Protection.DEFAULT


@pytest.mark.parametrize("bases", [(HTTPEndpoint,), (type("Base", (HTTPEndpoint,), {"delete": _delete}),)])
def test_a_public_method_opens_a_class_that_leaves_the_choice_to_starlette(
    bases: tuple[type, ...], caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(guard(Starlette(routes=[Route("/items", type("Items", bases, {"get": public(_get)}))])))
    assert (client.get("/items").text, client.delete("/items").status_code) == ("page", 401)
    assert not [record for record in caplog.records if "a public method" in record.getMessage()]


@placements
@pytest.mark.parametrize("layers", [[Hiding], [Rewriting, Hiding], [Hiding, Rewriting]], ids=len)
def test_a_layer_of_one_route_that_hides_a_class_keeps_it_closed(layers: list[Any], placement: Placement) -> None:
    made = Site()
    items = made.routes[1].endpoint
    app = Starlette(routes=[Route("/items", items, middleware=[Middleware(layer) for layer in layers])])
    client = client_of(guard(app, placement))
    for headers in ({}, {"X-Rewrite": "method=POST"}):
        assert client.get("/items", headers=headers).status_code == 401
    assert made.ran == []
    assert client.get("/items", headers={**READER, "X-Rewrite": "method=POST"}).text == "closed"
