"""OpenAPI document of a Flask application, made from its route table and docstrings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from authmw.engine.routes.route import Kind, Route
from authmw_flask.listing import checked_guard_settings, unplaced_routes

if TYPE_CHECKING:
    from flask import Flask

    from authmw.openapi import Operation


def openapi_document(
    app: Flask,
    *,
    title: str | None = None,
    version: str = "0.1.0",
    description: str = "",
    openapi: Literal["3.0", "3.1"] = "3.1",
    servers: Iterable[str] = (),
    include: Callable[[Route], bool] | None = None,
) -> dict[str, Any]:
    """An OpenAPI document of `app`: for an application that has no generator.

    It has the paths with their parameters, summaries from docstrings, blueprints as tags, and what `FlaskAuth`
    enforces. Each call makes it from the routes that are registered by then.

    Args:
        app: the application, guarded by `FlaskAuth`.
        title: of the API; the name of the application by default.
        version: of the API.
        description: of the API (CommonMark).
        openapi: the version of the specification.
        servers: the URLs of the application. Without any, clients use the URL of the document.
        include: whether a route is described. By default all are, except static files, the docs page and the endpoints
            of the token service.

    Raises:
        ConfigurationError: `app` is not guarded, or a scheme has a name that OpenAPI does not allow.

    >>> from authmw import Auth, HTTPBearer, requires_scopes
    >>> from authmw_flask import FlaskAuth
    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> _ = FlaskAuth(app, Auth(HTTPBearer()))
    >>> @app.get("/orders")
    ... @requires_scopes("orders:read")
    ... def orders() -> list[str]:
    ...     '''All orders.'''
    ...     return []
    >>> operation = openapi_document(app)["paths"]["/orders"]["get"]
    >>> operation["summary"], operation["security"]
    ('All orders.', [{'HTTPBearer': ['orders:read']}])
    """
    from authmw.openapi import document

    settings = checked_guard_settings(app)
    described = [
        _operation(route)
        for route in unplaced_routes(app)
        if route.kind is Kind.HTTP and (route.in_document if include is None else include(route))
    ]
    return document(
        settings.auth,
        described,
        title=app.name if title is None else title,
        version=version,
        description=description,
        openapi=openapi,
        servers=servers,
    )


def _operation(route: Route) -> Operation:
    from authmw.openapi import Operation

    blueprint = route.name.rpartition(".")[0]
    return Operation(
        path=route.path,
        method=route.method,
        requirement=route.requirement,
        name=route.name,
        doc=_doc(route.endpoint),
        parameters=route.parameters,
        tags=(blueprint,) if blueprint else (),
    )


def _doc(endpoint: Any) -> str:
    while isinstance(endpoint, partial):  # its own docstring is that of `partial`
        endpoint = endpoint.func
    return getattr(endpoint, "__doc__", None) or ""
