"""Predicates judge the request as it arrived at its endpoint, whatever a layer inside of the guard did to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from authmw_starlette import AuthMiddleware
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from authmw import AccessRefused, Auth, HTTPBearer, Principal, RequestHead, requires


def owns_it(principal: Principal, request: RequestHead) -> bool:
    return bool(request.path_params.get("user") == principal.id)


@requires(owns_it)
async def page(request: Request) -> Response:
    return PlainTextResponse(f"of {request.path_params['user']}")


@requires(owns_it)
class Page(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse(f"of {request.path_params['user']}")


@requires(owns_it)
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"of {websocket.path_params['user']}")
    await websocket.close()


class Copying:
    """A layer that hands on a copy of the scope, with the path that a header names."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = dict(scope.get("headers", ())).get(b"x-path")
        await self.app({**scope, "path": named.decode()} if named else {**scope}, receive, send)


def _starlette(endpoint: Any, layers: list[Middleware]) -> Starlette:
    return Starlette(routes=[Route("/of/{user}", endpoint), WebSocketRoute("/talk/{user}", talk)], middleware=layers)


def _mounted(endpoint: Any, layers: list[Middleware]) -> Starlette:
    routes: list[BaseRoute] = [Route("/{user}", endpoint)]
    return Starlette(routes=[Mount("/of", routes=routes, middleware=layers), WebSocketRoute("/talk/{user}", talk)])


def _in_router(endpoint: Any, layers: list[Middleware]) -> Starlette:
    router = Router([Route("/{user}", endpoint)], middleware=layers)
    return Starlette(routes=[Mount("/of", app=router), WebSocketRoute("/talk/{user}", talk)])


def _of_the_route(endpoint: Any, layers: list[Middleware]) -> Starlette:
    routes = [
        Route("/of/{user}", endpoint, middleware=layers),
        WebSocketRoute("/talk/{user}", talk, middleware=layers),
    ]
    return Starlette(routes=routes)


def _fastapi(endpoint: Any, layers: list[Middleware]) -> FastAPI:
    app = FastAPI(middleware=layers)
    add: Callable[..., Any] = app.add_route if endpoint is Page else app.add_api_route
    add("/of/{user}", endpoint)
    app.add_api_websocket_route("/talk/{user}", talk)
    return app


def _included(endpoint: Any, layers: list[Middleware]) -> FastAPI:
    app, router = FastAPI(middleware=layers), APIRouter()
    add: Callable[..., Any] = router.add_route if endpoint is Page else router.add_api_route
    add("/{user}", endpoint)
    app.include_router(router, prefix="/of")
    app.add_api_websocket_route("/talk/{user}", talk)
    return app


BUILT: dict[str, Callable[[Any, list[Middleware]], Starlette]] = {
    "starlette": _starlette,
    "mount": _mounted,
    "router": _in_router,
    "route": _of_the_route,
    "fastapi": _fastapi,
    "included": _included,
}


def _auth() -> Auth:
    def named_like_the_token(token: str) -> Principal:
        return Principal(token)

    return Auth(HTTPBearer(named_like_the_token))


def _client(app: Starlette, *, hide: bool, outside: bool) -> TestClient:
    if outside:
        return TestClient(
            AuthMiddleware(app, _auth(), hide_credentials=hide), headers={"Authorization": "Bearer alice"}
        )
    app.add_middleware(AuthMiddleware, auth=_auth(), hide_credentials=hide)
    return TestClient(app, headers={"Authorization": "Bearer alice"})


hidden = pytest.mark.parametrize("hide", [False, True])
outside = pytest.mark.parametrize("outside", [False, True])
built = pytest.mark.parametrize("build", BUILT.values(), ids=BUILT)
copied = pytest.mark.parametrize("layers", [[], [Middleware(Copying)]], ids=["no layer", "a copying layer"])


@hidden
@outside
@built
@copied
@pytest.mark.parametrize("endpoint", [page, Page])
def test_a_predicate_sees_the_path_parameters_behind_any_copy_of_the_scope(
    endpoint: Any, layers: list[Middleware], build: Any, outside: bool, hide: bool
) -> None:
    client = _client(build(endpoint, layers), hide=hide, outside=outside)
    for _ in range(2):
        assert client.get("/of/alice").text == "of alice"
        assert client.get("/of/bob").status_code == 403


@hidden
@outside
@built
@copied
def test_a_predicate_of_a_websocket_sees_them_too(
    layers: list[Middleware], build: Any, outside: bool, hide: bool
) -> None:
    client = _client(build(page, layers), hide=hide, outside=outside)
    with client.websocket_connect("/talk/alice") as session:
        assert session.receive_text() == "of alice"
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/talk/bob"):
        pass
    assert refused.value.status_code == 403


@outside
@pytest.mark.parametrize("build", [_starlette, _fastapi, _included])
def test_a_predicate_judges_the_path_to_which_a_layer_has_led(build: Any, outside: bool) -> None:
    client = _client(build(page, [Middleware(Copying)]), hide=False, outside=outside)
    assert client.get("/of/alice", headers={"X-Path": "/of/bob"}).status_code == 403
    assert client.get("/of/bob", headers={"X-Path": "/of/alice"}).text == "of alice"


def test_a_route_that_is_added_while_serving_has_its_predicates_too() -> None:
    app = Starlette(routes=[Route("/", page)], middleware=[Middleware(Copying)])
    client = _client(app, hide=False, outside=False)
    assert client.get("/").status_code == 403
    app.mount("/sub", Starlette(routes=[Route("/{user}", page)], middleware=[Middleware(Copying)]))
    assert client.get("/sub/alice").text == "of alice"
    assert client.get("/sub/bob").status_code == 403


def test_a_predicate_judges_its_own_request_after_the_endpoint_has_asked_another_router() -> None:
    inside = Starlette(routes=[Route("/of/{user}", page)])

    @requires(owns_it)
    def look() -> str:
        return "looked"

    async def asking(request: Request) -> Response:
        async def send(message: Message) -> None: ...

        await inside({**request.scope, "path": "/of/alice", "root_path": ""}, request.receive, send)
        return PlainTextResponse(look())

    client = _client(Starlette(routes=[Route("/ask/{user}", asking), Mount("/in", inside)]), hide=False, outside=False)
    assert client.get("/ask/alice").text == "looked"
    assert client.get("/ask/bob").status_code == 403


@pytest.mark.parametrize("paths", [["/of/bob", "/of/alice"], ["/of/alice", "/of/bob"]])
@pytest.mark.parametrize("build", [_starlette, _fastapi, _included])
def test_two_requests_to_routers_at_once_are_judged_each_by_its_own(build: Any, paths: list[str]) -> None:
    @requires(owns_it)
    def look() -> str:
        return "looked"

    @requires(owns_it)
    async def slow(request: Request) -> Response:
        await asyncio.sleep(0.01 if request.path_params["user"] == "bob" else 0.02)
        return PlainTextResponse(f"of {request.path_params['user']} {look()}")

    async def batch(request: Request) -> Response:
        async def ask(path: str) -> str:
            sent: list[Message] = []

            async def send(message: Message) -> None:
                sent.append(message)

            scope: Scope = {**request.scope, "path": path, "raw_path": path.encode(), "path_params": {}}
            try:
                await app.router(scope, request.receive, send)
            except AccessRefused as refused:
                return f"{path} {refused.refusal.status}"
            return f"{path} {sent[0]['status']}"

        answers = await asyncio.gather(*map(ask, paths))
        with pytest.raises(AccessRefused):
            look()  # of the batch itself, which has no user
        return PlainTextResponse(", ".join(answers))

    app = build(slow, [])
    app.router.routes.append(Route("/batch", batch))
    answer = _client(app, hide=False, outside=True).get("/batch")
    assert sorted(answer.text.split(", ")) == ["/of/alice 200", "/of/bob 403"]


def test_a_predicate_of_a_function_below_the_endpoint_sees_it_too() -> None:
    @requires(owns_it)
    def look(user: str) -> str:
        return f"of {user}"

    async def looking(request: Request) -> Response:
        return PlainTextResponse(look(request.path_params["user"]))

    app = Starlette(routes=[Route("/of/{user}", looking)], middleware=[Middleware(Copying)])
    client = _client(app, hide=False, outside=False)
    assert client.get("/of/alice").text == "of alice"
    assert client.get("/of/alice", headers={"X-Path": "/of/bob"}).status_code == 403
