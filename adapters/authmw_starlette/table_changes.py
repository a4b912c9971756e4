"""Changes of the route tables of an application, and of what is declared on its endpoints, since they were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MethodType
from typing import Any, NamedTuple

from starlette.routing import Router

from authmw.engine.markers import declarations
from authmw_starlette.routers import included_by
from authmw_starlette.routes import links_of, owners_of

_Links = Mapping[int, tuple[object, frozenset[int]]]
"""By its identity: each route, and the identities of what it calls."""


class _Added(NamedTuple):
    """Routes that were added, in the place of an application that has only these."""

    routes: list[Any]


class TableChanges:
    """Knows whether a program has added or removed routes, or declared something on one, since the last `note`.

    It is asked in front of each request, so it compares sizes: a route that takes the place of another one is not
    noticed. Programs that add a route with each page are common, so only what is new is looked at.
    """

    def __init__(self) -> None:
        self._tables: tuple[Any, ...] = ()
        self._sizes: list[int] | None = None
        self._links: _Links = {}
        # The declarations on something that is registered: how many there were, and of how many `note` knows.
        self._declared = self._read = self._noted = 0
        declarations.watch(self)

    @property
    def were_noted(self) -> bool:
        """Whether `note` was called before."""
        return self._sizes is not None

    @property
    def are_there(self) -> bool:
        """Whether something has changed, or nothing was noted so far."""
        return self._declared != self._noted or self._sizes != [len(each.routes) for each in self._tables]

    def declared_on(self, target: object) -> None:
        """Notice that something was declared on `target`."""
        found = id(target.__self__ if type(target) is MethodType else target)
        if any(found in links for _, links in self._links.values()):
            self._declared += 1

    def read(self, app: object) -> object:
        """What of `app` has to be looked at: all of it, or an object with the routes that were added."""
        self._read = self._declared
        if self._sizes is None or self._declared != self._noted:
            return app
        return _Added([each for table in _tables_of(app) for each in table.routes if id(each) not in self._links])

    def note(self, app: object) -> None:
        """Note what there is, after it was looked at: the tables of `app`, of its mounts and of what it includes."""
        known: _Links = self._links if self._read == self._noted else {}
        self._tables = tuple({id(each): each for each in _tables_of(app)}.values())
        self._sizes = [len(each.routes) for each in self._tables]
        routes = [app, *(route for table in self._tables for route in table.routes)]
        self._links = {id(each): known.get(id(each)) or (each, links_of(each)) for each in routes}
        self._noted = self._read


def _tables_of(app: object) -> Iterator[Any]:
    owners: Iterator[Any] = owners_of(app)
    for owner in owners:
        router = getattr(owner, "router", owner)
        yield router if isinstance(router, Router) else owner
        for route in owner.routes:
            yield from included_by(route)
