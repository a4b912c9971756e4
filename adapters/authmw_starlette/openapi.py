"""OpenAPI document of a Starlette application, made from its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from authmw.engine.routes.route import Kind, Route
from authmw.errors import ConfigurationError
from authmw.openapi import Operation, document
from authmw_starlette.listing import routes_of
from authmw_starlette.walk import entries, guards_around

if TYPE_CHECKING:
    from authmw.engine.auth import Auth


def openapi_document(
    app: object,
    *,
    title: str,
    version: str = "0.1.0",
    description: str = "",
    openapi: Literal["3.0", "3.1"] = "3.1",
) -> dict[str, Any]:
    """The OpenAPI document of `app` and of what it mounts: paths, methods, parameters, summaries, and security.

    Routes with ``include_in_schema=False`` are left out. For FastAPI, use `authmw_fastapi.openapi_document`.

    Args:
        app: a Starlette application or a router, guarded by an `AuthMiddleware`.
        title: of the API.
        version: of the API.
        description: of the API (CommonMark).
        openapi: the version of the specification.

    Raises:
        ConfigurationError: nothing guards the application, or several engines do.

    >>> from authmw import Auth, HTTPBearer
    >>> from authmw_starlette import AuthMiddleware
    >>> from starlette.applications import Starlette
    >>> app = Starlette()
    >>> app.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer()))
    >>> openapi_document(app, title="Shop")["components"]["securitySchemes"]
    {'HTTPBearer': {'type': 'http', 'scheme': 'bearer'}}
    """
    auth = _auth_of(app)
    operations = [_operation(route) for route in routes_of(app) if route.kind is Kind.HTTP and route.in_document]
    return document(auth, operations, title=title, version=version, description=description, openapi=openapi)


def _auth_of(app: object) -> Auth:
    guards = [*guards_around(app), *(settings for entry in entries(app) for settings, _ in entry.around.guards)]
    found = dict.fromkeys(settings.auth for settings in guards)
    if not found:
        raise ConfigurationError("nothing guards this application: app.add_middleware(AuthMiddleware, auth=auth) first")
    if len(found) > 1:
        raise ConfigurationError("several Auths guard parts of this application: make a document for each part")
    return next(iter(found))


def _operation(route: Route) -> Operation:
    return Operation(
        path=route.path,
        method=route.method,
        requirement=route.requirement,
        name=route.name,
        doc=getattr(route.endpoint, "__doc__", None) or "",
        parameters=route.parameters,
    )
