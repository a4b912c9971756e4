"""List of the routes of a Starlette or FastAPI application, each with its protection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.endpoints import HTTPEndpoint
from starlette.routing import WebSocketRoute

from authmw.engine.declarations import is_unenforced
from authmw.engine.routes.route import Kind, Protection, Route, place_of, protected
from authmw.identity.requirement import AUTHENTICATED, PUBLIC, Requirement
from authmw_starlette.dependencies import Asked, asked_by_dependencies
from authmw_starlette.endpoints import METHODS, function_of
from authmw_starlette.routes import asked_by_endpoint, called_for, needed
from authmw_starlette.walk import Entry, entries

if TYPE_CHECKING:
    from authmw.engine.auth import Auth

_STRONGEST_FIRST: Final = (
    *(Protection.UNREACHABLE, Protection.CONTRADICTED, Protection.DECLARED, Protection.RULE, Protection.DEFAULT),
    *(Protection.LEFT_ALONE, Protection.PUBLIC, Protection.UNPROTECTED),
)


def routes_of(app: object) -> list[Route]:
    """Every route of `app` and of the applications that it mounts, in the order in which they are tried.

    The application need not be started: the arguments of ``add_middleware`` are read. A mounted application whose
    routes are unknown is one route, as ``/admin/*``. An endpoint that is an ASGI application answers every method, and
    is listed without one.

    Args:
        app: a Starlette or FastAPI application or a router, with middleware around it or without.

    >>> from authmw import requires_scopes
    >>> from starlette.routing import Route, Router
    >>> @requires_scopes("orders:read")
    ... async def order(request): ...
    >>> [(route.path, route.requirement.scopes) for route in routes_of(Router([Route("/orders/{number:int}", order)]))]
    [('/orders/{number}', ('orders:read',))]
    """
    return [_listed(entry, method) for entry in entries(app) for method in methods_of(entry)]


def undeclared_scopes(app: object, auth: Auth) -> Iterator[tuple[str, str]]:
    """Each endpoint of `app` that needs a scope which ``Auth(scopes=...)`` does not have, and the scope.

    Args:
        app: the application.
        auth: the engine that is asked for its scopes. Below a guard with another one, nothing is said.
    """
    for entry in entries(app) if auth.scopes else ():
        if any(settings.auth is not auth for settings, _ in entry.around.guards):
            continue
        for method in methods_of(entry):
            mine = (each.requirement for each in _asked(entry, method) if each.auth in (None, auth))
            for scope in dict.fromkeys(scope for each in mine for scope in each.all_scopes):
                if scope not in auth.scopes:
                    listed = _listed(entry, method)
                    yield f"{listed.label} ({listed.place})" if listed.place else listed.label, scope


class Protections(NamedTuple):
    """The protections of an endpoint.

    Args:
        protection: the strongest one.
        by: the requirement of each engine: of those of the middleware in front, and of those that dependencies have.
        declared: all that is declared, for any engine.
    """

    protection: Protection
    by: tuple[tuple[Auth, Requirement], ...]
    declared: Requirement | None

    @property
    def requirement(self) -> Requirement:
        """All requirements together."""
        return Requirement.together(requirement for _, requirement in self.by) or self.declared or PUBLIC


def protections_of(entry: Entry, method: str) -> Protections:
    """The protections of an endpoint against requests with that method."""
    asked = _asked(entry, method)
    declared = Requirement.together(each.requirement for each in asked)
    found: list[Protection] = []
    by: dict[Auth, Requirement] = {}
    # Each guard enforces the declarations in front of the next guard, which enforces the others.
    ends = (*entry.around.before[1:], len(asked))
    for (settings, prefix), end in zip(entry.around.guards, ends, strict=False):
        for_it = needed(asked, settings.auth)
        if for_it is not None and not for_it.is_open:
            further_in = (each for each in asked[end:] if each.auth is settings.auth)
            for_it = needed((*asked[:end], *further_in), settings.auth)
        protection, requirement = protected(for_it, settings, method=method, path=entry.path[len(prefix) :])
        found.append(protection)
        known = by.get(settings.auth, requirement)
        by[settings.auth] = requirement if known is requirement else known & requirement
    for auth in dict.fromkeys(each.auth for each in asked):
        if auth is not None and auth not in by:
            # Without middleware, the first engine authenticates the caller for the others.
            asking = (auth,) if by else (auth, None)
            mine = Requirement.together(each.requirement for each in asked if each.auth in asking)
            by[auth] = mine or AUTHENTICATED
            found.append(protected(by[auth], None, method=method, path=entry.path)[0])
    if not found:
        found.append(protected(declared, None, method=method, path=entry.path)[0])
    if _is_misplaced(entry):
        found = [Protection.MISPLACED]
    return Protections(min(found, key=[*_STRONGEST_FIRST, Protection.MISPLACED].index), tuple(by.items()), declared)


def methods_of(entry: Entry) -> tuple[str, ...]:
    """The methods of an endpoint; a single empty one if it has none.

    HEAD is left out, since it is protected like GET, unless a class has a method for it.
    """
    if entry.route is None or is_websocket(entry):
        return ("",)
    endpoint = function_of(entry.route.endpoint)
    methods: set[str] = set(getattr(entry.route, "methods", None) or ())
    if not methods and isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint):
        methods = {each for each in METHODS if hasattr(endpoint, each.lower())}
    if "GET" in methods and not (isinstance(endpoint, type) and hasattr(endpoint, "head")):
        methods.discard("HEAD")
    known = [each for each in METHODS if each in methods]
    return (*known, *sorted(methods.difference(known))) or ("",)


def is_websocket(entry: Entry) -> bool:
    """Whether a route is for websockets."""
    route = getattr(entry.route, "original_route", entry.route)  # FastAPI's contexts of routes
    return isinstance(route, WebSocketRoute)


def endpoint_of(entry: Entry, method: str) -> Any:
    """The callable of an entry: for a class-based endpoint its method, if there is one."""
    endpoint: Any = function_of(entry.route.endpoint)
    if isinstance(endpoint, type) and method:
        of_method: Any = getattr(endpoint, method.lower(), None)
        return of_method or endpoint
    return endpoint


def _asked(entry: Entry, method: str) -> tuple[Asked, ...]:
    if entry.route is None:
        return entry.around.asked
    by_endpoint = asked_by_endpoint(entry.route, method)
    return (*entry.around.asked, *asked_by_dependencies(entry.route), *by_endpoint)


def _is_misplaced(entry: Entry) -> bool:
    called = () if entry.route is None else called_for(entry.route)
    return entry.around.misplaced or any(is_unenforced(*each) for each in called)


def _listed(entry: Entry, method: str) -> Route:
    protections = protections_of(entry, method)
    misplaced = protections.protection is Protection.MISPLACED
    requirement = (protections.declared or PUBLIC) if misplaced else protections.requirement
    if entry.route is None:
        return Route(
            path=f"{entry.around.prefix}/*",
            name=entry.name or getattr(entry.owner, "__name__", type(entry.owner).__name__),
            protection=protections.protection,
            requirement=requirement,
            kind=Kind.MOUNT,
            place=place_of(entry.owner),
            in_document=False,
            parameters=entry.parameters,
        )
    endpoint = endpoint_of(entry, method)
    in_document = bool(method) and bool(getattr(entry.route, "include_in_schema", True))
    return Route(
        path=entry.path,
        method=method,
        name=str(getattr(entry.route, "name", "") or getattr(endpoint, "__name__", "")),
        protection=protections.protection,
        requirement=requirement,
        kind=Kind.WEBSOCKET if is_websocket(entry) else Kind.HTTP,
        place=place_of(endpoint),
        in_document=in_document,
        parameters=entry.parameters,
        endpoint=endpoint,
    )
