"""Applications that stream, read bodies, wait for disconnects and speak over websockets, behind the middleware."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from authmw import current_principal, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.request import Receive, Scope, Send
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.contract.engine import make_auth

CHUNKS: Final = 3

disconnected: Final[list[str]] = []
"""Who was there when the client hung up."""


def _stream() -> Iterator[bytes]:
    for _ in range(CHUNKS):
        yield current_principal().id.encode() + b";"


def _wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return _stream()
    if environ["PATH_INFO"] == "/write":
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(current_principal().id.encode())
        return [b"!"]
    length = environ.get("CONTENT_LENGTH")
    body: bytes = environ["wsgi.input"].read(int(length)) if length else environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


async def _http(scope: Scope, receive: Receive, send: Send) -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
    if scope["path"] == "/stream":
        await send(start)
        for _ in range(CHUNKS):
            await asyncio.sleep(0)
            await send(
                {"type": "http.response.body", "body": current_principal().id.encode() + b";", "more_body": True}
            )
        await send({"type": "http.response.body", "body": b""})
    elif scope["path"] == "/wait":
        await send(start)
        await send({"type": "http.response.body", "body": b"waiting", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        disconnected.append(current_principal().id)
    elif scope["path"] == "/disconnected":
        await send(start)
        await send({"type": "http.response.body", "body": ",".join(disconnected).encode()})
    else:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await send(start)
        await send({"type": "http.response.body", "body": body})


async def _speak(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "admin":
            _administrate()
        await send({"type": "websocket.send", "text": current_principal().id})


@requires_scopes("admin")
def _administrate() -> None:
    raise AssertionError("nobody in these tests has this scope")


@requires_scopes("orders:read", "orders:write")
async def _orders_socket(receive: Receive, send: Send) -> None:
    await _speak(receive, send)


async def _asgi(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        await _http(scope, receive, send)
    elif scope["path"] == "/orders":
        await _orders_socket(receive, send)
    else:
        await _speak(receive, send)


wsgi: Final = WSGIMiddleware(_wsgi, make_auth(), public=["/public"])
asgi: Final = ASGIMiddleware(_asgi, make_auth(), public=["/public"])
