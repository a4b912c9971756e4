"""The metadata of a protected resource around a WSGI application (PEP 3333)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from authmw.engine.protected_resource import ProtectedResource, resource_of
from authmw.http.request import Environ

if TYPE_CHECKING:
    from authmw.engine.auth import Auth
    from authmw.http.response import StartResponse, WSGIApp


class ResourceMetadata:
    """Answers for the metadata of `resource`, and leaves all else to `app`: for what stands at the root of the host.

    A guarded application that is not mounted needs none: its middleware answers itself.

    Args:
        app: what serves the root, in which the guarded application is mounted.
        resource: what to describe, or the `Auth` that has it.

    Raises:
        ConfigurationError: there is nothing to describe.

    >>> def root(environ, start_response): ...
    >>> application = ResourceMetadata(root, ProtectedResource("https://api.example/mcp", ["https://id.example"]))
    """

    def __init__(self, app: WSGIApp, resource: ProtectedResource | Auth) -> None:
        self.app = app
        self.resource: ProtectedResource = resource_of(resource)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if is_asked(self.resource, environ):
            return serve(self.resource, environ, start_response)
        return self.app(environ, start_response)


def is_asked(resource: ProtectedResource, environ: Environ) -> bool:
    """Whether a request is for the metadata, wherever the application is mounted."""
    return resource.is_at(environ.get("PATH_INFO", ""), environ.get("SCRIPT_NAME", ""))


def serve(resource: ProtectedResource, environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Answer a request for the metadata."""
    response = resource.respond(environ["REQUEST_METHOD"])
    start_response(response.status_line, list(response.headers))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]
