"""One view under several endpoints: each needs what it registered, and what was declared above that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from authmw_flask import FlaskAuth, authenticated, openapi_document, public, requires_scopes
from authmw_flask.listing import routes_of
from flask import Flask
from flask.views import MethodView

from authmw.engine.routes.route import Protection
from tests.adapters.flask.shop import ask, challenge, shop_auth

needs_read, needs_write = requires_scopes("orders:read"), requires_scopes("orders:write")


@pytest.fixture
def app() -> Flask:
    return Flask("shop", static_folder=None)


def assert_needs(app: Flask, **needed: str) -> None:
    """By endpoint the scopes that are enforced, listed and documented for the path of the same name."""
    assert {route.name: " ".join(route.requirement.all_scopes) for route in routes_of(app)} == needed
    paths = openapi_document(app, title="Shop")["paths"]
    for endpoint, scopes in needed.items():
        refused = ask(app, f"/{endpoint}", as_="nobody-special")
        assert refused.status_code == (403 if scopes else 200), endpoint
        assert refused.headers.get("WWW-Authenticate") == (challenge(scopes, "insufficient_scope") if scopes else None)
        assert paths[f"/{endpoint}"]["get"]["security"] == [{"HTTPBearer": scopes.split()}]


def view() -> str:
    """A view. Nobody decorates this one."""
    return "seen"


def fresh() -> Callable[[], str]:
    return lambda: view()  # noqa: PLW0108 - each test decorates its own


def test_a_view_that_was_registered_bare_can_be_wrapped_for_each_endpoint_from_outside(app: Flask) -> None:
    bare = fresh()
    for endpoint in ("read", "write", "both", "less"):
        app.add_url_rule(f"/{endpoint}", endpoint, bare)
    FlaskAuth(app, shop_auth())
    functions = app.view_functions
    functions["read"] = needs_read(functions["read"])
    functions["write"] = needs_write(functions["write"])
    functions["less"] = authenticated(functions["less"])
    assert_needs(app, read="orders:read", write="orders:write", both="orders:read orders:write", less="")


def test_a_class_is_a_view_of_its_own_each_time_it_is_made_one(app: Flask) -> None:
    class Orders(MethodView):
        def get(self) -> str:
            return "orders"

    app.add_url_rule("/read", view_func=needs_read(Orders.as_view("read")))
    app.add_url_rule("/write", view_func=needs_write(Orders.as_view("write")))
    app.add_url_rule("/bare", view_func=Orders.as_view("bare"))
    FlaskAuth(app, shop_auth())
    assert_needs(app, read="orders:read", write="orders:write", bare="")


def test_a_method_of_a_class_needs_what_was_declared_on_any_wrapper_of_it(app: Flask) -> None:
    class Orders(MethodView):
        def get(self) -> str:
            return "orders"

    needs_write(Orders.get)
    app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
    FlaskAuth(app, shop_auth())
    assert_needs(app, orders="orders:write")


def test_partials_and_bound_methods_need_what_they_call(app: Flask) -> None:
    class Orders:
        @needs_read
        def list(self) -> str:
            return "orders"

        def bare(self) -> str:
            return "orders"

    bare = fresh()
    once = partial(bare)
    app.add_url_rule("/partial", "partial", partial(needs_read(fresh())))
    app.add_url_rule("/guarded", "guarded", needs_write(once))
    app.add_url_rule("/once", "once", once)
    app.add_url_rule("/method", "method", Orders().list)
    app.add_url_rule("/other", "other", Orders().bare)
    needs_read(Orders.bare)
    FlaskAuth(app, shop_auth())
    assert_needs(
        app,
        partial="orders:read",
        guarded="orders:write",
        once="orders:write",
        method="orders:read",
        other="orders:read",
    )


def test_a_decorator_above_the_route_is_enforced_also_where_another_one_stands_below_it(app: Flask) -> None:
    needs_write(requires_scopes("more")(app.get("/order", endpoint="order")(needs_read(fresh()))))
    FlaskAuth(app, shop_auth())
    assert_needs(app, order="orders:read more orders:write")


def test_another_decorator_that_does_not_call_the_view_opens_nothing(app: Flask) -> None:
    def cached(function: Callable[[], str]) -> Callable[[], str]:
        @wraps(function)
        def answer() -> str:
            return "from a cache"

        return answer

    app.add_url_rule("/cached", "cached", cached(needs_read(fresh())))
    FlaskAuth(app, shop_auth())
    assert_needs(app, cached="orders:read")


@pytest.mark.parametrize("first", [True, False], ids=["the hole first", "the hole last"])
def test_a_hole_for_one_endpoint_opens_no_other(app: Flask, first: bool) -> None:
    bare = fresh()
    views: dict[str, Any] = {"hole": public(bare)} if first else {}
    views["write"] = needs_write(bare)
    views.setdefault("hole", public(bare))
    views["bare"] = bare
    for endpoint, each in views.items():
        app.add_url_rule(f"/{endpoint}", endpoint, each)
    FlaskAuth(app, shop_auth())
    assert {route.name: route.protection for route in routes_of(app)} == {
        "hole": Protection.PUBLIC,
        "write": Protection.DECLARED,
        "bare": Protection.DECLARED,
    }
    assert {endpoint: ask(app, f"/{endpoint}").status_code for endpoint in views} == {
        "hole": 200,
        "write": 401,
        "bare": 401,
    }
    assert {endpoint: ask(app, f"/{endpoint}", as_="reader").status_code for endpoint in views} == {
        "hole": 200,
        "write": 403,
        "bare": 403,
    }


def test_without_the_guard_a_view_that_others_wrapped_is_listed_as_misplaced(app: Flask) -> None:
    bare = fresh()
    app.add_url_rule("/bare", "bare", bare)
    app.add_url_rule("/read", "read", needs_read(bare))
    app.add_url_rule("/less", "less", authenticated(bare))
    assert {route.name: route.protection for route in routes_of(app)} == {
        "bare": Protection.MISPLACED,
        "read": Protection.DECLARED,
        "less": Protection.DECLARED,
    }
