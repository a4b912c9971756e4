"""List of the views of a Django project, each with its protection, as `ViewTable` and the guard enforce it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from inspect import isroutine
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django import conf
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from authmw.engine.declarations import enforced_by, is_unenforced, needed_by, requirement_of
from authmw.engine.reached import chain_of
from authmw.engine.routes.route import Kind, Protection, Route, place_of, protected
from authmw.identity.requirement import Requirement
from authmw_django.config import checked_configuration, guards_project
from authmw_django.templates import parameters_of, template_of
from authmw_django.urlconf import ViewTable, actions_of, carriers, function_of, handler_of, view_class_of

if TYPE_CHECKING:
    from authmw.engine.guard import GuardSettings

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""A function takes any method, and so do these rows stand for all."""
_INTERNAL: Final = ("django.contrib.", "django.views.")


class Found(NamedTuple):
    """One view of a URL conf.

    Args:
        patterns: the patterns on the way to it.
        view: what is registered.
        name: its name, with its namespaces.
    """

    patterns: tuple[Any, ...]
    view: Any
    name: str


def settings_of_project() -> GuardSettings | None:
    """The settings of `AuthMiddleware`; None if it is not in ``MIDDLEWARE``."""
    return checked_configuration().guard_settings if guards_project() else None


def routes_of_project() -> list[Route]:
    """Every view of ``ROOT_URLCONF``, with a route for each method.

    HEAD, and the OPTIONS of a class-based view that declares nothing for it, are protected like the view, and are left
    out.
    """
    return [replace(route, place=place_of(route.endpoint)) for route in unplaced_routes()]


def unplaced_routes() -> Iterator[Route]:
    """The routes of `routes_of_project` without their places. Those are read from the source files."""
    table, guard = ViewTable(), settings_of_project()
    for found in views_in(get_resolver(conf.settings.ROOT_URLCONF).url_patterns):
        for method in methods_of(found.view) or _METHODS:
            yield _route(found, method, table, guard)


def described_routes() -> Iterator[Route]:
    """The routes for an OpenAPI document. A function that takes any method has one route, as GET."""
    table, guard = ViewTable(), settings_of_project()
    for found in views_in(get_resolver(conf.settings.ROOT_URLCONF).url_patterns):
        for method in methods_of(found.view) or ("GET",):
            route = _route(found, method, table, guard)
            if route.in_document:
                yield route


def closed_views() -> Iterator[Found]:
    """The views that need a caller for some method."""
    table, guard = ViewTable(), settings_of_project()
    for found in views_in(get_resolver(conf.settings.ROOT_URLCONF).url_patterns):
        methods = methods_of(found.view) or ("GET",)
        if not all(_route(found, method, table, guard).requirement.is_open for method in methods):
            yield found


def closed_by_dispatchers() -> Iterator[tuple[str, str]]:
    """The views with a ``@public`` method that a dispatcher of the project closes, each with that dispatcher."""
    table = ViewTable()
    for found in views_in(get_resolver(conf.settings.ROOT_URLCONF).url_patterns):
        opened = (each for each in methods_of(found.view) if is_marked_open(found.view, each))
        closing = next(filter(None, (table.closed_by_dispatcher(found.view, each) for each in opened)), "")
        if closing:
            yield found.name, closing


def views_in(entries: Iterable[Any], around: tuple[Any, ...] = (), namespaces: str = "") -> Iterator[Found]:
    """The views in the entries of a URL conf, and in what they include."""
    for entry in entries:
        patterns = (*around, entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespaces}{entry.namespace}:" if entry.namespace else namespaces
            yield from views_in(entry.url_patterns, patterns, inner)
        elif isinstance(entry, URLPattern):
            named = f"{namespaces}{entry.name}" if entry.name else entry.lookup_str
            yield Found(patterns, entry.callback, named)


def websockets_of(router: Any, guard: GuardSettings | None) -> Iterator[Route]:
    """The websockets of a ``URLRouter`` of Channels."""
    for found in views_in(router.routes):
        path = template_of(found.patterns)
        declared = needed_by(found.view)
        protection, requirement = protected(declared, guard, method="", path=path)
        if is_unenforced(found.view):
            protection, requirement = Protection.MISPLACED, requirement_of(found.view)
        yield Route(
            path=path,
            name=getattr(getattr(found.view, "consumer_class", found.view), "__qualname__", found.name),
            protection=protection,
            requirement=requirement,
            kind=Kind.WEBSOCKET,
            in_document=False,
            parameters=parameters_of(found.patterns),
            endpoint=getattr(found.view, "consumer_class", found.view),
        )


def methods_of(view: Any) -> tuple[str, ...]:
    """The methods that `view` takes, without HEAD and the OPTIONS that Django answers; none if it takes any."""
    view_class = view_class_of(view)
    if view_class is None:
        return _listed_methods(view)
    known: Iterable[str] = actions_of(view) or getattr(view_class, "http_method_names", ())
    taken = [name.upper() for name in known if name not in ("head", "options") and handler_of(view, name) is not None]
    return tuple(taken)


def is_marked_open(view: Any, method: str) -> bool:
    """Whether a method of a class is ``@public`` itself."""
    needed = needed_by(handler_of(view, method))
    return needed is not None and needed.is_open


def _listed_methods(view: Any) -> tuple[str, ...]:
    """The methods that ``require_http_methods`` lets through."""
    for link in chain_of(view):
        if isinstance(link, FunctionType) and "request_method_list" in link.__code__.co_freevars:
            cells = dict(zip(link.__code__.co_freevars, link.__closure__ or (), strict=True))
            listed: Iterable[str] = cells["request_method_list"].cell_contents
            return tuple(each for each in listed if each != "HEAD")
    return ()


def _route(found: Found, method: str, table: ViewTable, guard: GuardSettings | None) -> Route:
    path, view = template_of(found.patterns), found.view
    declared = table.requirement(view, method)
    protection, requirement = protected(declared, guard, method=method, path=path)
    if guard is None and declared is not None and not _enforces(view, method, declared):
        protection = Protection.MISPLACED
    return Route(
        path=path,
        method=method,
        name=found.name,
        protection=protection,
        requirement=requirement,
        in_document=not str(getattr(view, "__module__", "")).startswith(_INTERNAL),
        parameters=parameters_of(found.patterns),
        endpoint=_endpoint(view, method),
    )


def _enforces(view: Any, method: str, declared: Requirement) -> bool:
    """Whether a call of `view` enforces all that was declared, without `AuthMiddleware`."""
    if declared.is_open:
        return True
    found = map(enforced_by, (each for each in carriers(view, method) if each is not None))
    enforced = Requirement.together(each for each in found if each is not None)
    return enforced is not None and enforced.includes(declared)


def _endpoint(view: Any, method: str) -> Any:
    """The function behind a view: for a class-based view, its method or its action."""
    handler = handler_of(view, method)
    function = function_of(handler)
    if function is not None:
        return function
    return handler if isroutine(handler) else view_class_of(view) or view
