"""The metadata of a protected resource as a route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from authmw.asgi.protected_resource import serve
from authmw.engine.decorators import public
from authmw.engine.protected_resource import resource_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from authmw.engine.auth import Auth
    from authmw.engine.protected_resource import ProtectedResource


def resource_metadata_route(resource: ProtectedResource | Auth) -> Route:
    """The metadata of `resource` at the root of an application in which the guarded one is mounted:
    ``Starlette(routes=[resource_metadata_route(auth), Mount("/mcp", guarded)])``.

    `AuthMiddleware` answers for the resource of its `Auth` itself: this is for the application around it, whose root
    is that of the host. It is public under default deny.

    Args:
        resource: what to describe, or the `Auth` that has it.

    Raises:
        ConfigurationError: there is nothing to describe.

    >>> from authmw.engine.protected_resource import ProtectedResource
    >>> resource_metadata_route(ProtectedResource("https://shop.example/mcp", ["https://id.example"])).path
    '/.well-known/oauth-protected-resource/mcp'
    """
    endpoint = _Endpoint(resource_of(resource))
    return Route(endpoint.resource.metadata_path, endpoint, include_in_schema=False)


class _Endpoint:
    """An ASGI application, so that Starlette does not answer for methods."""

    __name__ = "resource_metadata"

    def __init__(self, resource: ProtectedResource) -> None:
        self.resource = resource
        public(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve(self.resource, scope, send)
