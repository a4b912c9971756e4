"""Frameworks whose routes can be listed: a registry by the entry points of their adapters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Final, Protocol

from authmw.engine.routes.route import Route
from authmw.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "authmw.frameworks"
"""The group of the entry points. The name of each is the class of an application (``flask.app.Flask``), and its value
is a `Framework`. The core imports no adapter until an application of that class is given."""


class Framework(Protocol):
    """What an adapter tells about applications of its framework: a module with these two functions."""

    def routes_of(self, app: Any, /) -> list[Route]:
        """Every route of `app`, with what protects it. `app` may be wrapped in middleware."""
        ...

    def openapi_document(self, app: Any, /, **options: Any) -> dict[str, Any]:
        """The OpenAPI document of `app`, which may be wrapped in middleware."""
        ...


def routes_of(app: object) -> list[Route]:
    """Every route of a Flask, Starlette or FastAPI application, with what protects it.

    Args:
        app: the application, or the outermost middleware around it. Every `AuthMiddleware` on the way inwards counts as
            protection of the routes.

    Raises:
        ConfigurationError: no adapter knows the application.
    """
    *_, application = inwards(app)
    return _framework(application).routes_of(app)


def openapi_document(app: object, **options: Any) -> dict[str, Any]:
    """The OpenAPI document of a Flask, Starlette or FastAPI application.

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
                f"{type(app).__name__} is no application of Flask, Starlette or FastAPI, so it has no routes to list: "
                "name the application itself"
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
