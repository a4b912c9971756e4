"""Extension `LocalAuth`, which sets a guarded application up with users, keys and logins by one call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Mount

from authmw.engine.guard import Preflights
from authmw.engine.path_patterns import patterns_in
from authmw.engine.path_rules import Needs
from authmw.engine.public_paths import Default
from authmw.engine.user_loading import LoadUser
from authmw.errors import ConfigurationError, explains_arguments
from authmw.local import Local, LocalSettings
from authmw.local.loopback import Loopback, LoopbackASGI
from authmw.local.settings import MOUNT
from authmw_starlette.middleware import AuthMiddleware
from authmw_starlette.tokens import metadata_route, token_routes
from authmw_starlette.walk import guards_around

if TYPE_CHECKING:
    from authmw.login.options import LoginOptions


@explains_arguments("LocalAuth(app)")
class LocalAuth:
    """Users, keys and logins for a Starlette application, and a guard around it: ``LocalAuth(app)``.

    Users and API keys are in a database, signing keys in a file that is made if it is missing, and ``/auth/token`` logs
    in, refreshes and revokes. Callers show an access token, a user name and password, or an API key in ``X-API-Key``.
    With `pages`, people log in on a page, and their browsers have a session in place of user name and password.

    A setting comes from the first of these that has it: the argument, the environment variable (``AUTHMW_DATABASE``),
    the file ``authmw.toml``, the default. The command ``authmw`` reads the same, and with ``--app`` the application.
    With ``AUTHMW_ENV=production``, `issuer`, `audience`, `database` and `keys` have to be given; without it they have
    to be given before the application serves another machine than its own.

    Args:
        app: the application; `init_app` sets it up later.
        database: a URL, by default ``sqlite:///app.db``.
        redis: the URL of a Redis for tokens, sessions and attempts, by default none.
        keys: the file of the signing keys, by default ``keys.json``.
        issuer: the URL of the token service, which is the ``iss`` of tokens and ends with ``/auth``.
        audience: the name of this API, or several, which is the ``aud`` of tokens; by default ``app``.
        realm: the protection space named in challenges, by default ``app``.
        scopes: the scopes of the application, each with its meaning in words.
        load_user: a function of the principal that returns your user object or None, as for `Auth`.
        pages: True for pages to log in and out, below ``/auth``, or their `LoginOptions`. Who opens a page of the
            application without a session is sent there.
        default: as in `AuthMiddleware`, like all that follow: ``deny`` or ``allow``.
        public: path patterns that need nobody, as ``/health``.
        preflights: ``guard`` or ``application``.
        needs: rules from outside, as ``{"/admin/*": "admin"}``.
        leave: path patterns of the parts that authenticate their callers themselves.
        hide_credentials: whether the application sees requests without the credentials.
        end_connections: whether websockets and streams end with the credentials that opened them.

    Raises:
        ConfigurationError: every mistake at once, each with its fix.
    """

    local: Local
    """The stores, the keys, the token service and the `Auth` of the application."""

    def __init__(
        self,
        app: Starlette | None = None,
        *,
        database: str | None = None,
        redis: str | None = None,
        keys: str | PathLike[str] | None = None,
        issuer: str | None = None,
        audience: str | Collection[str] | None = None,
        realm: str | None = None,
        scopes: Mapping[str, str] | None = None,
        load_user: LoadUser | None = None,
        pages: bool | LoginOptions = False,
        default: Default = "deny",
        public: Iterable[str] = (),
        preflights: Preflights = "guard",
        needs: Needs | None = None,
        leave: Iterable[str] = (),
        hide_credentials: bool = False,
        end_connections: bool = True,
    ) -> None:
        self._settings: dict[str, Any] = {
            "database": database,
            "redis": redis,
            "keys": keys,
            "issuer": issuer,
            "audience": audience,
            "realm": realm,
        }
        self._options: dict[str, Any] = {"scopes": scopes, "load_user": load_user, "pages": pages}
        self._guard: dict[str, Any] = {
            "default": default,
            "public": patterns_in(public),
            "preflights": preflights,
            "needs": needs,
            "leave": patterns_in(leave),
            "hide_credentials": hide_credentials,
            "end_connections": end_connections,
        }
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Starlette) -> None:
        """Set up `app`.

        Raises:
            ConfigurationError: every mistake at once.
        """
        _check(app)
        self.local = Local(LocalSettings.read(self._settings), **self._options, asynchronous=True)
        AuthMiddleware(app, self.local.auth, **self._guard)  # raises now if there are mistakes
        app.add_middleware(AuthMiddleware, auth=self.local.auth, **self._guard)
        serve_locally(app, self.local)


def serve_locally(app: Starlette, local: Local) -> None:
    """Add the token service to a guarded application, which serves its own machine alone while settings are assumed.

    Args:
        app: the application.
        local: its set-up.
    """
    # In front of the application's routes, of which one may match every path.
    below = token_routes(local.tokens)
    if local.pages is not None:
        from authmw_starlette.login import login_routes  # pages are loaded where there are some

        below += login_routes(local.pages)
    app.router.routes[:0] = [Mount(MOUNT, routes=below), metadata_route(local.tokens)]
    loopback = Loopback(local.settings)
    if loopback.needed:
        app.add_middleware(LoopbackASGI, loopback=loopback)
    local.belongs_to(app)


def _check(app: object) -> None:
    if not isinstance(app, Starlette):
        raise ConfigurationError(f"LocalAuth takes an application, not {type(app).__name__}: write LocalAuth(app)")
    if guards_around(app):
        raise ConfigurationError("this application is guarded already: LocalAuth(app) adds the guard itself")
