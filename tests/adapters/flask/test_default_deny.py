"""Default deny in Flask: what nobody decorated, what nobody routed, and what stands beside the views."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from authmw_flask import FlaskAuth, authenticated, public, requires_scopes
from flask import Flask, Response, request
from flask.views import MethodView
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from authmw import ConfigurationError
from authmw.engine.guard import Preflights
from authmw.http.request import Environ
from authmw.http.response import StartResponse
from tests.adapters.flask.shop import NO_CREDENTIALS, ask, challenge, shop_auth

PREFLIGHT = {"Origin": "https://app.example", "Access_Control_Request_Method": "GET"}


def _views(app: Flask) -> Flask:
    app.add_url_rule("/undecorated", view_func=lambda: "undecorated", endpoint="undecorated")
    app.add_url_rule("/public", view_func=public(lambda: "public"), endpoint="public")
    app.add_url_rule("/directory/", view_func=public(lambda: "directory"), endpoint="directory")
    return app


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    (tmp_path / "logo.svg").write_text("<svg/>")
    app = _views(Flask("shop", static_folder=tmp_path, static_url_path="/static"))
    FlaskAuth(app, shop_auth())
    return app


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/undecorated"),
        ("HEAD", "/undecorated"),
        ("GET", "/static/logo.svg"),
        ("GET", "/nowhere"),
        ("POST", "/public"),
        ("TRACE", "/public"),
        ("BREW", "/public"),
        ("GET", "/directory"),
        ("GET", "//public"),
        ("GET", "/public/../undecorated"),
        ("OPTIONS", "/undecorated"),
    ],
)
def test_path_3_without_credentials_there_is_a_401_and_nothing_else(app: Flask, method: str, path: str) -> None:
    refused = ask(app, path, method=method)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, NO_CREDENTIALS)


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/undecorated", 200),
        ("GET", "/static/logo.svg", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/public", 405),
        ("GET", "/directory", 308),
        ("OPTIONS", "/undecorated", 200),
    ],
)
def test_whoever_is_authenticated_gets_flasks_own_answer(app: Flask, method: str, path: str, status: int) -> None:
    assert ask(app, path, method=method, as_="nobody-special").status_code == status


@pytest.mark.skipif("TRUSTED_HOSTS" not in Flask.default_config, reason="this Flask refuses no hosts")
def test_a_refused_host_is_a_401_before_it_is_a_400(app: Flask) -> None:
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    assert ask(app, "/public", Host="evil.example").status_code == 401


def test_a_converter_that_fails_denies() -> None:
    from werkzeug.routing import BaseConverter

    class Broken(BaseConverter):
        def to_python(self, value: str) -> str:
            raise LookupError(value)

    app = Flask("shop")
    app.url_map.converters["broken"] = Broken
    app.add_url_rule("/<broken:page>", view_func=public(_page), endpoint="page")
    FlaskAuth(app, shop_auth())
    assert ask(app, "/x").status_code == 401


def test_static_files_can_be_made_public(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg/>")
    app = Flask("shop", static_folder=tmp_path, static_url_path="/static")
    FlaskAuth(app, shop_auth(), public=["GET /static/*"])
    assert ask(app, "/static/logo.svg").text == "<svg/>"
    assert ask(app, "/static/none.svg").status_code == 404


def test_a_public_path_does_not_undo_what_its_view_asks_for() -> None:
    app = Flask("shop")
    app.add_url_rule("/orders", view_func=requires_scopes("orders:read")(lambda: "orders"), endpoint="orders")
    app.add_url_rule("/health", view_func=lambda: "ok", endpoint="health")
    FlaskAuth(app, shop_auth(), public=["/*"])
    assert ask(app, "/health").status_code == 200
    assert ask(app, "/orders").headers["WWW-Authenticate"] == challenge("orders:read")


def test_head_of_a_public_view_is_public(app: Flask) -> None:
    answer = ask(app, "/public", method="HEAD")
    assert (answer.status_code, answer.data) == (200, b"")


class TestPreflights:
    def test_class_23_a_preflight_is_answered_in_front_with_the_headers_of_the_application(self, app: Flask) -> None:
        ran: list[str] = []
        app.before_request(lambda: ran.append("before"))
        app.after_request(_allow_origin)
        answers = [
            ask(app, path, method="OPTIONS", **{**PREFLIGHT, "Access_Control_Request_Method": method})
            for path in ("/undecorated", "/public", "/directory", "/nowhere", "//", "/static/logo.svg")
            for method in ("GET", "POST", "BREW")
        ]
        assert {(answer.status_code, answer.data, tuple(answer.headers)) for answer in answers} == {
            (204, b"", (("Vary", "Authorization"), ("Access-Control-Allow-Origin", "https://app.example")))
        }
        assert ran == []

    def test_class_23_a_preflight_reaches_a_public_view_that_handles_options_itself(self) -> None:
        app = Flask("shop")

        @app.route("/open", methods=["GET", "OPTIONS"])
        @public
        def view() -> str:
            return "for anybody"

        FlaskAuth(app, shop_auth())
        assert ask(app, "/open", method="OPTIONS", **PREFLIGHT).text == "for anybody"

    def test_a_preflight_that_is_handed_on_may_be_answered_by_the_application_before_its_view(self) -> None:
        app = _views(Flask("shop"))
        FlaskAuth(app, shop_auth(), preflights="application")

        @app.before_request
        def answer() -> Response | None:
            return Response(headers={"Access-Control-Max-Age": "7"}) if request.method == "OPTIONS" else None

        answered = ask(app, "/undecorated", method="OPTIONS", **PREFLIGHT)
        assert (answered.status_code, answered.headers["Access-Control-Max-Age"]) == (200, "7")

    def test_who_answers_preflights_may_stand_in_the_configuration(self) -> None:
        app = _views(Flask("shop"))
        app.config["AUTHMW_PREFLIGHTS"] = "application"
        FlaskAuth(app, shop_auth())
        assert ask(app, "/undecorated", method="OPTIONS", **PREFLIGHT).headers["Allow"]
        app = Flask("shop")
        app.config["AUTHMW_PREFLIGHTS"] = "nobody"
        with pytest.raises(ConfigurationError, match='preflights=\'nobody\' has to be "guard" or "application"'):
            FlaskAuth(app, shop_auth())

    @pytest.mark.parametrize("missing", PREFLIGHT)
    def test_class_23_an_options_request_that_is_no_preflight_is_refused(self, app: Flask, missing: str) -> None:
        headers = {name: value for name, value in PREFLIGHT.items() if name != missing}
        assert ask(app, "/undecorated", method="OPTIONS", **headers).status_code == 401

    @pytest.mark.parametrize("preflights, status", [("guard", 204), ("application", 200)])
    def test_class_23_a_view_that_handles_options_itself_is_not_entered_by_a_preflight(
        self, preflights: Preflights, status: int
    ) -> None:
        app, entered = Flask("shop"), list[str]()

        @app.route("/function", methods=["GET", "OPTIONS"])
        def function() -> str:
            entered.append("function")
            return "secret"

        class Methods(MethodView):
            def options(self) -> str:
                entered.append("method")
                return "secret"

        class Guarded(MethodView):
            @authenticated
            def options(self) -> str:
                entered.append("guarded")
                return "secret"

        app.add_url_rule("/method", view_func=Methods.as_view("method"))
        app.add_url_rule("/guarded", view_func=Guarded.as_view("guarded"))
        FlaskAuth(app, shop_auth(), preflights=preflights)
        app.after_request(_allow_origin)
        for path in ("/function", "/method", "/guarded"):
            answer = ask(app, path, method="OPTIONS", **PREFLIGHT)
            assert (answer.status_code, answer.data) == (status, b""), path
            assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert entered == []
        assert ask(app, "/method", method="OPTIONS", as_="reader", **PREFLIGHT).text == "secret"

    def test_class_23_a_preflight_with_a_bad_token_is_refused(self, app: Flask) -> None:
        assert ask(app, "/undecorated", method="OPTIONS", as_="forged", **PREFLIGHT).status_code == 401

    @pytest.mark.parametrize("public", [["/undecorated"], ["OPTIONS /undecorated"]])
    def test_a_preflight_passes_where_options_is_named_public(self, public: list[str]) -> None:
        app = _views(Flask("shop"))
        FlaskAuth(app, shop_auth(), public=public)
        assert ask(app, "/undecorated", method="OPTIONS", **PREFLIGHT).headers["Allow"]
        assert "Allow" not in ask(app, "/public", method="OPTIONS", **PREFLIGHT).headers


class TestMounts:
    def test_an_application_mounted_before_stays_denied(self) -> None:
        app = _views(Flask("shop"))
        setattr(app, "wsgi_app", DispatcherMiddleware(app.wsgi_app, {"/admin": _admin}))  # noqa: B010 - Flask's way
        FlaskAuth(app, shop_auth())
        assert ask(app, "/admin/users").status_code == 401
        assert ask(app, "/admin/users", as_="reader").text == "admin"
        assert ask(app, "/public").text == "public"

    @pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/users"])
    def test_a_public_view_for_every_path_does_not_open_a_mount(self, path: str) -> None:
        app = Flask("shop")
        app.add_url_rule("/<path:page>", view_func=public(_page), endpoint="page")
        mounted = DispatcherMiddleware(app.wsgi_app, {"/admin": _admin})
        setattr(app, "wsgi_app", ProxyFix(mounted))  # noqa: B010 - Flask's way
        FlaskAuth(app, shop_auth())
        assert ask(app, path).status_code == 401
        assert ask(app, "/administration").text == "administration"

    def test_a_flask_application_below_another_prefix_resolves_its_own_routes(self) -> None:
        app = _views(Flask("shop"))
        FlaskAuth(app, shop_auth())
        client = Client(DispatcherMiddleware(_admin, {"/shop": app}))
        assert client.get("/shop/public").text == "public"
        assert client.get("/shop/undecorated").status_code == 401


class TestWithoutTheMiddleware:
    """Defence in depth: somebody replaced ``app.wsgi_app`` by what it was before."""

    @pytest.fixture
    def bypassed(self) -> Flask:
        app = _views(Flask("shop"))
        app.add_url_rule("/orders", view_func=requires_scopes("orders:read")(lambda: "orders"), endpoint="orders")
        original = app.wsgi_app
        FlaskAuth(app, shop_auth(), public=["/nowhere"])
        setattr(app, "wsgi_app", original)  # noqa: B010 - what the tests are about
        return app

    @pytest.mark.parametrize("path", ["/undecorated", "/orders", "/elsewhere", "/directory"])
    def test_the_guard_alone_still_denies(self, bypassed: Flask, path: str) -> None:
        for who in ("", "writer"):
            refused = ask(bypassed, path, as_=who)
            assert (refused.status_code, refused.headers["WWW-Authenticate"][:6]) == (401, "Bearer")

    def test_the_guard_alone_lets_public_views_and_paths_pass(self, bypassed: Flask) -> None:
        assert ask(bypassed, "/public").text == "public"
        assert ask(bypassed, "/nowhere").status_code == 404


def test_a_middleware_that_changes_the_path_or_method_does_not_change_what_is_guarded() -> None:
    app = _views(Flask("shop"))
    inner = app.wsgi_app

    def rewrite(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ.get("HTTP_X_REWRITE", environ["PATH_INFO"])
        return inner(environ, start_response)

    setattr(app, "wsgi_app", rewrite)  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth())
    assert ask(app, "/public", X_Rewrite="/undecorated").status_code == 401
    assert ask(app, "/public", X_Rewrite="/public").status_code == 200


def _page(page: str) -> str:
    return page


def _admin(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return Response("admin")(environ, start_response)


def _allow_origin(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
    return response
