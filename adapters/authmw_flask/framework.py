"""Entry point of ``authmw.frameworks`` for Flask: the routes and the OpenAPI document of an application."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import Any, cast

from flask import Flask

from authmw.engine.guard import GuardSettings
from authmw.engine.routes.frameworks import inwards
from authmw.engine.routes.route import Protection, Route, protected
from authmw_flask import listing
from authmw_flask.openapi import document


def routes_of(app: object) -> list[Route]:
    """Every route of a Flask application, with what protects it: `FlaskAuth`, or middleware around it.

    Args:
        app: the application, or a middleware around it.
    """
    *around, application = inwards(app)
    routes = listing.routes_of(cast("Flask", application))
    for middleware in reversed(around):
        routes += listing.mounts_of(middleware)
        settings: object = getattr(middleware, "guard_settings", None)
        if isinstance(settings, GuardSettings):
            routes = [_behind(settings, route) for route in routes]
    return routes


@wraps(document.openapi_document)
def openapi_document(app: object, **options: Any) -> dict[str, Any]:
    """The OpenAPI document of a Flask application, which may be wrapped in middleware."""
    *_, application = inwards(app)
    return document.openapi_document(cast("Flask", application), **options)


def _behind(settings: GuardSettings, route: Route) -> Route:
    """`route` behind a middleware, which protects it if nothing else does."""
    if route.protection is not Protection.UNPROTECTED:
        return route
    protection, requirement = protected(None, settings, method=route.method, path=route.path)
    return replace(route, protection=protection, requirement=requirement)
