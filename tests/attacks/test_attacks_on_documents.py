"""Lists and documents that said of something that it is protected, or nothing of what is open, each of them once."""

from __future__ import annotations

from typing import Any, cast

import pytest
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware
from authmw_starlette.listing import routes_of
from flask import Flask
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from authmw import Auth, ConfigurationError, HTTPBearer, requires_scopes
from authmw.engine.routes.frameworks import routes_of as routes_of_any
from authmw.engine.routes.route import Protection
from authmw.wsgi import AuthMiddleware as WSGIAuthMiddleware

AUTH = Auth(HTTPBearer())


@requires_scopes("admin")
class _Guarded:
    """An application whose instances ask when they are called."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("open")(scope, receive, send)


class _Replaced(_Guarded):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("open")(scope, receive, send)


@requires_scopes("admin")
class _Awaited:
    """What Starlette takes for an endpoint: it makes an instance, awaits that, and never calls it."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.given = scope, receive, send

    def __await__(self) -> Any:
        return PlainTextResponse("open")(*self.given).__await__()

    def __call__(self) -> None: ...


@pytest.mark.parametrize("route", [Mount("/x", app=_Replaced()), Route("/x", _Awaited)], ids=["subclass", "class"])
def test_a_class_that_is_not_entered_by_its_guard_is_refused(route: Any) -> None:
    app = Starlette(routes=[route])
    app.add_middleware(AuthMiddleware, auth=AUTH, default="allow")
    assert [route.protection for route in routes_of(app)] == [Protection.MISPLACED]
    with pytest.raises(ConfigurationError, match="without its enforcing wrapper"):
        TestClient(app).get("/x/")


def test_an_instance_of_a_guarded_class_is_guarded() -> None:
    app = Starlette(routes=[Mount("/x", app=_Guarded())])
    app.add_middleware(AuthMiddleware, auth=AUTH, default="allow")
    assert [route.protection for route in routes_of(app)] == [Protection.DECLARED]
    assert TestClient(app).get("/x/").status_code == 401


class _ByMethod(HTTPEndpoint):
    @requires_scopes("admin")
    async def get(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("closed")

    async def head(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("", headers={"X-Secret": "open"})

    async def query(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("open")


def test_a_method_that_a_class_answers_by_itself_is_listed_by_itself() -> None:
    app = Starlette(routes=[Route("/x", _ByMethod)])
    app.add_middleware(AuthMiddleware, auth=AUTH, default="allow")
    client = TestClient(app)
    assert {route.method: client.request(route.method, "/x").status_code for route in routes_of(app)} == {
        "GET": 401,
        "HEAD": 200,
        "QUERY": 200,
    }
    assert {route.method: route.is_open for route in routes_of(app)} == {"GET": False, "HEAD": True, "QUERY": True}


async def _whatever(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("open")(scope, receive, send)


def test_what_answers_where_no_route_does_is_listed() -> None:
    app = Starlette()
    app.router.default = _whatever
    assert [(route.label, route.is_open) for route in routes_of(app)] == [("MOUNT /*", True)]
    assert TestClient(app).get("/anything").text == "open"
    app = Starlette()
    app.router.default = _whatever
    app.add_middleware(AuthMiddleware, auth=AUTH)
    assert [(route.label, route.protection) for route in routes_of(app)] == [("MOUNT /*", Protection.DEFAULT)]
    assert TestClient(app).get("/anything").status_code == 401


def test_what_is_mounted_around_a_guarded_flask_application_is_listed() -> None:
    shop, other = Flask("shop", static_folder=None), Flask("other", static_folder=None)
    FlaskAuth(shop, AUTH)
    other.add_url_rule("/", "open", lambda: "open")
    around = DispatcherMiddleware(shop, {"/other": other})
    assert Client(around).get("/other/").text == "open"
    assert [(route.label, route.is_open) for route in routes_of_any(around)] == [("MOUNT /other/*", True)]
    guarded = WSGIAuthMiddleware(cast("Any", around), AUTH)
    assert Client(cast("Any", guarded)).get("/other/").status_code == 401
    assert [route.is_open for route in routes_of_any(guarded)] == [False]
