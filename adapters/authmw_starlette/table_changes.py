"""Changes of the route tables of an application, and of what is declared, since they were read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from authmw.engine.markers import declarations
from authmw_starlette.routers import included_by, routes_in
from authmw_starlette.routes import owners_of


class TableChanges:
    """Knows whether a program has added or removed routes, or declared something, since the last `note`.

    It is asked in front of each request, so it compares sizes only: a route that takes the place of another one is not
    noticed.
    """

    def __init__(self) -> None:
        self._tables: tuple[Any, ...] = ()
        self._seen: tuple[object, list[int]] | None = None

    @property
    def were_noted(self) -> bool:
        """Whether `note` was called before."""
        return self._seen is not None

    @property
    def are_there(self) -> bool:
        """Whether something has changed, or nothing was noted so far."""
        return self._seen != (declarations.version_below, self._sizes())

    def note(self, app: object) -> None:
        """Note what there is now: the tables of `app`, of what it mounts and of what it includes."""
        self._tables = tuple({id(each): each for each in _tables_of(app)}.values())
        self._seen = (declarations.version_below, self._sizes())

    def _sizes(self) -> list[int]:
        return [len(routes_in(each) or ()) for each in self._tables]


def _tables_of(app: object) -> Iterator[Any]:
    owners: Iterator[Any] = owners_of(app)
    for owner in owners:
        yield owner
        for route in owner.routes:
            yield from included_by(route)
