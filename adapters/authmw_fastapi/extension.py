"""Extension `FastAPIAuth`, which installs the middleware and the OpenAPI document by one call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from authmw_starlette.walk import guards_around
from fastapi import FastAPI

from authmw.engine.auth import Auth
from authmw.engine.public_paths import Default, patterns_in
from authmw.errors import ConfigurationError
from authmw_fastapi.middleware import AuthMiddleware
from authmw_fastapi.openapi import document_everything


class FastAPIAuth:
    """Guards a FastAPI application: ``FastAPIAuth(app, auth, public=["/health"])``, or ``init_app`` later.

    It does ``app.add_middleware(AuthMiddleware, auth=auth, ...)``, and reports mistakes at once.

    Args:
        app: the application; more can be added by `init_app`.
        auth: verifies credentials.
        default: ``deny`` requires credentials except at `public` paths; ``allow`` leaves it to endpoints.
        public: path patterns, as ``/health``, ``/docs`` or ``GET /docs/*``.

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
    ) -> None:
        self._auth = auth
        self._default: Default = default
        # Read once: `init_app` may be called for several applications.
        self._public = cast("tuple[str, ...]", patterns_in(public))
        if app is not None:
            self.init_app(app)

    def init_app(self, app: FastAPI, auth: Auth | None = None) -> None:
        """Guard `app`, by `auth` or by the one given at construction.

        Raises:
            ConfigurationError: every mistake at once.
        """
        _check_is_fastapi(app)
        auth = auth or self._auth
        if auth is None:
            raise ConfigurationError("FastAPIAuth needs an Auth: FastAPIAuth(app, auth) or init_app(app, auth)")
        if guards_around(app):
            raise ConfigurationError(f"{app.title} is guarded already: guard an application once")
        AuthMiddleware(app, auth, default=self._default, public=self._public)  # raises now if there are mistakes
        app.add_middleware(AuthMiddleware, auth=auth, default=self._default, public=self._public)
        document_everything(app)


def _check_is_fastapi(app: object) -> None:
    if not isinstance(app, FastAPI):
        given = "an Auth" if isinstance(app, Auth) else type(app).__name__
        raise ConfigurationError(f"the application comes first, and it is not {given}: write FastAPIAuth(app, auth)")
