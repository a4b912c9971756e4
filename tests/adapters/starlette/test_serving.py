"""What an application sees below the middleware: every kind of endpoint, body and middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import pytest
from authmw_starlette import AuthMiddleware
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.authentication import requires as starlette_requires
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import WebSocketDenialResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from authmw import (
    Auth,
    Authenticated,
    BearerToken,
    HTTPBearer,
    Principal,
    Verdict,
    current_principal,
    public,
    requires,
    requires_scopes,
)
from authmw.flow import Ask, Flow, Work
from authmw.http.request import RequestHead
from tests.adapters.starlette.support import OTHER, PLACEMENTS, READER, TOKENS, Placement, client_of, guard, make_auth

placements = pytest.mark.parametrize("placement", PLACEMENTS)


@requires_scopes("orders:read")
async def orders(request: Request) -> Response:
    return JSONResponse({"user": request.user.display_name, "scopes": request.auth.scopes})


@placements
def test_request_user_and_auth_are_in_starlettes_sense(placement: Placement) -> None:
    client = client_of(guard(Starlette(routes=[Route("/", orders)]), placement))
    assert client.get("/", headers=READER).json() == {"user": "alice", "scopes": ["authenticated", "orders:read"]}


@placements
def test_nobody_is_a_user_who_is_not_authenticated(placement: Placement) -> None:
    @public
    async def who(request: Request) -> Response:
        return JSONResponse([request.user.is_authenticated, request.auth.scopes])

    client = client_of(guard(Starlette(routes=[Route("/", who)]), placement))
    assert client.get("/").json() == [False, []]


@placements
@pytest.mark.parametrize(
    "scopes, headers, expected",
    [
        ("orders:read", READER, 200),
        ("orders:read", OTHER, 403),
        ("authenticated", OTHER, 200),
        (["authenticated", "orders:read"], READER, 200),
        ("authenticated", {}, 403),
    ],
)
def test_starlettes_own_requires_is_still_right(
    scopes: str | list[str], headers: dict[str, str], expected: int, placement: Placement
) -> None:
    @starlette_requires(scopes)
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("in")

    app = guard(Starlette(routes=[Route("/", endpoint)]), placement, public=["/"])
    assert client_of(app).get("/", headers=headers).status_code == expected


@placements
def test_class_based_endpoints_are_guarded(placement: Placement) -> None:
    @requires_scopes("orders:read")
    class Orders(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return PlainTextResponse(current_principal().id)

        def post(self, request: Request) -> Response:
            return PlainTextResponse(current_principal().id)

    client = client_of(guard(Starlette(routes=[Route("/", Orders)]), placement))
    for method in ("GET", "POST"):
        assert client.request(method, "/", headers=READER).text == "alice"
        assert client.request(method, "/", headers=OTHER).status_code == 403
    assert client.put("/", headers=READER).status_code == 405


@requires_scopes("orders:read")
async def function_socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"{websocket.user.identity} {current_principal().id}")
    await websocket.close()


@requires_scopes("orders:read")
class ClassSocket(WebSocketEndpoint):
    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(f"{websocket.user.identity} {current_principal().id}")


SOCKETS = [WebSocketRoute("/function", function_socket), WebSocketRoute("/class", ClassSocket)]
sockets = pytest.mark.parametrize("path", ["/function", "/class"])


@placements
@sockets
def test_a_websocket_that_may_is_accepted(path: str, placement: Placement) -> None:
    client = client_of(guard(Starlette(routes=SOCKETS), placement), headers=READER)
    with client.websocket_connect(path) as session:
        assert session.receive_text() == "alice alice"


@placements
@sockets
@pytest.mark.parametrize("headers, status", [({}, 401), (OTHER, 403)], ids=["nobody", "scope missing"])
def test_class_24_a_websocket_is_refused_before_it_is_accepted(
    path: str, headers: dict[str, str], status: int, placement: Placement
) -> None:
    client = client_of(guard(Starlette(routes=SOCKETS), placement), headers=headers)
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(path):
        pass
    assert refused.value.status_code == status
    assert 'scope="orders:read"' in refused.value.headers["www-authenticate"]


@placements
def test_a_websocket_refused_after_it_was_accepted_is_closed(placement: Placement) -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        current_principal().require("admin")

    client = client_of(guard(Starlette(routes=[WebSocketRoute("/", endpoint)]), placement), headers=READER)
    with client.websocket_connect("/") as session, pytest.raises(WebSocketDisconnect) as closed:
        session.receive_text()
    assert closed.value.code == 1008


@placements
def test_an_unknown_websocket_is_denied_as_any_other(placement: Placement) -> None:
    client = client_of(guard(Starlette(routes=SOCKETS), placement))
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/nope"):
        pass
    assert refused.value.status_code == 401


@placements
@pytest.mark.parametrize("threaded", [False, True])
def test_the_principal_is_there_while_the_body_streams_and_after(threaded: bool, placement: Placement) -> None:
    seen: list[str] = []

    def in_thread() -> Iterator[str]:
        for _ in range(3):
            yield current_principal().id

    async def on_loop() -> AsyncIterator[str]:
        for each in in_thread():
            yield each

    async def endpoint(request: Request) -> Response:
        task = BackgroundTask(lambda: seen.append(current_principal().id))
        return StreamingResponse(in_thread() if threaded else on_loop(), background=task)

    app = guard(Starlette(routes=[Route("/", endpoint)]), placement)
    assert client_of(app).get("/", headers=READER).text == "alicealicealice"
    assert seen == ["alice"]
    assert not current_principal().is_authenticated


async def tell(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    response.headers["x-seen"] = current_principal().id
    return response


def test_base_http_middleware_sees_the_principal_below_and_nobody_above() -> None:
    inside = Starlette(routes=[Route("/", orders)], middleware=[Middleware(BaseHTTPMiddleware, dispatch=tell)])
    inside.add_middleware(AuthMiddleware, auth=make_auth())
    assert client_of(inside).get("/", headers=READER).headers["x-seen"] == "alice"
    outside = Starlette(routes=[Route("/", orders)])
    outside.add_middleware(AuthMiddleware, auth=make_auth())
    outside.add_middleware(BaseHTTPMiddleware, dispatch=tell)
    client = client_of(outside)
    assert client.get("/", headers=READER).headers["x-seen"] == ""
    assert client.get("/").status_code == 401


@placements
@pytest.mark.parametrize(
    "method, path, expected",
    [("GET", "/nope", 401), ("POST", "/orders", 401), ("HEAD", "/orders", 401), ("GET", "/orders/", 401)],
)
def test_path_3_an_unknown_path_is_401_without_credentials(
    method: str, path: str, expected: int, placement: Placement
) -> None:
    client = client_of(guard(Starlette(routes=[Route("/orders", orders)]), placement))
    assert client.request(method, path).status_code == expected


@placements
@pytest.mark.parametrize(
    "method, path, expected",
    [("GET", "/nope", 404), ("POST", "/orders", 405), ("HEAD", "/orders", 200), ("GET", "/orders/", 307)],
)
def test_with_credentials_the_router_answers(method: str, path: str, expected: int, placement: Placement) -> None:
    client = client_of(guard(Starlette(routes=[Route("/orders", orders)]), placement), headers=READER)
    answer = client.request(method, path)
    assert answer.status_code == expected
    assert method != "HEAD" or answer.content == b""


PREFLIGHT = {
    "Origin": "https://shop.example",
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization",
}


CORS: dict[str, Any] = {"allow_origins": ["https://shop.example"], "allow_headers": ["authorization"]}


def with_cors(where: Literal["inside", "outside"]) -> Starlette:
    app = Starlette(routes=[Route("/orders", orders)])
    if where == "inside":
        app.add_middleware(CORSMiddleware, **CORS)
    app.add_middleware(AuthMiddleware, auth=make_auth())
    if where == "outside":
        app.add_middleware(CORSMiddleware, **CORS)
    return app


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_class_23_a_preflight_passes_to_cors_and_not_to_the_endpoint(where: Literal["inside", "outside"]) -> None:
    client = client_of(with_cors(where))
    answer = client.options("/orders", headers=PREFLIGHT)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert client.options("/orders", headers={**PREFLIGHT, "Origin": "https://evil.example"}).status_code == 400
    assert client.options("/orders").status_code == 401


class Answering:
    """A layer that answers everything, and notes that it did."""

    def __init__(self, app: ASGIApp, ran: list[str]) -> None:
        self.app = app
        self.ran = ran

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.ran.append(scope["method"])
        await self.app(scope, receive, send)


class OwnCORSMiddleware(CORSMiddleware):
    """A subclass may do anything with a preflight."""


@placements
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
@pytest.mark.parametrize("first", [CORSMiddleware, OwnCORSMiddleware, Answering, None])
def test_class_23_a_preflight_reaches_cors_only_if_nothing_stands_before_it(
    first: Any, kind: type[Starlette], placement: Placement
) -> None:
    ran: list[str] = []

    async def endpoint(request: Request) -> Response:
        ran.append("endpoint")
        return PlainTextResponse("done")

    app = kind(routes=[Route("/any", endpoint, methods=["GET", "POST", "OPTIONS"])])
    app.add_middleware(Answering, ran=ran)
    if first is not None:
        app.add_middleware(CORSMiddleware, **CORS)
        if first is not CORSMiddleware:
            app.add_middleware(first, **({"ran": ran} if first is Answering else CORS))
    client = client_of(guard(app, placement))
    answers = [client.options(path, headers=PREFLIGHT) for path in ("/any", "/nowhere")]
    expected = (200, "https://shop.example") if first is CORSMiddleware else (204, None)
    assert {(each.status_code, each.headers.get("access-control-allow-origin")) for each in answers} == {expected}
    assert ran == []
    assert client.options("/any", headers={**PREFLIGHT, **READER}).status_code in (200, 400)


@placements
def test_class_23_a_preflight_that_is_handed_on_reaches_every_layer_and_brings_back_no_content(
    placement: Placement,
) -> None:
    ran: list[str] = []

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("secret", headers={"Access-Control-Allow-Origin": "*", "X-Secret": "secret"})

    app = Starlette(routes=[Route("/any", endpoint, methods=["OPTIONS"])])
    app.add_middleware(Answering, ran=ran)
    answer = client_of(guard(app, placement, preflights="application")).options("/any", headers=PREFLIGHT)
    assert (answer.status_code, answer.text, ran) == (200, "", ["OPTIONS"])
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "secret" not in str(answer.headers)


@placements
def test_class_23_a_preflight_reaches_a_public_endpoint_for_options(placement: Placement) -> None:
    @public
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("for anybody")

    routes = [Route("/open", endpoint, methods=["OPTIONS"]), Route("/get", endpoint)]
    client = client_of(guard(Starlette(routes=routes), placement))
    assert client.options("/open", headers=PREFLIGHT).text == "for anybody"
    assert client.options("/get", headers=PREFLIGHT).status_code == 204


def test_a_refusal_has_the_headers_of_cors_when_cors_stands_outside() -> None:
    answer = client_of(with_cors("outside")).get("/orders", headers={"Origin": "https://shop.example"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


@placements
@pytest.mark.parametrize("depth", ["route", "mount"])
@pytest.mark.parametrize("name, expected", [("alice", 200), ("bob", 403)])
def test_a_predicate_sees_the_path_parameters(name: str, expected: int, depth: str, placement: Placement) -> None:
    @requires(lambda principal, request: principal.id == request.path_params["name"])
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("in")

    route = Route("/{name}", endpoint)
    app = guard(Starlette(routes=[route if depth == "route" else Mount("/users", routes=[route])]), placement)
    path = f"/{name}" if depth == "route" else f"/users/{name}"
    assert client_of(app).get(path, headers=READER).status_code == expected


class BlockingStore:
    """A store whose method is ``def`` and not marked as fast: it is asked in a thread."""

    def find(self, token: str) -> Principal | None:
        return TOKENS.get(token)


class AskingVerifier:
    def verify(self, credentials: BearerToken, request: RequestHead, /) -> Flow[Verdict | None]:
        principal = yield from Ask(BlockingStore().find, credentials.token)
        known = yield from Work(lambda: principal)
        return None if known is None else Authenticated(known)


@placements
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_asyncio_and_trio_both_serve(backend: Literal["asyncio", "trio"], placement: Placement) -> None:
    @requires_scopes("orders:read")
    def threaded(request: Request) -> Response:
        return PlainTextResponse(current_principal().id)

    app = Starlette(routes=[Route("/", threaded), Route("/async", orders)])
    auth = Auth(HTTPBearer(AskingVerifier()))
    if placement == "added":
        app.add_middleware(AuthMiddleware, auth=auth)
    client = client_of(AuthMiddleware(app, auth) if placement == "outside" else app, backend=backend)
    assert client.get("/", headers=READER).text == "alice"
    assert client.get("/async", headers=READER).json()["user"] == "alice"
    assert client.get("/", headers=OTHER).status_code == 403
    assert client.get("/", headers={"Authorization": "Bearer unknown"}).status_code == 401
    assert client.get("/").status_code == 401


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_store_that_fails_in_a_thread_is_a_503(backend: Literal["asyncio", "trio"]) -> None:
    class Broken:
        def verify(self, credentials: BearerToken, request: RequestHead, /) -> Flow[Verdict | None]:
            def find(token: str) -> Principal | None:
                raise StopIteration(token)

            principal = yield from Ask(find, credentials.token)
            return None if principal is None else Authenticated(principal)

    app = AuthMiddleware(Starlette(routes=[Route("/", orders)]), Auth(HTTPBearer(Broken())))
    answer = client_of(app, backend=backend).get("/", headers=READER)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
