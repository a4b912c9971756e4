"""Refusals keep status, challenge and body under the extensions that bring error handling of their own."""

# The extensions are untyped, or typed loosely, so they are Any here: their decorators and base classes too.
# mypy: disable-error-code="untyped-decorator, misc"

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from authmw_flask import FlaskAuth, current_principal, public, requires_scopes
from flask import Flask
from flask.views import MethodView
from werkzeug.exceptions import HTTPException

from tests.adapters.flask.shop import ask, shop_auth


def _deep() -> dict[str, str]:
    """Somewhere far below the view."""
    current_principal.require("orders:write")
    return {"who": current_principal.id}


def _who() -> dict[str, str]:
    return {"who": current_principal.id}


def _plain() -> Flask:
    app = Flask("plain")
    for path in ("/marked", "/class", "/above"):
        app.add_url_rule(path, view_func=requires_scopes("orders:write")(_view()), endpoint=path)
    app.add_url_rule("/deep", view_func=_deep)
    app.add_url_rule("/open", view_func=public(_view()), endpoint="open")
    return app


def _view() -> Callable[[], dict[str, str]]:
    return lambda: _who()  # noqa: PLW0108 - one of its own for each marker


def _resources(resource: Any, api: Any) -> None:
    """The five views as resources of flask-restful and flask-restx."""

    class Marked(resource):
        @requires_scopes("orders:write")
        def get(self) -> dict[str, str]:
            return _who()

    @requires_scopes("orders:write")
    class Class(resource):
        def get(self) -> dict[str, str]:
            return _who()

    class Above(resource):
        def get(self) -> dict[str, str]:
            return _who()

    class Deep(resource):
        def get(self) -> dict[str, str]:
            return _deep()

    class Open(resource):
        @public
        def get(self) -> dict[str, str]:
            return _who()

    for path, each in {"/marked": Marked, "/class": Class, "/above": Above, "/deep": Deep, "/open": Open}.items():
        api.add_resource(each, path)
    requires_scopes("orders:write")(Above)


def _restful() -> Flask:
    extension: Any = import_module("flask_restful")
    app = Flask("restful")
    _resources(extension.Resource, extension.Api(app))
    return app


def _restx() -> Flask:
    extension: Any = import_module("flask_restx")
    app = Flask("restx")
    _resources(extension.Resource, extension.Api(app))
    return app


def _smorest() -> Flask:
    extension: Any = import_module("flask_smorest")
    app = Flask("smorest")
    app.config.from_mapping(API_TITLE="shop", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    blueprint = extension.Blueprint("orders", "orders")

    @blueprint.route("/marked")
    class Marked(MethodView):
        @blueprint.response(200)
        @requires_scopes("orders:write")
        def get(self) -> dict[str, str]:
            return _who()

    @blueprint.route("/class")
    @requires_scopes("orders:write")
    class Class(MethodView):
        @blueprint.response(200)
        def get(self) -> dict[str, str]:
            return _who()

    @requires_scopes("orders:write")
    @blueprint.route("/above")
    @blueprint.response(200)
    def above() -> dict[str, str]:
        return _who()

    @blueprint.route("/deep")
    @blueprint.response(200)
    def deep() -> dict[str, str]:
        return _deep()

    @blueprint.route("/open")
    @blueprint.response(200)
    @public
    def open_() -> dict[str, str]:
        return _who()

    extension.Api(app).register_blueprint(blueprint)
    return app


def _apiflask() -> Flask:
    extension: Any = import_module("apiflask")
    app = extension.APIFlask("apiflask")

    # The input would be refused with a 422: who may not call is told so first.
    @app.get("/marked")
    @app.input({"page": extension.fields.Integer(load_default=1)}, location="query")
    @requires_scopes("orders:write")
    def marked(query_data: dict[str, int]) -> dict[str, str]:
        return _who()

    class Class(MethodView):
        @requires_scopes("orders:write")
        def get(self) -> dict[str, str]:
            return _who()

    app.add_url_rule("/class", view_func=Class.as_view("class"))

    @requires_scopes("orders:write")
    @app.get("/above")
    def above() -> dict[str, str]:
        return _who()

    @app.get("/deep")
    def deep() -> dict[str, str]:
        return _deep()

    @app.get("/open")
    @public
    def open_() -> dict[str, str]:
        return _who()

    return _checked(app)


def _openapi3() -> Flask:
    extension: Any = import_module("flask_openapi3")
    app = extension.OpenAPI("openapi3")

    @app.get("/marked")
    @requires_scopes("orders:write")
    def marked() -> dict[str, str]:
        return _who()

    view = extension.APIView()

    @view.route("/class")
    class Class:
        @view.doc(summary="orders")
        @requires_scopes("orders:write")
        def get(self) -> dict[str, str]:
            return _who()

    app.register_api_view(view)

    @requires_scopes("orders:write")
    @app.get("/above")
    def above() -> dict[str, str]:
        return _who()

    @app.get("/deep")
    def deep() -> dict[str, str]:
        return _deep()

    @app.get("/open")
    @public
    def open_() -> dict[str, str]:
        return _who()

    return _checked(app)


def _checked(app: object) -> Flask:
    assert isinstance(app, Flask)
    return app


EXTENSIONS = [_restful, _restx, _smorest, _apiflask, _openapi3]


def _catch_everything(app: Flask) -> None:
    app.register_error_handler(Exception, lambda error: ("caught", 418))


def _catch_http(app: Flask) -> None:
    app.register_error_handler(HTTPException, lambda error: ("caught", 418))


def _testing(app: Flask) -> None:
    app.testing = True


def _propagate(app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = True


def _nothing(app: Flask) -> None:
    """As it comes."""


def _wire(app: Flask, path: str, who: str) -> tuple[str, list[tuple[str, str]], bytes]:
    answer = ask(app, path, as_=who)
    return answer.status, list(answer.headers), answer.data


@pytest.mark.parametrize("prepare", [_nothing, _catch_everything, _catch_http, _testing, _propagate])
@pytest.mark.parametrize("make", EXTENSIONS)
@pytest.mark.parametrize("early", [True, False], ids=["guarded first", "guarded last"])
def test_a_refusal_is_the_same_to_the_byte_as_in_plain_flask(
    make: Callable[[], Flask], prepare: Callable[[Flask], None], early: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = _plain()
    FlaskAuth(plain, shop_auth())
    app = _guarded_first(make, monkeypatch) if early else make()
    if not early:
        FlaskAuth(app, shop_auth())
    prepare(app)
    for path in ("/marked", "/class", "/above", "/deep"):
        for who in ("", "reader", "forged"):
            assert _wire(app, path, who) == _wire(plain, path, who), (path, who)
        assert ask(app, path, as_="writer").json == {"who": "writer"}
    assert ask(app, "/open").json == {"who": ""}
    assert ask(app, "/nowhere").status_code == 401


def _guarded_first(make: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application, guarded as soon as it is there and before any extension."""
    original = Flask.__init__

    def guarded(self: Flask, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        FlaskAuth(self, shop_auth())

    with monkeypatch.context() as patched:
        patched.setattr(Flask, "__init__", guarded)
        return make()


@pytest.mark.parametrize("make", EXTENSIONS)
def test_who_may_not_call_learns_nothing_of_the_input(make: Callable[[], Flask]) -> None:
    app = make()
    FlaskAuth(app, shop_auth())
    assert ask(app, "/marked?page=none", as_="reader").status_code == 403
