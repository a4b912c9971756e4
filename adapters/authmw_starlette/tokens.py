"""Routes of the token service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from authmw.engine.decorators import own_credentials
from authmw.oauth2.documents import metadata_path
from authmw.oauth2.endpoints import check_service, endpoints_of
from authmw.oauth2.paths import WELL_KNOWN
from authmw.oauth2.routed import RoutedEndpoint
from authmw_starlette.mounted import MountedEndpoint

if TYPE_CHECKING:
    from authmw.oauth2.service import TokenService


def token_routes(service: TokenService) -> list[Route]:
    """The endpoints of `service`: ``Starlette(routes=[Mount("/auth", routes=token_routes(service))])``.

    Mount them at the path of the issuer. They are public under default deny, and read the credentials of their clients
    themselves.

    Args:
        service: the token service.

    >>> from authmw.stores import MemoryStores
    >>> from authmw.oauth2 import TokenService
    >>> service = TokenService(issuer="https://shop.example/auth", audience="orders", stores=MemoryStores())
    >>> token_routes(service)[0].path
    '/token'
    """
    check_service(service, "token_routes")
    return [_route(path, service, path) for path in endpoints_of(service)]


def metadata_route(service: TokenService) -> Route:
    """The metadata of an issuer that has a path, where RFC 8414 §3.1 looks for it: at the root of the host."""
    return _route(metadata_path(service.issuer), service, WELL_KNOWN)


def _route(place: str, service: TokenService, path: str) -> Route:
    return Route(place, own_credentials(MountedEndpoint(RoutedEndpoint(service, path), path)))
