"""Without middleware in front, `Security(auth)` says who is calling: as long as the request lasts, and no longer."""

from __future__ import annotations

import contextvars
from collections.abc import AsyncIterator
from typing import Annotated

import fastapi
import pytest
from authmw_fastapi import FastAPIAuth, Security
from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient

from authmw import Auth, HTTPBearer, Principal, current_principal

AUTH = Auth(HTTPBearer({"t0ken": Principal("alice")}.get))
BEARER = {"Authorization": "Bearer t0ken"}


def _app(*, middleware: bool) -> tuple[FastAPI, list[str], list[contextvars.Context]]:
    app, seen, left = FastAPI(), list[str](), list[contextvars.Context]()

    def note() -> None:
        seen.append(current_principal().id)

    async def lines() -> AsyncIterator[str]:
        yield current_principal().id

    @app.get("/")
    async def endpoint(background: BackgroundTasks, principal: Annotated[Principal, Security(AUTH)]) -> str:
        left.append(contextvars.copy_context())
        background.add_task(note)
        note()
        return principal.id

    @app.get("/stream")
    async def stream(principal: Annotated[Principal, Security(AUTH)]) -> StreamingResponse:
        left.append(contextvars.copy_context())
        return StreamingResponse(lines())

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, principal: Annotated[Principal, Security(AUTH)]) -> None:
        left.append(contextvars.copy_context())
        await websocket.accept()
        note()
        await websocket.close()

    if middleware:
        FastAPIAuth(app, AUTH)
    return app, seen, left


with_and_without_middleware = pytest.mark.parametrize("middleware", [False, True])


def _after_the_endpoint(*, middleware: bool) -> str:
    """Who is calling while the response is sent. Before 0.118, FastAPI has left its dependencies by then."""
    left_early = tuple(map(int, fastapi.__version__.split(".")[:2])) < (0, 118)
    return "" if left_early and not middleware else "alice"


@with_and_without_middleware
def test_the_endpoint_and_background_tasks_see_the_caller_and_nothing_after_does(middleware: bool) -> None:
    app, seen, left = _app(middleware=middleware)
    assert TestClient(app).get("/", headers=BEARER).json() == "alice"
    assert seen == ["alice", _after_the_endpoint(middleware=middleware)]
    assert left[0].run(current_principal).id == ""


@with_and_without_middleware
def test_a_stream_sees_the_caller_and_nothing_after_does(middleware: bool) -> None:
    app, _, left = _app(middleware=middleware)
    assert TestClient(app).get("/stream", headers=BEARER).text == _after_the_endpoint(middleware=middleware)
    assert left[0].run(current_principal).id == ""


@with_and_without_middleware
def test_a_websocket_sees_the_caller_and_nothing_after_does(middleware: bool) -> None:
    app, seen, left = _app(middleware=middleware)
    with TestClient(app).websocket_connect("/socket", headers=BEARER):
        pass
    assert seen == ["alice"]
    assert left[0].run(current_principal).id == ""


def test_require_without_middleware_is_answered_as_a_refusal() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint(principal: Annotated[Principal, Security(AUTH)]) -> None:
        current_principal().require("admin")

    answer = TestClient(app).get("/", headers=BEARER)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert answer.headers["vary"] == "Authorization"
