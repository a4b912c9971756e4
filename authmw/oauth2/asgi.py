"""The token service as an ASGI application (ASGI 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw.asgi.endpoint import send_response, serve_http
from authmw.flow.flow import run_async
from authmw.http.request import ASGIRequest, Receive, Scope, Send
from authmw.oauth2.endpoints import respond

if TYPE_CHECKING:
    from authmw.oauth2.service import TokenService


class TokenApplication:
    """Serves every endpoint of `service` below ``root_path``. Mount it where the issuer's path is.

    Args:
        service: the configuration.

    >>> from authmw.stores.memory import MemoryStores
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
        await serve_http(scope, receive, send, self._serve)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve(self.service, scope, receive, send)


async def serve(service: TokenService, scope: Scope, receive: Receive, send: Send, path: str | None = None) -> None:
    """Serve one request: for `path`, if whoever routed it here knows that, or else for its own below ``root_path``."""
    request = ASGIRequest(scope, receive)
    flow = respond(service, request, request.path if path is None else path)
    response = await run_async(flow, pool=service.pool, store_timeout=service.store_timeout)
    await send_response(response, request.method, send)
