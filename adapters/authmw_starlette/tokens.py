"""The token service as routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from authmw.engine.decorators import own_credentials
from authmw.oauth2.asgi import serve
from authmw.oauth2.endpoints import endpoints_of
from authmw.oauth2.metadata import metadata_path
from authmw.oauth2.paths import WELL_KNOWN

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from authmw.oauth2.service import TokenService


def token_routes(service: TokenService) -> list[Route]:
    """The endpoints of `service`: ``Starlette(routes=[Mount("/auth", routes=token_routes(service))])``.

    Mount them where the path of the issuer is. They are public under default deny, and read the credentials of their
    callers themselves.

    Args:
        service: the configuration.

    >>> from authmw.stores.memory import MemoryStores
    >>> from authmw.oauth2.service import TokenService
    >>> service = TokenService(issuer="https://shop.example/auth", stores=MemoryStores(), audience="orders")
    >>> token_routes(service)[0].path
    '/token'
    """
    return [Route(path, _Endpoint(service, path)) for path in endpoints_of(service)]


def metadata_route(service: TokenService) -> Route:
    """The metadata of an issuer that has a path, where RFC 8414 §3.1 looks for it: at the root of the host."""
    return Route(metadata_path(service.issuer), _Endpoint(service, WELL_KNOWN))


class _Endpoint:
    """An ASGI application, so that Starlette neither reads the body nor answers for methods."""

    def __init__(self, service: TokenService, path: str) -> None:
        self._service = service
        self._path = path
        self.__name__ = path
        own_credentials(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve(self._service, scope, receive, send, self._path)
