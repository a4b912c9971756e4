"""Class-based views of Flask and its extensions: decorators on the class, on bound methods, and on one method."""

from __future__ import annotations

from collections.abc import Callable
from functools import partialmethod
from importlib import import_module
from typing import Any, Final, cast

import pytest
from authmw_flask import FlaskAuth
from authmw_flask.listing import routes_of
from flask import Flask
from flask.views import MethodView

from authmw import Auth, HTTPBearer, Principal, authenticated, optionally_authenticated, public, requires_scopes

# Most of them have no types.
apiflask, flask_openapi3, flask_restful, flask_restx, flask_smorest = (
    cast("Any", import_module(name))
    for name in ("apiflask", "flask_openapi3", "flask_restful", "flask_restx", "flask_smorest")
)

TOKENS: Final = {"reader": Principal("alice"), "admin": Principal("root", scopes={"admin"})}
needs_admin = requires_scopes("admin")

CLOSED: Final = [401, 403, 200]
DEFAULT: Final = [401, 200, 200]
OPEN: Final = [200, 200, 200]

Register = Callable[[Flask, type], None]


def restful(app: Flask, view: type) -> None:
    flask_restful.Api(app).add_resource(view, "/orders")


def restx(app: Flask, view: type) -> None:
    flask_restx.Api(app, doc=False, add_specs=False).add_resource(view, "/orders")


def in_flask(app: Flask, view: Any) -> None:
    app.add_url_rule("/orders", view_func=view.as_view("orders"))


def smorest(app: Flask, view: type) -> None:
    app.config |= {"API_TITLE": "Shop", "API_VERSION": "1", "OPENAPI_VERSION": "3.1.0"}
    blueprint = flask_smorest.Blueprint("orders", "orders")
    blueprint.route("/orders")(view)
    flask_smorest.Api(app).register_blueprint(blueprint)


def statuses(app: Flask, method: str) -> list[int]:
    """What a stranger, a reader and an admin are answered."""
    client = app.test_client()
    tokens = [{}, *({"Authorization": f"Bearer {token}"} for token in TOKENS)]
    return [client.open("/orders", method=method, headers=headers).status_code for headers in tokens]


def guarded(register: Register, view: type, app: Flask | None = None) -> Flask:
    app = app or Flask("shop", static_folder=None)
    FlaskAuth(app, Auth(HTTPBearer(TOKENS.get)))
    register(app, view)
    return app


def listed(app: Flask) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {
        route.method: (route.protection.value, route.requirement.all_scopes)
        for route in routes_of(app)
        if route.path == "/orders"
    }


LISTS: Final[list[tuple[Any, list[int], tuple[str, tuple[str, ...]]]]] = [
    ([needs_admin], CLOSED, ("declared", ("admin",))),
    ((needs_admin,), CLOSED, ("declared", ("admin",))),
    ([authenticated, needs_admin], CLOSED, ("declared", ("admin",))),
    ([authenticated], DEFAULT, ("declared", ())),
    ([public], OPEN, ("public", ())),
    ([optionally_authenticated], OPEN, ("public", ())),
    ([], DEFAULT, ("default", ())),
]


@pytest.mark.parametrize("register, base", [(restful, flask_restful.Resource), (restx, flask_restx.Resource)])
@pytest.mark.parametrize("decorators, expected, shown", LISTS)
def test_the_method_decorators_of_a_resource_are_enforced_and_listed(
    register: Register, base: Any, decorators: Any, expected: list[int], shown: tuple[str, tuple[str, ...]]
) -> None:
    class Orders(base):  # type: ignore[misc]
        method_decorators = decorators

        def get(self) -> dict[str, int]:
            return {"orders": 1}

        def post(self) -> dict[str, int]:
            return {"orders": 2}

    app = guarded(register, Orders)
    assert listed(app) == {"GET": shown, "POST": shown}
    for _ in range(2):  # the decorators run at each request
        assert {method: statuses(app, method) for method in ("GET", "HEAD", "POST")} == dict.fromkeys(
            ("GET", "HEAD", "POST"), expected
        )


def test_the_decorators_of_one_method_hold_for_that_method_and_those_of_get_for_head() -> None:
    class Orders(flask_restful.Resource):  # type: ignore[misc,name-defined]
        method_decorators = {"get": [needs_admin], "post": [public]}  # noqa: RUF012 - as users write it

        def get(self) -> dict[str, int]:
            return {"orders": 1}

        def post(self) -> dict[str, int]:
            return {"orders": 2}

        def put(self) -> dict[str, int]:
            return {"orders": 3}

    app = guarded(restful, Orders)
    assert [statuses(app, method) for method in ("GET", "HEAD", "POST", "PUT")] == [CLOSED, CLOSED, OPEN, DEFAULT]
    assert listed(app) == {"GET": ("declared", ("admin",)), "POST": ("public", ()), "PUT": ("default", ())}


def test_a_resource_that_inherits_a_method_needs_nothing_because_another_one_decorates_it() -> None:
    class Base(flask_restful.Resource):  # type: ignore[misc,name-defined]
        def get(self) -> dict[str, int]:
            return {"orders": 1}

    class Closed(Base):
        method_decorators = [needs_admin]  # noqa: RUF012 - as users write it

    class Default(Base): ...

    def register(app: Flask, view: type) -> None:
        api = flask_restful.Api(app)
        api.add_resource(Closed, "/closed")
        api.add_resource(Default, "/orders")

    app = guarded(register, Default)
    reader = {"Authorization": "Bearer reader"}
    for _ in range(2):
        assert app.test_client().get("/closed", headers=reader).status_code == 403
        assert statuses(app, "GET") == DEFAULT


@pytest.mark.parametrize(
    "register, app",
    [
        (in_flask, lambda: Flask("shop", static_folder=None)),
        (smorest, lambda: Flask("shop", static_folder=None)),
        (in_flask, lambda: apiflask.APIFlask("shop", static_folder=None, enable_openapi=False)),
        (in_flask, lambda: flask_openapi3.OpenAPI("shop", static_folder=None, doc_ui=False)),
    ],
)
def test_the_decorators_of_a_method_view_are_enforced_and_listed(register: Register, app: Callable[[], Flask]) -> None:
    class Orders(MethodView):
        decorators = [needs_admin]  # noqa: RUF012 - as users write it

        def get(self) -> str:
            return "seen"

    made = guarded(register, Orders, app())
    assert statuses(made, "GET") == statuses(made, "HEAD") == CLOSED
    assert listed(made)["GET"] == ("declared", ("admin",))


@pytest.mark.parametrize("register, base", [(in_flask, MethodView), (restful, flask_restful.Resource)])
def test_a_partial_method_enforces_what_its_method_declares(register: Register, base: Any) -> None:
    class Orders(base):  # type: ignore[misc]
        @needs_admin
        def _list(self, kind: str) -> str:
            return kind

        get = partialmethod(_list, "all")

    app = guarded(register, Orders)
    assert statuses(app, "GET") == statuses(app, "HEAD") == CLOSED


def test_a_bound_method_is_a_view_with_a_rule_of_its_own() -> None:
    class Orders:
        def list(self) -> str:
            return "seen"

    mine, other = Orders(), Orders()

    def register(app: Flask, view: type) -> None:
        app.add_url_rule("/orders", "mine", needs_admin(mine.list))
        app.add_url_rule("/bare", "bare", mine.list)
        app.add_url_rule("/other", "other", other.list)

    app = guarded(register, Orders)
    reader = {"Authorization": "Bearer reader"}
    assert statuses(app, "GET") == CLOSED
    assert [app.test_client().get(path, headers=reader).status_code for path in ("/bare", "/other")] == [403, 200]
