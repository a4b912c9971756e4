"""An endpoint that was registered without its enforcing wrapper is refused before anybody is served."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import pytest
from authmw_starlette import AuthMiddleware
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from authmw import ConfigurationError, authenticated, public, requires, requires_scopes
from tests.adapters.starlette.support import PLACEMENTS, READER, Placement, client_of, guard, make_auth
from tests.support import fresh_python

Endpoint = Callable[[Request], Any]


def registered_raw(decorate: Callable[[Endpoint], Endpoint]) -> Starlette:
    app = FastAPI()

    @decorate
    @app.get("/orders")
    async def orders(request: Request) -> str:
        return "orders"

    return app


def in_included_router() -> Starlette:
    app, router = FastAPI(), APIRouter()

    @requires_scopes("orders:read")
    @router.get("/orders")
    async def orders() -> str:
        return "orders"

    app.include_router(router)
    return app


def mounted_raw() -> Starlette:
    router = Router()
    requires_scopes("admin")(router)
    return Starlette(routes=[Mount("/orders", app=router)])


def in_mount() -> Starlette:
    async def orders(request: Request) -> Response:
        return PlainTextResponse("orders")

    requires_scopes("orders:read")(orders)
    return Starlette(routes=[Mount("/deep", app=Starlette(routes=[Mount("/er", routes=[Route("/", orders)])]))])


def below_another_decorator() -> Starlette:
    app = FastAPI()

    def timed(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def timing(request: Request) -> Any:
            return await endpoint(request)

        return timing

    @requires_scopes("orders:read")
    @timed
    @app.get("/orders")
    async def orders(request: Request) -> str:
        return "orders"

    return app


UNGUARDED: dict[str, Callable[[], Starlette]] = {
    "requires_scopes": lambda: registered_raw(requires_scopes("orders:read")),
    "requires": lambda: registered_raw(requires(lambda principal, request: True)),
    "authenticated": lambda: registered_raw(authenticated),
    "included router": in_included_router,
    "mounted application": mounted_raw,
    "below mounts": in_mount,
    "below another decorator": below_another_decorator,
}


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("kind", UNGUARDED)
def test_an_endpoint_without_its_guard_stops_the_start_up(kind: str, placement: Placement) -> None:
    app = guard(UNGUARDED[kind](), placement)
    with pytest.raises(ConfigurationError, match="registered without its enforcing wrapper"), client_of(app):
        pass


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("kind", UNGUARDED)
def test_an_endpoint_without_its_guard_is_never_served(kind: str, placement: Placement) -> None:
    client = client_of(guard(UNGUARDED[kind](), placement), headers=READER)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="registered without its enforcing wrapper"):
            client.get("/orders")


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_server_is_told_why_it_cannot_start(placement: Placement) -> None:
    sent: list[dict[str, Any]] = []
    app = guard(in_included_router(), placement)

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    coroutine = app({"type": "lifespan", "state": {}}, receive, send)
    with pytest.raises(ConfigurationError):
        coroutine.__await__().send(None)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "orders" in sent[0]["message"]


def test_every_mistake_is_named_at_once_with_file_and_line() -> None:
    app = Starlette()

    async def first(request: Request) -> Response:
        return PlainTextResponse("first")

    async def second(request: Request) -> Response:
        return PlainTextResponse("second")

    app.add_route("/first", first)
    app.add_route("/also-first", first)
    app.add_route("/second", second)
    for each in (first, second):
        authenticated(each)
    with pytest.raises(ConfigurationError) as refused:
        client_of(AuthMiddleware(app, make_auth())).get("/first")
    assert len(refused.value.mistakes) == 2
    for mistake, each in zip(refused.value.mistakes, (first, second), strict=True):
        line = inspect.getsourcelines(each)[1]
        assert f"{each.__qualname__} ({__file__}:{line})" in mistake


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_routes_that_come_with_the_start_up_are_walked_too(placement: Placement) -> None:
    async def orders(request: Request) -> Response:
        return PlainTextResponse("orders")

    authenticated(orders)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        app.add_route("/orders", orders)
        yield

    with (
        client_of(guard(Starlette(lifespan=lifespan), placement), headers=READER) as client,
        pytest.raises(ConfigurationError, match="orders"),
    ):
        client.get("/orders")


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_guarded_application_starts_and_stops(placement: Placement) -> None:
    happened: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        happened.append("start")
        yield
        happened.append("stop")

    @authenticated
    async def orders(request: Request) -> Response:
        return PlainTextResponse("orders")

    @public
    async def health(request: Request) -> Response:
        return PlainTextResponse("fine")

    routes = [Route("/orders", orders), Route("/health", health), Mount("/a", app=authenticated(Router()))]
    with client_of(guard(Starlette(routes=routes, lifespan=lifespan), placement), headers=READER) as client:
        assert client.get("/orders").text == "orders"
    assert happened == ["start", "stop"]


def test_mistakes_in_the_set_up_are_told_at_construction() -> None:
    app: ASGIApp = Starlette()
    with pytest.raises(ConfigurationError, match="public pattern"):
        AuthMiddleware(app, make_auth(), public=["health*"])


def test_without_starlette_the_import_says_what_to_install() -> None:
    hide = "import sys; sys.modules['starlette'] = None; import authmw_starlette"
    found = fresh_python("-c", hide)
    assert found.returncode == 1
    assert 'authmw_starlette needs Starlette: pip install "authmw[starlette]"' in found.stderr


def test_the_import_loads_no_fastapi() -> None:
    found = fresh_python("-c", "import sys, authmw_starlette; print('fastapi' in sys.modules)")
    assert found.stdout.strip() == "False", found.stderr


# Routes that are added, and requirements that are declared, while the application serves.


def _adding(app: FastAPI) -> None:
    @requires_scopes("admin")
    @app.get("/added")
    async def added() -> str:
        return "added"


def _including(app: FastAPI) -> None:
    router = APIRouter()

    @requires_scopes("admin")
    @router.get("/added")
    async def added() -> str:
        return "added"

    app.include_router(router)


def _including_what_was_declared_before(app: FastAPI) -> None:
    app.include_router(_declared_before)


_declared_before = APIRouter()


@requires_scopes("admin")
@_declared_before.get("/added")
async def _added_before() -> str:
    return "added"


def _mounting(app: FastAPI) -> None:
    bare = _bare()
    app.mount("/", Starlette(routes=[Route("/added", bare)]))
    requires_scopes("admin")(bare)


def _bare() -> Endpoint:
    async def bare(request: Request) -> Response:
        return PlainTextResponse("bare")

    return bare


def _adding_to_what_is_mounted(app: FastAPI) -> None:
    below = next(each.app for each in app.routes if isinstance(each, Mount))
    assert isinstance(below, FastAPI)
    _adding(below)


def _declaring_on_what_is_there(app: FastAPI) -> None:
    there = next(each.endpoint for each in app.routes if isinstance(each, Route) and each.path == "/there")
    requires_scopes("admin")(there)


def _declaring_on_what_is_mounted(app: FastAPI) -> None:
    requires_scopes("admin")(next(each.app for each in app.routes if isinstance(each, Mount)))


def _declaring_on_a_method(app: FastAPI) -> None:
    requires_scopes("admin")(
        next(each.endpoint for each in app.routes if isinstance(each, Route) and each.name == "method")
    )


class Methods:
    async def method(self, request: Request) -> Response:
        return PlainTextResponse("method")


ADDED: dict[str, tuple[Callable[[FastAPI], None], str]] = {
    "a route": (_adding, "/added"),
    "an included router": (_including, "/added"),
    "a router of before": (_including_what_was_declared_before, "/added"),
    "a mount": (_mounting, "/added"),
    "a route of a mount": (_adding_to_what_is_mounted, "/below/added"),
    "a declaration": (_declaring_on_what_is_there, "/there"),
    "a declaration on a method": (_declaring_on_a_method, "/method"),
    "a declaration on a mount": (_declaring_on_what_is_mounted, "/below/added"),
}


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("add, closed", ADDED.values(), ids=ADDED)
def test_an_endpoint_is_closed_whose_requirement_is_misplaced_while_the_application_serves(
    add: Callable[[FastAPI], None], closed: str, placement: Placement, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    app.add_api_route("/there", _bare())
    app.add_route("/method", Methods().method)
    app.mount("/below", FastAPI())
    app.mount("/elsewhere", Elsewhere([object()]))
    client = client_of(guard(app, placement), headers=READER)
    for _ in range(2):
        assert client.get("/there").status_code == 200
    add(app)
    with caplog.at_level(logging.ERROR, "authmw"):
        answers = {path: client.get(path).status_code for path in ("/there", "/added", "/below/added", "/method")}
    assert [path for path, status in answers.items() if status == 403] == [closed]
    assert set(answers.values()) <= {200, 403, 404}
    assert client.get("/elsewhere/x").text == "elsewhere"
    assert client.get(closed, headers={"Authorization": ""}).status_code == 401
    (message,) = (each for each in caplog.messages if "registered without its enforcing wrapper" in each)
    assert message.endswith("closed for all until then")


def test_a_router_that_is_added_later_and_hides_its_calls_may_have_no_misplaced_requirement() -> None:
    class Own(Router):
        async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
            await super().app(scope, receive, send)

    app, bare = FastAPI(), _bare()
    client = client_of(guard(app), headers=READER)
    assert client.get("/x").status_code == 404
    app.mount("/", Own([Route("/added", bare)]))
    requires_scopes("admin")(bare)
    for path in ("/added", "/x"):
        with pytest.raises(ConfigurationError, match="registered without its enforcing wrapper"):
            client.get(path)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_routes_that_are_added_while_the_application_serves_are_enforced(placement: Placement) -> None:
    app = FastAPI()
    client = client_of(guard(app, placement), headers=READER)
    assert client.get("/added").status_code == 404
    app.add_api_route("/added", requires_scopes("admin")(_bare()))
    app.add_api_route("/other", authenticated(_bare()))
    assert client.get("/added").status_code == 403
    assert client.get("/other").status_code == 200


def test_the_route_table_is_read_again_only_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[object] = []

    def reading(app: object) -> tuple[str, ...]:
        reads.append(app)
        return ()

    monkeypatch.setattr("authmw_starlette.middleware.registered_without_wrapper", reading)

    async def endpoint(request: Request) -> Response:
        requires_scopes("orders:read")(_known)  # on each request

        @requires_scopes("orders:read")
        async def fresh() -> str:
            return "fresh"

        return PlainTextResponse(await fresh())

    async def _known() -> None: ...

    client = client_of(guard(Starlette(routes=[Route("/", endpoint)])), headers=READER)
    client.get("/")
    client.get("/")  # it sees what the first request declared
    before = len(reads)
    for _ in range(3):
        client.get("/")
    assert len(reads) == before


class Elsewhere:
    """An application of another framework, whose ``routes`` are no table of Starlette's."""

    def __init__(self, routes: object) -> None:
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("elsewhere")(scope, receive, send)


@pytest.mark.parametrize(
    "routes",
    [print, {"/a": 1}, None, iter(()), "/a", 7, [[1, 2]], (None,)],
    ids=lambda routes: type(routes).__name__,
)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_mounted_application_may_call_anything_its_routes(routes: object, placement: Placement) -> None:
    app = Starlette(routes=[Mount("/below", Elsewhere(routes)), Mount("/open", Elsewhere(routes))])
    client = client_of(guard(app, placement, public=["/open/*"]))
    assert client.get("/below/x").status_code == 401
    assert client.get("/below/x", headers=READER).text == "elsewhere"
    assert client.get("/open/x").text == "elsewhere"
