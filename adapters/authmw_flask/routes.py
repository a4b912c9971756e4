"""Requirements of views, found by Flask's route table: on the view, its class, its method and its blueprints.

Declarations are read at each request, from the registered objects. So it does not matter whether ``@requires_scopes``
stands above or below ``@app.get``, or whether a blueprint was marked before or after it was registered.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from authmw.engine.declarations import needed_by
from authmw.http.request import Environ, RequestHead, WSGIRequest
from authmw.identity.requirement import Access, Requirement
from authmw.oauth2.paths import PATHS


class RouteTable:
    """The routes of one application.

    Args:
        app: the application.
        wsgi_app: its ``wsgi_app`` before it was guarded.
    """

    def __init__(self, app: Flask, wsgi_app: object) -> None:
        self._app = app
        self._dispatchers = tuple(_dispatchers(wsgi_app))

    def requirement(self, endpoint: str, method: str) -> Requirement | None:
        """The requirement of `endpoint`, from its outermost blueprint to its method; None if nothing was declared."""
        needed: Requirement | None = None
        for carrier in self.carriers(endpoint, method):
            declared = needed_by(carrier)
            if declared is not None:
                needed = declared if needed is None else needed & declared
        return needed

    def requirement_of(self, request: RequestHead) -> Requirement | None:
        """The requirement of the view that will serve `request`.

        None if nothing was declared, or if no view is found: 404, 405, redirects, mounted applications.
        """
        if not isinstance(request, WSGIRequest) or self._is_mounted(request.path):
            return None
        endpoint = self._match(request.environ)
        return None if endpoint is None else self.requirement(endpoint, request.method)

    def reads_own_credentials(self, request: RequestHead) -> bool:
        """Whether the view that will serve `request` authenticates its callers itself."""
        # The paths of such views have known ends, and comparing these is cheaper than the route table.
        if not request.path.endswith(PATHS):
            return False
        requirement = self.requirement_of(request)
        return requirement is not None and requirement.access is Access.OWN_CREDENTIALS

    def _match(self, environ: Environ) -> str | None:
        try:
            adapter = self._app.create_url_adapter(self._app.request_class(environ))
            return None if adapter is None else adapter.match()[0]
        except Exception:  # a refused host, no such route, a converter that fails: all stay denied
            return None

    def carriers(self, endpoint: str, method: str) -> Iterator[object]:
        """What may carry declarations for `endpoint`: blueprints from the outermost on, class, view, method."""
        names = endpoint.split(".")[:-1] if "." in endpoint else ()
        for depth in range(len(names)):
            yield self._app.blueprints.get(".".join(names[: depth + 1]))
        view = self._app.view_functions.get(endpoint)
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
    if view_class is None:
        return None
    handler = getattr(view_class, method.lower(), None)
    return getattr(view_class, "get", None) if handler is None and method == "HEAD" else handler


def _dispatchers(wsgi_app: object) -> Iterator[DispatcherMiddleware]:
    """The dispatchers among the middleware that already stands in front of the application."""
    while wsgi_app is not None:
        if isinstance(wsgi_app, DispatcherMiddleware):
            yield wsgi_app
        wsgi_app = getattr(wsgi_app, "app", None)
