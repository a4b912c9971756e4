"""ASGI middleware for FastAPI: that for Starlette, which also documents in OpenAPI what is enforced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw_starlette.middleware import AuthMiddleware as StarletteAuthMiddleware

from authmw.errors import ConfigurationError
from authmw_fastapi.openapi import document_everything
from authmw_fastapi.skipped_dependencies import skipped_dependencies
from authmw_fastapi.unauthenticated_principals import unauthenticated_principals

if TYPE_CHECKING:
    from starlette.types import Scope


class AuthMiddleware(StarletteAuthMiddleware):
    """Guards a FastAPI application, by ``add_middleware`` or from outside, and documents that in ``app.openapi()``.

    It is `authmw_starlette.AuthMiddleware`, which also reads what FastAPI's dependencies require: the 401 for an
    endpoint names their scopes too. Before the first request it sets up the documents of the application and of those
    that are mounted in it.

    Args:
        app: the application, given by ``add_middleware``.
        auth: verifies credentials.
        default: ``deny`` requires credentials except at `public` paths; ``allow`` leaves it to endpoints.
        public: path patterns, as ``/health``, ``/docs`` or ``GET /docs/*``, below ``root_path``.
        preflights: ``guard`` answers the CORS preflights of strangers; ``application`` hands them on.
        needs: rules from outside, ``{"GET /api/*": "read", "/api/*": "write"}``, which add to what endpoints declare.
        leave: path patterns of the parts that authenticate their callers themselves.
        hide_credentials: whether the application sees requests without the credentials that `auth` reads.
        end_connections: whether websockets and streams end with the credentials that opened them.

    Raises:
        ConfigurationError: every mistake at once. At start-up: every endpoint that lacks its enforcing wrapper or
            has its principal from ``Depends()``, and every name that two different security schemes have.

    >>> from authmw import Auth, HTTPBearer, Principal
    >>> from fastapi import FastAPI
    >>> app = FastAPI()
    >>> auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None))
    >>> app.add_middleware(AuthMiddleware, auth=auth, public=["/docs", "/openapi.json"])
    """

    def _mistakes(self, changed: object, scope: Scope) -> tuple[str, ...]:
        mistakes = super()._mistakes(changed, scope)
        if changed is (self.routing(scope) or self.app):
            # The application to which this was added, or in which it is mounted, has more routes than the wrapped one.
            changed = scope.get("app") or self
            try:
                document_everything(changed)
            except ConfigurationError as error:
                mistakes += error.mistakes
        return mistakes + unauthenticated_principals(changed) + skipped_dependencies(changed)
