"""Parts of a router beside its route table: the fallback, the frontends, and the routers that it includes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from starlette.routing import Router


def routes_in(app: object) -> Sequence[Any] | None:
    """The route table of an application, a router or a route; None if it has none that can be read."""
    try:
        routes: object = getattr(app, "routes", None)
    except Exception:  # a proxy that stands for nothing yet
        return None
    return cast("Sequence[Any]", routes) if isinstance(routes, list | tuple) else None


def fallback_of(app: Any) -> Any:
    """The application that a program has set to answer when no route of `app` does. None for the usual 404."""
    router = getattr(app, "router", app)
    if not isinstance(router, Router) or router.default == router.not_found:
        return None
    return router.default


def frontends_of(app: Any) -> Iterator[tuple[str, Any]]:
    """The frontends of ``app.frontend``: the path of each, and the object with its dependencies.

    FastAPI keeps them apart from the routes, and tries them when no route matches.
    """
    later = getattr(getattr(app, "router", app), "_iter_low_priority_routes", None)
    for group in () if later is None else later():
        for route in getattr(getattr(group, "original_route", group), "routes", ()):
            yield f"{getattr(group, 'frontend_prefix', '')}{route.path}".rstrip("/"), group


def included_by(route: Any) -> Iterator[object]:
    """The routers that `route` includes, also indirectly, in those releases of FastAPI that keep them as a tree."""
    router = getattr(route, "original_router", None)
    if router is not None:
        yield router
        for each in router.routes:
            yield from included_by(each)
