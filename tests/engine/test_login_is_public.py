"""The login page is reached by strangers, also where the application is mounted, and no other page is opened by it."""

from __future__ import annotations

from typing import Any

import pytest
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware as StarletteMiddleware
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from authmw import Auth, ConfigurationError, HTTPBearer, Principal, authenticated
from authmw.engine.public_paths import PublicPaths
from authmw.engine.routes.doors import Asked
from authmw.engine.routes.explained import explained
from authmw.engine.routes.frameworks import routes_of
from authmw.engine.routes.route import Protection
from authmw.http.login_page import LoginPage
from authmw.wsgi import AuthMiddleware, WSGIRequest

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def auth(login: str = "/login") -> Auth:
    """Knows alice."""
    return Auth(HTTPBearer({"alice": Principal("alice")}.get), login=login)


def flask(login: str, **settings: Any) -> Flask:
    """A Flask application with a login page and another one."""
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/login", view_func=lambda: "log in", methods=["GET", "POST"], endpoint="login")
    app.add_url_rule("/orders", view_func=lambda: "orders", endpoint="orders")
    FlaskAuth(app, auth(login), **settings)
    return app


def starlette(login: str, **settings: Any) -> Starlette:
    """The same as a Starlette application."""

    async def log_in(request: Request) -> PlainTextResponse:
        return PlainTextResponse("log in")

    async def orders(request: Request) -> PlainTextResponse:
        return PlainTextResponse("orders")

    routes = [Route("/login", log_in, methods=["GET", "POST"]), Route("/orders", orders)]
    app = Starlette(routes=routes)
    app.add_middleware(StarletteMiddleware, auth=auth(login), **settings)
    return app


def ask_flask(app: Any, target: str, method: str = "GET") -> tuple[int, str, str]:
    """Status, body and ``Location`` for a browser."""
    answer = Client(app).open(target, method=method, headers=BROWSER)
    return answer.status_code, answer.text, answer.headers.get("Location", "")


def ask_starlette(app: Any, target: str, method: str = "GET") -> tuple[int, str, str]:
    """As `ask_flask`."""
    answer = TestClient(app, follow_redirects=False).request(method, target, headers=BROWSER)
    return answer.status_code, answer.text, answer.headers.get("Location", "")


EACH = pytest.mark.parametrize(
    "make, ask", [(flask, ask_flask), (starlette, ask_starlette)], ids=["flask", "starlette"]
)


@EACH
@pytest.mark.parametrize("settings", [{}, {"needs": {"/*": "admin"}}])
def test_the_page_needs_nobody(make: Any, ask: Any, settings: Any) -> None:
    app = make("/login", **settings)
    assert ask(app, "/login?next=/orders")[:2] == (200, "log in")
    assert ask(app, "/login", "POST")[:2] == (200, "log in")
    assert ask(app, "/orders") == (303, "Log in first.\n", "/login?next=/orders")


@EACH
def test_a_page_that_declares_a_requirement_is_closed_and_not_redirected(make: Any, ask: Any) -> None:
    app = make("/orders", needs={"/nothing": "admin"})
    assert ask(app, "/orders")[:2] == (200, "orders")
    assert ask(app, "/login")[2] == "/orders?next=/login"


def test_a_view_may_still_need_a_caller_without_a_circle() -> None:
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/login", view_func=authenticated(lambda: "log in"), endpoint="login")
    FlaskAuth(app, auth())
    assert ask_flask(app, "/login")[::2] == (401, "")


def mounted(make: Any, login: str) -> Any:
    """An application that is mounted at /shop, with a guard of its own."""
    if make is flask:
        outer = Flask("outer", static_folder=None)
        outer.add_url_rule("/login", view_func=lambda: "outer log in")
        return DispatcherMiddleware(outer, {"/shop": flask(login)})

    async def log_in(request: Request) -> PlainTextResponse:
        return PlainTextResponse("outer log in")

    return Starlette(routes=[Route("/login", log_in), Mount("/shop", starlette(login))])


@EACH
def test_the_path_is_that_from_the_root_of_the_host(make: Any, ask: Any) -> None:
    app = mounted(make, "/shop/login")
    assert ask(app, "/shop/orders") == (303, "Log in first.\n", "/shop/login?next=/shop/orders")
    assert ask(app, "/shop/login?next=/shop/orders")[:2] == (200, "log in")


@EACH
def test_a_page_outside_of_the_mount_opens_nothing_inside(make: Any, ask: Any) -> None:
    app = mounted(make, "/login")
    assert ask(app, "/shop/orders") == (303, "Log in first.\n", "/login?next=/shop/orders")
    assert ask(app, "/login")[:2] == (200, "outer log in")
    assert ask(app, "/shop/login") == (303, "Log in first.\n", "/login?next=/shop/login")


@pytest.mark.parametrize("root", ["/log", "/login", "/x", "login", "//", "/shop/login"])
def test_no_root_that_a_layer_is_told_opens_another_path(root: str) -> None:
    served: list[str] = []

    def serve(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        served.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [b""]

    app = AuthMiddleware(serve, auth("/shop/login"))
    for path in ("", "/", "/orders", "/in", "/shop/login"):
        app({"REQUEST_METHOD": "GET", "SCRIPT_NAME": root, "PATH_INFO": path}, lambda *_: print)
    assert served == []


@pytest.mark.parametrize("pattern", ["/login", "POST /login", "/login/"])
def test_a_rule_that_would_close_it_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="login= opens the page"):
        flask("/login", needs={pattern: "admin"})


def test_lists_and_explanations_name_it() -> None:
    app = flask("/login")
    listed = {each.path: each.protection for each in routes_of(app) if each.method == "GET"}
    assert listed == {"/login": Protection.PUBLIC, "/orders": Protection.DEFAULT}
    known = explained(app, Asked.parse("GET /login"), None)
    assert (known.is_allowed, known.rules[0].source) == (True, "the login page")
    plain = AuthMiddleware(lambda environ, start_response: [], auth())
    assert next((each.name, each.path) for each in routes_of(plain)) == ("login=", "/login")


def test_many_roots_take_no_more_memory() -> None:
    paths = PublicPaths(login=LoginPage("/login"))
    for number in range(200):
        assert not paths.matches(WSGIRequest({"REQUEST_METHOD": "GET", "SCRIPT_NAME": f"/{number}", "PATH_INFO": "/a"}))
    assert len(paths._of_login) == 16  # pyright: ignore[reportPrivateUsage]
    assert paths.matches(WSGIRequest({"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/login"}))


def test_a_client_that_names_many_prefixes_takes_no_memory() -> None:
    paths = PublicPaths(login=LoginPage("/r7/login"))
    made = {root: paths._login_below(root) for root in ("/r7", "/r8")}  # pyright: ignore[reportPrivateUsage]
    for number in range(100):
        environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": f"/r{number}", "PATH_INFO": "/login"}
        assert paths.matches(WSGIRequest(environ)) is (number == 7)
        assert paths.is_login(WSGIRequest(environ)) is (number == 7)
    assert all(paths._login_below(root) is each for root, each in made.items())  # pyright: ignore[reportPrivateUsage]
    assert len(paths._of_login) == 16  # pyright: ignore[reportPrivateUsage]
