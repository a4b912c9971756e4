"""Class-based views with a ``dispatch_request`` of their own: `@public` of a method that it need not call."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final, cast

import pytest
from authmw_flask import FlaskAuth, public, requires_scopes
from authmw_flask.listing import routes_of
from flask import Blueprint, Flask, request
from flask.views import MethodView, View

from authmw.engine.decorators import own_credentials
from tests.adapters.flask.shop import ask, shop_auth

# They have no types.
flask_restful, flask_restx = (cast("Any", import_module(name)) for name in ("flask_restful", "flask_restx"))

LISTED: Final = {401: "default", 200: "public"}


class Base(MethodView):
    @public
    def get(self) -> str:
        return "list"

    def delete(self) -> str:
        return "deleted"


def _dispatch(self: Any, **arguments: Any) -> Any:
    return getattr(self, request.headers.get("X-Method", request.method).lower())(**arguments)


def _below() -> Iterator[type]:
    """Classes whose dispatcher stands at or below the public method."""

    class Beside(MethodView):
        dispatch_request = _dispatch

        @public
        def get(self) -> str:
            return "list"

        def delete(self) -> str:
            return "deleted"

    class Below(Base):
        dispatch_request = _dispatch

    class FarBelow(Below):
        pass

    class Mixin:
        dispatch_request = _dispatch

    class Mixed(Mixin, Base):
        pass

    class Plain(View):
        dispatch_request = _dispatch

        @public
        def get(self) -> str:
            return "list"

        def delete(self) -> str:
            return "deleted"

    class Wrapped(Base):
        """Its dispatcher looks as that of Flask."""

        def dispatch_request(self, **arguments: Any) -> Any:
            return _dispatch(self, **arguments)

        dispatch_request.__module__ = MethodView.__module__

    class OwnCredentials(MethodView):
        dispatch_request = _dispatch

        @own_credentials
        def get(self) -> str:
            return "list"

        def delete(self) -> str:
            return "deleted"

    class ByDecorators(flask_restful.Resource):  # type: ignore[name-defined,misc]
        method_decorators = {"get": [public]}  # noqa: RUF012
        dispatch_request = _dispatch

        def get(self) -> str:
            return "list"

        def delete(self) -> str:
            return "deleted"

    class ByList(ByDecorators):
        method_decorators = [public]  # type: ignore[assignment]  # noqa: RUF012

        def dispatch_request(self, **arguments: Any) -> Any:
            return _dispatch(self, **arguments)

    yield from (Beside, Below, FarBelow, Mixed, Plain, Wrapped, OwnCredentials, ByDecorators, ByList)


def _above() -> Iterator[type]:
    """Classes whose dispatcher stands above the public method, or is one of a framework."""

    class Dispatching(MethodView):
        dispatch_request = _dispatch

    class Above(Dispatching):
        @public
        def get(self) -> str:
            return "list"

    class Again(Dispatching, Base):
        get = Base.get

    class Method:
        @public
        def get(self) -> str:
            return "list"

    class MixedIn(MethodView, Method):
        pass

    class InRestful(flask_restful.Resource, Method):  # type: ignore[name-defined,misc]
        pass

    class InRestx(flask_restx.Resource, Method):  # type: ignore[name-defined,misc]
        pass

    class Inherited(Base):
        pass

    @public
    class Whole(MethodView):
        dispatch_request = _dispatch

        def get(self) -> str:
            return "list"

    yield from (Above, Again, MixedIn, InRestful, InRestx, Inherited, Whole)


def _in(view: Any, app: Flask | None = None) -> Flask:
    app = app or Flask("shop", static_folder=None)
    app.add_url_rule("/items", view_func=view.as_view("items"), methods=["GET", "DELETE"])
    FlaskAuth(app, shop_auth())
    return app


def _listed(app: Flask) -> str:
    return next(each.protection.value for each in routes_of(app) if each.method == "GET")


@pytest.mark.parametrize("view", list(_below()))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_method_that_a_dispatcher_need_not_call_opens_nothing(
    view: type, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = _in(view)
    assert [ask(app, "/items", method=method).status_code for _ in range(2)] == [401, 401]
    assert ask(app, "/items", method=method, X_Method="DELETE").status_code == 401
    assert ask(app, "/items", as_="reader").status_code == 200
    assert _listed(app) == "default"
    told = [each.getMessage() for each in caplog.records if each.name == "authmw" and "@public" in each.getMessage()]
    assert told[0].startswith(f"{view.__qualname__}.")
    assert "dispatch_request" in told[0]
    assert len(told) == 2  # of the guard, and of the list


@pytest.mark.parametrize("view", list(_above()))
def test_a_dispatcher_above_the_public_method_leaves_it_open(view: type, caplog: pytest.LogCaptureFixture) -> None:
    app = _in(view)
    assert ask(app, "/items").status_code == 200
    assert _listed(app) == "public"
    assert not caplog.records


def test_what_else_is_declared_counts_beside_a_public_method_that_opens_nothing() -> None:
    @requires_scopes("orders:write")
    class Closed(Base):
        dispatch_request = _dispatch

    class Open(Base):
        dispatch_request = _dispatch

    app, blueprint = Flask("shop", static_folder=None), public(Blueprint("items", __name__))
    blueprint.add_url_rule("/open", view_func=Open.as_view("open"))
    app.register_blueprint(blueprint)
    app = _in(Closed, app)
    assert [ask(app, "/items", as_=who).status_code for who in ("", "reader", "writer")] == [401, 403, 200]
    assert ask(app, "/open").status_code == 200


def test_a_dispatcher_that_is_set_while_serving_closes_the_method() -> None:
    class Replaced(Base):
        pass

    app = _in(Replaced)
    assert ask(app, "/items").status_code == 200
    cast("Any", Replaced).dispatch_request = _dispatch
    assert ask(app, "/items").status_code == 401


@pytest.mark.parametrize("own", [True, False])
def test_a_dispatcher_closes_its_class_although_it_calls_that_of_flask(own: bool) -> None:
    class Calling(Base):
        if own:

            def dispatch_request(self, **arguments: Any) -> Any:
                return super().dispatch_request(**arguments)

    assert ask(_in(Calling), "/items").status_code == (401 if own else 200)
    assert ask(_in(Calling), "/items", method="DELETE").status_code == 401
