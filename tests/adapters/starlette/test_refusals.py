"""Refusals are the same to the byte, wherever the middleware stands and wherever they come from."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any

import anyio
import pytest
from fastapi import Depends, FastAPI, HTTPException
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from authmw import AccessRefused, current_principal, requires_scopes
from authmw.asgi import middleware as asgi
from tests.adapters.starlette.support import (
    CASES,
    OTHER,
    PLACEMENTS,
    READER,
    Placement,
    client_of,
    guard,
    make_auth,
)

Answer = tuple[int, list[tuple[str, str]], bytes]


def ask(app: ASGIApp, headers: dict[str, str], path: str = "/orders", method: str = "GET") -> Answer:
    response = client_of(app).request(method, path, headers=headers)
    return response.status_code, sorted(response.headers.multi_items()), response.content


@requires_scopes("orders:read")
async def core_app(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"id": current_principal().id})(scope, receive, send)


@requires_scopes("orders:read")
async def endpoint(request: Request) -> Response:
    return JSONResponse({"id": request.user.identity})


@requires_scopes("orders:read")
def threaded(request: Request) -> Response:
    return JSONResponse({"id": current_principal().id})


async def deep(request: Request) -> Response:
    def service() -> None:
        current_principal().require("orders:read")

    service()
    return JSONResponse({"id": "alice"})


async def in_task_group(request: Request) -> Response:
    async def service() -> None:
        current_principal().require("orders:read")

    async with anyio.create_task_group() as inside_a_group, anyio.create_task_group() as group:
        inside_a_group.start_soon(service)
        group.start_soon(service)
    return JSONResponse({"id": "alice"})


def routed(endpoint: Callable[[Request], Any]) -> Starlette:
    return Starlette(routes=[Route("/orders", endpoint)])


def in_sub_application() -> Starlette:
    return Starlette(routes=[Mount("/", Starlette(debug=True, routes=[Route("/orders", endpoint)]))])


def below_base_http_middleware() -> Starlette:
    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    return Starlette(
        routes=[Route("/orders", endpoint)], middleware=[Middleware(BaseHTTPMiddleware, dispatch=dispatch)]
    )


def fastapi_endpoint() -> Starlette:
    app = FastAPI()

    @app.get("/orders")
    @requires_scopes("orders:read")
    async def orders() -> dict[str, str]:
        return {"id": current_principal().id}

    @app.exception_handler(Exception)
    @app.exception_handler(HTTPException)
    @app.exception_handler(401)
    def handle(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": "the application's own"}, 500)

    return app


def fastapi_threaded() -> Starlette:
    app = FastAPI()

    @app.get("/orders")
    @requires_scopes("orders:read")
    def orders() -> dict[str, str]:
        return {"id": current_principal().id}

    return app


async def reader() -> str:
    current_principal().require("orders:read")
    return current_principal().id


def fastapi_dependency() -> Starlette:
    app = FastAPI()

    @app.get("/orders")
    async def orders(name: Annotated[str, Depends(reader)]) -> dict[str, str]:
        return {"id": name}

    return app


DECLARED: dict[str, Callable[[], Starlette]] = {
    "endpoint": lambda: routed(endpoint),
    "thread": lambda: routed(threaded),
    "sub-application": in_sub_application,
    "below BaseHTTPMiddleware": below_base_http_middleware,
    "FastAPI": fastapi_endpoint,
    "FastAPI thread": fastapi_threaded,
}
UNDECLARED: dict[str, Callable[[], Starlette]] = {
    "deep inside": lambda: routed(deep),
    "in task groups": lambda: routed(in_task_group),
    "FastAPI dependency": fastapi_dependency,
}


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", DECLARED)
def test_a_declared_endpoint_refuses_as_the_core_does(kind: str, case: str, placement: Placement) -> None:
    expected = ask(asgi.AuthMiddleware(core_app, make_auth()), CASES[case])
    assert expected[0] in {400, 401, 403}
    assert ask(guard(DECLARED[kind](), placement), CASES[case]) == expected


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("case", ["unknown token", "two credentials", "scope missing"])
@pytest.mark.parametrize("kind", UNDECLARED)
def test_what_no_route_can_tell_refuses_as_the_core_does(kind: str, case: str, placement: Placement) -> None:
    expected = ask(asgi.AuthMiddleware(core_app, make_auth()), CASES[case])
    assert ask(guard(UNDECLARED[kind](), placement), CASES[case]) == expected


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("kind", [*DECLARED, *UNDECLARED])
def test_who_has_the_scope_is_served(kind: str, placement: Placement) -> None:
    status, _, body = ask(guard((DECLARED | UNDECLARED)[kind](), placement), READER)
    assert (status, body) == (200, b'{"id":"alice"}')


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("kind", [*DECLARED, *UNDECLARED])
def test_a_refusal_is_no_error_in_any_log(kind: str, placement: Placement, caplog: pytest.LogCaptureFixture) -> None:
    # The client raises what the application lets out, as a server would log it.
    with caplog.at_level(logging.WARNING):
        assert ask(guard((DECLARED | UNDECLARED)[kind](), placement), OTHER)[0] == 403
    assert caplog.records == []


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_refusal_to_head_has_the_headers_and_no_body(placement: Placement) -> None:
    status, headers, body = ask(guard(routed(endpoint), placement), {}, method="HEAD")
    assert (status, body) == (401, b"")
    assert ("www-authenticate", 'Bearer realm="orders", scope="orders:read"') in headers


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_an_error_of_the_application_stays_an_error(placement: Placement) -> None:
    async def broken(request: Request) -> Response:
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"):
        ask(guard(routed(broken), placement), READER)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_refusal_that_the_application_handles_is_its_own_business(placement: Placement) -> None:
    async def endpoint(request: Request) -> Response:
        try:
            current_principal().require("orders:write")
        except AccessRefused:
            return JSONResponse("read only")
        return JSONResponse("all")

    assert ask(guard(routed(endpoint), placement), READER)[::2] == (200, b'"read only"')


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_an_error_beside_a_refusal_in_a_task_group_stays_an_error(placement: Placement) -> None:
    async def refused() -> None:
        current_principal().require("orders:write")

    async def broken() -> None:
        raise LookupError("a bug")

    async def both(request: Request) -> Response:
        async with anyio.create_task_group() as group:
            group.start_soon(refused)
            group.start_soon(broken)
        return JSONResponse("never")

    with pytest.raises(ExceptionGroup) as raised:
        ask(guard(routed(both), placement), READER)
    assert raised.value.subgroup(LookupError) is not None


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("make", [Starlette, FastAPI])
def test_a_handler_that_the_application_has_for_refusals_answers_them(
    make: Callable[..., Starlette], placement: Placement
) -> None:
    async def own(request: Request, error: Exception) -> Response:
        return JSONResponse("own words", 403)

    app = make(routes=[Route("/orders", endpoint)], exception_handlers={AccessRefused: own})
    guarded = guard(app, placement)
    for _ in range(2):
        assert ask(guarded, OTHER)[::2] == (403, b'"own words"')


def with_layers(app: Starlette) -> Starlette:
    """`app` with CORS and a request id of its own."""

    async def name(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["x-request-id"] = "r1"
        return response

    app.add_middleware(CORSMiddleware, allow_origins=["https://app.example"], expose_headers=["WWW-Authenticate"])
    app.add_middleware(BaseHTTPMiddleware, dispatch=name)
    return app


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("kind", [kind for kind in [*DECLARED, *UNDECLARED] if kind != "in task groups"])
def test_layers_inside_add_their_headers_to_a_refusal(kind: str, placement: Placement) -> None:
    plain = ask(guard((DECLARED | UNDECLARED)[kind](), placement), OTHER)
    app = guard(with_layers((DECLARED | UNDECLARED)[kind]()), placement)
    status, headers, body = ask(app, {**OTHER, "Origin": "https://app.example"})
    assert (status, body) == (plain[0], plain[2])
    kept = {each for each in plain[1] if each != ("vary", "Authorization")}  # what CORS varies by is added to it
    assert set(headers) >= {*kept, ("access-control-allow-origin", "https://app.example"), ("x-request-id", "r1")}
    assert [value for name, value in headers if name == "vary"] == ["Authorization, Origin"]


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_bug_behind_a_handler_for_refusals_stays_a_bug(placement: Placement) -> None:
    async def own(request: Request, error: Exception) -> Response:
        raise LookupError("a bug of the handler")

    app = Starlette(routes=[Route("/orders", endpoint)], exception_handlers={AccessRefused: own})
    client = TestClient(guard(app, placement), raise_server_exceptions=False)
    answer = client.get("/orders", headers=OTHER)
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
