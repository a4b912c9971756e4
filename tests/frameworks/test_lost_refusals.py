"""Where a handler of the application, or its code, answers in place of a refusal: the guarded function never runs."""

# Falcon, Litestar and Quart type their decorators loosely, or not at all.
# mypy: disable-error-code="untyped-decorator, misc"

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import falcon
import pytest
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware as StarletteMiddleware
from flask import Flask
from litestar import Litestar, Response, get
from quart import Quart
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from werkzeug.exceptions import HTTPException

from authmw import AccessRefused, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.request import Message, Receive, Scope, Send
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.frameworks.apps import make_auth
from tests.frameworks.clients import Seen, ask_asgi, ask_wsgi, exchange, scope_of

Make = Callable[[int, list[str]], Seen]


def _guarded(ran: list[str]) -> Callable[[], str]:
    @requires_scopes("admin")
    def wipe() -> str:
        ran.append("wipe")
        return "wiped"

    return wipe


def _falcon(status: int, ran: list[str]) -> Seen:
    wipe = _guarded(ran)

    class View:
        def on_get(self, request: Any, response: Any) -> None:
            response.text = wipe()

    def handler(request: Any, response: Any, error: Exception, params: Any) -> None:
        response.status, response.text = status, "own words"

    app = falcon.App()
    app.add_route("/", View())
    app.add_error_handler(Exception, handler)
    return ask_wsgi(WSGIMiddleware(app, make_auth()), "/")


def _litestar(status: int, ran: list[str]) -> Seen:
    wipe = _guarded(ran)

    @get("/", sync_to_thread=False)
    def view() -> str:
        return wipe()

    def handler(request: Any, error: Exception) -> Response[str]:
        return Response("own words", status_code=status)

    app = Litestar([view], exception_handlers={Exception: handler})
    return ask_asgi(ASGIMiddleware(app, make_auth()), "/")


def _quart(status: int, ran: list[str]) -> Seen:
    wipe, app = _guarded(ran), Quart("shop")

    @app.get("/")
    async def view() -> str:
        return wipe()

    @app.errorhandler(Exception)
    async def handler(error: Exception) -> tuple[str, int]:
        return "own words", status

    return ask_asgi(ASGIMiddleware(app, make_auth()), "/")


FRAMEWORKS: Final[dict[str, Make]] = {"Falcon": _falcon, "Litestar": _litestar, "Quart": _quart}


@pytest.mark.parametrize("status", [200, 418, 501, 503])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_answer_of_a_handler_for_every_exception_is_kept(framework: str, status: int) -> None:
    ran: list[str] = []
    seen = FRAMEWORKS[framework](status, ran)
    assert (seen.status, b"own words" in seen.body, ran) == (status, True, [])
    assert seen.all("www-authenticate") == []


def _flask_that_catches(status: int, ran: list[str]) -> Seen:
    wipe, app = _guarded(ran), Flask("shop")

    @app.get("/")
    def view() -> tuple[str, int]:
        try:
            return wipe(), 200
        except HTTPException as error:
            return "own words", error.code or 200

    FlaskAuth(app, make_auth())
    return ask_wsgi(app, "/")


def _starlette_behind_a_copy(status: int, ran: list[str]) -> Seen:
    wipe = _guarded(ran)

    async def view(request: Any) -> PlainTextResponse:
        return PlainTextResponse(wipe())

    async def handler(request: Any, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("own words", status)

    class Copying:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app({**scope}, receive, send)

    app = Starlette(routes=[Route("/", view)], exception_handlers={Exception: handler})
    app.add_middleware(Copying)
    sent: list[Message] = []
    with suppress(AccessRefused):  # Starlette lets it go on to the server, once it has answered
        asyncio.run(exchange(StarletteMiddleware(app, make_auth()), scope_of("/"), sent))
    return Seen(sent[0]["status"], [], sent[1]["body"])


def _quart_with_a_group(status: int, ran: list[str]) -> Seen:
    wipe, app = _guarded(ran), Quart("shop")

    async def later() -> str:
        return wipe()

    @app.get("/")
    async def view() -> str:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(later()) for _ in range(2)]
        return "".join(task.result() for task in tasks)

    return ask_asgi(ASGIMiddleware(app, make_auth()), "/")


LOST: Final[dict[str, tuple[Make, int, int]]] = {
    "handler in Falcon that answers 500": (_falcon, 500, 403),
    "handler in Litestar that answers 500": (_litestar, 500, 403),
    "view of Flask that catches": (_flask_that_catches, 200, 200),
    "scope of Starlette that is copied": (_starlette_behind_a_copy, 418, 418),
    "group of tasks in Quart": (_quart_with_a_group, 500, 500),
}


@pytest.mark.parametrize("case", LOST)
def test_the_guarded_function_does_not_run_where_a_refusal_is_lost(case: str) -> None:
    make, status, expected = LOST[case]
    ran: list[str] = []
    assert (make(status, ran).status, ran) == (expected, [])
