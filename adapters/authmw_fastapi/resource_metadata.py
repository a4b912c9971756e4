"""The metadata of a protected resource on a FastAPI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw_starlette.resource_metadata import resource_metadata_route

if TYPE_CHECKING:
    from fastapi import FastAPI

    from authmw.engine.auth import Auth
    from authmw.engine.protected_resource import ProtectedResource


def add_resource_metadata(app: FastAPI, resource: ProtectedResource | Auth) -> None:
    """Serve the metadata of `resource` at the root of `app`, in which the guarded application is mounted.

    ``FastAPIAuth(app, auth)`` answers for the resource of its `Auth` itself: this is for the application around it,
    whose root is that of the host. It is public under default deny, and not in the OpenAPI document.

    Args:
        app: the application at the root of the host.
        resource: what to describe, or the `Auth` that has it.

    Raises:
        ConfigurationError: there is nothing to describe.

    >>> from authmw.issuers import ProtectedResource
    >>> from fastapi import FastAPI
    >>> app = FastAPI()
    >>> add_resource_metadata(app, ProtectedResource("https://shop.example/mcp", ["https://id.example"]))
    """
    route = resource_metadata_route(resource)
    app.add_route(route.path, route.endpoint, include_in_schema=False)
