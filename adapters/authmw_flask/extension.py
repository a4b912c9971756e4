"""Extension `FlaskAuth`, which puts the middleware around an application and the check in front of its views."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from flask import Flask

from authmw.engine.auth import Auth
from authmw.engine.guard import Preflights
from authmw.engine.path_patterns import patterns_in
from authmw.engine.path_rules import Needs
from authmw.engine.public_paths import Default, PublicPaths
from authmw.errors import ConfigurationError, explains_arguments
from authmw.identity.calling import find_calls_by, guarded_by
from authmw.wsgi import AuthMiddleware
from authmw_flask.adapter import FlaskAdapter
from authmw_flask.config import LOCAL_AUTH, Settings
from authmw_flask.flask_login import add_template_context
from authmw_flask.mounted import put_first
from authmw_flask.preserved_requests import kept_call, mark_contexts
from authmw_flask.refusing import answer_refusals
from authmw_flask.replaced_methods import call_as_it_is
from authmw_flask.routes import RouteTable
from authmw_flask.surroundings import ApplicationContext
from authmw_flask.view_check import check_in_front_of_views, confirm_views


@explains_arguments('FlaskAuth(app, auth, public=["/health"])')
class FlaskAuth:
    """Guards a Flask application: ``FlaskAuth(app, auth, public=["/static/*"])``, or ``init_app`` later.

    Every request needs credentials, except for views marked ``@public`` and for `public` paths. That includes static
    files, 404s, and applications that are already mounted in ``app.wsgi_app``: mount them before this, not after.

    Args:
        app: the application; more can be added by `init_app`.
        auth: verifies credentials.
        default: ``deny``, or ``allow`` to leave it to decorators; by default ``AUTHMW_DEFAULT`` of ``app.config``, or
            else ``deny``.
        public: path patterns, as ``/health``, ``/docs/*`` or ``GET /docs/*``; by default ``AUTHMW_PUBLIC`` of
            ``app.config``.
        preflights: ``guard`` answers the CORS preflights of strangers, and lets the functions after each request add
            their headers; ``application`` hands them on; by default ``AUTHMW_PREFLIGHTS`` of ``app.config``, or else
            ``guard``.
        needs: rules from outside, ``{"GET /api/*": "read", "/api/*": "write"}``, which add to what views declare; by
            default ``AUTHMW_NEEDS`` of ``app.config``.
        leave: path patterns of the parts that authenticate their callers themselves; by default ``AUTHMW_LEAVE`` of
            ``app.config``.
        hide_credentials: whether the application sees requests without the credentials that `auth` reads; by default
            ``AUTHMW_HIDE_CREDENTIALS`` of ``app.config``, or else False.
        end_connections: whether streams end with the credentials that opened them; by default
            ``AUTHMW_END_CONNECTIONS`` of ``app.config``, or else True.

    Raises:
        ConfigurationError: every mistake at once.

    >>> from authmw import Auth, HTTPBearer, Principal
    >>> app = Flask("shop")
    >>> _ = FlaskAuth(app, Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None)))
    >>> app.test_client().get("/").status
    '401 Unauthorized'
    """

    def __init__(
        self,
        app: Flask | None = None,
        auth: Auth | None = None,
        *,
        default: Default | None = None,
        public: Iterable[str] | None = None,
        preflights: Preflights | None = None,
        needs: Needs | None = None,
        leave: Iterable[str] | None = None,
        hide_credentials: bool | None = None,
        end_connections: bool | None = None,
    ) -> None:
        self._auth = auth
        # Read once: `init_app` may be called for several applications.
        self._given: dict[str, Any] = {
            "default": default,
            "public": None if public is None else patterns_in(public),
            "preflights": preflights,
            "needs": needs,
            "leave": None if leave is None else patterns_in(leave),
            "hide_credentials": hide_credentials,
            "end_connections": end_connections,
        }
        if app is not None:
            self.init_app(app)

    if not TYPE_CHECKING:  # for type checkers it cannot be called

        def __call__(self, *args: object, **kwargs: object) -> None:
            """Raise the line to write: this is no application, as ``app.wsgi_app = FlaskAuth(app)`` takes it for."""
            raise ConfigurationError(
                "FlaskAuth puts itself around the application: write FlaskAuth(app, auth), without app.wsgi_app = "
            )

    def init_app(self, app: Flask, auth: Auth | None = None) -> None:
        """Guard `app`, by `auth` or by the one given at construction.

        Raises:
            ConfigurationError: every mistake at once.
        """
        check_is_flask(app, "FlaskAuth(app, auth)")
        auth = auth or self._auth
        if auth is None:
            raise ConfigurationError("FlaskAuth needs an Auth: FlaskAuth(app, auth) or init_app(app, auth)")
        if "authmw" in app.extensions:
            raise ConfigurationError(f"{app.name} is guarded already: call FlaskAuth(app, ...) once for an application")
        settings = Settings.of(app.config, local=LOCAL_AUTH in app.extensions, **self._given)
        surroundings = ApplicationContext(app)
        routes = RouteTable(app, app.wsgi_app, surroundings, auth)
        try:
            middleware = AuthMiddleware(
                cast("Any", app.wsgi_app),
                auth,
                default=settings.default,
                public=settings.public,
                preflights=settings.preflights,
                needs=settings.needs,
                leave=settings.leave,
                hide_credentials=settings.hide_credentials,
                end_connections=settings.end_connections,
                _adapter=FlaskAdapter(app, routes, surroundings),
            )
        except ConfigurationError as error:
            raise ConfigurationError(*settings.mistakes, *error.mistakes) from None
        if settings.mistakes:
            raise ConfigurationError(*settings.mistakes)
        public = PublicPaths(settings.public, login=auth.login)
        check = check_in_front_of_views(app, auth, routes, default=settings.default, public=public)
        app.before_request(check)  # Flask refuses this once the application serves
        put_first(app.before_request_funcs[None])
        call_as_it_is(app, check)
        confirm_views(app, check)
        mark_contexts(app)
        answer_refusals(app)
        add_template_context(app)
        find_calls_by(kept_call)
        app.extensions["authmw"] = middleware.guard_settings
        setattr(app, "wsgi_app", middleware)  # noqa: B010 - Flask's way; type checkers take wsgi_app for a method only


guarded_by("FlaskAuth(app, auth)")


def check_is_flask(app: object, call: str) -> None:
    """Refuse what is no Flask application; `call` is the line to write.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(app, Flask):
        given = "an Auth" if isinstance(app, Auth) else type(app).__name__
        given = "its wsgi_app" if isinstance(getattr(app, "__self__", None), Flask) else given
        raise ConfigurationError(f"the application comes first, and it is not {given}: write {call}")
