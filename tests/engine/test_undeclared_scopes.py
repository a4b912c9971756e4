"""A scope that ``Auth(scopes=...)`` does not have is told at the start, with the scope that was meant."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from authmw_fastapi import FastAPIAuth, Scopes
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware
from fastapi import FastAPI
from flask import Flask, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from authmw import Auth, HTTPBearer, any_of, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIAuthMiddleware
from authmw.engine.routes.frameworks import misspelt_scopes, routes_of
from authmw.engine.undeclared_scopes import undeclared
from authmw.wsgi import AuthMiddleware as WSGIAuthMiddleware

DECLARED = {"orders:read": "See orders", "orders:write": "Change orders"}


def auth(scopes: dict[str, str] | None = None) -> Auth:
    return Auth(HTTPBearer(lambda token: None), scopes=DECLARED if scopes is None else scopes)


@requires_scopes(any_of("order:read", "orders:write"))
async def orders(request: Request) -> PlainTextResponse:
    return PlainTextResponse("orders")


@requires_scopes("order:read")
def view() -> Response:
    return Response("orders")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def starlette(given: Auth) -> Starlette:
    app = Starlette(routes=[Mount("/shop", routes=[Route("/orders", orders)])])
    app.add_middleware(AuthMiddleware, auth=given)
    return app


def flask(given: Auth) -> Flask:
    app = Flask("shop")
    FlaskAuth(app, given)
    app.add_url_rule("/orders", view_func=view)
    return app


def fastapi(given: Auth) -> FastAPI:
    app = FastAPI(dependencies=[Scopes("order:read")])
    FastAPIAuth(app, given)
    app.get("/orders")(lambda: "orders")
    return app


@pytest.mark.parametrize("make", [starlette, fastapi])
def test_a_start_tells_it_once(make: Any, caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(make(auth())) as client:
        (sentence,) = told(caplog)
        client.get("/orders")
        client.get("/orders")
    assert told(caplog) == [sentence]
    assert 'needs "order:read", which is not in Auth(scopes=...): write "orders:read"' in sentence
    assert "/orders" in sentence
    assert ".py:" in sentence


def test_flask_tells_it_at_the_first_request_and_once(caplog: pytest.LogCaptureFixture) -> None:
    client = flask(auth()).test_client()
    assert told(caplog) == []
    assert [client.get("/orders").status_code, client.get("/orders").status_code] == [401, 401]
    assert told(caplog) == ['GET /orders needs "order:read", which is not in Auth(scopes=...): write "orders:read"']


@pytest.mark.parametrize("make", [starlette, flask, fastapi])
def test_the_list_of_routes_tells_it_too(make: Any) -> None:
    app = make(auth())
    (sentence,) = misspelt_scopes(app, routes_of(app))
    assert sentence.endswith('needs "order:read", which is not in Auth(scopes=...): write "orders:read"')


@pytest.mark.parametrize("make", [starlette, flask, fastapi])
def test_an_auth_that_declares_no_scopes_knows_of_no_mistake(make: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = make(auth({}))
    assert misspelt_scopes(app, routes_of(app)) == []
    if not isinstance(app, Flask):
        with TestClient(app):
            pass
    else:
        app.test_client().get("/orders")
    assert told(caplog) == []


def anything(*arguments: Any) -> Any: ...


@pytest.mark.parametrize("middleware", [WSGIAuthMiddleware, ASGIAuthMiddleware])
def test_a_rule_tells_it_when_it_is_made(middleware: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = middleware(anything, auth(), needs={"GET /orders": "order:read", "/other": "orders:read"})
    sentence = 'needs pattern \'GET /orders\' needs "order:read", which is not in Auth(scopes=...): write "orders:read"'
    assert told(caplog) == [sentence]
    assert [each.partition(" needs ")[2] for each in misspelt_scopes(app, routes_of(app))] == [
        '"order:read", which is not in Auth(scopes=...): write "orders:read"'
    ]


def test_a_scope_that_is_like_no_other_is_to_be_added() -> None:
    (sentence,) = undeclared([("GET /x", "zzz")], auth())
    assert sentence.endswith('add it, as Auth(..., scopes={"zzz": "..."})')


def test_a_mount_with_a_guard_of_its_own_is_asked_for_its_own_scopes(caplog: pytest.LogCaptureFixture) -> None:
    inner = starlette(Auth(HTTPBearer(), scopes={"order:read": "x", "orders:write": "y"}))
    app = Starlette(routes=[Mount("/inner", app=inner)])
    app.add_middleware(AuthMiddleware, auth=auth())
    with TestClient(app):
        pass
    assert told(caplog) == []
    assert misspelt_scopes(app, routes_of(app)) == []
