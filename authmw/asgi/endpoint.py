"""What an ASGI application of ours does besides its work (ASGI 3): it starts, ends, closes websockets, and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from authmw.http.request import Receive, Scope, Send
    from authmw.http.response import Response

_POLICY_VIOLATION: Final = 1008  # RFC 6455 §7.4.1


async def serve_http(
    scope: Scope, receive: Receive, send: Send, serve: Callable[[Scope, Receive, Send], Awaitable[None]]
) -> None:
    """Serve one connection by `serve`. There is nothing to be said over a websocket, so that is closed.

    Args:
        scope: of the connection.
        receive: its channel.
        send: its channel.
        serve: answers a request.

    Raises:
        ValueError: the scope is of a type nobody has heard of.
    """
    kind = scope["type"]
    if kind == "lifespan":
        await _lifespan(receive, send)
    elif kind == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
    elif kind == "http":
        await serve(scope, receive, send)
    else:
        raise ValueError(f"an ASGI scope of type {kind!r} cannot be served")


async def send_response(response: Response, method: str, send: Send) -> None:
    """Send `response` whole, and nothing of its content to a HEAD request.

    Args:
        response: what to answer.
        method: of the request, in capitals.
        send: the channel of the connection.
    """
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else response.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    """Nothing is started here and nothing ended, which a server has to be told."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
