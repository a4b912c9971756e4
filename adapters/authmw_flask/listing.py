"""The routes of a Flask application, each with what protects it: what `RouteTable` enforces, as a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from inspect import isroutine
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from authmw.engine.declarations import enforced_by, lacks_guard, requirement_of
from authmw.engine.routes.route import Kind, Protected, Protection, Route, place_of, protected
from authmw.errors import ConfigurationError
from authmw.identity.requirement import Access, Requirement
from authmw.wsgi import AuthMiddleware
from authmw_flask.routes import RouteTable, handler_of, view_class_of
from authmw_flask.templates import parameters_of, template_of

if TYPE_CHECKING:
    from werkzeug.routing import Rule

    from authmw.engine.guard import Guarded

# Also what is listed for a rule that takes any method: Flask makes none, and whoever adds one to the map can.
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

_FURNITURE: Final = (
    *("flask.app", "flask.blueprints"),  # whose own views send files
    "authmw_flask.mounted",
)


def routes_of(app: Flask) -> list[Route]:
    """Every route that `app` serves, one for each method, and the applications mounted beside it.

    What is declared counts where `FlaskAuth` enforces it: on a view, its class, its method, its blueprints, and above
    or below ``@app.get``. Without `FlaskAuth` only the decorators are there, so the wrong order leaves a view open.

    HEAD and the OPTIONS that Flask answers itself go with their routes, and are left out. Of a mounted application
    nothing is known but where it is. One that stands in front of the guard is told where it can be seen from
    ``app.wsgi_app``.

    Args:
        app: the application, with everything registered.

    >>> from authmw import Auth, HTTPBearer
    >>> from authmw_flask import FlaskAuth
    >>> app = Flask("shop", static_folder=None)
    >>> _ = FlaskAuth(app, Auth(HTTPBearer()))
    >>> app.add_url_rule("/orders/<int:number>", "order", lambda number: "")
    >>> [(route.method, route.path, route.protection.value) for route in routes_of(app)]
    [('GET', '/orders/{number}', 'default')]
    """
    return [replace(route, place=place_of(route.endpoint)) for route in unplaced_routes(app)]


def unplaced_routes(app: Flask) -> Iterator[Route]:
    """As `routes_of`, without their places: those take a look into the source files, which documents do without."""
    table = RouteTable(app, app.wsgi_app)
    guarded = guarded_in(app)
    for rule in app.url_map.iter_rules():
        if not rule.build_only and not rule.websocket:
            for method in _methods(app, rule):
                yield _route(app, table, guarded, rule, method)
    yield from _mounts(app, guarded)


def guarded_in(app: Flask) -> Guarded | None:
    """How `app` is guarded; None where nobody called `FlaskAuth` for it."""
    return cast("Guarded | None", app.extensions.get("authmw"))


def checked_guarded(app: Flask) -> Guarded:
    """How `app` is guarded.

    Raises:
        ConfigurationError: it is not.
    """
    guarded = guarded_in(app)
    if guarded is None:
        raise ConfigurationError(
            f"nothing guards {app.name}, so no document can say what is enforced: call FlaskAuth(app, auth) first"
        )
    return guarded


def _methods(app: Flask, rule: Rule) -> Iterable[str]:
    """The methods that somebody wrote."""
    if rule.methods is None:
        return _METHODS
    own = set(rule.methods)
    view_class = view_class_of(app.view_functions.get(rule.endpoint))
    if "GET" in own and not hasattr(view_class, "head"):
        own.discard("HEAD")
    if getattr(rule, "provide_automatic_options", False):
        own.discard("OPTIONS")
    return [*(method for method in _METHODS if method in own), *sorted(own.difference(_METHODS))]


def _route(app: Flask, table: RouteTable, guarded: Guarded | None, rule: Rule, method: str) -> Route:
    path = template_of(rule)
    redirects = rule.redirect_to is not None or rule.alias  # and no view is asked, but for the default
    declared = None if redirects else table.requirement(rule.endpoint, method)
    protection, requirement = protected(declared, guarded, method=method, path=path)
    if guarded is None and declared is not None and not _asks(table, rule.endpoint, method, declared):
        protection = Protection.MISPLACED
    view = app.view_functions.get(rule.endpoint)
    return Route(
        path=path,
        method=method,
        name=str(rule.endpoint),
        protection=protection,
        requirement=requirement,
        in_document=not redirects and requirement.access is not Access.OWN_CREDENTIALS and not _is_furniture(view),
        parameters=parameters_of(rule),
        endpoint=_endpoint(view, method),
    )


def _asks(table: RouteTable, endpoint: str, method: str, declared: Requirement) -> bool:
    """Whether all that was declared is asked for by what is registered itself, with nobody before it."""
    if declared.is_open:
        return True
    asked = (enforced_by(carrier) for carrier in table.carriers(endpoint, method))
    enforced = Requirement.together(each for each in asked if each is not None)
    return enforced is not None and enforced.includes(declared)


def _endpoint(view: Any, method: str) -> Any:
    """The function that was written: of a view that is a class, its method."""
    handler = handler_of(view_class_of(view), method)
    return handler if isroutine(handler) else view


def _is_furniture(view: Any) -> bool:
    """Whether this serves files, or a document or a service of authmw: nothing of what the application is about."""
    return str(getattr(view, "__module__", "")) in _FURNITURE


def mounts_of(layer: object) -> list[Route]:
    """The applications to which `layer`, which is wrapped around a whole application, hands what is below their paths.

    Args:
        layer: a ``DispatcherMiddleware``; anything else has none.
    """
    return [replace(route, place=place_of(route.endpoint)) for route in _mounted_by(layer, None)]


def _mounts(app: Flask, guarded: Guarded | None) -> Iterator[Route]:
    """What each dispatcher hands to other applications, those in front of the guard too."""
    in_front = guarded is not None
    layer: Any = app.wsgi_app
    while layer is not None:
        in_front = in_front and not isinstance(layer, AuthMiddleware)
        yield from _mounted_by(layer, None if in_front else guarded)
        layer = getattr(layer, "app", None)


def _mounted_by(layer: object, guarded: Guarded | None) -> Iterator[Route]:
    if not isinstance(layer, DispatcherMiddleware):
        return
    for mount, mounted in layer.mounts.items():
        path = f"{mount}/*"
        protection, requirement = _before(mounted, guarded, path)
        yield Route(
            path=path,
            name=getattr(mounted, "__qualname__", type(mounted).__name__),
            protection=protection,
            requirement=requirement,
            kind=Kind.MOUNT,
            in_document=False,
            endpoint=mounted,
        )


def _before(mounted: object, guarded: Guarded | None, path: str) -> Protected:
    """What stands before a mounted application: what is around the application, or what it brought."""
    # No guard reads what is declared on a mounted application: it asks for that itself, or nothing does.
    if lacks_guard(mounted):
        return Protection.MISPLACED, requirement_of(mounted)
    declared = enforced_by(mounted)
    around = protected(declared, guarded, method="", path=path)
    own = guarded_in(mounted) if isinstance(mounted, Flask) else getattr(mounted, "guarded", None)
    if own is not None and around[1].is_open:
        return protected(declared, own, method="", path="/*")
    return around
