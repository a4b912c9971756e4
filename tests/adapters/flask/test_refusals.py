"""A refusal leaves Flask as it would leave plain WSGI middleware, whatever error handlers are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from authmw_flask import FlaskAuth, current_principal, requires_scopes
from flask import Flask, Response, redirect
from werkzeug.exceptions import HTTPException
from werkzeug.test import Client, TestResponse

from authmw import AccessRefused, requires
from authmw.http.request import Environ
from authmw.http.response import StartResponse
from authmw.wsgi import AuthMiddleware
from tests.adapters.flask.shop import ask, shop_auth

VIEWS: dict[str, Callable[[], str]] = {
    "/any": lambda: "any",
    "/scoped": requires_scopes("orders:write")(lambda: "scoped"),
    "/predicate": requires(lambda principal, request: principal.id == "writer")(lambda: "predicate"),
}


def _deep() -> str:
    current_principal.require("orders:write", "orders:cancel")
    return "deep"


VIEWS["/deep"] = _deep


def _plain(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return Response(VIEWS[environ["PATH_INFO"]]())(environ, start_response)


def _flask() -> Flask:
    app = Flask("shop")
    for path, view in VIEWS.items():
        app.add_url_rule(path, view_func=view, endpoint=path)
    FlaskAuth(app, shop_auth())
    return app


def _wire(response: TestResponse) -> tuple[str, list[tuple[str, str]], bytes]:
    return response.status, list(response.headers), response.data


def _refusal(app: Flask, path: str, as_: str, method: str = "GET") -> tuple[str, list[tuple[str, str]], bytes]:
    return _wire(ask(app, path, as_=as_, method=method))


CASES = [
    ("/any", ""),
    ("/any", "forged"),
    ("/any", "a, Bearer b"),
    ("/scoped", "reader"),
    ("/predicate", "reader"),
    ("/deep", "reader"),
    ("/deep", "writer"),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path, who", CASES)
def test_a_refusal_is_the_same_to_the_byte_as_without_flask(path: str, who: str, method: str) -> None:
    headers = {"Authorization": f"Bearer {who}"} if who else {}
    plain = Client(AuthMiddleware(_plain, shop_auth())).open(path, method=method, headers=headers)
    assert plain.status_code in (400, 401, 403)
    assert _refusal(_flask(), path, who, method) == _wire(plain)


def _on_every_exception(app: Flask) -> None:
    app.register_error_handler(Exception, lambda error: ("caught", 418))


def _on_http_exceptions(app: Flask) -> None:
    app.register_error_handler(HTTPException, lambda error: ("caught", 418))


def _on_codes(app: Flask) -> None:
    for code in (400, 401, 403, 500):
        app.register_error_handler(code, lambda error: ("caught", 418))


def _on_refusals(app: Flask) -> None:
    app.register_error_handler(AccessRefused, lambda error: redirect("/login"))


def _testing(app: Flask) -> None:
    app.testing = True


def _propagating(app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = True


def _trapping(app: Flask) -> None:
    app.config["TRAP_HTTP_EXCEPTIONS"] = True


def _trapping_and_testing(app: Flask) -> None:
    app.testing = True
    app.config["TRAP_HTTP_EXCEPTIONS"] = True


@pytest.mark.parametrize(
    "prepare",
    [
        _on_every_exception,
        _on_http_exceptions,
        _on_codes,
        _on_refusals,
        _testing,
        _propagating,
        _trapping,
        _trapping_and_testing,
    ],
)
@pytest.mark.parametrize("path, who", CASES)
def test_no_error_handler_and_no_setting_changes_a_refusal(
    path: str, who: str, prepare: Callable[[Flask], None]
) -> None:
    app = _flask()
    prepare(app)
    assert _refusal(app, path, who) == _refusal(_flask(), path, who)


@pytest.mark.parametrize("path, who", CASES)
def test_a_function_after_each_request_may_answer_a_refusal_by_another_page(path: str, who: str) -> None:
    app = _flask()

    @app.after_request
    def log_in(response: Response) -> Any:
        return redirect("/login") if response.status_code in (400, 401, 403) else response

    answer = ask(app, path, as_=who)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")


def test_a_view_may_catch_a_refusal_as_everywhere_else() -> None:
    app = Flask("shop")

    @app.get("/")
    def hello() -> str:
        try:
            current_principal.require("orders:write")
        except AccessRefused:
            return "no writer"
        return "writer"

    FlaskAuth(app, shop_auth())
    assert ask(app, "/", as_="reader").text == "no writer"
    assert ask(app, "/", as_="writer").text == "writer"


def test_an_error_of_the_application_stays_its_own() -> None:
    app = _flask()

    @app.get("/broken")
    def broken() -> str:
        raise LookupError("broken")

    assert ask(app, "/broken", as_="reader").status_code == 500
    app.testing = True
    with pytest.raises(LookupError, match="broken"):
        ask(app, "/broken", as_="reader")


def test_a_403_of_the_application_stays_its_own() -> None:
    app = _flask()
    app.add_url_rule("/own", view_func=lambda: ("mine", 403), endpoint="own")
    assert ask(app, "/own", as_="reader").text == "mine"
