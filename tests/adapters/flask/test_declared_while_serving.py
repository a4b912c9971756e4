"""What a view needs is kept between requests, and read again when the view or its declarations have changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from authmw_flask import FlaskAuth, authenticated, public, requires_scopes
from flask import Blueprint, Flask
from flask.views import MethodView

from authmw.engine.markers import mark
from authmw.identity.requirement import Requirement
from tests.adapters.flask.shop import ask, shop_auth

WRITERS = requires_scopes("orders:write")


def orders(*_: object) -> str:
    return "orders"


class Orders(MethodView):
    def get(self) -> str:
        return "orders"


@pytest.fixture
def app() -> Flask:
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, shop_auth())
    return app


def _status(app: Flask, as_: str = "reader") -> int:
    return ask(app, "/orders", as_=as_).status_code


def test_a_view_that_is_replaced_while_serving_is_judged_anew(app: Flask) -> None:
    def closed() -> str:
        return "closed"

    WRITERS(closed)  # the function itself enforces nothing
    app.add_url_rule("/orders", "orders", public(lambda: "open"))
    assert (ask(app, "/orders").status_code, _status(app)) == (200, 200)
    app.view_functions["orders"] = closed
    assert (ask(app, "/orders").status_code, _status(app)) == (401, 403)
    app.view_functions["orders"] = public(lambda: "open")
    assert (ask(app, "/orders").status_code, _status(app)) == (200, 200)


def test_a_function_is_judged_anew_when_something_is_declared_above_it(app: Flask) -> None:
    def view() -> str:
        return "orders"

    app.add_url_rule("/orders", "orders", view)
    assert _status(app) == 200
    WRITERS(view)
    assert _status(app) == 403


def test_a_blueprint_is_judged_anew_when_it_is_marked(app: Flask) -> None:
    blueprint = Blueprint("shop", __name__)
    blueprint.add_url_rule("/orders", view_func=lambda: "orders", endpoint="orders")
    app.register_blueprint(blueprint)
    assert _status(app) == 200
    mark(blueprint, Requirement.all_of("orders:write"))
    assert _status(app) == 403


def _mark_class(view_class: type[MethodView]) -> None:
    WRITERS(view_class)


def _replace_method(view_class: type[MethodView]) -> None:
    setattr(view_class, "get", WRITERS(orders))  # noqa: B010 - type checkers know of no such method


def _add_decorator(view_class: type[MethodView]) -> None:
    setattr(view_class, "method_decorators", [WRITERS])  # noqa: B010 - as flask-restful has it


@pytest.mark.parametrize("change", [_mark_class, _replace_method, _add_decorator])
def test_a_class_is_judged_anew_when_it_changes(app: Flask, change: Callable[[type[MethodView]], None]) -> None:
    class Changed(Orders):
        init_every_request = False

    app.add_url_rule("/orders", view_func=Changed.as_view("orders"))
    assert _status(app) == 200
    change(Changed)
    assert _status(app) == 403


def test_a_function_and_a_class_may_take_turns_at_an_endpoint(app: Flask) -> None:
    views = [authenticated(orders), WRITERS(Orders.as_view("orders")), Orders.as_view("orders"), WRITERS(orders)]
    app.add_url_rule("/orders", "orders", orders)
    found: list[int] = []
    for view in views * 2:
        app.view_functions["orders"] = view
        found += [_status(app), _status(app)]
    assert found == [200, 200, 403, 403, 200, 200, 403, 403] * 2


def test_another_table_of_views_is_looked_at(app: Flask) -> None:
    app.add_url_rule("/orders", "orders", lambda: "orders")
    assert _status(app) == 200
    app.view_functions = {"orders": WRITERS(lambda: "orders")}
    assert _status(app) == 403
