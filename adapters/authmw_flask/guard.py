"""The guard in front of every view, and the exception by which a refusal travels through Flask."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from authmw.context import Call, current_call, enforce
from authmw.engine import Auth, Authentication
from authmw.errors import AccessRefused
from authmw.principal import ANONYMOUS
from authmw.refusal import Refusal
from authmw.request import WSGIRequest
from authmw.requirement import AUTHENTICATED, PUBLIC, Requirement
from authmw.rules import Default, PublicPaths
from authmw_flask.routes import RouteTable


class RefusedByFlask(AccessRefused, HTTPException):
    """A refusal with its whole response and no ``code``.

    Flask hands an HTTPException without a code to no error handler, and neither do the extensions that bring error
    handling of their own: status and challenge stay.
    """

    def __init__(self, refusal: Refusal) -> None:
        AccessRefused.__init__(self, refusal)
        answer = refusal.response()
        self.response: Response = Response(answer.body, answer.status_line, list(answer.headers))
        self.description: str | None = None


class ViewGuard:
    """Runs before each request, and before whatever else does: enforces what was declared for the view.

    Args:
        app: the application.
        auth: who may be trusted.
        routes: tells what the view needs.
        default: what an undecorated view needs.
        public: the paths that need nothing, unless their view says so.
    """

    def __init__(self, app: Flask, auth: Auth, routes: RouteTable, *, default: Default, public: PublicPaths) -> None:
        self._app = app
        self._auth = auth
        self._routes = routes
        self._default = AUTHENTICATED if default == "deny" else PUBLIC
        self._public = public

    def __call__(self) -> Response | None:
        """Let the request pass, or raise its refusal; a response only for a preflight that no handler may see."""
        request.environ["authmw.path_params"] = request.view_args or {}
        call = current_call.get()
        if call is not None:
            return self._guard(call)
        # Defence in depth: somebody took the middleware out of app.wsgi_app, so nobody is authenticated.
        call = Call(self._auth, Authentication(ANONYMOUS), WSGIRequest(request.environ))
        token = current_call.set(call)
        try:
            return self._guard(call)
        finally:
            current_call.reset(token)

    def _guard(self, call: Call) -> Response | None:
        call.refuse_with = RefusedByFlask
        requirement = self._requirement(call)
        if not requirement.public and self._is_anonymous_preflight(call):
            return self._answer_preflight()
        enforce(requirement)
        return None

    def _requirement(self, call: Call) -> Requirement:
        rule = request.url_rule
        declared = None if rule is None else self._routes.requirement(rule.endpoint, request.method)
        if declared is not None:
            return declared
        return PUBLIC if self._public.matches(call.request) else self._default

    @staticmethod
    def _is_anonymous_preflight(call: Call) -> bool:
        return not call.authentication.principal.is_authenticated and call.request.is_preflight

    def _answer_preflight(self) -> Response | None:
        """Flask's own answer to OPTIONS, which a view that handles OPTIONS itself would have replaced (class 23)."""
        rule = request.url_rule
        if rule is None or getattr(rule, "provide_automatic_options", False):
            return None
        return self._app.make_default_options_response()
