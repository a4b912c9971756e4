"""Asks the route table of a Starlette or FastAPI application: which route comes first, and what was declared there.

Nothing here decides. What cannot be told stays None, and the default applies: an answer is given only when the
application's own `Route.matches` says that the endpoint is the one that will be called.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Match

from authmw.engine.declarations import is_guarded, lacks_guard, needed_by
from authmw.engine.markers import chain_of
from authmw.identity.requirement import Requirement
from authmw_starlette.dependencies import Asked, asked_by_dependencies, dependencies_of
from authmw_starlette.endpoints import called_by, function_of, handler_of, handlers_of
from authmw_starlette.routers import fallback_of, included_by

if TYPE_CHECKING:
    from starlette.types import Scope

    from authmw.engine.auth import Auth

_Declared = tuple[Asked, ...]
_NOTHING: Final[_Declared] = ()
_WRITTEN_BY_ROUTERS: Final = frozenset({"endpoint", "fastapi", "path_params", "route", "router"})


def declared(app: object, scope: Scope, auth: Auth | None = None) -> Requirement | None:
    """What the endpoint needs that `app` will route `scope` to, with what was declared on the way down to it.

    None when nothing was declared, and when it cannot be told: no route, another method, a redirect.

    Args:
        app: what routes.
        scope: of the request, as `app` is given it.
        auth: who asks. What somebody else is to find out is left out.
    """
    return needed(asked_at(app, scope), auth)


def asked_at(app: object, scope: Scope) -> _Declared:
    """What was declared for the endpoint that `app` will route `scope` to, from the outside in."""
    try:
        return _declared_below(app, scope) or _NOTHING
    except Exception:  # a path convertor may raise whatever it likes; the default applies
        return _NOTHING


def asked_of_matched(scope: Scope) -> _Declared:
    """What was declared for the endpoint that `scope` was routed to by now."""
    unrouted = {name: value for name, value in scope.items() if name not in _WRITTEN_BY_ROUTERS}
    # A mount adds its path to ``root_path``. The application that routed was given the one or the other.
    for root_path in dict.fromkeys(scope.get(name, "") for name in ("root_path", "app_root_path")):
        found = asked_at(scope.get("app"), {**unrouted, "root_path": root_path})
        if found:
            return found
    return _NOTHING


def needed(asked: Iterable[Asked], auth: Auth | None) -> Requirement | None:
    """All of what `auth` has to find out; None for nothing."""
    return Requirement.together(each.requirement for each in asked if each.auth is None or each.auth is auth)


def declares(app: object) -> bool:
    """Whether `app` has something to tell: a route table or a marker, its own or behind middleware."""
    return any(hasattr(each, "routes") or asked_by(each) for each in inwards(app))


def registered_without_guard(app: object) -> tuple[str, ...]:
    """A sentence for each endpoint that declares what it needs and is registered so that nothing asks for it."""
    found = dict.fromkeys(_place(each) for each in _registered(app) if lacks_guard(each))
    return tuple(
        f"{place} is registered without its guard: write @requires_scopes below @app.get, next to the function, "
        "and register or mount what the decorator returned; an endpoint that needs less than another one of the same "
        "function registers a wrapper of its own, as authenticated(function)"
        for place in found
    )


def _declared_below(app: object, scope: Scope) -> _Declared | None:
    """What was declared on `app` and below it; None when its routes lead nowhere."""
    own = _NOTHING
    behind_guard = False
    for each in inwards(app):
        own += () if behind_guard else asked_by(each)
        behind_guard = is_guarded(each)
        routes = getattr(each, "routes", None)
        if routes is not None:
            return _in_table(own, routes, _as_seen_by(each, scope))
    return own


def _in_table(own: _Declared, routes: Iterable[Any], scope: Scope) -> _Declared | None:
    for route in routes:
        match, child_scope = route.matches(scope)
        if match is Match.FULL:
            below = _declared_on(route, {**scope, **child_scope})
            return None if below is None else own + below
    return None


def _declared_on(route: Any, scope: Scope) -> _Declared | None:
    if getattr(route, "endpoint", None) is not None:
        by_dependencies = tuple(asked_by_dependencies(route, _overrides(route, scope)))
        return by_dependencies + asked_by_endpoint(route, scope["method"] if scope["type"] == "http" else "")
    app = getattr(route, "app", None)
    return _in_included_router(route, scope) if app is None else _declared_below(app, scope)


def _in_included_router(route: object, scope: Scope) -> _Declared | None:
    """FastAPI >= 0.137 keeps included routers as a tree, whose leaves are contexts of routes."""
    for context in contexts_of(route):
        matches: Any = context.original_route.matches
        if not matches.__module__.startswith(("starlette.", "fastapi.")):
            return None  # a route class of somebody's own may match otherwise than the context of it says
        match, child_scope = context.matches(scope)
        if match is Match.FULL:
            return _declared_on(route_of(context), {**scope, **child_scope})
    return None


def contexts_of(route: object) -> Iterator[Any]:
    """What `route` leads to, when it is a router that FastAPI included; nothing otherwise."""
    contexts = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    if contexts is None or hasattr(route, "original_route"):  # which only contexts have
        return iter(())
    return (each for each in contexts([route]) if each.route is not route)


def route_of(context: Any) -> Any:
    """What a context says about its route. FastAPI 0.137 keeps routes that are not its own one step further in."""
    return getattr(context, "starlette_route", None) or context


def asked_by_endpoint(route: Any, method: str) -> _Declared:
    """What the endpoint of `route` needs.

    Args:
        route: with an endpoint, a function or a class.
        method: in capitals: a class may have more to say for one. Empty for a websocket.
    """
    called = called_by(route)
    handler = handler_of(called, method)
    return asked_by(called) + (_NOTHING if handler is None else asked_by(handler))


def asked_by(target: object) -> _Declared:
    """What is needed where `target` is registered."""
    requirement = needed_by(target)
    return _NOTHING if requirement is None else (Asked(None, requirement),)


def _overrides(route: object, scope: Scope) -> Container[object]:
    """The dependencies that FastAPI's tests have replaced."""
    provider = getattr(route, "dependency_overrides_provider", None) or scope.get("app")
    overrides: Container[object] = getattr(provider, "dependency_overrides", ())
    return overrides


def _as_seen_by(app: object, scope: Scope) -> Scope:
    """FastAPI writes its own ``root_path`` into the scope before it routes."""
    root_path = getattr(app, "root_path", "")
    return {**scope, "root_path": root_path} if root_path else {**scope}


def inwards(app: object) -> Iterator[object]:
    """`app`, and what it wraps as a guard of ours or as middleware, down to a route table."""
    seen: list[object] = []
    while app is not None and not any(app is each for each in seen):
        seen.append(app)
        yield app
        if hasattr(app, "routes"):
            return
        app = getattr(app, "__wrapped__" if is_guarded(app) else "app", None)


def _registered(app: object) -> Iterator[object]:
    """Every endpoint and application that is registered below `app`, and `app` itself."""
    behind_guard = False
    for each in inwards(app):
        if not behind_guard:
            yield each
        behind_guard = is_guarded(each)
        for route in getattr(each, "routes", None) or ():
            yield from _registered_by(route)
        yield from _registered(fallback_of(each))


def _registered_by(route: Any) -> Iterator[object]:
    if getattr(route, "endpoint", None) is not None:
        yield from called_for(route)
        return
    yield from included_by(route)
    for context in contexts_of(route):
        yield from _registered_by(route_of(context))
    yield from _registered(getattr(route, "app", None))
    for below in getattr(route, "routes", None) or ():
        yield from _registered_by(below)


def called_for(route: Any) -> Iterator[object]:
    """All that is called for `route`: its endpoint, the methods of one that is a class, and its dependencies."""
    called = called_by(route)
    yield called
    yield from handlers_of(called)
    yield from dependencies_of(route)


def _place(target: Any) -> str:
    target = function_of(target)
    name = getattr(target, "__qualname__", type(target).__name__)
    codes = [code for link in chain_of(target) if (code := getattr(link, "__code__", None)) is not None]
    return f"{name} ({codes[-1].co_filename}:{codes[-1].co_firstlineno})" if codes else name
