"""List of the routes of a Flask application, each with its protection, as `RouteTable` enforces it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from inspect import isroutine
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from authmw.engine.declarations import enforced_by, is_unenforced, requirement_of
from authmw.engine.decorators import declared_by_decorator
from authmw.engine.routes.route import Kind, Protected, Protection, Route, place_of, protected
from authmw.errors import ConfigurationError
from authmw.identity.requirement import Access, Requirement
from authmw.wsgi import AuthMiddleware
from authmw_flask.path_templates import parameters_of, template_of
from authmw_flask.routes import RouteTable, handler_of, method_decorators_of, view_class_of
from authmw_flask.surroundings import ApplicationContext

if TYPE_CHECKING:
    from werkzeug.routing import Rule

    from authmw.engine.guard import GuardSettings

# They are also listed for a rule that takes any method. Flask makes no such rule, but a program can add one to the map.
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

_INTERNAL_VIEWS: Final = (
    *("flask.app", "flask.blueprints"),  # their own views send files
    "authmw_flask.mounted",
)


def routes_of(app: Flask) -> list[Route]:
    """Every route that `app` serves, one for each method, and the applications mounted beside it.

    A declaration counts where `FlaskAuth` enforces it: on a view, its class, its method, its blueprints, and above or
    below ``@app.get``. Without `FlaskAuth` only the decorators enforce it, so their wrong order leaves a view open.

    HEAD, and the OPTIONS that Flask answers itself, are protected like their routes, and are left out. Of a mounted
    application only the path is known. One in front of the guard is listed if it can be found from ``app.wsgi_app``.

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
    """The routes of `routes_of` without their places. Those are read from the source files, and documents omit them."""
    table = RouteTable(app, app.wsgi_app, ApplicationContext(app))
    settings = guard_settings_of(app)
    for rule in app.url_map.iter_rules():
        if not rule.build_only and not rule.websocket:
            for method in _methods(app, rule):
                yield _route(app, table, settings, rule, method)
    yield from _mounts(app, settings)


def guard_settings_of(app: Flask) -> GuardSettings | None:
    """The settings of the guard in front of `app`; None without `FlaskAuth`."""
    return cast("GuardSettings | None", app.extensions.get("authmw"))


def checked_guard_settings(app: Flask) -> GuardSettings:
    """The settings of the guard in front of `app`.

    Raises:
        ConfigurationError: it has none.
    """
    settings = guard_settings_of(app)
    if settings is None:
        raise ConfigurationError(
            f"nothing guards {app.name}, so no document can say what is enforced: call FlaskAuth(app, auth) first"
        )
    return settings


def _methods(app: Flask, rule: Rule) -> Iterable[str]:
    """The methods of `rule`, without the HEAD and the OPTIONS that Flask adds."""
    if rule.methods is None:
        return _METHODS
    own = set(rule.methods)
    view_class = view_class_of(app.view_functions.get(rule.endpoint))
    if "GET" in own and not hasattr(view_class, "head"):
        own.discard("HEAD")
    if getattr(rule, "provide_automatic_options", False):
        own.discard("OPTIONS")
    return [*(method for method in _METHODS if method in own), *sorted(own.difference(_METHODS))]


def _route(app: Flask, table: RouteTable, settings: GuardSettings | None, rule: Rule, method: str) -> Route:
    path, view = template_of(rule), app.view_functions.get(rule.endpoint)
    redirects = rule.redirect_to is not None or rule.alias  # no view is called then, so only the default counts
    declared = None if redirects else table.requirement(rule.endpoint, method)
    protection, requirement = protected(declared, settings, method=method, path=path)
    if settings is None and declared is not None and not _enforces(table, rule.endpoint, view, method, declared):
        protection = Protection.MISPLACED
    return Route(
        path=path,
        method=method,
        name=str(rule.endpoint),
        protection=protection,
        requirement=requirement,
        in_document=not redirects and requirement.access is not Access.OWN_CREDENTIALS and not _is_internal(view),
        parameters=parameters_of(rule),
        endpoint=_endpoint(view, method),
    )


def _enforces(table: RouteTable, endpoint: str, view: object, method: str, declared: Requirement) -> bool:
    """Whether the registered view enforces all that was declared, without a guard in front of it."""
    if declared.is_open:
        return True
    by_carrier = map(enforced_by, table.carriers(endpoint, view, method))
    by_decorator = map(declared_by_decorator, method_decorators_of(view_class_of(view), method))
    enforced = Requirement.together(each for each in (*by_carrier, *by_decorator) if each is not None)
    return enforced is not None and enforced.includes(declared)


def _endpoint(view: Any, method: str) -> Any:
    """The function behind a view: for a class-based view, its method."""
    handler = handler_of(view_class_of(view), method)
    return handler if isroutine(handler) else view


def _is_internal(view: Any) -> bool:
    """Whether a view serves files, or a document or a service of authmw, and so is no part of the application's API."""
    return str(getattr(view, "__module__", "")) in _INTERNAL_VIEWS


def mounts_of(layer: object) -> list[Route]:
    """The applications to which `layer`, which is wrapped around a whole application, hands what is below their paths.

    Args:
        layer: a ``DispatcherMiddleware``; anything else has none.
    """
    return [replace(route, place=place_of(route.endpoint)) for route in _mounted_by(layer, None)]


def _mounts(app: Flask, settings: GuardSettings | None) -> Iterator[Route]:
    """The applications that dispatchers mount, also those in front of the guard."""
    in_front = settings is not None
    layer: Any = app.wsgi_app
    while layer is not None:
        in_front = in_front and not isinstance(layer, AuthMiddleware)
        yield from _mounted_by(layer, None if in_front else settings)
        layer = getattr(layer, "app", None)


def _mounted_by(layer: object, settings: GuardSettings | None) -> Iterator[Route]:
    if not isinstance(layer, DispatcherMiddleware):
        return
    for mount, mounted in layer.mounts.items():
        path = f"{mount}/*"
        protection, requirement = _before(mounted, settings, path)
        yield Route(
            path=path,
            name=getattr(mounted, "__qualname__", type(mounted).__name__),
            protection=protection,
            requirement=requirement,
            kind=Kind.MOUNT,
            in_document=False,
            endpoint=mounted,
        )


def _before(mounted: object, settings: GuardSettings | None, path: str) -> Protected:
    """The protection of a mounted application: the guard in front of it, or its own guard."""
    # No guard in front reads what a mounted application declares: the application enforces it, or nothing does.
    if is_unenforced(mounted):
        return Protection.MISPLACED, requirement_of(mounted)
    declared = enforced_by(mounted)
    around = protected(declared, settings, method="", path=path)
    own = guard_settings_of(mounted) if isinstance(mounted, Flask) else getattr(mounted, "guard_settings", None)
    if own is not None and around[1].is_open:
        return protected(declared, own, method="", path="/*")
    return around
