"""Extension `FlaskAuth`, which puts the middleware around an application and the check in front of its views."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from flask import Flask

from authmw.engine.auth import Auth
from authmw.engine.public_paths import Default, PublicPaths, patterns_in
from authmw.errors import ConfigurationError
from authmw.identity.calling import find_calls_by
from authmw.wsgi import AuthMiddleware
from authmw_flask.config import Settings
from authmw_flask.preserved_requests import kept_call, mark_context
from authmw_flask.refusing import FlaskResponses, RefusedByFlask, answer_refusals
from authmw_flask.routes import RouteTable
from authmw_flask.view_check import ViewCheck


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
    ) -> None:
        self._auth = auth
        self._default = default
        # Read once: `init_app` may be called for several applications.
        self._public = None if public is None else cast("tuple[str, ...]", patterns_in(public))
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, auth: Auth | None = None) -> None:
        """Guard `app`, by `auth` or by the one given at construction.

        Raises:
            ConfigurationError: every mistake at once.
        """
        _check_is_flask(app)
        auth = auth or self._auth
        if auth is None:
            raise ConfigurationError("FlaskAuth needs an Auth: FlaskAuth(app, auth) or init_app(app, auth)")
        if "authmw" in app.extensions:
            raise ConfigurationError(f"{app.name} is guarded already: call FlaskAuth(app, ...) once for an application")
        settings = Settings.of(app.config, default=self._default, public=self._public)
        routes = RouteTable(app, app.wsgi_app)
        try:
            middleware = AuthMiddleware(
                cast("Any", app.wsgi_app),
                auth,
                default=settings.default,
                public=settings.public,
                requirement_of=routes.requirement_of,
                own_credentials=routes.reads_own_credentials,
                serve=FlaskResponses(app),
                carry=RefusedByFlask,
            )
        except ConfigurationError as error:
            raise ConfigurationError(*settings.mistakes, *error.mistakes) from None
        if settings.mistakes:
            raise ConfigurationError(*settings.mistakes)
        check = ViewCheck(app, auth, routes, default=settings.default, public=PublicPaths(settings.public))
        app.before_request(check)  # Flask refuses this once the application serves
        _put_first(app.before_request_funcs[None])
        app.url_value_preprocessor(mark_context)
        _put_first(app.url_value_preprocessors[None])
        answer_refusals(app)
        find_calls_by(kept_call)
        app.extensions["authmw"] = middleware.guard_settings
        setattr(app, "wsgi_app", middleware)  # noqa: B010 - Flask's way; type checkers take wsgi_app for a method only


def _put_first(functions: list[Any]) -> None:
    """Make Flask call the function that was added last before all others."""
    functions.insert(0, functions.pop())


def _check_is_flask(app: object) -> None:
    if not isinstance(app, Flask):
        given = "an Auth" if isinstance(app, Auth) else type(app).__name__
        raise ConfigurationError(f"the application comes first, and it is not {given}: write FlaskAuth(app, auth)")
