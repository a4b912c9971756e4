"""Doors that one request passes in a Starlette or FastAPI application, and in what it mounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from starlette.routing import Match

from authmw.asgi import AuthMiddleware
from authmw.engine.routes.doors import Asked, Door
from authmw.http.request import ASGIRequest
from authmw_starlette.routers import routes_in
from authmw_starlette.routes import asked_at, inwards, mounted_by

if TYPE_CHECKING:
    from authmw.http.request import Scope

_Passed = tuple[AuthMiddleware, "Scope"]


def doors_of(app: object, asked: Asked) -> list[Door]:
    """The doors of `app`, and of the applications and routes to which it routes the request, outermost first."""
    passed, parameters = list[_Passed](), dict[str, Any]()
    for layer, scope in _passed(app, asked.scope()):
        if layer is None:
            parameters = scope["path_params"]
        else:
            passed.append((layer, scope))
    return [_door(app, layer, scope, parameters) for layer, scope in passed]


def _door(app: object, layer: AuthMiddleware, scope: Scope, parameters: dict[str, Any]) -> Door:
    others = {each.auth for each in asked_at(app, scope) if each.auth not in (None, layer.auth)}
    notes = ("a dependency asks another Auth, which decides for itself",) if others else ()
    return Door(layer.guard, ASGIRequest(scope), ASGIRequest({**scope, "path_params": parameters}), notes)


def _passed(app: object, scope: Scope) -> Iterator[tuple[AuthMiddleware | None, Scope]]:
    """The middleware on the way of `scope`, with the scope there; in the end None, with the scope of the endpoint."""
    for each in inwards(app):
        if isinstance(each, AuthMiddleware):
            yield each, scope
        if routes_in(each) is not None:
            yield from _passed_inside(each, scope)


def _passed_inside(owner: Any, scope: Scope) -> Iterator[tuple[AuthMiddleware | None, Scope]]:
    root = getattr(owner, "root_path", "")  # FastAPI writes it into the scope before its layers
    seen = {**scope, "root_path": root} if root else {**scope}
    if hasattr(owner, "build_middleware_stack"):
        seen["app"] = owner
    for layer in _layers_of(owner):
        if isinstance(layer, AuthMiddleware):
            yield layer, seen
    for route in owner.routes:
        match, child = route.matches(seen)
        if match is not Match.FULL:
            continue
        below = {**seen, **child}
        if getattr(route, "endpoint", None) is None and mounted_by(route) is not None:
            yield from _passed(mounted_by(route), below)
        else:
            yield from (
                (each, below) for each in inwards(getattr(route, "app", None)) if isinstance(each, AuthMiddleware)
            )
            yield None, {"path_params": {}, **below}
        return


def _layers_of(owner: Any) -> Iterator[object]:
    """The layers of an application and of its router, outermost first. An application that never served builds them."""
    holders: list[Any] = [owner, getattr(owner, "router", None)]
    for holder in holders:
        layer: Any = getattr(holder, "middleware_stack", None)
        if layer is None and hasattr(holder, "build_middleware_stack"):
            layer = holder.build_middleware_stack()
        while layer is not None and layer not in holders:
            yield layer
            layer = getattr(layer, "app", None)
