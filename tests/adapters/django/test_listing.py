"""``authmw routes`` and ``authmw openapi`` for a Django project: its URL conf, as it is enforced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from authmw.engine.routes.frameworks import guards_of, openapi_document, routes_of
from authmw.engine.routes.route import Kind, Protection, Route, needs
from authmw.errors import ConfigurationError
from authmw.testing import assert_all_protected
from authmw.wsgi import AuthMiddleware
from tests.adapters.django.asking import KINDS, ask
from tests.adapters.django.site import LAYERS, auth, configured, handler

every_kind = pytest.mark.parametrize("kind", KINDS)
WITHOUT = ["authmw_django.RefusalMiddleware", *LAYERS[1:]]


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


def listed(app: object) -> dict[str, Route]:
    """The routes of the project by their labels. Of several with one label, the first one counts, as in Django."""
    routes: dict[str, Route] = {}
    for route in routes_of(app):
        routes.setdefault(route.label, route)
    return routes


LISTED = [
    ("GET /plain", "anyone authenticated", Protection.DEFAULT),
    ("PATCH /plain", "anyone authenticated", Protection.DEFAULT),
    ("GET /orders", "orders:read", Protection.DECLARED),
    ("GET /hidden", "orders:read", Protection.DECLARED),
    ("GET /health", "nobody", Protection.PUBLIC),
    ("GET /window", "nobody, or anyone", Protection.PUBLIC),
    ("GET /open/window", "nobody", Protection.PUBLIC),
    ("GET /open/orders", "orders:read", Protection.DECLARED),
    ("GET /of/{name}", "<lambda>()", Protection.DECLARED),
    ("GET /gets", "orders:read", Protection.DECLARED),
    ("GET /class/orders", "orders:read", Protection.DECLARED),
    ("POST /class/orders", "orders:write", Protection.DECLARED),
    ("DELETE /class/orders", "anyone authenticated", Protection.DEFAULT),
    ("POST /class/window", "orders:write", Protection.DECLARED),
    ("GET /class/window", "nobody", Protection.PUBLIC),
    ("GET /inner/orders/", "orders:read", Protection.DECLARED),
    ("GET /loose/", "anyone authenticated", Protection.DEFAULT),
    ("GET /{language}/about/", "nobody", Protection.PUBLIC),
    ("GET /api/set/", "orders:read", Protection.DECLARED),
    ("POST /api/set/{pk}/cancel/", "orders:write", Protection.DECLARED),
    ("GET /api/set/count/", "nobody", Protection.PUBLIC),
    ("GET /api/function", "orders:read", Protection.DECLARED),
    ("GET /api/open-function", "nobody", Protection.PUBLIC),
    ("GET /admin/", "anyone authenticated", Protection.DEFAULT),
]


@every_kind
def test_the_list_says_what_protects_each_view(kind: str) -> None:
    routes = listed(handler(kind))
    assert [(label, needs(routes[label].requirement), routes[label].protection) for label, *_ in LISTED] == LISTED
    assert not any(route.is_open for route in routes.values())


@every_kind
def test_the_list_is_what_is_enforced(kind: str) -> None:
    app = handler(kind)
    values = {"{language}": "en", "{pk}": "7", "{name}": "reader"}
    wrong: list[str] = []
    for label, route in listed(app).items():
        path = route.path
        for name, value in values.items():
            path = path.replace(name, value)
        if "{" in path or path.startswith("/admin") or route.method not in ("GET", "POST", "DELETE"):
            continue
        status = ask(kind, path, method=route.method, app=app).status
        if (status == 401) is (route.protection is Protection.PUBLIC) and status != 403:  # 403: Django's own CSRF check
            wrong.append(f"{label}: {status}")
    assert wrong == ["GET /api/window: 401"]  # public for authmw, and closed by a permission class


def test_methods_and_names_are_those_of_the_url_conf() -> None:
    routes = listed(handler("wsgi"))
    assert "POST /gets" not in routes
    assert "PUT /class/orders" not in routes
    assert "POST /api/function" in routes
    assert "PUT /api/function" not in routes
    assert routes["GET /admin/"].name == "admin:index"
    assert routes["GET /orders"].place.startswith("tests/adapters/django/urls.py:")
    assert routes["GET /api/function"].place.startswith("tests/adapters/django/api.py:")


def test_without_the_middleware_only_what_the_views_enforce_protects_them() -> None:
    with configured(MIDDLEWARE=WITHOUT):
        routes = listed(handler("wsgi"))
        assert routes["GET /plain"].protection is Protection.UNPROTECTED
        assert routes["GET /orders"].protection is Protection.DECLARED
        assert routes["GET /cached"].protection is Protection.DECLARED
        with pytest.raises(AssertionError, match="GET /plain"):
            assert_all_protected(handler("wsgi"))
        around = AuthMiddleware(handler("wsgi"), auth, public=["/open/*"])
        assert listed(around)["GET /plain"].protection is Protection.DEFAULT
        assert listed(around)["GET /open/window"].protection is Protection.PUBLIC
        with pytest.raises(ConfigurationError, match="nothing guards the project"):
            openapi_document(handler("wsgi"))


def test_the_guards_of_a_project_are_found_from_outside() -> None:
    assert [guard.settings.public for guard in guards_of(handler("wsgi"))] == [("/open/*",)]
    with configured(MIDDLEWARE=WITHOUT):
        assert guards_of(handler("wsgi")) == []


def test_all_protected_is_about_the_whole_url_conf() -> None:
    with configured(authmw={"default": "allow"}), pytest.raises(AssertionError, match="GET /plain"):
        assert_all_protected(handler("wsgi"))


def test_the_document_has_the_views_of_the_project_with_what_is_enforced() -> None:
    document = openapi_document(handler("wsgi"), title="Shop")
    validate(document)
    paths = document["paths"]
    assert "/admin/" not in paths
    assert set(paths["/orders"]) == {"get"}
    security = paths["/class/orders"]["post"]["security"]
    assert {"HTTPBearer": ["orders:write"]} in security
    assert "security" not in paths["/health"]["get"] or paths["/health"]["get"]["security"] == []
    assert paths["/of/{name}"]["get"]["parameters"][0]["schema"] == {"type": "string", "minLength": 1}


def test_the_websockets_of_channels_are_listed() -> None:
    from tests.adapters.django.asgi import make_application

    app = make_application()
    routes = listed(app)
    found = {label: (needs(route.requirement), route.protection) for label, route in routes.items() if not route.method}
    assert found == {
        "WEBSOCKET /live": ("anyone authenticated", Protection.DEFAULT),
        "WEBSOCKET /open/live": ("nobody", Protection.PUBLIC),
        "WEBSOCKET /guarded/{number}": ("orders:read", Protection.DECLARED),
    }
    assert routes["WEBSOCKET /live"].kind is Kind.WEBSOCKET
    assert routes["WEBSOCKET /guarded/{number}"].name == "Guarded"
    assert routes["GET /orders"].protection is Protection.DECLARED


def test_websockets_that_nothing_guards_are_open() -> None:
    from channels.routing import ProtocolTypeRouter, URLRouter
    from django.urls import path

    from tests.adapters.django.asgi import Live

    live: Any = Live.as_asgi()
    routes: Any = [path("live", live)]
    app = ProtocolTypeRouter({"http": handler("asgi"), "websocket": URLRouter(routes)})
    assert listed(app)["WEBSOCKET /live"].protection is Protection.UNPROTECTED
