"""Extension `FastAPIAuth`, which installs the middleware and the OpenAPI document by one call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypedDict, cast

from authmw_starlette.walk import guards_around
from fastapi import FastAPI

from authmw.engine.auth import Auth
from authmw.engine.guard import Preflights
from authmw.engine.path_patterns import patterns_in
from authmw.engine.path_rules import Needs
from authmw.engine.public_paths import Default
from authmw.errors import ConfigurationError, explains_arguments
from authmw.identity.calling import guarded_by
from authmw_fastapi.middleware import AuthMiddleware
from authmw_fastapi.openapi import document_everything

Docs = Literal["public", "guarded"]
"""Who may see FastAPI's own document and its pages."""


class _Settings(TypedDict):
    """The settings of the middleware."""

    default: Default
    public: tuple[str, ...]
    preflights: Preflights
    needs: Needs | None
    leave: tuple[str, ...]
    hide_credentials: bool
    end_connections: bool


@explains_arguments('FastAPIAuth(app, auth, public=["/health"])')
class FastAPIAuth:
    """Guards a FastAPI application: ``FastAPIAuth(app, auth, public=["/health"])``, or ``init_app`` later.

    It does ``app.add_middleware(AuthMiddleware, auth=auth, ...)``, and reports mistakes at once.

    Args:
        app: the application; more can be added by `init_app`.
        auth: verifies credentials.
        default: ``deny`` requires credentials except at `public` paths; ``allow`` leaves it to endpoints.
        public: path patterns, as ``/health`` or ``GET /files/*``.
        docs: ``guarded`` requires credentials for FastAPI's own document and its pages too, as they list every
            operation; ``public`` opens these paths, as the application has set them, and no others.
        preflights: ``guard`` answers the CORS preflights of strangers, by Starlette's ``CORSMiddleware`` if that is the
            next layer; ``application`` hands them on.
        needs: rules from outside, ``{"GET /api/*": "read", "/api/*": "write"}``, which add to what endpoints declare.
        leave: path patterns of the parts that authenticate their callers themselves.
        hide_credentials: whether the application sees requests without the credentials that `auth` reads.
        end_connections: whether websockets and streams end with the credentials that opened them.

    Raises:
        ConfigurationError: every mistake at once.

    >>> from authmw import HTTPBearer, Principal
    >>> app = FastAPI()
    >>> _ = FastAPIAuth(app, Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None)))
    """

    def __init__(
        self,
        app: FastAPI | None = None,
        auth: Auth | None = None,
        *,
        default: Default = "deny",
        public: Iterable[str] = (),
        docs: Docs = "guarded",
        preflights: Preflights = "guard",
        needs: Needs | None = None,
        leave: Iterable[str] = (),
        hide_credentials: bool = False,
        end_connections: bool = True,
    ) -> None:
        self._auth = auth
        self._docs = docs
        self._settings: _Settings = {
            "default": default,
            # Read once: `init_app` may be called for several applications.
            "public": cast("tuple[str, ...]", patterns_in(public)),
            "preflights": preflights,
            "needs": needs,
            "leave": cast("tuple[str, ...]", patterns_in(leave)),
            "hide_credentials": hide_credentials,
            "end_connections": end_connections,
        }
        if app is not None:
            self.init_app(app)

    def init_app(self, app: FastAPI, auth: Auth | None = None) -> None:
        """Guard `app`, by `auth` or by the one given at construction.

        Raises:
            ConfigurationError: every mistake at once.
        """
        check_is_fastapi(app, "FastAPIAuth(app, auth), without add_middleware")
        auth = auth or self._auth
        settings = self._settings.copy()
        if self._docs == "public":
            settings["public"] = (*settings["public"], *_paths_of_docs(app))
        elif self._docs != "guarded":
            raise ConfigurationError(f'docs={self._docs!r} has to be "public" or "guarded": write docs="public"')
        if auth is None:
            raise ConfigurationError("FastAPIAuth needs an Auth: FastAPIAuth(app, auth) or init_app(app, auth)")
        if guards_around(app):
            raise ConfigurationError(f"{app.title} is guarded already: guard an application once")
        AuthMiddleware(app, auth, **settings)  # raises now if there are mistakes
        app.add_middleware(AuthMiddleware, auth=auth, **settings)
        document_everything(app)


guarded_by("FastAPIAuth(app, auth)")


def _paths_of_docs(app: FastAPI) -> tuple[str, ...]:
    """The paths of FastAPI's own document and pages. Without the document there are no pages."""
    pages = (app.docs_url, app.docs_url and app.swagger_ui_oauth2_redirect_url, app.redoc_url)
    return tuple(f"GET {path}" for path in (app.openapi_url, *pages) if path) if app.openapi_url else ()


def check_is_fastapi(app: object, call: str) -> None:
    """Refuse what is no FastAPI application; `call` is the line to write.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(app, FastAPI):
        given = "an Auth" if isinstance(app, Auth) else type(app).__name__
        raise ConfigurationError(f"the application comes first, and it is not {given}: write {call}")
