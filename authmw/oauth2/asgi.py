"""The token service as an ASGI application (ASGI 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw.flow import run_async
from authmw.request import ASGIRequest, Receive, Scope, Send

if TYPE_CHECKING:
    from authmw.oauth2.service import TokenService

_POLICY_VIOLATION = 1008  # RFC 6455 §7.4.1


class TokenApplication:
    """Serves every endpoint of `service` below ``root_path``. Mount it where the issuer's path is.

    Args:
        service: the configuration.

    >>> from authmw.memory import MemoryStores
    >>> from authmw.oauth2.service import TokenService
    >>> service = TokenService(issuer="https://id.example/auth", stores=MemoryStores(), audience="orders")
    >>> application = TokenApplication(service)
    """

    def __init__(self, service: TokenService) -> None:
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. There is nothing to be said over a websocket, so that is closed.

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
            await serve(self.service, scope, receive, send)
        else:
            raise ValueError(f"an ASGI scope of type {kind!r} cannot be served")


async def serve(service: TokenService, scope: Scope, receive: Receive, send: Send, path: str | None = None) -> None:
    """Serve one request: for `path`, if whoever routed it here knows that, or else for its own below ``root_path``."""
    request = ASGIRequest(scope, receive)
    flow = service.respond(request, request.path if path is None else path)
    response = await run_async(flow, pool=service.pool, store_timeout=service.store_timeout)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    """Nothing is started here and nothing ended, which a server has to be told."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
