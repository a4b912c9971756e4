"""One endpoint in several routes: each needs what it registered, and is refused at start-up if that asks for less."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial, wraps
from typing import Any

import pytest
from authmw_starlette import AuthMiddleware
from authmw_starlette.listing import routes_of
from authmw_starlette.routes import declared
from fastapi import APIRouter, Depends, FastAPI
from fastapi.dependencies.utils import get_dependant
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from authmw import ConfigurationError, authenticated, public, requires_scopes
from authmw.engine.routes.route import Protection
from tests.adapters.starlette.support import OTHER, READER, client_of, make_auth

needs_read, needs_write = requires_scopes("orders:read"), requires_scopes("orders:write")

Endpoint = Callable[[Request], Any]


def fresh() -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("seen")

    return endpoint


def fresh_sync() -> Endpoint:
    def endpoint(request: Request) -> Response:
        return PlainTextResponse("seen")

    return endpoint


class Application:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("seen")(scope, receive, send)


def guarded(*routes: BaseRoute) -> Starlette:
    app = Starlette(routes=routes)
    app.add_middleware(AuthMiddleware, auth=make_auth())
    return app


def statuses(app: Starlette) -> dict[str, tuple[int, ...]]:
    """For each path what a stranger, somebody and a reader are answered."""
    with client_of(app) as client:
        return {
            route.path: tuple(client.get(route.path, headers=each).status_code for each in ({}, OTHER, READER))
            for route in routes_of(app)
        }


def scopes(app: Starlette) -> dict[str, str]:
    return {route.path: " ".join(route.requirement.all_scopes) for route in routes_of(app)}


@pytest.mark.parametrize("make", [fresh, fresh_sync, Application, lambda: partial(fresh())])
def test_an_endpoint_is_wrapped_for_each_route(make: Callable[[], Any]) -> None:
    endpoint = make()
    app = guarded(
        Route("/read", needs_read(endpoint)),
        Route("/write", needs_write(endpoint)),
        Route("/less", authenticated(endpoint)),
    )
    assert scopes(app) == {"/read": "orders:read", "/write": "orders:write", "/less": ""}
    assert statuses(app) == {"/read": (401, 403, 200), "/write": (401, 403, 403), "/less": (401, 200, 200)}


@pytest.mark.parametrize("make", [fresh, fresh_sync, Application, lambda: partial(fresh())])
def test_a_bare_endpoint_beside_its_wrappers_stops_the_start_up(make: Callable[[], Any]) -> None:
    endpoint = make()
    app = guarded(Route("/read", needs_read(endpoint)), Route("/bare", endpoint))
    assert scopes(app) == {"/read": "orders:read", "/bare": "orders:read"}
    assert [route.protection for route in routes_of(app)] == [Protection.DECLARED, Protection.MISPLACED]
    with pytest.raises(ConfigurationError, match=r"without its enforcing wrapper.*authenticated\("), client_of(app):
        pass


@pytest.mark.parametrize(
    "make",
    [
        lambda: Route("/orders", fresh()),
        lambda: WebSocketRoute("/orders", fresh()),
        lambda: Mount("/orders", routes=[Route("/all", fresh())]),
        lambda: Mount("/shop", routes=[Host("shop.example", Router([Route("/orders", fresh())]))]).routes[0],
    ],
    ids=["route", "websocket route", "mount", "host"],
)
def test_a_requirement_on_a_route_object_that_serves_without_its_wrapper_stops_the_start_up(
    make: Callable[[], Any],
) -> None:
    route = make()
    needs_read(route)
    with pytest.raises(ConfigurationError, match="is registered without its enforcing wrapper"):
        client_of(guarded(route)).get("/orders")


def test_a_decorator_above_the_route_is_not_lost_where_another_one_stands_below_it() -> None:
    app = FastAPI()
    bare = fresh()
    needs_write(app.get("/orders")(needs_read(bare)))
    app.add_middleware(AuthMiddleware, auth=make_auth())
    line = inspect.getsourcelines(bare)[1]
    with pytest.raises(ConfigurationError, match=rf"endpoint \({__file__}:\d+\) is registered without") as refused:
        client_of(app).get("/orders")
    assert f"{__file__}:{line}" in str(refused.value)


def test_a_hole_for_one_route_opens_no_other() -> None:
    endpoint = fresh()
    app = guarded(Route("/hole", public(endpoint)), Route("/write", needs_write(endpoint)))
    assert statuses(app) == {"/hole": (200, 200, 200), "/write": (401, 403, 403)}
    app = guarded(Route("/hole", public(endpoint)), Route("/bare", endpoint))
    with pytest.raises(ConfigurationError, match="registered without its enforcing wrapper"), client_of(app):
        pass


def test_websockets_are_wrapped_one_by_one() -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("seen")
        await websocket.close()

    routes = [WebSocketRoute("/read", needs_read(endpoint)), WebSocketRoute("/write", needs_write(endpoint))]
    with client_of(guarded(*routes), headers=READER) as client:
        with client.websocket_connect("/read") as websocket:
            assert websocket.receive_text() == "seen"
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/write"):
            pass
    with pytest.raises(ConfigurationError, match="wrapper"), client_of(guarded(WebSocketRoute("/", endpoint))):
        pass


def test_an_application_is_mounted_twice_with_two_requirements() -> None:
    router = Router([Route("/in", fresh())])
    app = guarded(Mount("/read", app=needs_read(router)), Mount("/write", app=needs_write(router)))
    assert scopes(app) == {"/read/in": "orders:read", "/write/in": "orders:write"}
    assert statuses(app) == {"/read/in": (401, 403, 200), "/write/in": (401, 403, 403)}
    with client_of(app) as client:
        assert 'scope="orders:read"' in client.get("/read/in").headers["WWW-Authenticate"]
    app = guarded(Mount("/read", app=needs_read(router)), Mount("/bare", app=router))
    with pytest.raises(ConfigurationError, match="wrapper"), client_of(app):
        pass


def test_a_bare_method_of_a_class_that_something_wraps_stops_the_start_up() -> None:
    class Orders(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("orders")

        @needs_read
        async def post(self, request: Request) -> Response:
            return PlainTextResponse("ordered")

    app = guarded(Route("/orders", Orders))
    client_of(app).get("/orders")
    needs_write(Orders.get)
    with pytest.raises(ConfigurationError, match=r"Orders.get \("):
        client_of(guarded(Route("/orders", Orders))).get("/orders")


def test_a_dependency_is_wrapped_for_each_route() -> None:
    app = FastAPI()

    async def asks() -> str:
        return "asked"

    @app.get("/read")
    async def read(asked: str = Depends(needs_read(asks))) -> str:
        return asked

    @app.get("/less")
    async def less(asked: str = Depends(authenticated(asks))) -> str:
        return asked

    app.add_middleware(AuthMiddleware, auth=make_auth())
    with client_of(app) as client:
        answers = {path: client.get(path, headers=OTHER).status_code for path in ("/read", "/less")}
    assert answers == {"/read": 403, "/less": 200}
    app = FastAPI()
    app.get("/bare", dependencies=[Depends(asks)])(fresh())
    app.add_middleware(AuthMiddleware, auth=make_auth())
    with pytest.raises(ConfigurationError, match="asks"), client_of(app):
        pass


# A route calls what it was made with, whatever its endpoint is later said to be.


def _starlette(endpoint: Endpoint) -> Any:
    return Route("/orders", endpoint)


def _with_middleware(endpoint: Endpoint) -> Any:
    return Route("/orders", endpoint, middleware=[Middleware(GZipMiddleware)])


def _application(_: Endpoint) -> Any:
    return Route("/orders", Application())


def _fastapi(endpoint: Endpoint) -> Any:
    router = APIRouter()
    router.get("/orders")(endpoint)
    return router.routes[0]


@pytest.mark.parametrize("make", [fresh, fresh_sync])
@pytest.mark.parametrize("route", [_starlette, _with_middleware, _fastapi, _application])
def test_a_wrapper_that_only_the_endpoint_of_a_route_names_stops_the_start_up(
    route: Callable[[Endpoint], Any], make: Callable[[], Endpoint]
) -> None:
    found = route(make())
    found.endpoint = needs_read(found.endpoint)
    app = guarded(found)
    assert [each.protection for each in routes_of(app)] == [Protection.MISPLACED]
    with pytest.raises(ConfigurationError, match="registered without its enforcing wrapper"), client_of(app):
        pass


def test_a_websocket_route_calls_what_it_was_made_with() -> None:
    async def endpoint(websocket: WebSocket) -> None: ...

    route = WebSocketRoute("/live", endpoint)
    setattr(route, "endpoint", needs_read(endpoint))  # noqa: B010 - from outside
    with pytest.raises(ConfigurationError, match="registered without its enforcing wrapper"), client_of(guarded(route)):
        pass


@pytest.mark.parametrize("asked", [False, True], ids=["before", "after"])
def test_an_endpoint_of_an_included_router_is_held_to_what_is_called(asked: bool) -> None:
    app, router = FastAPI(), APIRouter()
    router.get("/orders")(fresh())
    app.include_router(router)
    if asked:
        routes_of(app)  # by which FastAPI keeps what it calls
    route: Any = router.routes[0]
    route.endpoint = needs_read(route.endpoint)
    app.add_middleware(AuthMiddleware, auth=make_auth())
    # Releases of FastAPI differ in when they look at the endpoint.
    if [each.protection for each in routes_of(app) if each.path == "/orders"] == [Protection.MISPLACED]:
        with pytest.raises(ConfigurationError, match="registered without its enforcing wrapper"), client_of(app):
            pass
    else:
        assert client_of(app).get("/orders", headers=OTHER).status_code == 403


def test_what_wraps_the_handler_of_a_route_leaves_its_declaration() -> None:
    def instrumented(route: Any) -> None:
        inner = route.dependant.call

        @wraps(inner)
        async def measured(*args: Any, **kwargs: Any) -> Any:
            return await inner(*args, **kwargs)

        async def opaque(*args: Any, **kwargs: Any) -> Any:
            return await measured(*args, **kwargs)

        route.dependant.call = opaque

    async def endpoint() -> str:
        return "seen"

    app, router = FastAPI(), APIRouter()
    router.get("/orders")(needs_read(endpoint))
    instrumented(router.routes[0])
    app.router.routes.append(router.routes[0])
    app.add_middleware(AuthMiddleware, auth=make_auth())
    assert scopes(app)["/orders"] == "orders:read"
    assert client_of(app).get("/orders", headers=OTHER).status_code == 403


def _timed(function: Any) -> Any:
    async def inner(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return inner


def _endpoint_replaced(route: Any) -> None:
    route.endpoint = needs_read(route.endpoint)


def _endpoint_replaced_by_a_partial(route: Any) -> None:
    route.endpoint = partial(needs_read(route.endpoint))


def _endpoint_hidden(route: Any) -> None:
    route.endpoint = _timed(needs_read(route.endpoint))


def _endpoint_of_another_decorator(route: Any) -> None:
    route.endpoint = needs_read(_timed(route.endpoint))


def _application_wrapped(route: Any) -> None:
    route.app = needs_read(route.app)


def _handling_wrapped(route: Any) -> None:
    route.handle = needs_read(route.handle)


def _call_replaced(route: Any) -> None:
    route.dependant.call = needs_read(route.dependant.call)


def _call_of_another_decorator(route: Any) -> None:
    route.dependant.call = needs_read(_timed(route.dependant.call))


def _call_hidden(route: Any) -> None:
    route.dependant.call = _timed(needs_read(route.dependant.call))


def _call_and_endpoint_replaced(route: Any) -> None:
    route.endpoint = route.dependant.call = needs_read(route.dependant.call)


def _tree_replaced(route: Any) -> None:
    route.dependant = get_dependant(path=route.path, call=needs_read(route.endpoint))


FROM_OUTSIDE = (
    _endpoint_replaced,
    _endpoint_replaced_by_a_partial,
    _endpoint_hidden,
    _endpoint_of_another_decorator,
    _application_wrapped,
    _handling_wrapped,
)
FROM_OUTSIDE_OF_FASTAPI = (
    *FROM_OUTSIDE,
    _call_replaced,
    _call_of_another_decorator,
    _call_hidden,
    _call_and_endpoint_replaced,
    _tree_replaced,
)
ENFORCED = {
    _application_wrapped,
    _handling_wrapped,
    _call_replaced,
    _call_of_another_decorator,
    _call_and_endpoint_replaced,
}


def _of_fastapi(change: Callable[[Any], None]) -> Starlette:
    app = FastAPI()

    @app.get("/orders")
    async def endpoint() -> str:
        return "seen"

    change(next(route for route in app.routes if getattr(route, "path", "") == "/orders"))
    app.add_middleware(AuthMiddleware, auth=make_auth())
    return app


def _of_starlette(change: Callable[[Any], None]) -> Starlette:
    route = Route("/orders", fresh())
    change(route)
    return guarded(route)


@pytest.mark.parametrize(
    "make, change",
    [*((_of_starlette, each) for each in FROM_OUTSIDE), *((_of_fastapi, each) for each in FROM_OUTSIDE_OF_FASTAPI)],
)
def test_a_rule_that_a_route_gets_from_outside_is_enforced_or_refused(
    make: Callable[[Any], Starlette], change: Callable[[Any], None]
) -> None:
    app = make(change)
    if change in ENFORCED:
        client = client_of(app)
        assert [client.get("/orders", headers=each).status_code for each in ({}, OTHER, READER)] == [401, 403, 200]
    else:
        with pytest.raises(ConfigurationError, match="registered without its enforcing wrapper"), client_of(app):
            pass


def test_a_cache_above_the_rule_stops_the_start_up_and_is_named() -> None:
    app = guarded(Route("/orders", cache(needs_read(fresh_sync()))))
    with (
        pytest.raises(ConfigurationError, match=r"fresh_sync.*\(.*test_wrappers.py:\d+\).*a cache below"),
        client_of(app),
    ):
        pass


@pytest.mark.parametrize("make", [fresh, fresh_sync])
def test_an_endpoint_that_is_a_bound_method_is_wrapped_for_its_route_alone(make: Callable[[], Endpoint]) -> None:
    class Orders:
        def sync(self, request: Request) -> Response:
            return PlainTextResponse("seen")

        async def coroutine(self, request: Request) -> Response:
            return PlainTextResponse("seen")

    mine, others = Orders(), Orders()
    method = "coroutine" if make is fresh else "sync"
    app = guarded(Route("/mine", needs_read(getattr(mine, method))), Route("/others", getattr(others, method)))
    assert statuses(app) == {"/mine": (401, 403, 200), "/others": (401, 200, 200)}
    app = guarded(Route("/mine", needs_read(getattr(mine, method))), Route("/bare", getattr(mine, method)))
    with pytest.raises(ConfigurationError, match="registered without its enforcing wrapper"), client_of(app):
        pass


def test_the_challenge_of_a_route_names_what_it_needs_itself() -> None:
    endpoint = fresh()
    app: ASGIApp = guarded(Route("/read", needs_read(endpoint)), Route("/write", needs_write(endpoint)))
    scope: Scope = {"type": "http", "method": "GET", "path": "/write", "root_path": "", "headers": []}
    needed = declared(app, scope)
    assert needed is not None
    assert needed.scopes == ("orders:write",)
