"""Adapter of Flask: what the middleware in front of a Flask application asks about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from flask import has_request_context

from authmw.engine.adapter import Adapter
from authmw.http.request import WSGIRequest
from authmw.login.paths import PATHS as PAGES
from authmw.oauth2.paths import PATHS
from authmw_flask.arrived import arrived_head
from authmw_flask.finished_bodies import is_finished
from authmw_flask.preserved_requests import request_context
from authmw_flask.refusing import FlaskResponses, RefusedByFlask

if TYPE_CHECKING:
    from flask import Flask, Request

    from authmw.flow.application_code import Surroundings
    from authmw.http.refusal import AccessRefused, Refusal
    from authmw.http.request import Environ, RequestHead
    from authmw.http.response import Response, StartResponse
    from authmw.identity.requirement import Requirement
    from authmw_flask.routes import RouteTable
    from authmw_flask.surroundings import ApplicationContext


class FlaskAdapter(Adapter):
    """Knows the routes of one application.

    Args:
        app: the application.
        routes: its routes.
        around: makes its context, around functions that run in front of it.
    """

    keeps_promises = True
    own_ends: ClassVar[tuple[str, ...]] = (*PATHS, *PAGES)

    def __init__(self, app: Flask, routes: RouteTable, around: ApplicationContext) -> None:
        self._routes = routes
        self._responses = FlaskResponses(app)
        self.around: Surroundings | None = around

    def requirement_of(self, request: RequestHead) -> Requirement | None:
        """See `RouteTable.requirement_of`."""
        return self._routes.requirement_of(request)

    def reads_own_credentials(self, request: RequestHead) -> bool:
        """See `RouteTable.reads_own_credentials`. It matches the routes, so most paths are told by their ends."""
        return request.path.endswith(self.own_ends) and self._routes.reads_own_credentials(request)

    def knows_router(self, request: RequestHead) -> bool:
        """See `RouteTable.knows`."""
        return self._routes.knows(request)

    def arrived(self, request: RequestHead, served: RequestHead | None = None) -> RequestHead:
        """That of the request that Flask serves: a layer or a function before the view may have changed it.

        Flask is done with its request before a generator is iterated over, except by ``stream_with_context``.
        """
        if not has_request_context():
            return request if served is None else served
        current = request_context().request
        is_same = isinstance(request, WSGIRequest) and request.environ is current.environ
        if is_same and request.method == current.method:
            return request
        return self._head_of(current)

    def served(self, environ: Environ) -> RequestHead | None:
        """That of the request that Flask serves."""
        if not has_request_context():
            return None
        current = request_context().request
        if current.environ is environ and current.method == environ["REQUEST_METHOD"]:
            return None
        return self._head_of(current)

    def _head_of(self, current: Request) -> WSGIRequest:
        head = arrived_head(current)
        head.around = self.around
        return head

    def carry(self, refusal: Refusal, request: RequestHead) -> AccessRefused:
        """An ``HTTPException`` without a code."""
        return RefusedByFlask(refusal)

    @staticmethod
    def is_finished(body: Iterable[bytes]) -> bool:
        """See `finished_bodies.is_finished`."""
        return is_finished(body)

    def refuse(
        self, refusal: Refusal, response: Response, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Send a refusal, or for a navigation the page of an error handler of the application."""
        return self._responses.refuse(refusal, response, environ, start_response)

    def serve(self, response: Response, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Send a response after the functions that the application runs on each response."""
        return self._responses(response, environ, start_response)
