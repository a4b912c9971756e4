"""Websockets and streams of each framework end with the credentials that opened them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest
from authmw_django import WebsocketMiddleware
from authmw_fastapi import FastAPIAuth
from authmw_fastapi import LocalAuth as FastAPILocalAuth
from authmw_flask import FlaskAuth
from authmw_flask import LocalAuth as FlaskLocalAuth
from authmw_starlette import AuthMiddleware
from authmw_starlette import LocalAuth as StarletteLocalAuth
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path
from fastapi import FastAPI
from fastapi import WebSocket as FastAPIWebSocket
from flask import Flask, Response, stream_with_context
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from authmw import current_principal
from authmw.errors import ConfigurationError
from tests.adapters.django.site import configured
from tests.connections import Table, World, look, play, scope, turns, watched

EVENTS: Final = "text/event-stream"
noted: Final[list[str]] = []


async def events() -> AsyncIterator[bytes]:
    """One event, and a long wait for the next one."""
    try:
        yield f"data: {current_principal().id}\n\n".encode()
        await asyncio.Event().wait()
    finally:
        noted.append(f"cleaned up as {current_principal().id}")


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(events(), media_type=request.query_params.get("type", EVENTS))


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        await websocket.receive_text()
    except WebSocketDisconnect as gone:
        noted.append(f"closed by {gone.code}")


def starlette_app(world: World, **options: Any) -> Any:
    app = Starlette(routes=[Route("/stream", stream), WebSocketRoute("/talk", talk)])
    app.add_middleware(AuthMiddleware, auth=world.auth, **options)
    return app


def mounted_app(world: World, **options: Any) -> Any:
    below = Starlette(routes=[Route("/stream", stream), WebSocketRoute("/talk", talk)])
    app = Starlette(routes=[Mount("/", app=below)])
    app.add_middleware(AuthMiddleware, auth=world.auth, **options)
    return app


def fastapi_app(world: World, **options: Any) -> Any:
    app = FastAPI()
    FastAPIAuth(app, world.auth, **options)

    @app.get("/stream")
    async def streamed(type: str = EVENTS) -> StreamingResponse:
        return StreamingResponse(events(), media_type=type)

    @app.websocket("/talk")
    async def talked(websocket: FastAPIWebSocket) -> None:
        await talk(websocket)

    return app


every_app = pytest.mark.parametrize("make", [starlette_app, mounted_app, fastapi_app])
every_version = pytest.mark.parametrize("version", ["2.3", "2.4"])


@pytest.fixture(autouse=True)
def _nothing_noted() -> None:
    noted.clear()


def at(made: Any, where: str, query: bytes = b"", version: str = "2.3") -> Any:
    """`made` for another path, and for a server of another version of the protocol."""
    asgi = {"version": "3.0", "spec_version": version}
    return {**made, "path": where, "raw_path": where.encode(), "query_string": query, "asgi": asgi}


@every_app
@every_version
def test_a_websocket_of_starlette_is_closed(make: Callable[[World], Any], version: str) -> None:
    world = World()

    async def main(table: Table) -> None:
        alice = await table.open(make(world), at(scope(world.token(), "websocket"), "/talk", version=version))
        world.end_alice("the user is disabled")
        await look()
        assert [each.get("code") for each in alice.sent] == [None, 1008]
        assert (alice.is_done, alice.outcome, noted) == (True, None, ["closed by 1008"])

    play(main)


@every_app
@every_version
def test_an_event_stream_of_starlette_ends(make: Callable[[World], Any], version: str) -> None:
    world = World()

    async def main(table: Table) -> None:
        alice = await table.open(make(world), at(scope(world.token()), "/stream", version=version))
        assert (alice.body, alice.is_complete) == (b"data: alice\n\n", False)
        world.end_alice("the session ends")
        await look()
        assert alice.is_complete
        if version == "2.3":  # then Starlette listens, and cancels the generator
            assert (alice.is_done, alice.outcome, noted) == (True, None, ["cleaned up as alice"])

    play(main)


@every_app
def test_another_stream_of_starlette_is_cut(make: Callable[[World], Any]) -> None:
    world = World()

    async def main(table: Table) -> None:
        alice = await table.open(make(world), at(scope(world.token()), "/stream", b"type=text/plain"))
        world.end_alice("the session ends")
        await look()
        assert (alice.is_complete, alice.is_done, alice.outcome) == (False, True, None)

    play(main)


@every_app
def test_it_can_be_switched_off_in_starlette(make: Callable[..., Any]) -> None:
    world = World()

    async def main(table: Table) -> None:
        alice = await table.open(make(world, end_connections=False), at(scope(world.token(), "websocket"), "/talk"))
        world.end_alice("the session ends")
        assert (watched(), alice.kinds) == (0, ["websocket.accept"])

    play(main)


def test_an_endless_stream_of_starlette_that_does_not_listen_stops_at_its_next_part() -> None:
    world, parts = World(), list[int]()
    go: list[asyncio.Event] = []

    async def numbers() -> AsyncIterator[bytes]:
        go.append(asyncio.Event())
        while True:
            parts.append(len(parts))
            yield b"data: 1\n\n"
            await go[0].wait()

    async def endless(request: Request) -> StreamingResponse:
        return StreamingResponse(numbers(), media_type=EVENTS)

    app = Starlette(routes=[Route("/stream", endless)])
    app.add_middleware(AuthMiddleware, auth=world.auth)

    async def main(table: Table) -> None:
        alice = await table.open(app, at(scope(world.token()), "/stream", version="2.4"))
        world.end_alice("the session ends")
        await look()
        go[0].set()
        await turns()
        assert (alice.body, alice.is_done, alice.outcome, parts) == (b"data: 1\n\n", True, None, [0, 1])

    play(main)


# Flask


def flask_app(world: World, **options: Any) -> Flask:
    app = Flask("shop")

    @app.get("/stream")
    def streamed() -> Response:
        def parts() -> Iterator[str]:
            for number in range(100):
                yield f"data: {current_principal().id} {number}\n\n"

        return Response(stream_with_context(parts()), mimetype=EVENTS)

    FlaskAuth(app, world.auth, **options)
    return app


def flask_stream(app: Flask, world: World) -> Any:
    return iter(
        app.test_client().get("/stream", headers={"Authorization": f"Bearer {world.token()}"}, buffered=False).response
    )


def test_a_stream_of_flask_ends_between_two_parts() -> None:
    world = World()
    stream = flask_stream(flask_app(world), world)
    assert [next(stream), next(stream)] == [b"data: alice 0\n\n", b"data: alice 1\n\n"]
    world.end_alice("the user is disabled")
    assert list(stream) == []


@pytest.mark.parametrize("by", ["argument", "setting"])
def test_it_can_be_switched_off_in_flask(by: str) -> None:
    world = World()
    app = Flask("shop")
    app.config["AUTHMW_END_CONNECTIONS"] = by == "argument"

    @app.get("/stream")
    def streamed() -> Response:
        return Response((b"part" for _ in range(3)), mimetype=EVENTS)

    FlaskAuth(app, world.auth, end_connections=False if by == "argument" else None)
    stream = flask_stream(app, world)
    next(stream)
    world.end_alice("the user is disabled")
    assert list(stream) == [b"part", b"part"]


# Django


def django_parts(request: HttpRequest) -> StreamingHttpResponse:
    content_type = request.GET.get("type", EVENTS)
    return StreamingHttpResponse((b"%d;" % number for number in range(100)), content_type=content_type)


async def django_events(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(events(), content_type=request.GET.get("type", EVENTS))


async def django_few(request: HttpRequest) -> StreamingHttpResponse:
    """Two parts: how many connections are looked after."""

    async def parts() -> AsyncIterator[str]:
        for _ in range(2):
            yield f"{watched()} "

    return StreamingHttpResponse(parts(), content_type=EVENTS)


def start_nothing(*_: object) -> None: ...


DJANGO: Final = (path("parts", django_parts), path("events", django_events), path("few", django_few))


@pytest.mark.parametrize("content_type, cut", [(EVENTS, False), ("text/plain", True)])
def test_a_stream_of_django_ends_between_two_parts(content_type: str, cut: bool) -> None:
    world = World()
    with configured(ROOT_URLCONF=DJANGO, authmw={"auth": world.auth}):
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/parts",
            "QUERY_STRING": f"type={content_type}",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.input": BytesIO(),
            "HTTP_AUTHORIZATION": f"Bearer {world.token()}",
        }
        application: Any = get_wsgi_application()
        stream = application(environ, start_nothing)
        parts = iter(stream)
        assert [next(parts), next(parts)] == [b"0;", b"1;"]
        world.end_alice("the user is disabled")
        if cut:
            with pytest.raises(ConnectionResetError):
                next(parts)
        else:
            assert list(parts) == []
        stream.close()


@pytest.mark.parametrize("content_type, ends", [(EVENTS, True), ("text/plain", False)])
def test_a_stream_of_django_under_asgi_ends_also_while_the_view_waits(content_type: str, ends: bool) -> None:
    world = World()

    async def main(table: Table) -> None:
        made = at(scope(world.token()), "/events", f"type={content_type}".encode())
        alice = await table.open(get_asgi_application(), made)
        alice.say({"type": "http.request", "body": b""})
        while not alice.body:
            await turns()
        world.end_alice("the user is disabled")
        await look()
        while not alice.is_done:
            await turns()
        assert (alice.is_complete, noted) == (ends, ["cleaned up as alice"])
        assert alice.outcome is None
        assert watched() == 0

    with configured(ROOT_URLCONF=DJANGO, authmw={"auth": world.auth}):
        play(main)


def test_it_can_be_switched_off_in_django() -> None:
    world = World()

    async def main(table: Table) -> None:
        alice = await table.open(get_asgi_application(), at(scope(world.token()), "/few"))
        alice.say({"type": "http.request", "body": b""})
        while not alice.is_done:
            await turns()
        assert alice.body == b"0 0 "

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            assert watched() == 0

        await table.open(WebsocketMiddleware(app), scope(world.token(), "websocket"))

    with configured(ROOT_URLCONF=DJANGO, authmw={"auth": world.auth, "end_connections": False}):
        play(main)


def test_a_setting_of_django_that_is_no_flag_is_refused() -> None:
    from authmw_django.config import checked_configuration

    with (
        configured(authmw={"end_connections": "no"}),
        pytest.raises(ConfigurationError, match=r"end_connections.*True or False"),
    ):
        checked_configuration()


def test_local_auth_hands_the_setting_on(tmp_path: Path) -> None:
    local: dict[str, Any] = {"database": f"sqlite:///{tmp_path}/app.db", "keys": str(tmp_path / "keys.json")}
    flask = Flask("shop")
    FlaskLocalAuth(flask, **local, end_connections=False)
    starlette, fastapi = Starlette(), FastAPI()
    StarletteLocalAuth(starlette, **local, end_connections=False)
    FastAPILocalAuth(fastapi, **local, end_connections=False)
    options = [each.kwargs for app in (starlette, fastapi) for each in app.user_middleware if "auth" in each.kwargs]
    assert [each["end_connections"] for each in options] == [False, False]
    assert _guard_of(flask.wsgi_app).end_connections is False


def _guard_of(app: Any) -> Any:
    """The middleware, inside of what guards the assumed settings."""
    while not hasattr(app, "end_connections"):
        app = getattr(app, "app", None) or app._app
    return app
