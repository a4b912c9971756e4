"""What a router has beside its route table: what answers where no route does, and the routers it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.routing import Router


def fallback_of(app: Any) -> Any:
    """What answers when no route of `app` does: an application of somebody's own. None for the usual 404."""
    router = getattr(app, "router", app)
    if not isinstance(router, Router) or router.default == router.not_found:
        return None
    return router.default


def frontends_of(app: Any) -> Iterator[tuple[str, Any]]:
    """What ``app.frontend`` serves: the path that leads there, and what has its dependencies.

    FastAPI keeps these apart from the routes, and asks them when no route matches.
    """
    later = getattr(getattr(app, "router", app), "_iter_low_priority_routes", None)
    for group in () if later is None else later():
        for route in getattr(getattr(group, "original_route", group), "routes", ()):
            yield f"{getattr(group, 'frontend_prefix', '')}{route.path}".rstrip("/"), group


def included_by(route: Any) -> Iterator[object]:
    """The routers that `route` leads to, those that they include among them, where FastAPI keeps them as a tree."""
    router = getattr(route, "original_router", None)
    if router is not None:
        yield router
        for each in router.routes:
            yield from included_by(each)
