"""Frameworks whose routes can be listed: a registry by the entry points of their adapters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Final, Protocol

from authmw.engine.guard import GuardSettings
from authmw.engine.routes.doors import Asked, Door, doors_around
from authmw.engine.routes.patterns import PlacedGuard, routes_by_patterns, without_route
from authmw.engine.routes.route import Kind, Route
from authmw.engine.undeclared_scopes import undeclared
from authmw.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "authmw.frameworks"
"""The group of the entry points. The name of each is the class of an application (``flask.app.Flask``), and its value
is a `Framework`. The core imports no adapter until an application of that class is given."""


class Framework(Protocol):
    """What an adapter tells about applications of its framework: a module with these four functions."""

    def routes_of(self, app: Any, /) -> list[Route]:
        """Every route of `app`, with what protects it. `app` may be wrapped in middleware."""
        ...

    def openapi_document(self, app: Any, /, **options: Any) -> dict[str, Any]:
        """The OpenAPI document of `app`, which may be wrapped in middleware."""
        ...

    def guards_of(self, app: Any, /) -> list[PlacedGuard]:
        """Each guard of `app` and of the applications in it. It is not wrapped in middleware."""
        ...

    def doors_of(self, app: Any, asked: Asked, /) -> list[Door]:
        """The doors that a request passes, of the middleware around `app`, and in it and the applications in it."""
        ...


def routes_of(app: object) -> list[Route]:
    """Every route of a Flask, Starlette, FastAPI or Django application, with what protects it.

    Of another application behind an `AuthMiddleware`, the routes are the patterns of the middleware.

    Args:
        app: the application, or the outermost middleware around it. Every `AuthMiddleware` on the way inwards counts as
            protection of the routes.

    Raises:
        ConfigurationError: no adapter knows the application, and no `AuthMiddleware` is around it.
    """
    layers: list[object] = []
    try:
        for each in inwards(app):
            layers.append(each)
    except ConfigurationError:
        by_patterns = routes_by_patterns(layers)
        if not by_patterns:
            raise
        return by_patterns
    return _framework(layers[-1]).routes_of(app)


def openapi_document(app: object, **options: Any) -> dict[str, Any]:
    """The OpenAPI document of a Flask, Starlette, FastAPI or Django application.

    Args:
        app: the application, or the middleware around it.
        options: those of the ``openapi_document`` of its adapter.

    Raises:
        ConfigurationError: no adapter knows the application, or its framework decides one of `options`.
    """
    *_, application = inwards(app)
    write = _framework(application).openapi_document
    known = signature(write).parameters
    if unknown := [name for name in options if name not in known]:
        name = type(application).__name__
        raise ConfigurationError(f"{name} decides its {' and '.join(unknown)}: set it where the application is made")
    if "title" in known and known["title"].default is Parameter.empty:
        options.setdefault("title", "API")
    return write(app, **options)


def guards_of(app: object) -> list[PlacedGuard]:
    """Each guard around `app` and in it, the outermost first.

    Args:
        app: an application, or the outermost middleware around it. Inside of one that no adapter knows, nothing is
            found.
    """
    found: dict[PlacedGuard, None] = {}
    try:
        for each in inwards(app):
            settings: object = getattr(each, "guard_settings", None)
            if isinstance(settings, GuardSettings):
                found[PlacedGuard(settings)] = None
            if is_known(each):
                found |= dict.fromkeys(_framework(each).guards_of(each))
    except ConfigurationError:
        if not found:
            raise
    return list(found)


def doors_of(app: object, asked: Asked) -> list[Door]:
    """The doors that a request passes, the outermost first.

    Args:
        app: an application, or the outermost middleware around it.
        asked: the request.

    Raises:
        ConfigurationError: no adapter knows the application, and no `AuthMiddleware` is around it.
    """
    layers: list[object] = []
    try:
        for each in inwards(app):
            layers.append(each)
    except ConfigurationError:
        doors = doors_around(layers, asked)
        if not doors:
            raise
        return doors
    return _framework(layers[-1]).doors_of(app, asked)


def mistaken_patterns(app: object, routes: Iterable[Route]) -> list[str]:
    """A sentence for each pattern of a guard of `app` that names none of its `routes`. None where they are unknown."""
    known = [route for route in routes if route.kind is not Kind.PATTERN]
    if not known:
        return []
    return [sentence for guard in guards_of(app) for sentence in without_route(guard, known)]


def misspelt_scopes(app: object, routes: Iterable[Route]) -> list[str]:
    """A sentence for each scope that one of `routes` needs and no ``Auth(scopes=...)`` in front of it declares."""
    guards = [guard for guard in guards_of(app) if guard.settings.auth.scopes]
    found: dict[str, None] = {}
    for route in routes:
        auths = [guard.settings.auth for guard in guards if route.path.startswith(guard.prefix)]
        place = f"{route.label} ({route.place})" if route.place else route.label
        for scope in () if route.is_open or not auths else route.requirement.all_scopes:
            if not any(scope in auth.scopes for auth in auths):
                found |= dict.fromkeys(undeclared([(place, scope)], auths[-1]))
    return list(found)


def is_known(app: object) -> bool:
    """Whether an adapter knows the type of `app`.

    >>> is_known(object())
    False
    """
    return _entry_point(app) is not None


def inwards(app: object) -> Iterator[object]:
    """`app` and the applications inside it, from outside in, down to one that an adapter knows.

    Raises:
        ConfigurationError: no adapter knows any of them.
    """
    seen: list[object] = []
    each = app
    while not is_known(each):
        seen.append(each)
        yield each
        below = getattr(each, "app", None)
        each = getattr(below, "__self__", below)  # app.wsgi_app is a method of Flask
        if each is None or any(each is other for other in seen):
            raise ConfigurationError(
                f"{type(app).__name__} is no application of Flask, Starlette, FastAPI or Django, so it has no routes "
                "to list: name the application itself"
            )
    yield each


@cache
def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # loads email and socket, which slow down --help

    return {each.name: each for each in entry_points(group=GROUP)}


def _entry_point(app: object) -> EntryPoint | None:
    known = _entry_points()
    names = (f"{each.__module__}.{each.__qualname__}" for each in type(app).__mro__)
    return next((known[name] for name in names if name in known), None)


def _framework(app: object) -> Framework:
    """The `Framework` of `app`. Its adapter is imported here, by its name."""
    found = _entry_point(app)
    try:
        framework: Framework | None = None if found is None else found.load()
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{type(app).__name__} needs its adapter: {error}") from error
    if framework is None:
        raise ConfigurationError(f"no adapter knows {type(app).__name__}")
    return framework
