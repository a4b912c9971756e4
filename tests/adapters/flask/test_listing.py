"""The list of an application's routes says what is enforced: of views, files, mounts, and what nobody protects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
from authmw_flask import FlaskAuth, authenticated, docs_blueprint, public, requires_scopes, token_blueprint
from authmw_flask.listing import routes_of
from flask import Blueprint, Flask
from flask.views import MethodView, View
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter, IntegerConverter, Rule
from werkzeug.test import Client

from authmw.engine.public_paths import Default
from authmw.engine.routes.route import Kind, Protection, Route
from authmw.http.request import Environ
from authmw.http.response import StartResponse
from authmw.identity.requirement import AUTHENTICATED, OWN_CREDENTIALS, PUBLIC, Requirement
from authmw.oauth2 import TokenService
from authmw.openapi import DocsPage
from authmw.stores import MemoryStores
from authmw.wsgi import AuthMiddleware
from tests.adapters.flask.shop import ask, shop_auth


def _bare() -> Flask:
    return Flask("shop", static_folder=None)


def _guarded(app: Flask, *, public: Iterable[str] = (), default: Default = "deny") -> Flask:
    FlaskAuth(app, shop_auth(), public=public, default=default)
    return app


def _told(app: Flask) -> dict[tuple[str, str], tuple[Protection, tuple[str, ...]]]:
    return {(route.method, route.path): (route.protection, route.requirement.all_scopes) for route in routes_of(app)}


def _route(app: Flask, method: str, path: str) -> Route:
    (found,) = [route for route in routes_of(app) if (route.method, route.path) == (method, path)]
    return found


def view() -> str:
    """Say something. Nobody marks this one: it is in many applications."""
    return "seen"


def _view() -> Callable[[], str]:
    """A view of one's own, to be marked."""
    return lambda: view()  # noqa: PLW0108 - as said


class Orders(MethodView):
    @requires_scopes("orders:read")
    def get(self) -> str:
        """All orders."""
        return "orders"

    @requires_scopes("orders:write")
    def post(self) -> str:
        return "created"

    def delete(self) -> str:
        return "gone"


def test_each_method_of_a_route_says_what_it_needs() -> None:
    app = _bare()
    app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
    app.add_url_rule("/health", "health", public(lambda: "ok"))
    app.add_url_rule("/patterns", "patterns", view)
    app.add_url_rule("/other", "other", view, methods=["PUT"])
    _guarded(app, public=["/patterns"])
    assert _told(app) == {
        ("GET", "/orders"): (Protection.DECLARED, ("orders:read",)),
        ("POST", "/orders"): (Protection.DECLARED, ("orders:write",)),
        ("DELETE", "/orders"): (Protection.DEFAULT, ()),
        ("GET", "/health"): (Protection.PUBLIC, ()),
        ("GET", "/patterns"): (Protection.PUBLIC, ()),
        ("PUT", "/other"): (Protection.DEFAULT, ()),
    }


def test_what_is_declared_on_the_way_down_accumulates() -> None:
    outer, inner = Blueprint("outer", __name__, url_prefix="/outer"), Blueprint("inner", __name__, url_prefix="/inner")

    @requires_scopes("class")
    class Below(MethodView):
        @requires_scopes("method")
        def get(self) -> str:
            return "below"

    inner.add_url_rule("/", view_func=Below.as_view("below"))
    outer.register_blueprint(inner)
    app = _bare()
    app.register_blueprint(outer)
    requires_scopes("outer")(outer)
    requires_scopes("inner")(inner)
    _guarded(app)
    route = _route(app, "GET", "/outer/inner/")
    assert (route.name, route.requirement.scopes) == ("outer.inner.below", ("outer", "inner", "class", "method"))


def test_with_the_guard_a_decorator_counts_on_either_side_of_the_route() -> None:
    app = _bare()
    requires_scopes("orders:read")(app.get("/above")(_view()))
    _guarded(app)
    assert _route(app, "GET", "/above").protection is Protection.DECLARED
    assert ask(app, "/above", as_="nobody-special").status_code == 403


def _above(app: Flask) -> None:
    requires_scopes("orders:read")(app.get("/")(lambda: "seen"))


def _below(app: Flask) -> None:
    app.get("/")(requires_scopes("orders:read")(lambda: "seen"))


def _both_sides(app: Flask) -> None:
    requires_scopes("orders:read")(app.get("/")(requires_scopes("orders:write")(lambda: "seen")))


def _wrapped_by_an_extension(app: Flask) -> None:
    asking = requires_scopes("orders:read")(_view())

    @wraps(asking)
    def wrapper() -> str:
        return asking().upper()

    app.add_url_rule("/", "index", wrapper)


def _blueprint(app: Flask) -> None:
    blueprint = Blueprint("shop", __name__)
    blueprint.get("/")(lambda: "seen")
    app.register_blueprint(requires_scopes("orders:read")(blueprint))


def _class(app: Flask) -> None:
    class Index(View):
        def dispatch_request(self) -> str:
            return "seen"

    app.add_url_rule("/", view_func=requires_scopes("orders:read")(Index).as_view("index"))


def _subclass_that_replaced_what_asks(app: Flask) -> None:
    @requires_scopes("orders:read")
    class Index(View):
        def dispatch_request(self) -> str:
            return "seen"

    class Replaced(Index):
        def dispatch_request(self) -> str:
            return "seen"

    app.add_url_rule("/", view_func=Replaced.as_view("index"))


def _method(app: Flask) -> None:
    class Index(MethodView):
        @requires_scopes("orders:read")
        def get(self) -> str:
            return "seen"

    app.add_url_rule("/", view_func=Index.as_view("index"))


def _public(app: Flask) -> None:
    app.add_url_rule("/", "index", public(lambda: "seen"))


def _nothing(app: Flask) -> None:
    app.add_url_rule("/", "index", lambda: "seen")


@pytest.mark.parametrize(
    "register, protection",
    [
        (_above, Protection.MISPLACED),
        (_below, Protection.DECLARED),
        (_both_sides, Protection.MISPLACED),
        (_wrapped_by_an_extension, Protection.DECLARED),
        (_blueprint, Protection.MISPLACED),
        (_class, Protection.DECLARED),
        (_subclass_that_replaced_what_asks, Protection.MISPLACED),
        (_method, Protection.DECLARED),
        (_public, Protection.PUBLIC),
        (_nothing, Protection.UNPROTECTED),
    ],
)
def test_without_the_guard_only_what_is_registered_asks(
    register: Callable[[Flask], None], protection: Protection
) -> None:
    app = _bare()
    register(app)
    assert _route(app, "GET", "/").protection is protection
    # Through the middleware alone, as an application in front would put it there; nobody has a scope here.
    status = Client(AuthMiddleware(app, shop_auth(), default="allow")).get("/").status_code
    # Where both sides ask, the half of it is asked for: that is still less than somebody wrote.
    expected = 401 if protection is Protection.DECLARED or register is _both_sides else 200
    assert status == expected


def test_under_allow_what_says_nothing_is_open() -> None:
    app = _bare()
    app.add_url_rule("/", "index", view)
    app.add_url_rule("/me", "me", authenticated(lambda: "me"))
    _guarded(app, default="allow")
    assert _told(app) == {
        ("GET", "/"): (Protection.UNPROTECTED, ()),
        ("GET", "/me"): (Protection.DECLARED, ()),
    }
    assert [route.path for route in routes_of(app) if route.is_open] == ["/"]


def test_methods_that_flask_adds_are_left_out_and_those_that_somebody_wrote_are_not() -> None:
    class WithHead(MethodView):
        def get(self) -> str:
            return ""

        @public
        def head(self) -> str:
            return ""

        def options(self) -> str:
            return ""

    app = _bare()
    app.add_url_rule("/plain", "plain", view)
    app.add_url_rule("/options", "options", view, methods=["OPTIONS"])
    app.add_url_rule("/head", "head", view, methods=["HEAD"])
    app.add_url_rule("/class", view_func=WithHead.as_view("class"))
    _guarded(app)
    assert {key: protection for key, (protection, _) in _told(app).items()} == {
        ("GET", "/plain"): Protection.DEFAULT,
        ("OPTIONS", "/options"): Protection.DEFAULT,
        ("HEAD", "/head"): Protection.DEFAULT,
        ("GET", "/class"): Protection.DEFAULT,
        ("HEAD", "/class"): Protection.PUBLIC,
        ("OPTIONS", "/class"): Protection.DEFAULT,
    }
    assert ask(app, "/class", method="HEAD").status_code == 200
    assert ask(app, "/class", method="GET").status_code == 401


def test_a_rule_for_any_method_one_that_redirects_and_one_that_is_never_matched() -> None:
    app = _bare()
    app.add_url_rule("/new", "new", public(_view()))
    app.url_map.add(Rule("/any", endpoint="new"))
    app.url_map.add(Rule("/old", endpoint="new", redirect_to="/new", methods=["GET"]))
    app.url_map.add(Rule("/built", endpoint="new", build_only=True))
    app.url_map.add(Rule("/socket", endpoint="new", websocket=True))
    _guarded(app)
    routes = {(route.method, route.path): route for route in routes_of(app)}
    assert sorted(path for _, path in routes) == ["/any"] * 5 + ["/new", "/old"]
    redirecting = routes["GET", "/old"]
    assert (redirecting.protection, redirecting.in_document) == (Protection.DEFAULT, False)
    assert ask(app, "/old").status_code == 401
    assert ask(app, "/any").status_code == 200


def test_static_files_the_docs_page_and_the_token_service_stay_out_of_documents(tmp_path: Path) -> None:
    app = Flask("shop", static_folder=tmp_path, static_url_path="/static")
    app.register_blueprint(Blueprint("shop", __name__, static_folder=tmp_path, static_url_path="/pictures"))
    app.register_blueprint(docs_blueprint(DocsPage("openapi.json"), public=True))
    service = TokenService(issuer="https://shop.example/auth", audience="orders", stores=MemoryStores())
    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    app.add_url_rule("/", "static.index", view)
    _guarded(app, public=["/static/*"])
    routes = {route.path: route for route in routes_of(app)}
    assert routes["/static/{filename}"].protection is Protection.PUBLIC
    assert routes["/pictures/{filename}"].protection is Protection.DEFAULT
    assert routes["/docs/{path}"].protection is Protection.PUBLIC
    assert routes["/auth/token"].requirement == OWN_CREDENTIALS
    assert [path for path, route in routes.items() if route.in_document] == ["/"]


def _elsewhere(environ: Environ, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])
    return [b"elsewhere"]


def _marked(environ: Environ, start_response: StartResponse) -> list[bytes]:
    return _elsewhere(environ, start_response)


_asking = requires_scopes("orders:write")(_marked)


def _mounts(app: Flask) -> dict[str, tuple[Protection, Requirement]]:
    routes = routes_of(app)
    assert all(not route.in_document and not route.method for route in routes)
    return {route.path: (route.protection, route.requirement) for route in routes if route.kind is Kind.MOUNT}


def _mount(app: Flask, **mounts: Any) -> None:
    below = {f"/{path}": mounted for path, mounted in mounts.items()}
    setattr(app, "wsgi_app", DispatcherMiddleware(app.wsgi_app, below))  # noqa: B010 - Flask's way


def test_what_was_mounted_before_the_guard_is_behind_it() -> None:
    app = _bare()
    _mount(app, admin=_elsewhere, open=_elsewhere, marked=_marked, asking=_asking)
    setattr(app, "wsgi_app", ProxyFix(app.wsgi_app))  # noqa: B010 - Flask's way
    _guarded(app, public=["/open/*"])
    assert _mounts(app) == {
        "/admin/*": (Protection.DEFAULT, AUTHENTICATED),
        "/open/*": (Protection.PUBLIC, PUBLIC),
        "/marked/*": (Protection.MISPLACED, Requirement.all_of("orders:write")),
        "/asking/*": (Protection.DECLARED, Requirement.all_of("orders:write")),
    }
    statuses = {path: ask(app, path, as_="reader").status_code for path in ("/admin/x", "/marked/x", "/asking/x")}
    assert statuses == {"/admin/x": 200, "/marked/x": 200, "/asking/x": 403}
    assert (ask(app, "/admin/x").status_code, ask(app, "/open/x").status_code) == (401, 200)


def test_what_was_mounted_after_the_guard_is_in_front_of_it() -> None:
    app = _guarded(_bare())
    own = _guarded(_bare())
    middleware = AuthMiddleware(_elsewhere, shop_auth(), public=["/*"])
    _mount(app, admin=_elsewhere, own=own, middleware=middleware, bare=_bare())
    assert _mounts(app) == {
        "/admin/*": (Protection.UNPROTECTED, PUBLIC),
        "/own/*": (Protection.DEFAULT, AUTHENTICATED),
        "/middleware/*": (Protection.PUBLIC, PUBLIC),
        "/bare/*": (Protection.UNPROTECTED, PUBLIC),
    }
    client = Client(app)
    statuses = {path: client.get(path).status_code for path in ("/admin/x", "/own/x", "/middleware/x", "/bare/x")}
    assert statuses == {"/admin/x": 200, "/own/x": 401, "/middleware/x": 200, "/bare/x": 404}


def test_a_mount_of_an_application_that_nobody_guards_is_open() -> None:
    app = _bare()
    _mount(app, admin=_elsewhere, marked=_marked, asking=_asking)
    needed = Requirement.all_of("orders:write")
    assert _mounts(app) == {
        "/admin/*": (Protection.UNPROTECTED, PUBLIC),
        "/marked/*": (Protection.MISPLACED, needed),
        "/asking/*": (Protection.DECLARED, needed),
    }
    assert Client(app).get("/marked/x").status_code == 200


class Custom(BaseConverter):
    regex = "[a-f]+"


class Hexadecimal(IntegerConverter):
    regex = "[0-9a-f]+"


@pytest.mark.parametrize(
    "placeholder, schema",
    [
        ("name", {"type": "string", "minLength": 1}),
        ("string(minlength=2, maxlength=4):name", {"type": "string", "minLength": 2, "maxLength": 4}),
        ("string(length=2):name", {"type": "string", "minLength": 2, "maxLength": 2}),
        ("int:name", {"type": "integer", "minimum": 0}),
        ("int(min=1, max=9):name", {"type": "integer", "minimum": 1, "maximum": 9}),
        ("int(signed=True):name", {"type": "integer"}),
        ("int(signed=True, max=9):name", {"type": "integer", "maximum": 9}),
        ("int(fixed_digits=4):name", {"type": "string", "pattern": "^[0-9]+$", "minLength": 4, "maxLength": 4}),
        ("float:name", {"type": "number", "minimum": 0}),
        ("float(max=1.5):name", {"type": "number", "minimum": 0, "maximum": 1.5}),
        ("uuid:name", {"type": "string", "format": "uuid"}),
        ("any(tea, cake, 'a,b>'):name", {"type": "string", "enum": ["a,b>", "cake", "tea"]}),
        ("custom:name", {"type": "string"}),
        ("hexadecimal:name", {"type": "string"}),
    ],
)
def test_a_converter_describes_its_parameter(placeholder: str, schema: dict[str, Any]) -> None:
    app = _bare()
    app.url_map.converters.update(custom=Custom, hexadecimal=Hexadecimal)
    app.add_url_rule(f"/orders/<{placeholder}>/lines", "lines", view)
    route = _route(app, "GET", "/orders/{name}/lines")
    assert route.parameters == ({"name": "name", "in": "path", "required": True, "schema": schema},)


def test_a_path_is_told_to_have_slashes() -> None:
    app = _bare()
    app.add_url_rule("/files/<path:name>", "files", view)
    (parameter,) = _route(app, "GET", "/files/{name}").parameters
    assert parameter["schema"] == {"type": "string", "minLength": 1}
    assert "slashes" in parameter["description"]


def test_what_is_not_in_the_path_is_no_parameter() -> None:
    app = Flask("shop", static_folder=None, host_matching=True)
    app.add_url_rule("/<a>/<int:b>-<c>", "order", view, defaults={"d": 1}, host="<tenant>.shop.example")
    (route,) = routes_of(app)
    assert (route.path, [each["name"] for each in route.parameters]) == ("/{a}/{b}-{c}", ["a", "b", "c"])


def test_the_place_is_that_of_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def orders() -> str:
        return "orders"

    monkeypatch.chdir(Path(__file__).parent)
    app = _bare()
    asking = requires_scopes("orders:read")(orders)
    app.add_url_rule("/plain", "plain", asking)
    app.add_url_rule("/partial", "partial", partial(orders))
    app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
    line = orders.__code__.co_firstlineno
    assert _route(app, "GET", "/plain").place == f"{Path(__file__).name}:{line}"
    assert _route(app, "GET", "/partial").place == f"{Path(__file__).name}:{line}"
    written = Orders.delete.__code__.co_firstlineno
    assert _route(app, "DELETE", "/orders").place == f"{Path(__file__).name}:{written}"
