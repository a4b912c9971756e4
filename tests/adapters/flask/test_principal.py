"""Who is calling, wherever Flask runs code of the application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from authmw_flask import FlaskAuth, authenticated, current_principal, current_user, public
from flask import Flask, Response, g, request, stream_with_context

from authmw import Principal, acting_as
from tests.adapters.flask.shop import PEOPLE, ask, shop_auth


@pytest.fixture
def app() -> Flask:
    app = Flask("shop")
    FlaskAuth(app, shop_auth())
    return app


def test_the_principal_is_known_from_the_first_hook_to_the_last(app: Flask) -> None:
    seen: list[str] = []

    @app.before_request
    def before() -> None:
        g.who = current_user.id
        seen.append(f"before {g.who}")

    @app.get("/")
    def view() -> str:
        seen.append(f"view {current_principal.id} {request.remote_user} {request.environ['authmw.principal'].id}")
        return "ok"

    @app.after_request
    def after(response: Response) -> Response:
        seen.append(f"after {current_principal.id}")
        return response

    @app.teardown_request
    def teardown(_: BaseException | None) -> None:
        seen.append(f"teardown {current_principal.id}")

    assert ask(app, "/", as_="reader").status_code == 200
    assert seen == ["before reader", "view reader reader reader", "after reader", "teardown reader"]
    assert not current_principal.is_authenticated


def test_the_principal_is_still_there_while_the_body_streams(app: Flask) -> None:
    @app.get("/stream")
    @authenticated
    def stream() -> Response:
        def lines() -> Iterator[str]:
            for line in range(2):
                yield f"{line} {current_principal.id} {request.path}\n"

        return Response(stream_with_context(lines()))

    client = app.test_client()
    streamed = client.get("/stream", headers={"Authorization": "Bearer reader"}, buffered=False)
    assert not current_principal.is_authenticated
    assert streamed.text == "0 reader /stream\n1 reader /stream\n"


def test_a_stream_may_refuse_before_its_first_byte(app: Flask) -> None:
    @app.get("/stream")
    def stream() -> Response:
        def lines() -> Iterator[str]:
            current_principal.require("orders:write")
            yield "secret"

        return Response(stream_with_context(lines()))

    assert ask(app, "/stream", as_="writer").text == "secret"


def test_outside_of_a_request_nobody_is_calling(app: Flask) -> None:
    with app.app_context():
        assert not current_user.is_authenticated
    with app.app_context(), acting_as(PEOPLE["reader"]):
        assert current_user.id == "reader"


def test_the_proxy_may_be_called_like_the_function_of_the_core() -> None:
    with acting_as(PEOPLE["reader"]):
        assert current_principal().id == current_principal.id == current_user().id == "reader"
        assert isinstance(current_principal, Principal)
        assert type(current_principal()) is Principal


def test_a_client_cannot_name_itself_remote_user(app: Flask) -> None:
    app.add_url_rule("/", view_func=public(lambda: f"{request.remote_user}"), endpoint="hello")
    answer = app.test_client().get("/", environ_overrides={"REMOTE_USER": "root"}, headers={"Remote-User": "root"})
    assert answer.text == "None"


def test_the_test_client_keeps_its_context(app: Flask) -> None:
    app.add_url_rule("/", view_func=public(lambda: "hello"), endpoint="hello")
    with app.test_client() as client:
        client.get("/?who=me")
        assert request.args["who"] == "me"
