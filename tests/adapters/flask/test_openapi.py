"""The document of an application without a generator: all of its routes, what they ask for, and nothing beside it."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from authmw_flask import FlaskAuth, any_of, docs_blueprint, openapi_document, public, requires_scopes, token_blueprint
from authmw_sqlalchemy import SQLStores
from flask import Blueprint, Flask
from flask.views import MethodView
from openapi_spec_validator import validate
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from authmw import Auth, ConfigurationError, HTTPBearer, Principal
from authmw.crypto.keyring import KeyRing
from authmw.engine.routes.route import Route
from authmw.oauth2 import TokenService
from authmw.openapi import DocsPage
from authmw.stores import MemoryStores
from examples import flask_app
from tests.adapters.flask.shop import ask, shop_auth


def _shop() -> Flask:
    app = Flask("shop", static_folder=None)
    orders = Blueprint("orders", __name__, url_prefix="/orders")

    @orders.get("/")
    @requires_scopes("orders:read")
    def list_orders() -> list[str]:
        """All orders,
        of everybody.

        The newest first.
        """
        return []

    class Order(MethodView):
        """One order."""

        @requires_scopes("orders:read")
        def get(self, number: int) -> dict[str, int]:
            """Read an order."""
            return {"number": number}

        @requires_scopes(any_of("orders:write", "orders:admin"))
        def put(self, number: int) -> dict[str, int]:
            return {"number": number}

    orders.add_url_rule("/<int:number>", view_func=Order.as_view("order"))
    app.register_blueprint(orders)

    @app.get("/health")
    @public
    def health() -> str:
        return "ok"

    app.add_url_rule("/me", "me", partial(health))
    return app


def _described(app: Flask, **options: Any) -> dict[str, Any]:
    made = openapi_document(app, **options)
    validate(made)
    return made


def test_a_document_has_what_the_route_table_and_the_docstrings_tell() -> None:
    app = _shop()
    FlaskAuth(app, shop_auth())
    paths = _described(app)["paths"]
    assert list(paths) == ["/orders/", "/orders/{number}", "/health", "/me"]
    listing = paths["/orders/"]["get"]
    assert {key: listing[key] for key in ("tags", "summary", "description", "operationId", "security")} == {
        "tags": ["orders"],
        "summary": "All orders, of everybody.",
        "description": "The newest first.",
        "operationId": "orders.list_orders",
        "security": [{"HTTPBearer": ["orders:read"]}],
    }
    assert list(listing["responses"]) == ["2XX", "400", "401", "403", "429"]
    assert paths["/orders/{number}"]["get"]["parameters"] == [
        {"name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    ]


def test_the_methods_of_a_class_are_told_apart() -> None:
    app = _shop()
    FlaskAuth(app, shop_auth())
    order = _described(app)["paths"]["/orders/{number}"]
    assert (order["get"]["operationId"], order["get"]["summary"]) == ("orders.order", "Read an order.")
    assert order["put"]["operationId"] == "orders.order_put"
    assert "summary" not in order["put"]
    assert order["put"]["security"] == [{"HTTPBearer": ["orders:write"]}, {"HTTPBearer": ["orders:admin"]}]


def test_public_and_undecorated_views_are_told_apart() -> None:
    app = _shop()
    FlaskAuth(app, shop_auth())
    paths = _described(app)["paths"]
    assert paths["/health"]["get"]["security"] == []
    assert list(paths["/health"]["get"]["responses"]) == ["2XX"]
    assert paths["/me"]["get"]["security"] == [{"HTTPBearer": []}]
    assert "summary" not in paths["/me"]["get"]  # of a partial, whose own docstring is about something else


def test_what_is_asked_for_stands_in_the_document() -> None:
    app = _shop()
    FlaskAuth(app, shop_auth())
    assert _described(app)["info"] == {"title": "shop", "version": "0.1.0"}
    made = _described(
        app, title="Shop", version="2", description="Sells.", openapi="3.0", servers=["https://shop.example/v2"]
    )
    assert made["info"] == {"title": "Shop", "version": "2", "description": "Sells."}
    assert made["openapi"].startswith("3.0")
    assert made["servers"] == [{"url": "https://shop.example/v2"}]
    assert made["paths"]["/orders/"]["get"]["security"] == [{"HTTPBearer": []}]  # 3.0 has no scopes there


def test_a_document_is_of_what_is_registered_by_then() -> None:
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, shop_auth())
    assert _described(app)["paths"] == {}
    app.add_url_rule("/late", "late", requires_scopes("orders:read")(lambda: "late"))
    assert _described(app)["paths"]["/late"]["get"]["security"] == [{"HTTPBearer": ["orders:read"]}]


def test_a_decorator_above_the_route_is_in_the_document_as_it_is_enforced() -> None:
    app = Flask("shop", static_folder=None)
    requires_scopes("orders:read")(app.get("/above")(lambda: "seen"))
    FlaskAuth(app, shop_auth())
    assert _described(app)["paths"]["/above"]["get"]["security"] == [{"HTTPBearer": ["orders:read"]}]
    assert ask(app, "/above", as_="nobody-special").status_code == 403


def _with_furniture(directory: Path) -> Flask:
    app = Flask("shop", static_folder=directory, static_url_path="/static")
    app.add_url_rule("/orders", "orders", lambda: "orders")
    service = TokenService(issuer="https://shop.example/auth", audience="orders", stores=MemoryStores())
    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    app.register_blueprint(docs_blueprint(DocsPage(document=lambda: openapi_document(app))))
    setattr(app, "wsgi_app", DispatcherMiddleware(app.wsgi_app, {"/admin": Flask("admin")}))  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth())
    return app


def test_static_files_the_docs_page_and_the_token_service_stay_out(tmp_path: Path) -> None:
    assert list(_described(_with_furniture(tmp_path))["paths"]) == ["/orders"]


def _any(route: Route) -> bool:
    return True


def test_they_are_in_when_they_are_asked_for_but_no_mounts(tmp_path: Path) -> None:
    paths = _described(_with_furniture(tmp_path), include=_any)["paths"]
    assert {"/static/{filename}", "/orders", "/auth/token", "/docs/"} <= paths.keys()
    assert not any(path.startswith("/admin") for path in paths)
    assert paths["/auth/token"]["post"]["security"] == []


def test_the_docs_page_serves_the_document(tmp_path: Path) -> None:
    app = _with_furniture(tmp_path)
    assert ask(app, "/docs/openapi.json").status_code == 401
    assert ask(app, "/docs/openapi.json", as_="reader").get_json() == openapi_document(app)


def test_an_application_that_nobody_guards_has_no_document() -> None:
    with pytest.raises(ConfigurationError, match=r"call FlaskAuth\(app, auth\) first"):
        openapi_document(Flask("shop"))


def test_a_scheme_that_no_document_may_name_is_told() -> None:
    app = Flask("shop")
    FlaskAuth(app, Auth(HTTPBearer(name="my bearer")))
    with pytest.raises(ConfigurationError, match="my bearer"):
        openapi_document(app)


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_the_document_of_the_flask_example_is_valid(
    version: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[SQLStores] = []

    def stores(database: str) -> SQLStores:
        opened.append(SQLStores(database))
        return opened[-1]

    monkeypatch.setattr(flask_app, "SQLStores", stores)
    KeyRing.generate().save(tmp_path / "keys.json")
    app = flask_app.create_app(f"sqlite:///{tmp_path / 'app.db'}", tmp_path / "keys.json")
    try:
        paths = _described(app, openapi=version)["paths"]
    finally:
        for each in opened:
            each.close()
    assert list(paths) == ["/", "/orders", "/me"]
    creating = paths["/orders"]["post"]
    assert [list(each)[1:] for each in creating["security"]] == [[]] * 3  # three ways, each by itself
    assert "orders:write" in creating["responses"]["403"]["description"]


PLACES = ("blueprint", "class", "method", "view", "function", "above")
REACHING = {"/class": {"blueprint", "class", "method", "view"}, "/function": {"blueprint", "function", "above"}}


def _bearer_of_scopes(token: str) -> Principal:
    return Principal("alice", scopes=set(token.split("-")))


def _declared_at(*places: str) -> Flask:
    """One application with a class and a function, which need a scope for each of the places where it was declared."""

    def marked(place: str, target: Any) -> Any:
        return requires_scopes(place)(target) if place in places else target

    def get(self: MethodView) -> str:
        return "seen"

    index: Any = type("Index", (MethodView,), {"get": marked("method", get)})
    blueprint = Blueprint("shop", __name__)
    blueprint.add_url_rule("/class", view_func=marked("view", marked("class", index).as_view("class")))

    def function() -> str:
        return "seen"

    marked("above", blueprint.get("/function")(marked("function", function)))
    app = Flask("shop", static_folder=None)
    app.register_blueprint(blueprint)
    marked("blueprint", blueprint)
    FlaskAuth(app, Auth(HTTPBearer(_bearer_of_scopes)))
    return app


@pytest.mark.parametrize("count", range(len(PLACES) + 1))
def test_what_the_document_asks_for_is_enough_and_one_scope_less_is_not(count: int) -> None:
    for places in combinations(PLACES, count):
        app = _declared_at(*places)
        for path, item in _described(app)["paths"].items():
            ((scopes,),) = (each.values() for each in item["get"]["security"])
            assert set(scopes) == set(places) & REACHING[path]
            assert ask(app, path, as_="-".join(["other", *scopes])).status_code == 200
            for lacking in scopes:
                less = [scope for scope in scopes if scope != lacking]
                assert ask(app, path, as_="-".join(["other", *less])).status_code == 403
