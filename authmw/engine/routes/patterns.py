"""Patterns of middleware: as routes of an application whose routes are not known, and those that name no route."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from authmw.engine.declarations import needed_by
from authmw.engine.guard import GuardSettings
from authmw.engine.path_patterns import PathPattern, parsed
from authmw.engine.path_readings import folded
from authmw.engine.routes.route import Kind, Protection, Route, protected
from authmw.identity.requirement import PUBLIC, Requirement


class PlacedGuard(NamedTuple):
    """A guard with its place in an application.

    Args:
        settings: its settings.
        prefix: the path of the part that it guards; empty for the whole application.
    """

    settings: GuardSettings
    prefix: str = ""


def routes_by_patterns(layers: Iterable[object]) -> list[Route]:
    """The patterns of each guard among `layers`, and what every other path needs.

    Args:
        layers: an application and the applications inside it, from outside in.
    """
    found: list[Route] = []
    for layer in layers:
        settings: object = getattr(layer, "guard_settings", None)
        if isinstance(settings, GuardSettings):
            found += _routes_of(settings, getattr(layer, "app", None))
    return found


def without_route(guard: PlacedGuard, routes: Iterable[Route]) -> list[str]:
    """A sentence for each pattern of ``needs=`` that names no path of `routes`, so that it protects nothing.

    Args:
        guard: the guard that has the patterns.
        routes: all routes of the application.
    """
    inside = [(route, route.path.removeprefix(guard.prefix)) for route in routes if route.path.startswith(guard.prefix)]
    return [
        f"needs pattern '{pattern}' names no route of the application: mend it or take it out"
        for pattern in parsed((text for text, _ in guard.settings.needs), "needs", [])
        if not any(_may_name(pattern, route, path) for route, path in inside)
    ]


def _routes_of(settings: GuardSettings, app: object) -> Iterator[Route]:
    for pattern in parsed(settings.leave, "leave", []):
        yield _route(pattern, "leave", Protection.LEFT_ALONE, PUBLIC)
    for pattern in parsed(settings.public, "public", []):
        yield _route(pattern, "public", Protection.PUBLIC, PUBLIC)
    if settings.auth.login is not None:
        for path in settings.auth.login.paths_below("")[:1]:
            yield _route(PathPattern("", path, below=False), "login", Protection.PUBLIC, PUBLIC)
    for text, needed in settings.needs:
        for pattern in parsed((text,), "needs", []):
            yield _route(pattern, "needs", Protection.RULE, needed)
    protection, requirement = protected(needed_by(app), settings, method="", path="")
    yield _route(PathPattern("", "/", below=True), "default", protection, requirement)


def _route(pattern: PathPattern, setting: str, protection: Protection, requirement: Requirement) -> Route:
    return Route(
        path=str(pattern._replace(method="")),
        method=pattern.method,
        name=f"{setting}=",
        protection=protection,
        requirement=requirement,
        kind=Kind.PATTERN,
        in_document=False,
    )


def _may_name(pattern: PathPattern, route: Route, path: str) -> bool:
    """Whether some path of `route`, which is `path` below the guard, is one of `pattern`."""
    if pattern.method and route.method not in ("", pattern.method):
        return False
    wanted, template = folded(pattern.path), folded(path)
    fixed = template.partition("{")[0].partition("*")[0]
    if fixed != template:  # it stands for many paths
        return wanted.startswith(fixed) or (pattern.below and fixed.startswith(wanted))
    return f"{template}/".startswith(wanted) if pattern.below else wanted.rstrip("/") == template.rstrip("/")
