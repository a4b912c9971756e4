"""Walk through the routes of an application, with the paths, guards and declarations around each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from starlette.staticfiles import StaticFiles

from authmw.asgi import AuthMiddleware
from authmw.engine.declarations import is_enforcing, is_unenforced
from authmw.engine.guard import GuardSettings
from authmw.engine.routes.patterns import PlacedGuard
from authmw_starlette.dependencies import Asked, asked_by_dependencies
from authmw_starlette.routers import fallback_of, frontends_of, included_by, routes_in
from authmw_starlette.routes import asked_by, contexts_of, inwards, mounted_by, route_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_BELOW_MOUNT: Final = "/{path}"
_FRONTEND: Final = "frontend"
_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "IntegerConvertor": {"type": "integer", "minimum": 0},
    "FloatConvertor": {"type": "number", "minimum": 0},
    "UUIDConvertor": {"type": "string", "format": "uuid"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """The path, guards and declarations around some routes.

    Args:
        prefix: the path that leads to them, as OpenAPI writes it.
        parameters: the Parameter Objects of that path.
        guards: the middleware in front, outermost first, each with its prefix.
        asked: the declarations on the way to the routes, outermost first.
        before: for each of the guards, how many of those declarations are further out.
        misplaced: whether a declaration on the way is enforced by nothing.
    """

    prefix: str = ""
    parameters: tuple[dict[str, Any], ...] = ()
    guards: tuple[tuple[GuardSettings, str], ...] = ()
    asked: tuple[Asked, ...] = ()
    before: tuple[int, ...] = ()
    misplaced: bool = False

    def behind(self, settings: GuardSettings) -> Around:
        """The same, with one more guard."""
        return replace(self, guards=(*self.guards, (settings, self.prefix)), before=(*self.before, len(self.asked)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A target of requests: a route, or an application whose routes are unknown.

    Args:
        owner: the application or router that has the route.
        outside: the paths, guards and declarations around the owner.
        around: those around the route.
        route: a route with an endpoint; None for an application whose routes are unknown.
        name: of the mount, for such an application.
    """

    owner: object
    outside: Around
    around: Around
    route: Any = None
    name: str = ""

    @property
    def path(self) -> str:
        """The path, as OpenAPI writes it."""
        return self.around.prefix + (_BELOW_MOUNT if self.route is None else _template(self.route))

    @property
    def parameters(self) -> tuple[dict[str, Any], ...]:
        """The Parameter Objects of the path."""
        return self.around.parameters + (() if self.route is None else _parameters(self.route))


def entries(app: object, around: Around = Around(), name: str = "") -> Iterator[Entry]:
    """All targets to which `app` and the applications below it route requests, in the order in which they are tried.

    Args:
        app: an application, or one behind middleware. It need not be started.
        around: the paths, guards and declarations around it.
        name: the name of its entry, if its routes are unknown.
    """
    behind_wrapper = False
    owner, outside = app, around
    for owner in inwards(app):
        outside, around = around, _through(owner, around, behind_wrapper=behind_wrapper)
        behind_wrapper = is_enforcing(owner)
        routes = routes_in(owner)
        if routes is not None:
            table = Entry(owner=owner, outside=outside, around=around)
            for route in routes:
                yield from _entries_of(route, table)
            yield from _beside_the_routes(table)
            return
    yield Entry(owner=owner, outside=outside, around=around, name=name)


def guards_around(app: object) -> tuple[GuardSettings, ...]:
    """The guards of `app` itself: those that wrap it, and those of ``add_middleware``."""
    around = Around()
    for each in inwards(app):
        around = _through(each, around, behind_wrapper=True)
    return tuple(settings for settings, _ in around.guards)


def foreign_prefixes(app: object) -> tuple[str, ...]:
    """The fixed beginnings of all paths that `app` hands to applications with routers other than Starlette's."""
    unknown = (each for each in entries(app) if each.route is None and each.name != _FRONTEND)
    return tuple(each.around.prefix.partition("{")[0] for each in unknown if not isinstance(each.owner, StaticFiles))


def guards_of(app: object) -> list[PlacedGuard]:
    """Each guard of `app` and of the applications that it mounts, outermost first."""
    inside = (PlacedGuard(*guard) for entry in entries(app) for guard in entry.around.guards)
    return list(dict.fromkeys((*map(PlacedGuard, guards_around(app)), *inside)))


def _entries_of(route: Any, table: Entry) -> Iterator[Entry]:
    around = table.around
    if getattr(route, "endpoint", None) is not None:
        for each in inwards(getattr(route, "app", None)):
            settings = getattr(each, "guard_settings", None)
            around = around.behind(settings) if isinstance(settings, GuardSettings) else around
        yield replace(table, around=around, route=route)
        return
    included = list(included_by(route))
    if any(map(is_unenforced, included)):
        table = replace(table, around=replace(around, misplaced=True))
    contexts = list(contexts_of(route))
    for context in contexts:
        yield from _entries_of(route_of(context), table)
    if not contexts and not included:  # a router that was included may have no routes
        # A mount; or a host, which has no path.
        below = replace(
            around,
            prefix=around.prefix + _template(route).removesuffix(_BELOW_MOUNT),
            parameters=around.parameters + tuple(each for each in _parameters(route) if each["name"] != "path"),
        )
        yield from entries(mounted_by(route) or route, below, getattr(route, "name", None) or "")


def _beside_the_routes(table: Entry) -> Iterator[Entry]:
    """The entries that are tried when no route matches."""
    around = table.around
    for path, group in frontends_of(table.owner):
        # No declaration opens a frontend that the default closes, since only the route table is read for that.
        asked = tuple(each for each in asked_by_dependencies(group) if not each.requirement.is_open)
        in_front = replace(around, prefix=around.prefix + path, asked=around.asked + asked)
        yield replace(table, around=in_front, name=_FRONTEND)
    fallback = fallback_of(table.owner)
    if fallback is not None:
        yield from entries(fallback, around, getattr(fallback, "__name__", ""))


def _through(app: object, around: Around, *, behind_wrapper: bool) -> Around:
    """`around` for the routes inside of `app`."""
    for settings in (getattr(app, "guard_settings", None), *_added(app)):
        around = around.behind(settings) if isinstance(settings, GuardSettings) else around
    misplaced = around.misplaced or (not behind_wrapper and is_unenforced(app))
    return replace(around, asked=around.asked + (() if behind_wrapper else asked_by(app)), misplaced=misplaced)


def _added(app: Any) -> Iterator[GuardSettings]:
    """The guards among the middleware that `app` will build when it is started."""
    has_list = isinstance(getattr(app, "user_middleware", None), list)
    for each in app.user_middleware if has_list else ():
        if isinstance(each.cls, type) and issubclass(each.cls, AuthMiddleware):
            yield each.cls(_nowhere, *each.args, **each.kwargs).guard_settings


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """The application behind a guard that is made only to be read."""


def _template(route: Any) -> str:
    return str(getattr(route, "path_format", None) or "")


def _parameters(route: Any) -> tuple[dict[str, Any], ...]:
    convertors: dict[str, object] = getattr(route, "param_convertors", None) or {}
    template = _template(route)
    return tuple(
        {"name": name, "in": "path", "required": True, "schema": dict(_schema(convertor))}
        for name, convertor in convertors.items()
        if f"{{{name}}}" in template
    )


def _schema(convertor: object) -> dict[str, Any]:
    kind = type(convertor)
    is_own = kind.__module__ != "starlette.convertors"  # what extends one of Starlette's may read other texts
    return {"type": "string"} if is_own else _SCHEMAS.get(kind.__name__, {"type": "string"})
