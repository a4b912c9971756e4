"""The metadata of a protected resource around an ASGI application (ASGI 3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from authmw.engine.protected_resource import ProtectedResource, resource_of
from authmw.http.request import ASGIRequest, Receive, Scope, Send

if TYPE_CHECKING:
    from authmw.engine.auth import Auth


class ResourceMetadata:
    """Answers for the metadata of `resource`, and leaves all else to `app`: for what stands at the root of the host.

    A guarded application that is not mounted needs none: its middleware answers itself.

    Args:
        app: what serves the root, in which the guarded application is mounted.
        resource: what to describe, or the `Auth` that has it.

    Raises:
        ConfigurationError: there is nothing to describe.

    >>> async def root(scope, receive, send): ...
    >>> application = ResourceMetadata(root, ProtectedResource("https://api.example/mcp", ["https://id.example"]))
    """

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]], resource: ProtectedResource | Auth) -> None:
        self.app = app
        self.resource: ProtectedResource = resource_of(resource)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if is_asked(self.resource, scope):
            await serve(self.resource, scope, send)
        else:
            await self.app(scope, receive, send)


def is_asked(resource: ProtectedResource, scope: Scope) -> bool:
    """Whether a request is for the metadata, wherever the application is mounted."""
    return scope["type"] == "http" and resource.is_at(ASGIRequest(scope).path, scope.get("root_path", ""))


async def serve(resource: ProtectedResource, scope: Scope, send: Send) -> None:
    """Answer a request for the metadata."""
    response = resource.respond(scope["method"])
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})
