"""Check that a service with assumed settings serves its own machine alone. A request shows the address."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from authmw.asgi import ASGIApp
from authmw.crypto.keyring import ENVIRONMENT
from authmw.http.request import Environ, Receive, Scope, Send
from authmw.http.response import Response, StartResponse, WSGIApp
from authmw.local.settings import LocalSettings

logger: Final = logging.getLogger("authmw.local")

_NOT_CONFIGURED: Final = Response(
    503,
    (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")),
    b"This service serves its own machine only, until it is configured. Its log says what to set.\n",
)


class Loopback:
    """Whether a request may be served: all settings are given, or it reached an address of this machine alone.

    An address that is no IP address, as that of a test client or of a Unix socket, counts as this machine.

    Args:
        settings: of the service.
    """

    def __init__(self, settings: LocalSettings) -> None:
        self._unsaid: list[str] = [] if os.environ.get(ENVIRONMENT) else settings.unsaid
        self._told = False

    @property
    def needed(self) -> bool:
        """Whether any request can be refused."""
        return bool(self._unsaid)

    def serves(self, address: object) -> bool:
        """Whether a request to the server at `address` is served. The first that is not is logged.

        >>> loopback = Loopback(LocalSettings())
        >>> loopback.serves("127.0.0.1"), loopback.serves("testserver"), loopback.serves("0.0.0.0")
        (True, True, False)
        """
        if _is_this_machine(address):
            return True
        if not self._told:
            self._told = True
            logger.error(
                "this service is reached at %s, and not by this machine alone, but it is not configured: %s; or set "
                "%s=development to use the defaults there",
                address,
                "; ".join(self._unsaid),
                ENVIRONMENT,
            )
        return False


class LoopbackWSGI:
    """Serves `app` to this machine alone.

    Args:
        app: a WSGI application.
        loopback: what decides.
    """

    def __init__(self, app: WSGIApp, loopback: Loopback) -> None:
        self.app = app
        self._loopback = loopback

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if self._loopback.serves(environ.get("SERVER_NAME")):
            return self.app(environ, start_response)
        return _NOT_CONFIGURED.serve_wsgi(environ, start_response)


class LoopbackASGI:
    """Serves `app` to this machine alone.

    Args:
        app: an ASGI application.
        loopback: what decides.
    """

    def __init__(self, app: ASGIApp, loopback: Loopback) -> None:
        self.app = app
        self._loopback = loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        server = scope.get("server") or ("",)
        if scope["type"] == "lifespan" or self._loopback.serves(server[0]):
            await self.app(scope, receive, send)
        else:
            await _NOT_CONFIGURED.serve_asgi(scope, receive, send)


def _is_this_machine(address: object) -> bool:
    try:
        return ip_address(str(address)).is_loopback
    except ValueError:
        return True
