"""Route of the metadata of a protected resource (RFC 9728)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from authmw.engine.decorators import public
from authmw.engine.protected_resource import ProtectedResource
from authmw_starlette.mounted import MountedEndpoint

if TYPE_CHECKING:
    from authmw.engine.auth import Auth


def resource_metadata_route(resource: ProtectedResource | Auth) -> Route:
    """The metadata of `resource` at the root of an application in which the guarded one is mounted:
    ``Starlette(routes=[resource_metadata_route(auth), Mount("/mcp", guarded)])``.

    `AuthMiddleware` itself serves the metadata of its `Auth`. This route is for the application around it, at the root
    of the host. It is public under default deny.

    Args:
        resource: the resource, or the `Auth` that has it.

    Raises:
        ConfigurationError: the `Auth` has no resource.

    >>> from authmw.issuers import ProtectedResource
    >>> resource_metadata_route(ProtectedResource("https://shop.example/mcp", ["https://id.example"])).path
    '/.well-known/oauth-protected-resource/mcp'
    """
    described = ProtectedResource.of(resource)
    endpoint = public(MountedEndpoint(described, "resource_metadata"))
    return Route(described.metadata_path, endpoint, include_in_schema=False)
