"""Which adapter knows an application, by the application's type. Adapters are loaded by name: the core imports none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Final, cast

from authmw.engine.guard import Guarded
from authmw.engine.routes.route import Protection, Route, protected
from authmw.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

_ADAPTERS: Final = {
    "flask.app.Flask": "authmw_flask",
    "fastapi.applications.FastAPI": "authmw_fastapi",
    "starlette.applications.Starlette": "authmw_starlette",
    "starlette.routing.Router": "authmw_starlette",
}


def routes_of(app: object) -> list[Route]:
    """Every route of a Flask, Starlette or FastAPI application, with what protects it.

    Args:
        app: the application, or what is wrapped around it. A middleware of ours out there protects what is below it.

    Raises:
        ConfigurationError: it is no such application, so that nobody can tell its routes.
    """
    *around, application = _inwards(app)
    adapter = adapter_of(application)
    listing: Any = _imported(f"{adapter}.listing", application)
    if adapter != "authmw_flask":
        return cast("list[Route]", listing.routes_of(app))  # which looks through middleware itself
    routes: list[Route] = listing.routes_of(application)
    for middleware in reversed(around):
        routes += listing.mounts_of(middleware)
        guarded: object = getattr(middleware, "guarded", None)
        if isinstance(guarded, Guarded):
            routes = [_behind(guarded, route) for route in routes]
    return routes


def openapi_document(app: object, **options: Any) -> dict[str, Any]:
    """The OpenAPI document of a Flask, Starlette or FastAPI application.

    Args:
        app: the application, or what is wrapped around it.
        options: those of the ``openapi_document`` of its adapter.

    Raises:
        ConfigurationError: it is no such application, or its framework decides what was given here.
    """
    *_, application = _inwards(app)
    adapter = adapter_of(application)
    write: Callable[..., dict[str, Any]] = _imported(f"{adapter}.openapi", application).openapi_document
    known = signature(write).parameters
    if unknown := [name for name in options if name not in known]:
        name = type(application).__name__
        raise ConfigurationError(f"{name} decides its {' and '.join(unknown)}: say it where the application is made")
    if "title" in known and known["title"].default is Parameter.empty:
        options.setdefault("title", "API")
    return write(application if adapter == "authmw_flask" else app, **options)


def adapter_of(app: object) -> str:
    """The package that knows applications of that type; empty for none.

    >>> adapter_of(object())
    ''
    """
    names = (f"{each.__module__}.{each.__qualname__}" for each in type(app).__mro__)
    return next((_ADAPTERS[name] for name in names if name in _ADAPTERS), "")


def _inwards(app: object) -> Iterator[object]:
    """`app`, and what it wraps as middleware does, down to an application that an adapter knows."""
    seen: list[object] = []
    each = app
    while not adapter_of(each):
        seen.append(each)
        yield each
        below = getattr(each, "app", None)
        each = getattr(below, "__self__", below)  # app.wsgi_app, a method of Flask's
        if each is None or any(each is other for other in seen):
            raise ConfigurationError(
                f"{type(app).__name__} is no application of Flask, Starlette or FastAPI, so its routes cannot be told: "
                "name the application itself"
            )
    yield each


def _imported(name: str, app: object) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{type(app).__name__} needs its adapter: {error}") from error


def _behind(guarded: Guarded, route: Route) -> Route:
    """`route`, as far as nothing else protects it, behind a middleware."""
    if route.protection is not Protection.UNPROTECTED:
        return route
    protection, requirement = protected(None, guarded, method=route.method, path=route.path)
    return replace(route, protection=protection, requirement=requirement)
