"""Who is calling, wherever Flask runs code of the application."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from authmw_flask import FlaskAuth, authenticated, current_principal, current_user, public
from flask import Flask, Response, copy_current_request_context, g, request, stream_with_context

from authmw import AccessRefused, Principal, acting_as
from authmw import current_principal as core_principal
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


@authenticated
def _service() -> str:
    return current_user.id


def _service_or_refusal() -> str:
    try:
        return _service()
    except AccessRefused as refused:
        return str(refused.refusal.status)


def test_a_copy_of_the_request_context_carries_the_caller_also_after_the_request(app: Flask) -> None:
    jobs: list[Callable[[], str]] = []

    @app.get("/")
    def view() -> str:
        jobs.append(copy_current_request_context(_service))
        jobs.append(copy_current_request_context(lambda: f"{request.path} {core_principal().id}"))
        return "ok"

    with ThreadPoolExecutor(1) as pool:
        ask(app, "/", as_="reader").close()
        assert [pool.submit(job).result() for job in jobs] == ["reader", "/ reader"]
        # A greenlet of gevent copies the context variables as well.
        assert pool.submit(contextvars.copy_context().run, jobs[0]).result() == "reader"
        assert pool.submit(_service_or_refusal).result() == "401"


def test_a_worker_started_in_a_copied_request_context_finds_nobody_after_it(app: Flask) -> None:
    left: list[contextvars.Context] = []

    @app.get("/")
    def view() -> str:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(copy_current_request_context(lambda: left.append(contextvars.copy_context()))).result()
        return "ok"

    ask(app, "/", as_="reader").close()
    assert left[0].run(lambda: core_principal().id) == ""


def test_a_worker_that_copied_all_of_the_context_finds_nobody_after_the_request(app: Flask) -> None:
    left: list[contextvars.Context] = []

    @app.get("/")
    def view() -> str:
        left.append(contextvars.copy_context())
        return left[0].run(_service)

    answer = ask(app, "/", as_="reader")
    assert answer.text == "reader"
    answer.close()
    assert left[0].run(lambda: current_user.id) == ""
    assert left[0].run(_service_or_refusal) == "401"


def test_in_a_copy_of_the_context_a_copy_that_flask_made_is_the_callers(app: Flask) -> None:
    jobs: list[Callable[[], str]] = []

    @app.get("/")
    def view() -> str:
        jobs.append(partial(contextvars.copy_context().run, copy_current_request_context(_service)))
        return "ok"

    ask(app, "/", as_="reader").close()
    assert jobs[0]() == "reader"


def test_a_test_client_in_a_with_block_keeps_the_caller(app: Flask) -> None:
    app.add_url_rule("/", view_func=lambda: "ok", endpoint="ok")
    with app.test_client() as client:
        client.get("/", headers={"Authorization": "Bearer reader"})
        assert (current_user.id, _service()) == ("reader", "reader")
        client.get("/", headers={"Authorization": "Bearer writer"})
        assert current_user.id == "writer"
    assert current_user.id == ""


def test_a_request_context_without_a_guard_has_nobody() -> None:
    with Flask("other").test_request_context("/", environ_overrides={"authmw.principal": PEOPLE["reader"]}):
        assert current_user.id == ""


def test_acting_as_goes_before_what_flask_keeps(app: Flask) -> None:
    app.add_url_rule("/", view_func=lambda: "ok", endpoint="ok")
    with app.test_client() as client:
        client.get("/", headers={"Authorization": "Bearer reader"})
        with acting_as(PEOPLE["writer"]):
            assert current_user.id == "writer"
        assert current_user.id == "reader"


def test_a_worker_that_starts_before_the_view_is_chosen_finds_nobody_after_the_request() -> None:
    left: list[contextvars.Context] = []
    app = Flask("shop")

    @app.url_value_preprocessor
    def leave(endpoint: str | None, values: object) -> None:
        left.append(contextvars.copy_context())

    FlaskAuth(app, shop_auth())
    app.add_url_rule("/", view_func=lambda: "ok", endpoint="ok")
    ask(app, "/", as_="reader").close()
    assert left[0].run(lambda: current_user.id) == ""
