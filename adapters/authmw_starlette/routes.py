"""Requirements of endpoints, looked up in the route table of a Starlette or FastAPI application.

Nothing is decided here. A requirement is found only if the application's own `Route.matches` says that the endpoint
will be called. Otherwise it is None, and the default applies.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Iterable, Iterator
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.routing import BaseRoute, Match

from authmw.engine.declarations import is_enforcing, is_unenforced, needed_by
from authmw.engine.reached import chain_of
from authmw.identity.requirement import Requirement
from authmw_starlette.dependencies import Asked, asked_by_dependencies, dependencies_of
from authmw_starlette.endpoints import called_by, dispatches_itself, function_of, handler_of, handlers_of
from authmw_starlette.routers import fallback_of, included_by, routes_in
from authmw_starlette.slots import tables_inside

if TYPE_CHECKING:
    from starlette.types import Scope

    from authmw.engine.auth import Auth

_Declared = tuple[Asked, ...]
_NOTHING: Final[_Declared] = ()
_WRITTEN_BY_ROUTERS: Final = frozenset({"endpoint", "fastapi", "path_params", "route", "router"})


class Step(NamedTuple):
    """A step on the way of a request: a router, or what is reached behind layers that know no routes.

    Args:
        target: the router; or else a route or an application.
        holder: the object that calls `target` by its attribute ``app``; None for a router.
        asked: the declarations on the way to it, the outermost first.
        root: the ``root_path`` that it gets.
    """

    target: Any
    holder: Any
    asked: _Declared
    root: str


def declared(app: object, scope: Scope, auth: Auth | None = None) -> Requirement | None:
    """The requirement of the endpoint to which `app` will route `scope`, with the declarations on the way to it.

    None if nothing was declared, or if no endpoint is found: no route, another method, a redirect.

    Args:
        app: the application or router.
        scope: of the request, as `app` gets it.
        auth: the engine that asks. Requirements that another engine checks are left out.
    """
    return needed(asked_at(app, scope), auth)


def asked_at(app: object, scope: Scope, way: list[Step] | None = None) -> _Declared:
    """The declarations for the endpoint to which `app` will route `scope`, from the outside in.

    Args:
        app: the application or router.
        scope: of the request, as `app` gets it.
        way: gets the steps on the way to the endpoint.
    """
    try:
        return _declared_below(app, scope, _NOTHING, [] if way is None else way) or _NOTHING
    except Exception:  # a path convertor may raise anything; the default applies
        return _NOTHING


def places_on_way(app: object, scope: Scope) -> list[tuple[object, str]]:
    """The routers to which `app` will route `scope`, each with the ``root_path`` that it gets."""
    way: list[Step] = []
    asked_at(app, scope, way)
    return [(step.target, step.root) for step in way]


def asked_from(step: Step, scope: Scope, way: list[Step]) -> _Declared:
    """The declarations for the endpoint to which `step` will route `scope`, by the table as it is now.

    Args:
        step: the step, which is behind the layers around it.
        scope: of the request, as the step gets it.
        way: gets the steps from this one on.
    """
    unrouted = _unrouted(scope)
    way.append(step._replace(root=_root_in(scope)))
    try:
        routes = routes_in(step.target)
        if routes is not None:
            return _in_table(step.asked, routes, unrouted, way) or _NOTHING
        if getattr(step.target, "endpoint", None) is not None:
            return step.asked + _asked_by_route(step.target, unrouted)
    except Exception:
        return _NOTHING
    return step.asked


def asked_of_matched(scope: Scope) -> _Declared:
    """The declarations for the endpoint to which `scope` has been routed."""
    unrouted = _unrouted(scope)
    # A mount adds its path to ``root_path``. So the application may have routed with either of the two values.
    for root_path in dict.fromkeys(scope.get(name, "") for name in ("root_path", "app_root_path")):
        found = asked_at(scope.get("app"), {**unrouted, "root_path": root_path})
        if found:
            return found
    return _NOTHING


def needed(asked: Iterable[Asked], auth: Auth | None) -> Requirement | None:
    """All requirements that `auth` has to check, as one; None for none."""
    return Requirement.together(each.requirement for each in asked if each.auth is None or each.auth is auth)


def declares(app: object) -> bool:
    """Whether `app` has a route table or a declaration, its own or behind middleware."""
    return any(routes_in(each) is not None or asked_by(each) for each in inwards(app))


def registered_without_wrapper(app: object) -> tuple[str, ...]:
    """A sentence for each endpoint that declares what it needs, but is registered so that nothing enforces it."""
    found = dict.fromkeys(_place(each[-1]) for each in _registered(app) if is_unenforced(*each))
    return tuple(
        f"{place} is registered without its enforcing wrapper: write @requires_scopes below @app.get, next to the "
        "function, and register or mount what the decorator returned; write a cache below @requires_scopes; an "
        "endpoint that needs less than another one of the same function registers a wrapper of its own, as "
        "authenticated(function)"
        for place in found
    )


def leads_to_misplaced(router: object, scope: Scope) -> bool:
    """Whether `router` will call something for `scope` that is registered without its enforcing wrapper."""
    try:
        return any(is_unenforced(*each) for each in _called_next(router, _unrouted(scope)))
    except Exception:  # a path convertor may raise anything
        return True


def _called_next(router: object, scope: Scope) -> Iterator[tuple[object, ...]]:
    """What `router` calls for `scope`, as `is_unenforced` takes it: for an endpoint all, of a mount only its layers."""
    route = next((each for each in routes_in(router) or () if each.matches(scope)[0] is Match.FULL), None)
    if route is None:
        return
    if getattr(route, "endpoint", None) is not None:
        yield from called_for(route)
        return
    yield from ((each,) for each in (route, *included_by(route)))
    for context in contexts_of(route):
        if context.matches(scope)[0] is Match.FULL:
            yield from called_for(route_of(context))
            return
    behind_wrapper = False
    for each in inwards(mounted_by(route)):
        if not behind_wrapper:
            yield (each,)
        behind_wrapper = is_enforcing(each)


def closed_by_dispatch(app: object) -> tuple[str, ...]:
    """The place of each class of `app` with an open method that opens nothing, since the class dispatches itself."""
    classes = {id(each): each for called in _registered(app) if dispatches_itself(each := called[-1])}
    return tuple(
        _place(each)
        for each in classes.values()
        if not asked_by(each) and any(asked.requirement.is_open for of in handlers_of(each) for asked in asked_by(of))
    )


def _declared_below(app: object, scope: Scope, asked: _Declared, way: list[Step]) -> _Declared | None:
    """`asked`, the declarations on `app`, and those below it; None if no route of it matches."""
    behind_wrapper = False
    holder, target = None, None
    for each in inwards(app):
        asked += () if behind_wrapper else asked_by(each)
        behind_wrapper = is_enforcing(each)
        routes = routes_in(each)
        if routes is not None:
            seen = _as_seen_by(each, scope)
            way.append(Step(getattr(each, "router", each), None, asked, _root_in(seen)))
            return _in_table(asked, routes, seen, way)
        holder, target = target, each
    if holder is not None:
        way.append(Step(target, holder, asked, _root_in(scope)))
    return asked


def _in_table(asked: _Declared, routes: Iterable[Any], scope: Scope, way: list[Step]) -> _Declared | None:
    for route in routes:
        match, child_scope = route.matches(scope)
        if match is Match.FULL:
            return _declared_on(route, {**scope, **child_scope}, asked, way)
    return None


def _declared_on(route: Any, scope: Scope, asked: _Declared, way: list[Step]) -> _Declared | None:
    if getattr(route, "endpoint", None) is not None:
        holder = _innermost_layer(route)
        hides = _hides_class(route, holder)
        if hides or holder is not route:
            way.append(Step(route, None if hides else holder, asked, _root_in(scope)))
        return asked + _asked_by_route(route, scope)
    app = mounted_by(route)
    return _in_included_router(route, scope, asked, way) if app is None else _declared_below(app, scope, asked, way)


def _asked_by_route(route: Any, scope: Scope) -> _Declared:
    by_dependencies = tuple(asked_by_dependencies(route, _overrides(route, scope)))
    return by_dependencies + asked_by_endpoint(route, scope["method"] if scope["type"] == "http" else "")


def _hides_class(route: Any, holder: Any) -> bool:
    """Whether a layer of `route` alone does not show that it calls a class, whose methods may need different things."""
    endpoint = route.endpoint
    return isinstance(function_of(endpoint), type) and isinstance(route, BaseRoute) and holder.app is not endpoint


def _innermost_layer(route: Any) -> Any:
    """The innermost of the layers that were given to `route` alone; the route itself if it has none."""
    holder, is_known = route, isinstance(route, BaseRoute)  # FastAPI calls other objects than its contexts of routes
    while is_known and holder.app is not route.endpoint and hasattr(holder.app, "app"):
        holder = holder.app
    return holder


def _in_included_router(route: object, scope: Scope, asked: _Declared, way: list[Step]) -> _Declared | None:
    """FastAPI >= 0.137 keeps included routers as a tree, whose leaves are contexts of routes."""
    for context in contexts_of(route):
        matches: Any = context.original_route.matches
        if not matches.__module__.startswith(("starlette.", "fastapi.")):
            return None  # a custom route class may match other paths than its context does
        match, child_scope = context.matches(scope)
        if match is Match.FULL:
            return _declared_on(route_of(context), {**scope, **child_scope}, asked, way)
    return None


def behind_layers(owner: Any) -> Iterator[Step]:
    """The routes of `owner` with layers that were given to them alone."""
    for route in owner.routes:
        if getattr(route, "endpoint", None) is not None and (holder := _innermost_layer(route)) is not route:
            yield Step(route, holder, _NOTHING, "")


def contexts_of(route: object) -> Iterator[Any]:
    """The contexts of the routes behind `route`, if it is a router that FastAPI included; otherwise none."""
    contexts = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    if contexts is None or hasattr(route, "original_route"):  # only contexts have this
        return iter(())
    return (each for each in contexts([route]) if each.route is not route)


def route_of(context: Any) -> Any:
    """The route of a context. FastAPI 0.137 keeps Starlette's routes in an attribute of it."""
    return getattr(context, "starlette_route", None) or context


def asked_by_endpoint(route: Any, method: str) -> _Declared:
    """The declarations on the endpoint of `route`.

    A method that is open opens its class only where Starlette's own dispatch calls it.

    Args:
        route: a route with an endpoint, which is a function or a class.
        method: in upper case, since a method of a class may have its own declaration. Empty for a websocket.
    """
    called = called_by(route)
    handler = handler_of(called[-1], method)
    declared_by_them = tuple(asked for each in called for asked in asked_by(each))
    by_handler = _NOTHING if handler is None else asked_by(handler)
    if by_handler and dispatches_itself(called[-1]):
        by_handler = tuple(each for each in by_handler if not each.requirement.is_open)
    return declared_by_them + by_handler


def asked_by(target: object) -> _Declared:
    """The declarations that hold where `target` is registered."""
    requirement = needed_by(target)
    return _NOTHING if requirement is None else (Asked(None, requirement),)


def _overrides(route: object, scope: Scope) -> Container[object]:
    """The dependencies that ``dependency_overrides`` replaces."""
    provider = getattr(route, "dependency_overrides_provider", None) or scope.get("app")
    overrides: Container[object] = getattr(provider, "dependency_overrides", ())
    return overrides


def _unrouted(scope: Scope) -> Scope:
    return {name: value for name, value in scope.items() if name not in _WRITTEN_BY_ROUTERS}


def _root_in(scope: Scope) -> str:
    return str(scope.get("root_path") or "")


def _as_seen_by(app: object, scope: Scope) -> Scope:
    """The scope with which `app` routes. FastAPI first writes its own ``root_path`` into it."""
    root_path = getattr(app, "root_path", "")
    return {**scope, "root_path": root_path} if root_path else {**scope}


def inwards(app: object) -> Iterator[object]:
    """`app`, and what it wraps as an enforcing wrapper or as middleware, down to a route table."""
    seen: list[object] = []
    while app is not None and not any(app is each for each in seen):
        seen.append(app)
        yield app
        if routes_in(app) is not None:
            return
        app = getattr(app, "__wrapped__" if is_enforcing(app) else "app", None)


def mounted_by(route: object) -> Any:
    """The application that `route` mounts, or None.

    It stands behind the layers of that route. If one of these does not show what it calls, it is returned without them.
    """
    app = getattr(route, "app", None)
    if app is None or any(routes_in(each) is not None for each in inwards(app)):
        return app
    base = getattr(route, "_base_app", None)
    return app if routes_in(base) is None else base


def owners_of(app: object, seen: set[int] | None = None) -> Iterator[Any]:
    """`app`, what answers when no route matches, and what it mounts: the applications and routers among them.

    Those that a layer hides are among them, as far as they are found.

    Args:
        app: an application, a router or a layer.
        seen: what is left out, by its identity.
    """
    seen = set[int]() if seen is None else seen
    for each in _layers_and_table(app):
        routes = routes_in(each)
        if routes is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        yield from owners_of(fallback_of(each), seen)
        for route in routes:
            for leaf in [route_of(context) for context in contexts_of(route)] or [route]:
                if getattr(leaf, "endpoint", None) is None:
                    yield from owners_of(mounted_by(leaf), seen)


def _layers_and_table(app: object) -> Iterator[object]:
    """`app` and what it wraps, down to a route table, as `inwards`; or to those that a layer hides."""
    each: object = None
    for each in inwards(app):
        yield each
    if each is not None and routes_in(each) is None:
        yield from tables_inside(each)


def _registered(app: object) -> Iterator[tuple[object, ...]]:
    """Every endpoint and application that is registered below `app`, and `app` itself, as `is_unenforced` takes it."""
    behind_wrapper = False
    for each in inwards(app):
        if not behind_wrapper:
            yield (each,)
        behind_wrapper = is_enforcing(each)
        for route in routes_in(each) or ():
            yield from _registered_by(route)
        yield from _registered(fallback_of(each))


def _registered_by(route: Any) -> Iterator[tuple[object, ...]]:
    yield (route,)  # a wrapper of the route itself is called by nobody
    if getattr(route, "endpoint", None) is not None:
        yield from called_for(route)
        return
    yield from ((router,) for router in included_by(route))
    for context in contexts_of(route):
        yield from _registered_by(route_of(context))
    yield from _registered(getattr(route, "app", None))
    for below in routes_in(route) or ():
        yield from _registered_by(below)


def links_of(registered: Any) -> frozenset[int]:
    """The identities of all objects on which a declaration changes what a route or an application needs."""
    below = _registered_by(registered) if hasattr(registered, "matches") else ((each,) for each in inwards(registered))
    links = (link for called in below for each in called for link in chain_of(each))
    return frozenset(id(each.__self__ if isinstance(each, MethodType) else each) for each in links)


def called_for(route: Any) -> Iterator[tuple[object, ...]]:
    """All that is called for `route`: its endpoint, the methods of a class-based endpoint, and its dependencies."""
    called = called_by(route)
    yield called
    yield from ((each,) for each in (*handlers_of(called[-1]), *dependencies_of(route)))


def _place(target: Any) -> str:
    target = function_of(target)
    name = getattr(target, "__qualname__", type(target).__name__)
    codes = [code for link in chain_of(target) if (code := getattr(link, "__code__", None)) is not None]
    return f"{name} ({codes[-1].co_filename}:{codes[-1].co_firstlineno})" if codes else name
