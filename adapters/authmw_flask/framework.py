"""Entry point of ``authmw.frameworks`` for Flask: the routes and the OpenAPI document of an application."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import Any, cast

from flask import Flask

from authmw.engine.guard import Guard, GuardSettings
from authmw.engine.routes.doors import Asked, Door, doors_around
from authmw.engine.routes.frameworks import inwards
from authmw.engine.routes.patterns import PlacedGuard
from authmw.engine.routes.route import Protection, Route, protected
from authmw.http.request import Environ, WSGIRequest
from authmw.wsgi import AuthMiddleware
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


def guards_of(app: Flask) -> list[PlacedGuard]:
    """`FlaskAuth`, if `app` has it."""
    settings = listing.guard_settings_of(app)
    return [] if settings is None else [PlacedGuard(settings)]


def doors_of(app: object, asked: Asked) -> list[Door]:
    """Those of middleware around the application, and that of `FlaskAuth` if it has it."""
    *around, application = inwards(app)
    flask = cast("Flask", application)
    environ = asked.environ()
    routed = {**environ, "authmw.path_params": _parameters(flask, environ)}
    guards: list[Guard] = []
    layer: Any = flask.wsgi_app
    while layer is not None:
        guards += [layer.guard] if isinstance(layer, AuthMiddleware) else []
        layer = getattr(layer, "app", None)
    inside = [Door(guard, WSGIRequest(environ), WSGIRequest(routed)) for guard in guards]
    return doors_around(around, asked) + inside


def _parameters(app: Flask, environ: Environ) -> dict[str, Any]:
    """The parameters of the path, as Flask's router finds them; none where it finds no view."""
    try:
        adapter = app.create_url_adapter(app.request_class(environ))
        return {} if adapter is None else dict(adapter.match()[1])
    except Exception:  # no such route, another method, a converter that fails
        return {}


def _behind(settings: GuardSettings, route: Route) -> Route:
    """`route` behind a middleware, which protects it if nothing else does."""
    if route.protection is not Protection.UNPROTECTED:
        return route
    protection, requirement = protected(None, settings, method=route.method, path=route.path)
    return replace(route, protection=protection, requirement=requirement)
