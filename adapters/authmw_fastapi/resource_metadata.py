"""Route of the metadata of a protected resource (RFC 9728), added to a FastAPI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw_starlette.resource_metadata import resource_metadata_route

if TYPE_CHECKING:
    from fastapi import FastAPI

    from authmw.engine.auth import Auth
    from authmw.engine.protected_resource import ProtectedResource


def add_resource_metadata(app: FastAPI, resource: ProtectedResource | Auth) -> None:
    """Serve the metadata of `resource` at the root of `app`, in which the guarded application is mounted.

    ``FastAPIAuth(app, auth)`` itself serves the metadata of its `Auth`. This is for the application around it, at the
    root of the host. The route is public under default deny, and not in the OpenAPI document.

    Args:
        app: the application at the root of the host.
        resource: the resource, or the `Auth` that has it.

    Raises:
        ConfigurationError: the `Auth` has no resource.

    >>> from authmw.issuers import ProtectedResource
    >>> from fastapi import FastAPI
    >>> app = FastAPI()
    >>> add_resource_metadata(app, ProtectedResource("https://shop.example/mcp", ["https://id.example"]))
    """
    route = resource_metadata_route(resource)
    app.add_route(route.path, route.endpoint, include_in_schema=False)
