"""Requirements of views, found by Flask's route table: on the view, its class, its method and its blueprints.

Declarations are read from the registered objects when the first request comes, and again after each change of them. So
it does not matter whether ``@requires_scopes`` stands above or below ``@app.get``, or whether a blueprint was marked
before or after it was registered.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import Rule

from authmw.engine.declarations import lost_in, needed_by
from authmw.engine.decorators import declared_by_decorator
from authmw.engine.markers import declarations
from authmw.engine.promise import Promise
from authmw.engine.undeclared_scopes import warn_of_undeclared
from authmw.flow.application_code import Surroundings
from authmw.http.request import Environ, RequestHead, WSGIRequest
from authmw.identity.requirement import Access, Requirement

if TYPE_CHECKING:
    from werkzeug.routing import Rule

    from authmw.engine.auth import Auth


logger: Final = logging.getLogger("authmw")

_FRAMEWORKS: Final = ("flask", "flask_restful", "flask_restx")
"""The packages whose ``dispatch_request`` calls the method of the class that is named as that of the request."""


class ViewPromise(Promise):
    """The promise to a stranger who was let in for a public view.

    Args:
        app: the application that has the view.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app


class _Reading:
    """What was read from the declarations for one view, and all that it was read from.

    Args:
        view: what the endpoint calls.
        method: the method of the request.
        version: that of the declarations, before they were read.
        needed: what the view needs.
    """

    __slots__ = ("_decorators", "_dispatcher", "_view_class", "handler", "needed", "version", "view")

    def __init__(self, view: object, method: str, version: object, needed: Requirement | None) -> None:
        self.view = view
        self.version = version
        self.needed = needed
        self._view_class = view_class_of(view)
        self.handler: object = handler_of(self._view_class, method)
        self._decorators = method_decorators_of(self._view_class, method)
        self._dispatcher: object = getattr(self._view_class, "dispatch_request", None)

    @property
    def is_of_function(self) -> bool:
        """Whether nothing depends on the method, since the view is not made of a class."""
        return self._view_class is None

    def holds(self, view: object, method: str) -> bool:
        """Whether all that it was read from is still the same. A view may be replaced while the application serves."""
        return (
            view is self.view
            and declarations.version is self.version
            and handler_of(self._view_class, method) is self.handler
            and method_decorators_of(self._view_class, method) == self._decorators
            and getattr(self._view_class, "dispatch_request", None) is self._dispatcher
        )


class RouteTable:
    """The routes of one application.

    Args:
        app: the application.
        wsgi_app: its ``wsgi_app`` before it was guarded.
        around: makes the context in which converters of the application run.
        auth: the engine whose scopes the views should need; None to not look at that.
    """

    def __init__(self, app: Flask, wsgi_app: object, around: Surroundings, auth: Auth | None = None) -> None:
        # What is no Auth is a mistake that the middleware tells.
        self._unlooked = auth if getattr(auth, "scopes", None) else None
        self._app = app
        self._around = around
        self._dispatchers = tuple(_dispatchers(wsgi_app))
        self._of_functions: dict[str, _Reading] = {}
        self._of_methods: dict[tuple[str, str], _Reading] = {}
        self._told: set[str] = set()

    def requirement(self, endpoint: str, method: str) -> Requirement | None:
        """The requirement of `endpoint`, from its outermost blueprint to its method; None if nothing was declared."""
        view = self._app.view_functions.get(endpoint)
        known = self._of_functions.get(endpoint)
        if known is not None and known.view is view and known.version is declarations.version:
            return known.needed
        return self._reading(endpoint, view, method).needed

    def _reading(self, endpoint: str, view: object, method: str) -> _Reading:
        self.look_at_scopes()
        known = self._of_methods.get((endpoint, method))
        if known is None or not known.holds(view, method):
            version = declarations.version
            known = _Reading(view, method, version, self._read(endpoint, view, method))
            if known.is_of_function:
                self._of_functions[endpoint] = known
            elif known.handler is not None:  # so that clients cannot fill it with methods
                self._of_methods[endpoint, method] = known
        return known

    def _read(self, endpoint: str, view: object, method: str) -> Requirement | None:
        view_class = view_class_of(view)
        handler = handler_of(view_class, method)
        needed: Requirement | None = None
        for carrier in self.carriers(endpoint, view, method):
            declared = needed_by(carrier)
            if declared is not None and handler is not None and carrier is handler:
                declared = self._sure(declared, view_class, handler_name(view_class, method))
            if declared is not None:
                needed = declared if needed is None else needed & declared
        if view_class is not None:
            more = (
                self._sure(declared_by_decorator(each), view_class, "method_decorators")
                for each in method_decorators_of(view_class, method)
            )
            lost = None if handler is None else lost_in(handler)
            needed = Requirement.together(each for each in (needed, *more, lost) if each is not None)
        lost = lost_in(view)
        return needed if lost is None else lost if needed is None else needed & lost

    def _sure(self, declared: Requirement | None, view_class: type | None, name: str) -> Requirement | None:
        """What is `declared` by the attribute `name` of a class; None if it opens a method that need not be called."""
        if declared is None or not declared.is_open or view_class is None:
            return declared
        dispatching = dispatching_class_of(view_class, name)
        if dispatching is None:
            return declared
        sentence = (
            f"{view_class.__qualname__}.{name} is @public, and has no effect: the dispatch_request of "
            f"{dispatching.__qualname__} may call another method. Write @public above the class, or take it out"
        )
        if sentence not in self._told:
            self._told.add(sentence)
            logger.warning("%s", sentence)
        return None

    def look_at_scopes(self) -> None:
        """Warn of scopes that are not declared: once, at the first request, when the views are registered."""
        auth, self._unlooked = self._unlooked, None
        if auth is not None:
            warn_of_undeclared(self._scopes(), auth)

    def _scopes(self) -> Iterator[tuple[str, str]]:
        """Each view, by its method and rule, with each scope that it needs."""
        for rule in self._app.url_map.iter_rules():
            for method in sorted((rule.methods or {"GET"}) - {"HEAD", "OPTIONS"}):
                needed = self.requirement(rule.endpoint, method)
                yield from ((f"{method} {rule.rule}", scope) for scope in (needed.all_scopes if needed else ()))

    def requirement_of(self, request: RequestHead) -> Requirement | None:
        """The requirement of the view that will serve `request`.

        None if nothing was declared, or if no view is found: 404, 405, redirects, mounted applications, preflights that
        Flask answers.
        """
        self.look_at_scopes()
        if not isinstance(request, WSGIRequest) or self._is_mounted(request.path):
            return None
        rule = self._match(request.environ)
        if rule is None or (getattr(rule, "provide_automatic_options", False) and request.is_preflight):
            return None  # a preflight that Flask would answer itself is not for the view
        requirement = self.requirement(rule.endpoint, request.method)
        if requirement is not None and requirement.is_open:
            request.promise = ViewPromise(self._app)
        return requirement

    def knows(self, request: RequestHead) -> bool:
        """Whether Flask routes `request`, and finds no view that it would also find without the slash at the end."""
        if not isinstance(request, WSGIRequest) or self._is_mounted(request.path):
            return False
        rule = self._match(request.environ)
        return rule is None or not request.path.endswith("/") or rule.rule.endswith("/")

    def reads_own_credentials(self, request: RequestHead) -> bool:
        """Whether the view that will serve `request` authenticates its callers itself."""
        requirement = self.requirement_of(request) if request.is_canonical else None
        return requirement is not None and requirement.access is Access.OWN_CREDENTIALS

    def _match(self, environ: Environ) -> Rule | None:
        try:
            with self._around() if self._has_own_converters() else nullcontext():
                adapter = self._app.create_url_adapter(self._app.request_class(environ))
                return None if adapter is None else adapter.match(return_rule=True)[0]
        except Exception:  # a refused host, no such route, a converter that fails: all stay denied
            return None

    def _has_own_converters(self) -> bool:
        """Whether the application has converters, which may use its context, as Flask matches routes within it."""
        converters = self._app.url_map.converters.values()
        return any(not converter.__module__.startswith("werkzeug.") for converter in converters)

    def carriers(self, endpoint: str, view: object, method: str) -> Iterator[object]:
        """What may carry declarations for `endpoint`: blueprints from the outermost on, class, view, method."""
        names = endpoint.split(".")[:-1] if "." in endpoint else ()
        for depth in range(len(names)):
            yield self._app.blueprints.get(".".join(names[: depth + 1]))
        view_class = view_class_of(view)
        yield view_class
        yield view
        yield handler_of(view_class, method)

    def _is_mounted(self, path: str) -> bool:
        # Werkzeug hands such a path to another application before this one routes it.
        return any(
            path == mount or path.startswith(mount + "/")
            for dispatcher in self._dispatchers
            for mount in dispatcher.mounts
        )


def view_class_of(view: object) -> type | None:
    """The class that a view was made from by ``as_view``; None for a function."""
    while isinstance(view, partial):  # `functools.wraps` copies the attribute
        view = view.func
    found: object = getattr(view, "view_class", None)
    return found if isinstance(found, type) else None


def handler_of(view_class: type | None, method: str) -> Any:
    """The method of a class-based view that answers; ``HEAD`` is answered by ``get`` if there is no ``head``."""
    return None if view_class is None else getattr(view_class, handler_name(view_class, method), None)


def handler_name(view_class: type | None, method: str) -> str:
    """The name of the method that `handler_of` finds."""
    return "get" if method == "HEAD" and getattr(view_class, "head", None) is None else method.lower()


def dispatching_class_of(view_class: type, name: str) -> type | None:
    """The class, at or below the one that has the attribute `name`, with a ``dispatch_request`` of its own.

    It may call anything in place of that method. A class further up was written before, and calls what it finds.
    """
    for each in view_class.__mro__:
        if "dispatch_request" in vars(each) and each.__module__.partition(".")[0] not in _FRAMEWORKS:
            return each
        if name in vars(each):
            return None
    return None


def method_decorators_of(view_class: type | None, method: str) -> tuple[object, ...]:
    """The decorators that flask-restful and flask-restx put on `method` of a class when they call it.

    ``method_decorators`` is a list for all methods, or one by the name of each. Those of ``get`` count for HEAD too:
    flask-restful calls ``get`` then, without them.
    """
    found: object = getattr(view_class, "method_decorators", ())
    if isinstance(found, Mapping):
        by_name = cast("Mapping[str, Iterable[object]]", found)
        names = ("head", "get") if method == "HEAD" else (method.lower(),)
        return tuple(each for name in names for each in by_name.get(name, ()))
    return tuple(cast("Iterable[object]", found)) if isinstance(found, list | tuple) else ()


def _dispatchers(wsgi_app: object) -> Iterator[DispatcherMiddleware]:
    """The dispatchers among the middleware that already stands in front of the application."""
    while wsgi_app is not None:
        if isinstance(wsgi_app, DispatcherMiddleware):
            yield wsgi_app
        wsgi_app = getattr(wsgi_app, "app", None)
