"""What a list of routes says: what stands between each and a stranger, what it needs, and where it is written."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from authmw_flask import FlaskAuth
from flask import Flask
from flask.views import MethodView
from starlette.applications import Starlette
from starlette.routing import Route as StarletteRoute

from authmw import Auth, ConfigurationError, HTTPBearer, Principal, Requirement, any_of, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.guard import GuardSettings
from authmw.engine.routes.frameworks import is_known, openapi_document, routes_of
from authmw.engine.routes.patterns import PlacedGuard, without_route
from authmw.engine.routes.route import Kind, Protection, Route, needs, place_of, protected
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, OWN_CREDENTIALS, PUBLIC, Access
from authmw.wsgi import AuthMiddleware as WSGIMiddleware

AUTH = Auth(HTTPBearer())
DENY = GuardSettings(AUTH, "deny", ("/health", "GET /docs/*"))
ALLOW = GuardSettings(AUTH, "allow", ("/health",))
READ = Requirement.all_of("orders:read")


@pytest.mark.parametrize(
    "declared, settings, method, path, protection, requirement",
    [
        (READ, DENY, "GET", "/orders", Protection.DECLARED, READ),
        (READ, ALLOW, "GET", "/orders", Protection.DECLARED, READ),
        # A decorator without a middleware lets nobody in.
        (READ, None, "GET", "/orders", Protection.DECLARED, READ),
        # What a view declares goes before the patterns.
        (READ, DENY, "GET", "/health", Protection.DECLARED, READ),
        (AUTHENTICATED, ALLOW, "GET", "/orders", Protection.DECLARED, AUTHENTICATED),
        (PUBLIC, DENY, "GET", "/orders", Protection.PUBLIC, PUBLIC),
        (OPTIONAL, DENY, "GET", "/orders", Protection.PUBLIC, OPTIONAL),
        (PUBLIC, None, "GET", "/orders", Protection.PUBLIC, PUBLIC),
        (None, DENY, "GET", "/orders", Protection.DEFAULT, AUTHENTICATED),
        (None, DENY, "", "/live", Protection.DEFAULT, AUTHENTICATED),
        (None, DENY, "GET", "/health", Protection.PUBLIC, PUBLIC),
        (None, DENY, "GET", "/docs/{page}", Protection.PUBLIC, PUBLIC),
        (None, DENY, "POST", "/docs/{page}", Protection.DEFAULT, AUTHENTICATED),
        (None, ALLOW, "GET", "/health", Protection.PUBLIC, PUBLIC),
        (None, ALLOW, "GET", "/orders", Protection.UNPROTECTED, PUBLIC),
        (None, None, "GET", "/orders", Protection.UNPROTECTED, PUBLIC),
    ],
)
def test_what_stands_between_a_stranger_and_a_route(
    declared: Requirement | None,
    settings: GuardSettings | None,
    method: str,
    path: str,
    protection: Protection,
    requirement: Requirement,
) -> None:
    assert protected(declared, settings, method=method, path=path) == (protection, requirement)


def can_pay(principal: Principal, request: object) -> bool:
    return True


@pytest.mark.parametrize(
    "requirement, line",
    [
        (AUTHENTICATED, "anyone authenticated"),
        (PUBLIC, "nobody"),
        (OPTIONAL, "nobody, or anyone"),
        (OWN_CREDENTIALS, "credentials of its own"),
        (Requirement.all_of("a", "b"), "a, b"),
        (Requirement.all_of("a", any_of("b", "c")), "a, one of b c"),
        (Requirement(scopes=("a",), predicates=(can_pay,)), "a, can_pay()"),
        (Requirement(Access.PUBLIC, scopes=("a",)), "a"),
    ],
)
def test_what_is_needed_is_a_line(requirement: Requirement, line: str) -> None:
    assert needs(requirement) == line


def route(protection: Protection, path: str = "/orders", **members: Any) -> Route:
    return Route(path=path, name="orders", protection=protection, requirement=PUBLIC, **members)


@pytest.mark.parametrize("protection", Protection)
def test_open_is_what_nobody_meant_to_be_and_each_mistake_has_a_fix(protection: Protection) -> None:
    listed = route(protection, method="GET")
    assert listed.is_open is (protection in (Protection.UNPROTECTED, Protection.MISPLACED))
    mistaken = (Protection.CONTRADICTED, Protection.UNREACHABLE)
    assert bool(listed.fix) is (listed.is_open or protection in mistaken)


@pytest.mark.parametrize(
    "members, label, pattern",
    [
        ({"method": "GET"}, "GET /orders", '"GET /orders"'),
        ({"method": "GET", "path": "/orders/{a}/{b}"}, "GET /orders/{a}/{b}", '"GET /orders/*"'),
        ({"kind": Kind.WEBSOCKET, "path": "/live"}, "WEBSOCKET /live", '"/live"'),
        ({"kind": Kind.MOUNT, "path": "/admin/*"}, "MOUNT /admin/*", '"/admin/*"'),
        # A pattern for these would open everything.
        ({"method": "GET", "path": "/{page}"}, "GET /{page}", ""),
    ],
)
def test_a_route_is_named_and_mended_by_what_can_be_pasted(members: dict[str, Any], label: str, pattern: str) -> None:
    listed = route(Protection.UNPROTECTED, **members)
    assert listed.label == label
    assert (f"public=[{pattern}]" in listed.fix) if pattern else ("public=" not in listed.fix)


def test_routes_are_values() -> None:
    one, other = (route(Protection.DEFAULT, parameters=({"name": "n"},), endpoint=each) for each in (print, len))
    assert (one, len({one, other})) == (other, 1)


class View(MethodView):
    def get(self) -> str:
        return ""


class Instance:
    def __call__(self) -> None: ...


@functools.wraps(can_pay)
def wrapper() -> None: ...


HERE = Path(__file__).name


@pytest.mark.parametrize(
    "endpoint, name",
    [
        (can_pay, "def can_pay"),
        (wrapper, "def can_pay"),
        (functools.partial(can_pay, Principal("a")), "def can_pay"),
        (requires_scopes("a")(lambda: None), "(requires_scopes"),
        (View, "class View"),
        (View.as_view("view"), "class View"),
        (View().get, "def get"),
        (Instance(), "class Instance"),
    ],
    ids=["function", "wrapper", "partial", "decorated", "class", "as_view", "method", "instance"],
)
def test_the_place_of_an_endpoint_is_where_it_was_written(endpoint: Any, name: str) -> None:
    file, _, number = place_of(endpoint).rpartition(":")
    assert Path(file).name == HERE
    assert name.lstrip("(") in Path(__file__).read_text().splitlines()[int(number) - 1]


def test_places_are_told_from_the_directory_one_is_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    assert place_of(can_pay).startswith(f"{HERE}:")
    monkeypatch.chdir(tmp_path)
    assert place_of(can_pay).startswith(f"{__file__}:")


@pytest.mark.parametrize(
    "endpoint",
    [len, None, 3, Flask("shop"), eval("lambda: 0")],
    ids=["built in", "none", "number", "a framework's", "evaluated"],
)
def test_where_it_cannot_be_told_the_place_is_empty(endpoint: object) -> None:
    assert place_of(endpoint) == ""


def test_the_place_of_a_frameworks_view_names_its_package() -> None:
    assert place_of(Flask.send_static_file).startswith("flask/")


# Applications, by their type.


def flask_app() -> Flask:
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/orders", "orders", lambda: "")
    app.add_url_rule("/health", "health", lambda: "")
    return app


def starlette_app() -> Starlette:
    async def orders(request: object) -> None: ...

    async def health(request: object) -> None: ...

    return Starlette(routes=[StarletteRoute("/orders", orders), StarletteRoute("/health", health)])


class Around:
    """Middleware of somebody else's."""

    def __init__(self, app: object) -> None:
        self.app = app


def guarded_by_extension() -> Flask:
    app = flask_app()
    FlaskAuth(app, AUTH, public=["/health"])
    return app


GUARDED: dict[str, Callable[[], object]] = {
    "flask, by its extension": guarded_by_extension,
    "flask, its wsgi_app": lambda: guarded_by_extension().wsgi_app,
    "flask, from outside": lambda: WSGIMiddleware(flask_app().wsgi_app, AUTH, public=["/health"]),
    "flask, the object itself": lambda: WSGIMiddleware(flask_app(), AUTH, public=["/health"]),
    "flask, far outside": lambda: Around(WSGIMiddleware(flask_app(), AUTH, public=["/health"])),
    "starlette, from outside": lambda: ASGIMiddleware(starlette_app(), AUTH, public=["/health"]),
    "starlette, far outside": lambda: Around(ASGIMiddleware(starlette_app(), AUTH, public=["/health"])),
}


@pytest.mark.parametrize("name", GUARDED)
def test_an_application_is_seen_through_what_is_around_it(name: str) -> None:
    found = {each.path: each.protection for each in routes_of(GUARDED[name]())}
    assert found == {"/orders": Protection.DEFAULT, "/health": Protection.PUBLIC}


@pytest.mark.parametrize(
    "make", [flask_app, starlette_app, lambda: Around(flask_app())], ids=["flask", "starlette", "around"]
)
def test_what_nothing_guards_is_unprotected(make: Callable[[], object]) -> None:
    assert {each.protection for each in routes_of(make())} == {Protection.UNPROTECTED}


def test_a_subclass_is_known_by_what_it_is_derived_from() -> None:
    assert is_known(type("Shop", (Flask,), {})("shop"))


def test_what_nobody_knows_is_refused_in_a_sentence() -> None:
    turning = Around(None)
    turning.app = turning
    for other in (object(), Around(object()), turning, lambda: None):
        with pytest.raises(ConfigurationError, match="no application of Flask, Starlette, FastAPI or Django"):
            routes_of(other)
        with pytest.raises(ConfigurationError, match="no application of Flask, Starlette, FastAPI or Django"):
            openapi_document(other)


def test_a_missing_framework_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "authmw_flask.framework", None)
    with pytest.raises(ConfigurationError, match="Flask needs its adapter"):
        routes_of(flask_app())


def test_a_rule_of_a_guard_inside_a_mount_is_about_paths_below_the_mount() -> None:
    def route(path: str) -> Route:
        return Route(path=path, method="GET", name="it", protection=Protection.DEFAULT, requirement=AUTHENTICATED)

    settings = GuardSettings(AUTH, "deny", (), needs=(("/orders/*", READ), ("/api/orders/*", READ)))
    (sentence,) = without_route(PlacedGuard(settings, "/api"), [route("/api/orders/{number}"), route("/orders")])
    assert "'/api/orders/*' names no route" in sentence


@pytest.mark.parametrize(
    "pattern, path, names",
    [
        ("/orders", "/orders/{number}", False),
        ("/orders/*", "/orders/{number}", True),
        ("/orders/7", "/orders/{number}", True),
        ("/*", "/{page}", True),
        ("/pages", "/pages/*", False),
        ("/pages/intro", "/pages/*", True),
    ],
)
def test_a_pattern_of_one_path_names_no_route_below_it(pattern: str, path: str, names: bool) -> None:
    route = Route(path=path, method="GET", name="it", protection=Protection.DEFAULT, requirement=AUTHENTICATED)
    settings = GuardSettings(AUTH, "deny", (), needs=((pattern, READ),))
    assert without_route(PlacedGuard(settings), [route]) == (
        [] if names else [f"needs pattern '{pattern}' names no route of the application: mend it or take it out"]
    )
