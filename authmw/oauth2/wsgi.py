"""The token service as a WSGI application (PEP 3333)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from authmw.flow.flow import run
from authmw.http.request import Environ, WSGIRequest
from authmw.oauth2.endpoints import respond

if TYPE_CHECKING:
    from authmw.http.response import StartResponse
    from authmw.oauth2.service import TokenService


class TokenApplication:
    """Serves every endpoint of `service` below ``SCRIPT_NAME``. Mount it where the issuer's path is.

    Args:
        service: the configuration.

    >>> from authmw.stores.memory import MemoryStores
    >>> from authmw.oauth2.service import TokenService
    >>> service = TokenService(issuer="https://id.example/auth", stores=MemoryStores(), audience="orders")
    >>> application = TokenApplication(service)
    """

    def __init__(self, service: TokenService) -> None:
        self.service = service

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        return serve(self.service, WSGIRequest(environ), start_response)


def serve(
    service: TokenService, request: WSGIRequest, start_response: StartResponse, path: str | None = None
) -> list[bytes]:
    """Serve one request: for `path`, if whoever routed it here knows that, else for its own below ``SCRIPT_NAME``."""
    flow = respond(service, request, request.path if path is None else path)
    response = run(flow, pool=service.pool)
    start_response(response.status_line, list(response.headers))
    return [] if request.method == "HEAD" else [response.body]
