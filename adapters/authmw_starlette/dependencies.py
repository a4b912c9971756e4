"""Requirements of FastAPI's dependencies, read from the tree of dependencies that each route has.

Only the attributes of that tree are read, so this package does not need FastAPI. The dependencies are defined in the
adapter for FastAPI.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from authmw.engine.declarations import needed_by
from authmw.identity.requirement import PUBLIC, Requirement

if TYPE_CHECKING:
    from authmw.engine.auth import Auth


class Asked(NamedTuple):
    """A requirement on the way to an endpoint.

    Args:
        auth: the engine that checks it; None for that of the middleware in front.
        requirement: what the caller needs.
    """

    auth: Auth | None
    requirement: Requirement


class Gate(ABC):
    """A dependency that enforces a requirement."""

    @abstractmethod
    def asked(self, scopes: tuple[str, ...]) -> Asked:
        """The requirement, if `scopes` were declared with it and above it."""


def asked_by_dependencies(route: object, overrides: Container[object] = ()) -> Iterator[Asked]:
    """The requirements of the dependencies of `route`, those of the application and its routers first.

    Only a dependency of the route itself can open it. A dependency of another dependency says nothing about the
    endpoint.

    Args:
        route: a route, with dependencies or without.
        overrides: the dependencies that an application has replaced, as for its tests. A replacement says itself who
            is calling, so no credentials are required.
    """
    for dependant, depth in _dependants(route):
        call = dependant.call
        if call in overrides:
            continue
        asked = _asked(dependant)
        if isinstance(call, Gate) and any(below.call in overrides for below in dependant.dependencies):
            yield Asked(asked.auth if asked else None, PUBLIC)
        elif asked is not None and (not asked.requirement.is_open or (depth == 1 and isinstance(call, Gate))):
            yield asked


def dependencies_of(route: object) -> Iterator[Any]:
    """The dependencies that are called for `route` before its endpoint, in that order."""
    return (dependant.call for dependant, _ in _dependants(route))


def _asked(dependant: Any) -> Asked | None:
    if isinstance(dependant.call, Gate):
        return dependant.call.asked(_scopes(dependant))
    requirement = needed_by(dependant.call)
    return None if requirement is None else Asked(None, requirement)


def _dependants(route: object) -> Iterator[tuple[Any, int]]:
    root = getattr(route, "dependant", None)
    return iter(()) if root is None else _below(root, 1)


def _below(dependant: Any, depth: int) -> Iterator[tuple[Any, int]]:
    for each in dependant.dependencies:
        yield each, depth
        yield from _below(each, depth + 1)


def _scopes(dependant: Any) -> tuple[str, ...]:
    """The scopes that FastAPI gives the dependency as `SecurityScopes`. Newer releases keep them in two attributes."""
    scopes = getattr(dependant, "security_scopes", None) or [
        *(getattr(dependant, "parent_oauth_scopes", None) or ()),
        *(getattr(dependant, "own_oauth_scopes", None) or ()),
    ]
    return tuple(dict.fromkeys(scopes))
