"""One endpoint of a token service: for a router that has found it, and for the root of the host."""

from __future__ import annotations

from authmw.flow.flow import Flow
from authmw.flow.pool import WorkPool
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2.documents import metadata_path
from authmw.oauth2.endpoints import AuthorizationServer, respond
from authmw.oauth2.paths import WELL_KNOWN


class RoutedEndpoint:
    """What a framework's adapter mounts at the route of one endpoint.

    Args:
        service: the token service.
        path: of the endpoint, below that of the issuer.
    """

    def __init__(self, service: AuthorizationServer, path: str) -> None:
        self.service = service
        self.path = path
        self.pool: WorkPool = service.pool
        self.store_timeout: float = service.store_timeout

    def respond(self, request: RequestHead) -> Flow[Response | None]:
        """The response to `request`, whatever its path is."""
        return respond(self.service, request, self.path)


class AuthorizationServerMetadata(RoutedEndpoint):
    """The metadata of an issuer that has a path, where clients look for it: at the root of the host (RFC 8414 §3.1).

    ``Mount(AuthorizationServerMetadata(service), app)`` of `authmw.wsgi` or `authmw.asgi` serves it around `app`.

    Args:
        service: the token service.

    >>> from authmw.oauth2 import TokenService
    >>> from authmw.stores import MemoryStores
    >>> service = TokenService(issuer="https://id.example/auth", audience="orders", stores=MemoryStores())
    >>> AuthorizationServerMetadata(service).place
    '/.well-known/oauth-authorization-server/auth'
    """

    def __init__(self, service: AuthorizationServer) -> None:
        super().__init__(service, WELL_KNOWN)
        self.place: str = metadata_path(service.issuer)
        """The path of the metadata, from the root of the host."""

    def respond(self, request: RequestHead) -> Flow[Response | None]:
        """The response to a request for the metadata; None for any other request."""
        is_here = request.path == self.place and request.is_canonical
        return (yield from super().respond(request)) if is_here else None
