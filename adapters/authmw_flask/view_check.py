"""Check that Flask runs before every view: it enforces what the view declares."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import NoneType
from typing import Any, Final
from uuid import UUID

from flask import Flask, Request, Response
from werkzeug.routing import Rule

from authmw.engine.auth import Auth
from authmw.engine.authentication import NOBODY
from authmw.engine.context import Call, call_here
from authmw.engine.promise import PROMISES, PathPromise, promises_of
from authmw.engine.public_paths import Default, PublicPaths
from authmw.http.request import Environ, WSGIRequest
from authmw.identity.calling import current_call
from authmw.identity.requirement import AUTHENTICATED, PUBLIC
from authmw_flask.arrived import arrived_head
from authmw_flask.preserved_requests import request_context
from authmw_flask.refusing import RefusedByFlask
from authmw_flask.replaced_methods import Method, replace_method
from authmw_flask.routes import RouteTable, ViewPromise

_CHECKED: Final = "authmw.checked"
"""The key of what the check has let pass: the rule, the method and the arguments of the view."""
_FIXED: Final = frozenset({str, int, float, bool, NoneType, UUID, Decimal})
"""Types of arguments that no program can change in place: those of the converters of Werkzeug, and the like."""


def confirm_views(app: Flask, check: Callable[[], Response | None]) -> None:
    """Make `app` look again at what it calls, after all functions that it runs before a view.

    Some of those may replace the method, the rule or the arguments: then `check` decides again. Some may answer in
    place of a public view, which is reached only now. See `Promise.allows`.
    """

    def confirming(dispatch: Method) -> Method:
        def dispatch_request(*args: Any) -> Any:
            current = request_context().request
            checked = current.environ.get(_CHECKED)
            if (
                checked is None
                or checked[0] is not current.url_rule
                or checked[1] != current.method
                or (checked[2] is not current.view_args and checked[2] != current.view_args)
            ):
                answer = check()
                if answer is not None:
                    return answer
            call: Any = current_call.get()
            # No promise is for a caller whom a scheme has authenticated.
            if call is None or call.authentication.scheme is None:
                for promise in _promises_for(app, current.environ):
                    promise.kept = True
            return dispatch(*args)

        return dispatch_request

    replace_method(app, "dispatch_request", confirming)


def check_in_front_of_views(
    app: Flask, auth: Auth, routes: RouteTable, *, default: Default, public: PublicPaths
) -> Callable[[], Response | None]:
    """The first function that Flask runs before each request. It enforces what was declared for the view.

    It lets the request pass, or raises its refusal. It answers only a preflight that no handler may see.

    Args:
        app: the application.
        auth: verifies credentials.
        routes: finds the requirement of the view.
        default: ``deny`` requires authentication for a view without a declaration; ``allow`` requires nothing.
        public: the paths that need no credentials, unless their view declares something.
    """
    strangers = _StrangerCheck(app, auth, routes, default, public)
    requirement = routes.requirement

    def before_view() -> Response | None:  # no method: Flask looks into it on each request
        current = request_context().request
        environ, rule, method, view_args = current.environ, current.url_rule, current.method, current.view_args
        environ["authmw.path_params"] = view_args or {}
        call: Any = current_call.get()
        if call is None or not call.authentication.principal.is_authenticated:
            answer = strangers.check(current)
            if answer is None:
                environ[_CHECKED] = rule, method, _as_judged(view_args)
            return answer
        needed = None if rule is None else requirement(rule.endpoint, method)
        if needed is not None:
            call.enforce(needed)
            if needed.predicates:
                view_args = _as_judged(view_args)
        environ[_CHECKED] = rule, method, view_args
        if PROMISES in environ:  # of a guard further out, which does not know this caller
            _note_routed(app, environ)
        return None

    return before_view


def _as_judged(view_args: dict[str, Any] | None) -> Any:
    """The arguments of a view as predicates saw them: a function may change them in place.

    Where one may change itself, as a list of a converter of the application, this equals no arguments: the check
    decides again.
    """
    if view_args is None:
        return None
    return {**view_args} if _FIXED.issuperset(map(type, view_args.values())) else object()


class _StrangerCheck:
    """The check in front of a view for a caller who is not authenticated, or whom the middleware did not see."""

    def __init__(self, app: Flask, auth: Auth, routes: RouteTable, default: Default, public: PublicPaths) -> None:
        self._app = app
        self._auth = auth
        self._routes = routes
        self._default = AUTHENTICATED if default == "deny" else PUBLIC
        self._public = public

    def check(self, current: Request) -> Response | None:
        """Let the request pass, or raise its refusal; a response only for a preflight that no handler may see."""
        call = call_here()
        if call is not None:
            answer = self._check(call, current)
            _note_routed(self._app, current.environ)
            return answer
        # Defence in depth: the middleware was removed from app.wsgi_app, so no caller is authenticated.
        call = Call(self._auth, NOBODY, WSGIRequest(current.environ))
        call.carry = RefusedByFlask
        token = current_call.set(call)
        try:
            return self._check(call, current)
        finally:
            current_call.reset(token)

    def _check(self, call: Call, current: Request) -> Response | None:
        is_authenticated = call.authentication.principal.is_authenticated  # it may be one that Flask keeps
        rule = current.url_rule
        needed = None if rule is None else self._routes.requirement(rule.endpoint, current.method)
        if needed is None:
            if is_authenticated or self._is_public(current):
                return None
            needed = self._default
        if (
            not is_authenticated
            and not needed.public
            and call.request.is_preflight
            and not promises_of(current.environ)
        ):
            return self._answer_preflight(rule)
        call.enforce(needed)
        return None

    def _is_public(self, current: Request) -> bool:
        """Whether a stranger was let in for this public path. If a layer has changed it, the new one is looked at."""
        arrived, promises = arrived_head(current), promises_of(current.environ)
        if not promises:  # under default="allow", or without the middleware
            return self._public.matches(arrived, self._routes.knows)
        return all(isinstance(each, PathPromise) and each.holds(arrived) for each in promises)

    def _answer_preflight(self, rule: Rule | None) -> Response | None:
        """Flask's own answer to OPTIONS, if the view handles OPTIONS itself: without credentials none may reach it."""
        if rule is None or getattr(rule, "provide_automatic_options", False):
            return None
        return self._app.make_default_options_response()


def _note_routed(app: Flask, environ: Environ) -> None:
    """Note that Flask has chosen the view for whose sake a stranger was let in."""
    for promise in _promises_for(app, environ):
        promise.routed = True


def _promises_for(app: Flask, environ: Environ) -> list[ViewPromise]:
    """The promises for views of `app`, and not of another application that a layer called instead."""
    promises = promises_of(environ)
    return [each for each in promises if isinstance(each, ViewPromise) and each.app is app] if promises else []
