"""Websockets in frameworks without an adapter, by path: what raises the refusal, or what is done about it."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import falcon.asgi
from litestar import Litestar, WebSocket
from litestar import websocket as litestar_websocket
from quart import Quart
from quart import websocket as quart_websocket

from authmw import AccessRefused, current_principal, requires_scopes


def _require() -> None:
    current_principal().require("admin")


def make_falcon() -> Any:
    class Decorated:
        @requires_scopes("admin")
        async def on_websocket(self, request: Any, socket: Any) -> None:
            await socket.accept()

    class Required:
        async def on_websocket(self, request: Any, socket: Any) -> None:
            _require()

    class Closing:
        async def on_websocket(self, request: Any, socket: Any) -> None:
            try:
                _require()
            except AccessRefused:
                await socket.close(4403)

    app = falcon.asgi.App()
    app.add_route("/decorated", Decorated())
    app.add_route("/required", Required())
    app.add_route("/closing", Closing())
    return app


def make_quart() -> Any:
    app = Quart("shop")

    @app.websocket("/decorated")
    @requires_scopes("admin")
    async def decorated() -> None:
        await quart_websocket.accept()  # pyright: ignore[reportUnknownMemberType]

    @app.websocket("/required")
    async def required() -> None:
        _require()

    @app.websocket("/closing")
    async def closing() -> None:
        try:
            _require()
        except AccessRefused:
            await quart_websocket.close(4403)

    return app


@litestar_websocket("/decorated")
@requires_scopes("admin")
async def _decorated(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()


@litestar_websocket("/required")
async def _required(socket: WebSocket[Any, Any, Any]) -> None:
    _require()


@litestar_websocket("/closing")
async def _closing(socket: WebSocket[Any, Any, Any]) -> None:
    try:
        _require()
    except AccessRefused:
        await socket.close(4403)


def make_litestar() -> Any:
    return Litestar([_decorated, _required, _closing], logging_config=None)
