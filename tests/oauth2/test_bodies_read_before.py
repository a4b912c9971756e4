"""Endpoints of the token service in applications whose other functions and layers read the body before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from authmw_fastapi import FastAPIAuth
from authmw_flask import FlaskAuth, token_blueprint
from authmw_starlette import AuthMiddleware, token_routes
from fastapi import FastAPI
from flask import Flask, request
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.wrappers import Request as WerkzeugRequest

from authmw import Auth, HTTPBearer, KeyRing
from authmw.http.request import MAX_FORM
from authmw.oauth2 import CookieMode, Runtime, TokenService
from authmw.stores import CHEAPEST, MemoryStores, PasswordHasher

KEYS: Final = KeyRing.generate()
PASSWORD: Final = "correct horse battery staple"
LOGIN: Final = {"grant_type": "password", "username": "alice", "password": PASSWORD}
ASKED: Final = {
    "/auth/token": LOGIN,
    "/auth/login": LOGIN,
    "/auth/revoke": {"token": "rt_x"},
    "/auth/introspect": {"token": "x"},
}
RIGHT: Final = {"/auth/token": 200, "/auth/login": 200, "/auth/revoke": 200, "/auth/introspect": 401}
TYPE: Final = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


def make_service() -> TokenService:
    hasher = PasswordHasher(CHEAPEST)
    stores = MemoryStores(hasher=hasher)
    stores.users.create("alice", PASSWORD)
    return TokenService(
        issuer="https://shop.example/auth",
        audience="orders",
        stores=stores,
        keys=KEYS,
        password=True,
        cookies=CookieMode(["https://shop.example"]),
        runtime=Runtime(hasher=hasher),
    )


# Flask


def _environ_input() -> None:
    request.environ["wsgi.input"].read()


FLASK_HOOKS: Final[Mapping[str, Callable[[], object]]] = {
    "nothing": lambda: None,
    "get_data": lambda: len(request.get_data()),
    "get_data, not cached": lambda: request.get_data(cache=False),
    "get_data, parsed": lambda: request.get_data(parse_form_data=True),
    "data": lambda: request.data,
    "form": lambda: request.form.get("tracking"),
    "values": lambda: request.values.get("tracking"),
    "files": lambda: request.files,
    "json": lambda: request.get_json(force=True, silent=True),
    "stream": lambda: len(request.stream.read()),
    "first bytes": lambda: request.stream.read(3),
    "environ": _environ_input,
}


def _flask(hook: Callable[[], object], where: str, *, guarded: bool, first: bool) -> Any:
    def before() -> None:
        hook()

    def before_values(endpoint: object, values: object) -> None:
        hook()

    app = Flask("shop")
    service = make_service()
    if guarded and first:
        FlaskAuth(app, Auth(HTTPBearer(service.verifier())))
    if where == "before_request":
        app.before_request(before)
    else:
        app.url_value_preprocessor(before_values)
    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    if guarded and not first:
        FlaskAuth(app, Auth(HTTPBearer(service.verifier())))
    return app.test_client()


@pytest.mark.parametrize("hook", FLASK_HOOKS.values(), ids=FLASK_HOOKS)
@pytest.mark.parametrize("where", ["before_request", "url_value_preprocessor"])
@pytest.mark.parametrize("guarded, first", [(True, True), (True, False), (False, False)])
def test_a_function_of_flask_may_read_the_body_before(
    hook: Callable[[], object], where: str, guarded: bool, first: bool
) -> None:
    client = _flask(hook, where, guarded=guarded, first=first)
    answers = {path: client.post(path, data=form, headers=TYPE).status_code for path, form in ASKED.items()}
    assert answers == RIGHT
    large = client.post("/auth/token", data={**LOGIN, "x": "a" * MAX_FORM}, headers=TYPE)
    assert large.status_code == 413


def test_a_layer_inside_of_the_guard_may_read_the_body_before() -> None:
    app = Flask("shop")
    service = make_service()
    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    inner: Any = app.wsgi_app

    def layer(environ: dict[str, Any], start_response: Any) -> Any:
        assert WerkzeugRequest(environ).form
        return inner(environ, start_response)

    setattr(app, "wsgi_app", layer)  # noqa: B010 - type checkers take wsgi_app for a method only
    FlaskAuth(app, Auth(HTTPBearer(service.verifier())))
    assert app.test_client().post("/auth/token", data=LOGIN).status_code == 200


def test_views_of_the_application_read_their_bodies_as_ever() -> None:
    app = Flask("shop")
    service = make_service()
    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    app.add_url_rule("/echo", "echo", lambda: bytes(request.get_data()), methods=["POST"])
    app.add_url_rule("/seen", "seen", lambda: str("authmw.body" in request.environ), methods=["POST"])
    client = app.test_client()
    assert client.post("/echo", data=b"x" * (MAX_FORM + 1)).data == b"x" * (MAX_FORM + 1)
    assert client.post("/seen", data=b"x").text == "False"


def test_the_form_is_in_no_repr_of_the_environ() -> None:
    app = Flask("shop")
    app.register_blueprint(token_blueprint(make_service(), url_prefix="/auth"))
    seen: list[str] = []
    app.before_request(lambda: seen.append(repr(request.environ)))
    app.test_client().post("/auth/token", data=LOGIN)
    assert "authmw.body" in seen[0]
    assert PASSWORD not in seen[0]
    assert urlencode({"p": PASSWORD}) not in seen[0]


# Starlette and FastAPI


async def _read_body(request: Request) -> object:
    return await request.body()


async def _read_form(request: Request) -> object:
    return await request.form()


async def _read_stream(request: Request) -> object:
    return [chunk async for chunk in request.stream()]


async def _read_nothing(request: Request) -> object:
    return None


ASGI_HOOKS: Final = (_read_nothing, _read_body, _read_form, _read_stream)


def _add_base_http(app: Any, read: Any) -> None:
    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        await read(request)
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)


class _Consuming:
    """ASGI middleware that reads the body and hands on an exhausted channel."""

    def __init__(self, app: ASGIApp, read: Any) -> None:
        self.app = app
        self.read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.read(Request(scope, receive))
        await self.app(scope, receive, send)


def _add_consuming(app: Any, read: Any) -> None:
    app.add_middleware(_Consuming, read=read)


def _starlette(add: Any, read: Any) -> Any:
    service = make_service()
    app = Starlette(routes=[Mount("/auth", routes=token_routes(service))])
    add(app, read)
    app.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer(service.verifier())))
    return app


def _starlette_from_outside(add: Any, read: Any) -> Any:
    service = make_service()
    app = Starlette(routes=[Mount("/auth", routes=token_routes(service))])
    add(app, read)
    return AuthMiddleware(app, Auth(HTTPBearer(service.verifier())))


def _fastapi(add: Any, read: Any) -> Any:
    service = make_service()
    app = FastAPI()
    app.mount("/auth", Starlette(routes=token_routes(service)))
    add(app, read)
    FastAPIAuth(app, Auth(HTTPBearer(service.verifier())))
    return app


@pytest.mark.parametrize("make", [_starlette, _starlette_from_outside, _fastapi])
@pytest.mark.parametrize("add", [_add_base_http, _add_consuming])
@pytest.mark.parametrize("read", ASGI_HOOKS)
def test_middleware_inside_of_the_guard_may_read_the_body_before(make: Any, add: Any, read: Any) -> None:
    client = TestClient(make(add, read))
    answers = {path: client.post(path, data=form, headers=TYPE).status_code for path, form in ASKED.items()}
    assert answers == RIGHT
    large = client.post("/auth/token", data={**LOGIN, "x": "a" * MAX_FORM}, headers=TYPE)
    assert large.status_code == 413


def test_middleware_outside_of_the_guard_may_read_the_body_and_replay_it() -> None:
    service = make_service()
    app = Starlette(routes=[Mount("/auth", routes=token_routes(service))])
    app.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer(service.verifier())))
    _add_base_http(app, _read_body)
    assert TestClient(app).post("/auth/token", data=LOGIN).status_code == 200
