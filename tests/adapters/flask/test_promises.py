"""Strangers who are let in for a public view: what else answers inside of Flask's layers gives them a 401."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from authmw_flask import FlaskAuth, public
from flask import Flask, abort, redirect, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.test import TestResponse

from authmw.engine.decorators import own_credentials
from authmw.http.request import Environ
from authmw.http.response import StartResponse, WSGIApp
from tests.adapters.flask.shop import NO_CREDENTIALS, ask, shop_auth

Layer = Callable[[WSGIApp], WSGIApp]
SECRET = [("Content-Type", "text/plain"), ("X-Secret", "s3cret"), ("Set-Cookie", "s3cret"), ("Link", "</s3cret>")]


def _catch_all(layer: Layer | None = None) -> tuple[Flask, list[str]]:
    """An application with a public view for each path and a closed one, and the names of what ran."""
    app, ran = Flask("shop", static_folder=None), list[str]()

    @app.route("/<path:page>", methods=["GET", "POST"])
    @public
    def page(page: str) -> str:
        ran.append("page")
        return page

    @app.get("/closed")
    def closed() -> str:
        ran.append("closed")
        return "closed"

    if layer is not None:
        setattr(app, "wsgi_app", layer(app.wsgi_app))  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth())
    return app, ran


def _named(page: str) -> str:
    return page


def _other_named(page: str) -> str:
    return page


def _is_refusal(answer: TestResponse) -> bool:
    challenged = answer.headers.get("WWW-Authenticate") == NO_CREDENTIALS
    return answer.status_code == 401 and challenged and "s3cret" not in str(answer.headers) + answer.text


def _listed(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", SECRET)
    return [b"s3cret"]


def _generated(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", SECRET)
    yield b"s3cret"
    yield b"s3cret"


def _written(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", SECRET)(b"s3cret")
    return []


def _redirecting(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("302 Found", [*SECRET, ("Location", "/s3cret")])
    return []


def _refusing(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", SECRET)
    return [b"s3cret"]


def _started_twice(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", SECRET)
    start_response("200 OK", SECRET)
    return [b"s3cret"]


@pytest.mark.parametrize("served", [_listed, _generated, _written, _redirecting, _refusing, _started_twice])
@pytest.mark.parametrize("kind", ["closure", "dispatcher in a closure"])
def test_what_a_layer_inside_answers_is_not_opened_by_a_public_view(served: WSGIApp, kind: str) -> None:
    def closure(inner: WSGIApp) -> WSGIApp:
        def layer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            hit = environ["PATH_INFO"].startswith("/files/")
            return (served if hit else inner)(environ, start_response)

        return layer

    def hidden(inner: WSGIApp) -> WSGIApp:
        mounted = DispatcherMiddleware(inner, {"/files": served})

        def layer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            yield from mounted(environ, start_response)

        return layer

    app, ran = _catch_all(closure if kind == "closure" else hidden)
    assert _is_refusal(ask(app, "/files/report"))
    assert _is_refusal(ask(app, "/files/report", method="POST"))
    assert ask(app, "/files/report", method="HEAD").status_code == 401
    assert ask(app, "/page").text == "page"
    assert ask(app, "/files/report", as_="reader").status_code != 401
    assert ran == ["page"]


def test_files_that_a_layer_inside_serves_are_not_opened_by_a_public_view(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("s3cret")
    app, _ = _catch_all(lambda inner: SharedDataMiddleware(inner, {"/files": str(tmp_path)}))
    assert _is_refusal(ask(app, "/files/report.txt"))
    assert ask(app, "/files/report.txt", as_="reader").text == "s3cret"
    assert ask(app, "/files/none.txt").text == "files/none.txt"


def test_what_a_layer_answers_to_strangers_is_named_by_public_paths(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg/>")
    app = Flask("shop", static_folder=None)

    @app.get("/<path:page>")
    @public
    def page(page: str) -> str:
        return page

    setattr(app, "wsgi_app", SharedDataMiddleware(app.wsgi_app, {"/files": str(tmp_path)}))  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth(), public=["/files/*"])
    assert ask(app, "/files/logo.svg").text == "<svg/>"


def test_headers_for_cors_stay_on_the_refusal_that_replaces_an_answer() -> None:
    def layer(_: WSGIApp) -> WSGIApp:
        def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [*SECRET, ("Access-Control-Allow-Origin", "*")])
            return [b"s3cret"]

        return answer

    answer = ask(_catch_all(layer)[0], "/x")
    assert _is_refusal(answer)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("copies", [True, False])
@pytest.mark.parametrize(
    "changed, method, status",
    [
        ({"PATH_INFO": "/closed"}, "GET", 401),
        ({"PATH_INFO": "/other"}, "GET", 200),
        ({"REQUEST_METHOD": "DELETE"}, "GET", 401),
        ({"REQUEST_METHOD": "POST"}, "GET", 200),
        ({"PATH_INFO": "/class", "REQUEST_METHOD": "POST"}, "GET", 401),
    ],
)
def test_a_layer_that_changes_what_is_routed_reaches_public_views_alone(
    changed: Environ, method: str, status: int, copies: bool
) -> None:
    def rewriting(inner: WSGIApp) -> WSGIApp:
        def layer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            if copies:
                return inner({**environ, **changed}, start_response)
            environ.update(changed)
            return inner(environ, start_response)

        return layer

    app, ran = _catch_all(rewriting)

    class View(MethodView):
        @public
        def get(self) -> str:
            return "open"

        def post(self) -> str:
            ran.append("post")
            return "closed"

    app.add_url_rule("/class", view_func=View.as_view("class"))
    assert ask(app, "/x", method=method).status_code == status
    assert ran == ([] if status == 401 else ["page"])


@pytest.mark.parametrize(
    "answer, status",
    [
        (lambda: "s3cret", 401),
        (lambda: ("s3cret", 206), 401),
        (lambda: ("", 304), 401),
        (lambda: redirect("https://shop.example/"), 302),
        (lambda: abort(429), 429),
        (lambda: ("closed for repair", 503), 503),
    ],
    ids=["content", "part", "not modified", "redirect", "abort", "error"],
)
def test_a_function_before_the_request_may_refuse_or_redirect_and_not_serve(
    answer: Callable[[], ResponseReturnValue], status: int
) -> None:
    app, ran = _catch_all()
    app.before_request(lambda: answer() if request.path == "/early" else None)
    assert ask(app, "/early").status_code == status
    assert ask(app, "/early", as_="reader").status_code != 401
    assert ask(app, "/late").status_code == 200
    assert ran == ["page"]


def test_a_public_view_may_answer_everything() -> None:
    app, _ = _catch_all()

    @app.get("/teapot")
    @public
    def teapot() -> ResponseReturnValue:
        abort(418)

    @app.get("/stream")
    @public
    def stream() -> ResponseReturnValue:
        return iter([b"a", b"b"]), 200

    @app.get("/broken")
    @public
    def broken() -> ResponseReturnValue:
        raise LookupError

    assert [ask(app, path).status_code for path in ("/teapot", "/stream", "/broken")] == [418, 200, 500]


def test_the_token_endpoint_does_not_open_what_a_layer_inside_reaches_in_its_place() -> None:
    app, ran = Flask("shop"), list[str]()

    def token() -> str:
        return "token"

    def closed() -> str:
        ran.append("closed")
        return "closed"

    app.add_url_rule("/token", view_func=own_credentials(token), methods=["POST"])
    app.add_url_rule("/closed", view_func=closed, methods=["POST"])
    inner = app.wsgi_app

    def layer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ.get("HTTP_X_REWRITE", environ["PATH_INFO"])
        return (_listed if environ["PATH_INFO"] == "/served" else inner)(environ, start_response)

    setattr(app, "wsgi_app", layer)  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth())
    assert ask(app, "/token", method="POST").text == "token"
    assert ask(app, "/token", method="POST", X_Rewrite="/closed").status_code == 401
    assert _is_refusal(ask(app, "/token", method="POST", X_Rewrite="/served"))
    assert ran == []


@pytest.mark.parametrize("copies", [True, False])
def test_a_layer_leads_nobody_from_a_public_path_to_a_closed_view(copies: bool) -> None:
    app, ran = Flask("shop", static_folder=None), list[str]()

    @app.route("/<path:page>", methods=["GET", "POST"])
    def page(page: str) -> str:
        ran.append(f"{request.method} {page}")
        return page

    inner = app.wsgi_app

    def layer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        changed = dict(part.split("=") for part in environ.get("HTTP_X_REWRITE", "").split() if part)
        if copies:
            return inner({**environ, **changed}, start_response)
        environ.update(changed)
        return inner(environ, start_response)

    setattr(app, "wsgi_app", layer)  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth(), public=["GET /health", "/open/*"])
    assert ask(app, "/health").text == "health"
    assert ask(app, "/health", X_Rewrite="PATH_INFO=/closed").status_code == 401
    assert ask(app, "/health", X_Rewrite="REQUEST_METHOD=POST").status_code == 401
    assert ask(app, "/health", X_Rewrite="PATH_INFO=/open/x").text == "open/x"
    assert ask(app, "/open/x", X_Rewrite="SCRIPT_NAME=/open PATH_INFO=/x").text == "x"
    assert ask(app, "/open/x", X_Rewrite="SCRIPT_NAME=/closed PATH_INFO=/x").status_code == 401
    assert ran == ["GET health", "GET open/x", "GET x"]


def _behind_a_proxy(app: WSGIApp) -> WSGIApp:
    """A well-known layer: the prefix that a header names goes from the path to ``SCRIPT_NAME``."""

    def layer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        prefix = environ.get("HTTP_X_SCRIPT_NAME", "")
        environ["SCRIPT_NAME"] = prefix
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(prefix)
        return app(environ, start_response)

    return layer


def test_a_prefix_that_a_client_names_does_not_lead_from_a_public_path_to_a_closed_view() -> None:
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/<path:page>", view_func=_named)
    setattr(app, "wsgi_app", _behind_a_proxy(app.wsgi_app))  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth(), public=["/static/*"])
    assert ask(app, "/static/a").text == "static/a"
    assert ask(app, "/static/a", X_Script_Name="/shop").text == "static/a"
    assert ask(app, "/static/static/a", X_Script_Name="/static").text == "static/a"
    for prefix in ("/static", "/stat"):
        assert _is_refusal(ask(app, "/static/admin", X_Script_Name=prefix))


def test_public_paths_stay_open_where_a_layer_inside_is_told_of_a_prefix() -> None:
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/<path:page>", view_func=_named)
    setattr(app, "wsgi_app", ProxyFix(app.wsgi_app, x_prefix=1))  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth(), public=["/health", "/static/*"])
    for prefix in ("/shop", "/health", "/static"):
        for path in ("/health", "/static/a"):
            assert ask(app, path, X_Forwarded_Prefix=prefix).text == path[1:]
        assert _is_refusal(ask(app, "/closed", X_Forwarded_Prefix=prefix))


@pytest.mark.parametrize("declared", [True, False])
def test_a_public_view_does_not_open_another_application_that_has_a_guard_of_its_own(declared: bool) -> None:
    other = Flask("other", static_folder=None)
    other.add_url_rule("/<path:page>", view_func=public(_named) if declared else _other_named)
    FlaskAuth(other, shop_auth(), default="allow")

    def mounting(app: WSGIApp) -> WSGIApp:

        def layer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            return (other if environ["PATH_INFO"] == "/other" else app)(environ, start_response)

        return layer

    app, _ = _catch_all(mounting)
    assert ask(app, "/page").text == "page"
    assert _is_refusal(ask(app, "/other"))


def test_what_another_extension_puts_in_front_of_views_still_runs() -> None:
    app, ran = Flask("shop", static_folder=None), list[str]()
    app.add_url_rule("/open", view_func=public(lambda: "open"), endpoint="open")
    original = app.dispatch_request

    def dispatch_request() -> ResponseReturnValue:
        ran.append("dispatch")
        return original()

    setattr(app, "dispatch_request", dispatch_request)  # noqa: B010 - as extensions do
    FlaskAuth(app, shop_auth())
    assert (ask(app, "/open").text, ran) == ("open", ["dispatch"])


def test_where_everybody_is_let_in_layers_may_answer() -> None:
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/token", view_func=own_credentials(lambda: "token"), methods=["POST"], endpoint="token")
    app.add_url_rule("/open", view_func=public(lambda: "open"), endpoint="open")
    setattr(app, "wsgi_app", _listed)  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth(), default="allow")
    assert ask(app, "/token", method="POST").text == "s3cret"
    assert ask(app, "/open").text == "s3cret"
