"""A finished body goes to the server as Flask made it; any other is watched, so that its code sees the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from authmw_flask import FlaskAuth, current_principal
from authmw_flask.finished_bodies import is_finished
from flask import Flask, Response, after_this_request
from flask.typing import ResponseReturnValue
from werkzeug.test import create_environ
from werkzeug.wsgi import ClosingIterator

from authmw.http.request import Environ
from authmw.http.response import StartResponse, WSGIApp
from tests.adapters.flask.shop import shop_auth

Saw = Callable[[], None]


class Chatty(Response):
    """A response that does something of its own when it is closed."""

    saw: Saw

    def close(self) -> None:
        self.saw()
        super().close()


def _generated(saw: Saw) -> ResponseReturnValue:
    def parts() -> Iterator[str]:
        saw()
        yield "done"

    return Response(parts())


def _closed_later(saw: Saw) -> ResponseReturnValue:
    response = Response("done")
    response.call_on_close(saw)
    return response


def _closed_by_after(saw: Saw) -> ResponseReturnValue:
    @after_this_request
    def add(response: Response) -> Response:
        response.call_on_close(saw)
        return response

    return "done"


def _chatty(saw: Saw) -> ResponseReturnValue:
    response = Chatty("done")
    response.saw = saw
    return response


class _Encoding(Response):
    """A response that makes its parts while they are sent."""

    saw: Saw

    def iter_encoded(self) -> Iterator[bytes]:
        self.saw()
        yield from super().iter_encoded()


def _encoding(saw: Saw) -> ResponseReturnValue:
    response = _Encoding("done")
    response.automatically_set_content_length = False
    response.saw = saw
    return response


def _send(app: Flask, method: str = "GET") -> Iterable[bytes]:
    environ = create_environ("/", method=method, headers={"Authorization": "Bearer reader"})
    return app.wsgi_app(environ, _start_response)


def _start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
    return lambda _: None


def _read(body: Iterable[bytes]) -> bytes:
    read = b"".join(body)
    getattr(body, "close", lambda: None)()
    return read


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_finished_body_is_not_wrapped(method: str) -> None:
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/", "view", lambda: "done")
    FlaskAuth(app, shop_auth())
    body = _send(app, method)
    assert type(body) is ClosingIterator
    assert _read(body) == (b"done" if method == "GET" else b"")


@pytest.mark.parametrize(
    "view, method",
    [
        *((view, "GET") for view in (_generated, _closed_later, _closed_by_after, _chatty, _encoding)),
        *((view, "HEAD") for view in (_closed_later, _closed_by_after, _chatty)),
    ],
)
def test_code_that_runs_for_a_body_sees_the_caller(view: Callable[[Saw], ResponseReturnValue], method: str) -> None:
    app, seen = Flask("shop", static_folder=None), list[str]()
    app.add_url_rule("/", "view", lambda: view(lambda: seen.append(current_principal().id)))
    FlaskAuth(app, shop_auth())
    assert _read(_send(app, method)) == (b"done" if method == "GET" else b"")
    assert seen == ["reader"]


def test_what_a_layer_adds_to_a_finished_body_sees_the_caller() -> None:
    app, seen = Flask("shop", static_folder=None), list[str]()
    app.add_url_rule("/", "view", lambda: "done")
    inside: WSGIApp = app.wsgi_app

    def layer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = inside(environ, start_response)
        return ClosingIterator(body, lambda: seen.append(current_principal().id))

    setattr(app, "wsgi_app", layer)  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth())
    assert (_read(_send(app)), seen) == (b"done", ["reader"])


def test_what_is_not_known_is_not_finished() -> None:
    response = Response("done")
    parts = response.iter_encoded()
    more = [response.close, lambda: None]
    assert is_finished(ClosingIterator(parts, response.close))
    for body in (
        ClosingIterator([b"done"]),
        ClosingIterator([b"done"], response.close),
        ClosingIterator(iter([b"done"]), response.close),
        ClosingIterator(parts, more),
        ClosingIterator(parts, list(reversed(more))),
        ClosingIterator(parts, Response(iter(["done"])).close),
        [b"done"],
    ):
        assert not is_finished(body)
