"""The guard in front of every view."""

from __future__ import annotations

from typing import cast

from flask import Flask, Request, Response, request
from werkzeug.local import LocalProxy
from werkzeug.routing import Rule

from authmw.engine.auth import Auth
from authmw.engine.authentication import NOBODY
from authmw.engine.context import Call, call_here, enforce
from authmw.engine.public_paths import Default, PublicPaths
from authmw.http.request import WSGIRequest
from authmw.identity.calling import current_call
from authmw.identity.requirement import AUTHENTICATED, PUBLIC
from authmw_flask.refusing import RefusedByFlask
from authmw_flask.routes import RouteTable

_request: LocalProxy[Request] = cast("LocalProxy[Request]", request)


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
        current = _request._get_current_object()  # pyright: ignore[reportPrivateUsage] - Werkzeug documents it for use
        environ = current.environ
        environ["authmw.path_params"] = current.view_args or {}
        call = call_here()
        if call is not None:
            return self._guard(call, current)
        # Defence in depth: somebody took the middleware out of app.wsgi_app, so nobody is authenticated.
        call = Call(self._auth, NOBODY, WSGIRequest(environ))
        call.carry = RefusedByFlask
        token = current_call.set(call)
        try:
            return self._guard(call, current)
        finally:
            current_call.reset(token)

    def _guard(self, call: Call, current: Request) -> Response | None:
        is_authenticated = call.authentication.principal.is_authenticated
        rule = current.url_rule
        needed = None if rule is None else self._routes.requirement(rule.endpoint, current.method)
        if needed is None:
            if is_authenticated or self._public.matches(call.request):
                return None
            needed = self._default
        if not is_authenticated and not needed.public and call.request.is_preflight:
            return self._answer_preflight(rule)
        enforce(needed)
        return None

    def _answer_preflight(self, rule: Rule | None) -> Response | None:
        """Flask's own answer to OPTIONS, which a view that handles OPTIONS itself would have replaced (class 23)."""
        if rule is None or getattr(rule, "provide_automatic_options", False):
            return None
        return self._app.make_default_options_response()
