"""Entry point of ``authmw.frameworks`` for Django and Channels: the routes and the OpenAPI document of a project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from django import conf
from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404
from django.urls import get_resolver

from authmw.engine.guard import GuardSettings
from authmw.engine.routes.doors import Asked, Door, doors_around
from authmw.engine.routes.frameworks import inwards
from authmw.engine.routes.patterns import PlacedGuard
from authmw.engine.routes.route import Kind, Protection, Route, protected
from authmw.errors import ConfigurationError
from authmw_django import listing
from authmw_django.config import checked_configuration, guards_project
from authmw_django.heads import DjangoRequest


def routes_of(app: object) -> list[Route]:
    """Every view of a Django project with what protects it, and the websockets of Channels.

    Args:
        app: the application of ``wsgi.py`` or ``asgi.py``, or a middleware around it.
    """
    *around, application = inwards(app)
    routes = listing.routes_of_project()
    routes += _websockets(application)
    for middleware in reversed(around):
        settings: object = getattr(middleware, "guard_settings", None)
        if isinstance(settings, GuardSettings):
            routes = [_behind(settings, route) for route in routes]
    return routes


def openapi_document(
    app: object,
    *,
    title: str = "API",
    version: str = "0.1.0",
    description: str = "",
    openapi: Literal["3.0", "3.1"] = "3.1",
    servers: Iterable[str] = (),
) -> dict[str, Any]:
    """An OpenAPI document of a project: paths, methods, parameters, summaries, and what `AuthMiddleware` enforces.

    Views of Django itself, as those of the admin, are left out. A function that takes any method is described as GET.

    Raises:
        ConfigurationError: no `AuthMiddleware` is in ``MIDDLEWARE``.
    """
    from authmw.openapi import Operation, document

    settings = listing.settings_of_project()
    if settings is None:
        raise ConfigurationError(
            "nothing guards the project, so no document can say what is enforced: "
            'write MIDDLEWARE = ["authmw_django.AuthMiddleware", ...]'
        )
    operations = [
        Operation(
            path=route.path,
            method=route.method,
            requirement=route.requirement,
            name=route.name,
            doc=getattr(route.endpoint, "__doc__", None) or "",
            parameters=route.parameters,
        )
        for route in listing.described_routes()
    ]
    return document(
        settings.auth,
        operations,
        title=title,
        version=version,
        description=description,
        openapi=openapi,
        servers=servers,
    )


def guards_of(app: object) -> list[PlacedGuard]:
    """`AuthMiddleware`, if it is in ``MIDDLEWARE``."""
    settings = listing.settings_of_project()
    return [] if settings is None else [PlacedGuard(settings)]


def doors_of(app: object, asked: Asked) -> list[Door]:
    """Those of middleware around the project, and that in ``MIDDLEWARE``. Websockets of Channels have none here."""
    *around, _ = inwards(app)
    outside = doors_around(around, asked)
    if not guards_project() or asked.is_websocket:
        return outside
    request = WSGIRequest(asked.environ())
    routed = WSGIRequest(asked.environ())
    try:
        routed.resolver_match = get_resolver(conf.settings.ROOT_URLCONF).resolve(routed.path_info)
    except Http404:
        routed.resolver_match = None
    configuration = checked_configuration()
    note = "Django looks for a user of its own for the caller, and refuses one who has none"
    notes = () if configuration.user.is_default else (note,)
    return [*outside, Door(configuration.guard, DjangoRequest(request), DjangoRequest(routed), notes)]


def _websockets(application: object) -> Iterator[Route]:
    """The websockets in the ``ProtocolTypeRouter`` of Channels."""
    applications: Mapping[str, Any] = getattr(application, "application_mapping", {})
    layer = applications.get("websocket")
    guard: GuardSettings | None = None
    while layer is not None and not hasattr(layer, "routes"):
        found: object = getattr(layer, "guard_settings", None)
        guard = guard or (found if isinstance(found, GuardSettings) else None)
        inner = [getattr(layer, name, None) for name in ("app", "inner", "application")]
        layer = next((each for each in inner if each is not None), None)
    if layer is not None:
        yield from listing.websockets_of(layer, guard)


def _behind(settings: GuardSettings, route: Route) -> Route:
    """`route` behind a middleware, which protects it if nothing else does."""
    if route.protection is not Protection.UNPROTECTED:
        return route
    method = "" if route.kind is Kind.WEBSOCKET else route.method
    protection, requirement = protected(None, settings, method=method, path=route.path)
    return replace(route, protection=protection, requirement=requirement)
