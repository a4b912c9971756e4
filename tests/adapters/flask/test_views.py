"""What a view declares is enforced wherever it was declared, and however the decorators are ordered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps

import pytest
from authmw_flask import (
    FlaskAuth,
    any_of,
    authenticated,
    current_principal,
    public,
    requires,
    requires_scopes,
)
from flask import Blueprint, Flask
from flask.views import MethodView, View

from authmw import Principal
from authmw.http.request import RequestHead
from tests.adapters.flask.shop import ask, challenge, shop_auth


@pytest.fixture(params=["deny", "allow"])
def app(request: pytest.FixtureRequest) -> Flask:
    app = Flask("shop")
    FlaskAuth(app, shop_auth(), default=request.param)
    return app


def _assert_writers_only(app: Flask, path: str, scopes: str = "orders:write", method: str = "GET") -> None:
    """The table of outcomes for an operation that needs `scopes`."""
    anonymous = ask(app, path, method=method)
    assert (anonymous.status_code, anonymous.headers["WWW-Authenticate"]) == (401, challenge(scopes))
    reader = ask(app, path, as_="reader", method=method)
    assert reader.status_code == 403
    assert reader.headers["WWW-Authenticate"] == challenge(scopes, "insufficient_scope")
    assert ask(app, path, as_="writer", method=method).status_code == 200


def test_a_decorator_below_the_route_is_enforced(app: Flask) -> None:
    @app.get("/orders")
    @requires_scopes("orders:write")
    def orders() -> str:
        return "orders"

    _assert_writers_only(app, "/orders")


def test_class_order_a_decorator_above_the_route_is_enforced(app: Flask) -> None:
    @requires_scopes("orders:write")
    @app.get("/orders")
    def orders() -> str:
        return "orders"

    _assert_writers_only(app, "/orders")


def test_a_decorator_above_a_registered_wrapper_is_enforced(app: Flask) -> None:
    def registered(view: Callable[[], str]) -> Callable[[], str]:
        @wraps(view)
        def wrapper() -> str:
            return view()

        app.add_url_rule("/orders", view_func=wrapper)
        return view

    @requires_scopes("orders:write")
    @registered
    def orders() -> str:
        return "orders"

    assert orders is not None
    _assert_writers_only(app, "/orders")


def test_stacked_decorators_accumulate(app: Flask) -> None:
    @app.get("/orders")
    @requires_scopes("orders:write")
    @requires_scopes("orders:read")
    def orders() -> str:
        return "orders"

    _assert_writers_only(app, "/orders", "orders:read orders:write")


def test_one_of_several_scopes_is_enough(app: Flask) -> None:
    @app.get("/orders")
    @requires_scopes(any_of("orders:admin", "orders:write"))
    def orders() -> str:
        return "orders"

    _assert_writers_only(app, "/orders", "orders:admin orders:write")


def test_authenticated_needs_somebody(app: Flask) -> None:
    @app.get("/me")
    @authenticated
    def me() -> str:
        return current_principal.id

    assert ask(app, "/me").status_code == 401
    assert ask(app, "/me", as_="nobody-special").text == "nobody-special"


@pytest.mark.parametrize("above", [False, True], ids=["below the route", "above the route"])
def test_a_public_view_is_a_hole(app: Flask, above: bool) -> None:
    def hello() -> str:
        return f"hello {current_principal.id or 'stranger'}"

    public(app.get("/")(hello)) if above else app.get("/")(public(hello))
    assert ask(app, "/").text == "hello stranger"
    assert ask(app, "/", as_="reader").text == "hello reader"
    assert ask(app, "/", as_="forged").status_code == 401


def test_a_predicate_sees_what_the_router_took_from_the_path(app: Flask) -> None:
    def is_owner(principal: Principal, request: RequestHead) -> bool:
        return request.path_params == {"name": principal.id}

    @app.get("/people/<name>")
    @requires(is_owner)
    def person(name: str) -> str:
        return name

    assert ask(app, "/people/reader").status_code == 401
    assert ask(app, "/people/reader", as_="reader").text == "reader"
    refused = ask(app, "/people/reader", as_="writer")
    assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (403, False)


def test_an_async_view_is_guarded_and_knows_who_calls(app: Flask) -> None:
    @app.get("/orders")
    @requires_scopes("orders:write")
    async def orders() -> str:
        await asyncio.sleep(0)
        return current_principal.id

    _assert_writers_only(app, "/orders")
    assert ask(app, "/orders", as_="writer").text == "writer"


class TestClassBasedViews:
    def test_a_marked_class_is_guarded(self, app: Flask) -> None:
        @requires_scopes("orders:write")
        class Orders(MethodView):
            def get(self) -> str:
                return "orders"

        app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
        _assert_writers_only(app, "/orders")

    def test_a_class_marked_after_it_was_registered_is_guarded(self, app: Flask) -> None:
        class Orders(View):
            def dispatch_request(self) -> str:
                return "orders"

        app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
        requires_scopes("orders:write")(Orders)
        _assert_writers_only(app, "/orders")

    def test_a_subclass_is_guarded_as_its_base_even_when_it_dispatches_itself(self, app: Flask) -> None:
        @requires_scopes("orders:write")
        class Base(View):
            def dispatch_request(self) -> str:
                return "base"

        class Orders(Base):
            def dispatch_request(self) -> str:
                return "orders"

        app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
        _assert_writers_only(app, "/orders")

    def test_flasks_own_list_of_decorators_is_read(self, app: Flask) -> None:
        class Orders(MethodView):
            decorators = [requires_scopes("orders:write")]  # noqa: RUF012 - Flask declares it so

            def get(self) -> str:
                return "orders"

        app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
        _assert_writers_only(app, "/orders")

    def test_each_method_may_ask_for_more_than_its_class(self, app: Flask) -> None:
        @requires_scopes("orders:read")
        class Orders(MethodView):
            def get(self) -> str:
                return "orders"

            @requires_scopes("orders:write")
            def post(self) -> str:
                return "ordered"

        app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
        assert ask(app, "/orders").headers["WWW-Authenticate"] == challenge("orders:read")
        assert ask(app, "/orders", as_="reader").status_code == 200
        _assert_writers_only(app, "/orders", "orders:read orders:write", method="POST")

    def test_one_method_may_be_public(self, app: Flask) -> None:
        class Orders(MethodView):
            @public
            def get(self) -> str:
                return "orders"

            @authenticated
            def post(self) -> str:
                return "ordered"

        app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
        assert ask(app, "/orders").status_code == 200
        assert ask(app, "/orders", method="HEAD").status_code == 200
        assert ask(app, "/orders", method="POST").status_code == 401

    def test_head_is_guarded_as_the_get_that_answers_it(self, app: Flask) -> None:
        class Orders(MethodView):
            @requires_scopes("orders:write")
            def get(self) -> str:
                return "orders"

        app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
        _assert_writers_only(app, "/orders", method="HEAD")
        assert ask(app, "/orders", method="HEAD", as_="reader").data == b""

    def test_an_async_method_is_guarded(self, app: Flask) -> None:
        class Orders(MethodView):
            @requires_scopes("orders:write")
            async def get(self) -> str:
                return "orders"

        app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
        _assert_writers_only(app, "/orders")


class TestBlueprints:
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_blueprint_marked_before_or_after_it_is_registered_guards_its_views(self, app: Flask, when: str) -> None:
        blueprint = Blueprint("orders", __name__)
        blueprint.add_url_rule("/orders", view_func=lambda: "orders", endpoint="list")
        if when == "before":
            requires_scopes("orders:write")(blueprint)
        app.register_blueprint(blueprint)
        if when == "after":
            requires_scopes("orders:write")(blueprint)
        _assert_writers_only(app, "/orders")

    def test_all_levels_accumulate_and_are_named(self, app: Flask) -> None:
        outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__, url_prefix="/inner")
        requires_scopes("orders:read")(outer)
        requires_scopes("orders:list")(inner)

        @inner.get("/orders")
        @requires_scopes("orders:write")
        def orders() -> str:
            return "orders"

        outer.register_blueprint(inner)
        app.register_blueprint(outer)
        needed = "orders:read orders:list orders:write"
        assert ask(app, "/inner/orders").headers["WWW-Authenticate"] == challenge(needed)
        refused = ask(app, "/inner/orders", as_="reader")
        assert refused.headers["WWW-Authenticate"] == challenge(needed, "insufficient_scope")
        assert ask(app, "/inner/orders", as_="writer").status_code == 403

    def test_a_public_view_does_not_undo_what_its_blueprint_asks_for(self, app: Flask) -> None:
        blueprint = Blueprint("orders", __name__)
        requires_scopes("orders:write")(blueprint)
        blueprint.add_url_rule("/orders", view_func=public(lambda: "orders"), endpoint="list")
        app.register_blueprint(blueprint)
        _assert_writers_only(app, "/orders")

    def test_a_public_blueprint_opens_its_undecorated_views_only(self, app: Flask) -> None:
        blueprint = Blueprint("shop", __name__)
        public(blueprint)
        blueprint.add_url_rule("/", view_func=lambda: "hello", endpoint="hello")
        blueprint.add_url_rule("/orders", view_func=requires_scopes("orders:write")(lambda: "o"), endpoint="orders")
        app.register_blueprint(blueprint)
        assert ask(app, "/").status_code == 200
        _assert_writers_only(app, "/orders")

    def test_a_blueprint_registered_twice_is_guarded_under_both_names(self, app: Flask) -> None:
        blueprint = Blueprint("orders", __name__)
        blueprint.add_url_rule("/orders", view_func=lambda: "orders", endpoint="list")
        requires_scopes("orders:write")(blueprint)
        app.register_blueprint(blueprint)
        app.register_blueprint(blueprint, name="again", url_prefix="/again")
        _assert_writers_only(app, "/orders")
        _assert_writers_only(app, "/again/orders")


def test_the_guard_runs_before_what_was_registered_earlier() -> None:
    app, seen = Flask("shop"), list[str]()

    @app.before_request
    def earlier() -> None:
        seen.append(current_principal.id)

    FlaskAuth(app, shop_auth(), default="allow")

    @app.before_request
    def later() -> None:
        seen.append(current_principal.id)

    @app.get("/orders")
    @requires_scopes("orders:write")
    def orders() -> str:
        return "orders"

    assert ask(app, "/orders", as_="reader").status_code == 403
    assert seen == []
    assert ask(app, "/orders", as_="writer").status_code == 200
    assert seen == ["writer", "writer"]
