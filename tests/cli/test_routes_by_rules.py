"""``authmw routes`` and documents with rules from outside and parts that are left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from click.testing import Result

from authmw import Auth, HTTPBearer, any_of, public, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.routes.frameworks import openapi_document, routes_of
from authmw.engine.routes.route import Protection, needs
from authmw.testing import assert_all_protected
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.cli.written_app import forgotten_afterwards, write

Run = Callable[..., Result]

RULES: Final[dict[str, Any]] = {
    "needs": {"GET /api/*": "read", "/api/*": "write", "/page": any_of("a", "b")},
    "leave": ["/own/*"],
    "public": ["/api/health"],
}


def flask_app(**rules: Any) -> Any:
    """A Flask application."""
    from authmw_flask import FlaskAuth
    from flask import Flask

    app = Flask("shop", static_folder=None)

    def view(**_: object) -> str:
        return ""

    app.add_url_rule("/api/orders/<number>", "orders", view, methods=["GET", "POST"])
    app.add_url_rule("/api/health", "health", view)
    app.add_url_rule("/api/special", "special", requires_scopes("special")(lambda: ""))
    app.add_url_rule("/own/x", "own", view)
    app.add_url_rule("/own/declared", "own_declared", requires_scopes("special")(lambda: ""))
    app.add_url_rule("/page", "page", public(lambda: ""))
    app.add_url_rule("/other", "other", view)
    FlaskAuth(app, Auth(HTTPBearer()), **rules)
    return app


def routed(add: Callable[..., None]) -> None:
    """Routes of Starlette."""

    async def view(request: Any) -> Any:
        raise NotImplementedError

    @requires_scopes("special")
    async def special(request: Any) -> Any:
        raise NotImplementedError

    @public
    async def page(request: Any) -> Any:
        raise NotImplementedError

    add("/api/orders/{number}", view, methods=["GET", "POST"], name="orders")
    add("/api/health", view, methods=["GET"], name="health")
    add("/api/special", special, methods=["GET"], name="special")
    add("/own/x", view, methods=["GET"], name="own")
    add("/own/declared", special, methods=["GET"], name="own_declared")
    add("/page", page, methods=["GET"], name="page")
    add("/other", view, methods=["GET"], name="other")


def starlette_app(**rules: Any) -> Any:
    """A Starlette application."""
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette
    from starlette.routing import Route

    routes: list[Route] = []
    routed(lambda *args, **kwargs: routes.append(Route(*args, **kwargs)))
    app = Starlette(routes=routes)
    app.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer()), **rules)
    return app


def fastapi_app(**rules: Any) -> Any:
    """A FastAPI application."""
    from authmw_fastapi import FastAPIAuth
    from fastapi import FastAPI

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, swagger_ui_oauth2_redirect_url=None)
    routed(app.add_route)
    FastAPIAuth(app, Auth(HTTPBearer()), **rules)
    return app


EXPECTED: Final = {
    "GET /api/orders/{number}": (Protection.RULE, "read"),
    "POST /api/orders/{number}": (Protection.RULE, "write"),
    "GET /api/health": (Protection.PUBLIC, "nobody"),
    "GET /api/special": (Protection.DECLARED, "special, read"),
    "GET /own/x": (Protection.LEFT_ALONE, "nobody"),
    "GET /own/declared": (Protection.UNREACHABLE, "special"),
    "GET /page": (Protection.CONTRADICTED, "one of a b"),
    "GET /other": (Protection.DEFAULT, "anyone authenticated"),
}


@pytest.mark.parametrize("make", [flask_app, starlette_app, fastapi_app])
def test_each_route_is_listed_with_what_rules_and_declarations_need(make: Callable[..., Any]) -> None:
    found = {route.label: (route.protection, needs(route.requirement)) for route in routes_of(make(**RULES))}
    assert found == EXPECTED


@pytest.mark.parametrize("make", [flask_app, starlette_app])
def test_documents_say_what_the_rules_need(make: Callable[..., Any]) -> None:
    paths = openapi_document(make(**RULES))["paths"]
    assert paths["/api/orders/{number}"]["post"]["security"] == [{"HTTPBearer": ["write"]}]
    assert paths["/api/special"]["get"]["security"] == [{"HTTPBearer": ["special", "read"]}]
    assert paths["/page"]["get"]["security"] == [{"HTTPBearer": ["a"]}, {"HTTPBearer": ["b"]}]
    assert "security" not in paths["/api/health"]["get"] or paths["/api/health"]["get"]["security"] == []


def test_what_is_left_alone_has_to_be_named_as_open_in_a_test() -> None:
    with pytest.raises(AssertionError, match="GET /own/x "):
        assert_all_protected(flask_app(**RULES), public={"GET /api/health"})
    assert_all_protected(flask_app(**RULES), public={"GET /api/health", "GET /own/x"})


def a_program(*_: object) -> Any:
    """A program of others."""
    raise NotImplementedError


def another_program(*_: object) -> Any:
    """A program of others."""
    raise NotImplementedError


PLAIN: Final = [
    ("PATTERN /own/*", Protection.LEFT_ALONE, "nobody"),
    ("PATTERN /api/health", Protection.PUBLIC, "nobody"),
    ("GET /api/*", Protection.RULE, "read"),
    ("PATTERN /api/*", Protection.RULE, "write"),
    ("PATTERN /page", Protection.RULE, "one of a b"),
    ("PATTERN /*", Protection.DEFAULT, "anyone authenticated"),
]


@pytest.mark.parametrize("middleware", [WSGIMiddleware, ASGIMiddleware])
def test_of_a_program_whose_routes_are_not_known_the_patterns_are_listed(middleware: Any) -> None:
    app = middleware(a_program, Auth(HTTPBearer()), **RULES)
    assert [(each.label, each.protection, needs(each.requirement)) for each in routes_of(app)] == PLAIN
    assert_all_protected(app, public={"PATTERN /own/*", "PATTERN /api/health"})
    opened = middleware(a_program, Auth(HTTPBearer()), default="allow")
    assert [route.is_open for route in routes_of(opened)] == [True]
    declared = middleware(requires_scopes("all")(another_program), Auth(HTTPBearer()))
    assert [needs(route.requirement) for route in routes_of(declared)] == ["all"]


WRITTEN = """
from flask import Flask
from authmw import Auth, HTTPBearer, public
from authmw.wsgi import AuthMiddleware
from authmw_flask import FlaskAuth

app = Flask("shop", static_folder=None)
app.add_url_rule("/orders/<number>", "orders", lambda number: "")
app.add_url_rule("/page", "page", public(lambda: ""))
FlaskAuth(app, Auth(HTTPBearer()), needs={"/orders/17": "a", "/ordres/*": "b", "POST /page": "c", "/page": "d"})

def program(environ, start_response):
    return []

plain = AuthMiddleware(program, Auth(HTTPBearer()), needs={"GET /api/*": "read"})
"""


def test_check_names_the_rules_that_protect_nothing_and_the_views_that_contradict_them(run: Run) -> None:
    with forgotten_afterwards():
        write("ruled", WRITTEN)
        checked = run("routes", "ruled:app", "--check")
        plain = run("routes", "ruled:plain", "--check")
    assert checked.exit_code == 1
    assert [line.partition(" (")[0].partition(":")[0] for line in checked.stderr.splitlines()] == [
        "GET /page",
        "needs pattern '/ordres/*' names no route of the application",
        "needs pattern 'POST /page' names no route of the application",
    ]
    assert "CONTRADICTED" in checked.stdout
    assert (plain.exit_code, plain.stderr) == (0, "")
    assert [line.split()[:4] for line in plain.stdout.splitlines()[1:]] == [
        ["GET", "/api/*", "read", "rule"],
        ["PATTERN", "/*", "anyone", "authenticated"],
    ]
