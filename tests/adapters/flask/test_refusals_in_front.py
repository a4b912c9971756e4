"""A refusal that is made in front of Flask gets the headers that the application adds to each response, and no more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from authmw_flask import FlaskAuth, current_principal
from flask import Flask, Request, Response, abort, g, has_request_context, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.routing import BaseConverter

from authmw.http.request import Environ
from tests.adapters.flask.shop import ask, shop_auth


def _app(**options: Any) -> Flask:
    app = Flask("shop")
    app.add_url_rule("/", view_func=lambda: "tea", endpoint="tea")
    FlaskAuth(app, shop_auth(), **options)
    return app


def _named(response: Response) -> Response:
    response.headers["X-Request-Id"] = "r1"
    return response


FRONT = [("", 401), ("forged", 401), ("a, Bearer b", 400)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("who, status", FRONT)
@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_functions_after_each_request_run_on_it(path: str, who: str, status: int, method: str) -> None:
    app, bare = _app(), _app()
    app.after_request(_named)
    answer, without = ask(app, path, as_=who, method=method), ask(bare, path, as_=who, method=method)
    assert answer.status_code == status
    assert answer.headers.pop("X-Request-Id") == "r1"
    assert (list(answer.headers), answer.data) == (list(without.headers), without.data)


def test_nothing_else_of_the_application_runs() -> None:
    ran: list[str] = []

    def layer(inner: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def wsgi(environ: Environ, start_response: Any) -> Iterable[bytes]:
            ran.append("layer")
            return inner(environ, start_response)

        return wsgi

    class Converter(BaseConverter):
        def to_python(self, value: str) -> str:
            ran.append("routing")
            return value

    app = Flask("shop")
    app.url_map.converters["number"] = Converter

    @app.get("/<number:one>")
    def tea(one: str) -> str:
        ran.append("view")
        return one

    app.wsgi_app = layer(app.wsgi_app)  # type: ignore[method-assign]
    FlaskAuth(app, shop_auth(), default="allow")
    app.before_request(lambda: ran.append("before"))
    app.after_request(_named)
    assert ask(app, "/1", as_="forged").status_code == 401
    assert ran == []
    assert ask(app, "/1", as_="reader").status_code == 200
    assert ran == ["layer", "routing", "before", "view"]


PREFLIGHT = {"Origin": "https://a.example", "Access-Control-Request-Method": "DELETE"}


@pytest.mark.parametrize("method, headers, status", [("GET", {}, 401), ("OPTIONS", PREFLIGHT, 204)])
def test_before_a_stranger_only_what_finds_the_route_and_makes_a_response_runs(
    method: str, headers: dict[str, str], status: int
) -> None:
    ran: list[str] = []

    class Converter(BaseConverter):
        def to_python(self, value: str) -> str:
            ran.append("converter")
            return value

    class Sessions(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
            ran.append("session")
            return super().open_session(app, request)

    app = Flask("shop")
    app.session_interface = Sessions()
    app.url_map.converters["number"] = Converter

    @app.route("/<number:one>", methods=["GET", "OPTIONS"])
    def tea(one: str) -> str:
        ran.append("view")
        return one

    @app.url_value_preprocessor
    def values(endpoint: str | None, found: dict[str, Any] | None) -> None:
        ran.append("values")

    @app.teardown_request
    def down(error: BaseException | None) -> None:
        ran.append("teardown")

    app.before_request(lambda: ran.append("before"))
    FlaskAuth(app, shop_auth())
    assert app.test_client().open("/1", method=method, headers=headers).status_code == status
    assert ran == ["converter"]
    ran.clear()
    app.after_request(_named)
    assert app.test_client().open("/1", method=method, headers=headers).status_code == status
    assert ran == ["converter", "session", "teardown"]


def test_they_see_the_request_and_nobody_calling() -> None:
    seen: list[object] = []
    app = _app()

    @app.after_request
    def look(response: Response) -> Response:
        seen.append((request.path, request.endpoint, request.remote_user, current_principal.is_authenticated))
        seen.append(request.environ["authmw.principal"].is_authenticated)
        g.seen = "seen"
        return response

    @app.teardown_request
    def down(error: BaseException | None) -> None:
        seen.append((g.seen, error))

    app.test_client().get("/", environ_overrides={"REMOTE_USER": "root"})
    assert seen == [("/", None, None, False), False, ("seen", None)]
    assert not has_request_context()


def test_they_may_use_the_session() -> None:
    app = _app()
    app.secret_key = "secret"

    @app.after_request
    def count(response: Response) -> Response:
        session["refused"] = session.get("refused", 0) + 1
        response.headers["X-Refused"] = str(session["refused"])
        return response

    client = app.test_client()
    assert [client.get("/").headers["X-Refused"] for _ in range(2)] == ["1", "2"]


def _fails(response: Response) -> Response:
    raise LookupError("a bug")


def _aborts(response: Response) -> Response:
    abort(404)


def _answers_nothing(response: Response) -> Response:
    return None  # type: ignore[return-value]


def _answers_something_else(response: Response) -> Response:
    return "ok"  # type: ignore[return-value]


@pytest.mark.parametrize("function", [_fails, _aborts, _answers_nothing, _answers_something_else])
@pytest.mark.parametrize("testing", [False, True])
def test_one_that_fails_makes_no_other_answer_of_it(
    function: Callable[[Response], Response], testing: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app, bare = _app(), _app()
    app.testing = testing
    app.after_request(function)
    with caplog.at_level(logging.ERROR):
        answer, without = ask(app, "/"), ask(bare, "/")
    assert (answer.status, list(answer.headers), answer.data) == (without.status, list(without.headers), without.data)
    assert [record.name for record in caplog.records] == ["shop"]
    assert not has_request_context()


def test_a_session_that_cannot_be_opened_makes_no_other_answer_of_it(caplog: pytest.LogCaptureFixture) -> None:
    from flask.sessions import SecureCookieSessionInterface

    class Broken(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Any) -> Any:
            raise OSError("the store is down")

    app = _app()
    app.session_interface = Broken()
    app.after_request(_named)
    with caplog.at_level(logging.ERROR):
        assert ask(app, "/").status_code == 401
    assert len(caplog.records) == 1
    assert not has_request_context()


def test_a_teardown_that_fails_makes_no_other_answer_of_it(caplog: pytest.LogCaptureFixture) -> None:
    app = _app()
    app.after_request(_named)

    @app.teardown_request
    def fail(error: BaseException | None) -> None:
        raise LookupError("a bug")

    assert ask(app, "/").status_code == 401
    assert not has_request_context()


def test_what_they_do_to_a_refusal_stays_as_with_each_response() -> None:
    app = _app()

    @app.after_request
    def page(response: Response) -> Response:
        if response.status_code == 401:
            response.data = b"log in first"
            response.content_type = "text/plain"
        return response

    answer = ask(app, "/")
    assert (answer.status_code, answer.data, answer.content_type) == (401, b"log in first", "text/plain")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="app"'


def test_a_host_that_is_not_trusted_makes_no_other_answer_of_it() -> None:
    app = _app()
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    app.after_request(_named)
    assert ask(app, "/").status_code == 401


def test_an_application_without_such_functions_opens_no_session_for_it() -> None:
    from flask.sessions import SecureCookieSessionInterface

    class Broken(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Any) -> Any:
            raise AssertionError("opened")

    app = _app()
    app.session_interface = Broken()
    assert ask(app, "/").status_code == 401


def test_an_application_with_its_own_way_to_process_responses_uses_it() -> None:
    class Shop(Flask):
        def process_response(self, response: Response) -> Response:
            return _named(super().process_response(response))

    app = Shop("shop")
    FlaskAuth(app, shop_auth())
    assert ask(app, "/").headers["X-Request-Id"] == "r1"
