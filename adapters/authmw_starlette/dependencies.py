"""What FastAPI's dependencies ask for, as the tree of them says that each of its routes has.

Only what looks like that tree is read here: the adapter for FastAPI brings the dependencies, and this package does not
need FastAPI.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from authmw.engine.declarations import needed_by
from authmw.identity.requirement import PUBLIC

if TYPE_CHECKING:
    from authmw.engine.auth import Auth
    from authmw.identity.requirement import Requirement


class Asked(NamedTuple):
    """Something that is asked of whoever comes along a route.

    Args:
        auth: who finds out whether it is met; None for the middleware in front.
        requirement: what is asked for.
    """

    auth: Auth | None
    requirement: Requirement


class Gate(ABC):
    """A dependency that enforces what it asks for."""

    @abstractmethod
    def asked(self, scopes: tuple[str, ...]) -> Asked:
        """What is asked for where `scopes` were declared above it and with it."""


def asked_by_dependencies(route: object, overrides: Container[object] = ()) -> Iterator[Asked]:
    """What the dependencies of `route` ask for, those of an application and its routers first.

    A dependency opens a route only by standing on it: one that another dependency happens to have says nothing about
    the endpoint.

    Args:
        route: a route; one without dependencies asks for nothing.
        overrides: the dependencies that an application has replaced, as for its tests. Who is calling is for the
            replacement to say, so nothing is asked of credentials.
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
    """What is called for `route` before its endpoint, in that order."""
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
    """What FastAPI gives the dependency as its `SecurityScopes`: newer releases keep them apart, by who said them."""
    said = getattr(dependant, "security_scopes", None) or [
        *(getattr(dependant, "parent_oauth_scopes", None) or ()),
        *(getattr(dependant, "own_oauth_scopes", None) or ()),
    ]
    return tuple(dict.fromkeys(said))
