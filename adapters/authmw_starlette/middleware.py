"""ASGI middleware for Starlette: that of the core, which also reads the route table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from authmw.asgi import AuthMiddleware as ASGIAuthMiddleware
from authmw.errors import ConfigurationError
from authmw.http.request import ASGIRequest, RequestHead
from authmw.identity.requirement import Access, Requirement
from authmw.oauth2.paths import PATHS
from authmw_starlette.refusing import carry
from authmw_starlette.routes import declared, declares, registered_without_wrapper

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from authmw.engine.auth import Auth
    from authmw.engine.public_paths import Default


class AuthMiddleware(ASGIAuthMiddleware):
    """Guards a Starlette or FastAPI application, by ``add_middleware`` or from outside.

    It is `authmw.asgi.AuthMiddleware`, and it knows the routes. An endpoint marked ``@public`` is open. The challenge
    of a 401 names the scopes of the requested endpoint. If an endpoint was registered without its enforcing wrapper,
    because ``@requires_scopes`` stands above ``@app.get``, the application does not serve any request.

    A middleware that rewrites paths has to stand outside of this one, since this one has to see the path that is
    routed.

    Args:
        app: the application, given by ``add_middleware``.
        auth: verifies credentials.
        default: ``deny`` requires credentials except at `public` paths; ``allow`` leaves it to decorators.
        public: path patterns, as ``/health``, ``/docs/*`` or ``GET /docs/*``, below ``root_path``.

    Raises:
        ConfigurationError: every mistake at once. At start-up: every endpoint that lacks its enforcing wrapper.

    >>> from authmw import Auth, HTTPBearer, Principal
    >>> from starlette.applications import Starlette
    >>> app = Starlette()
    >>> auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None))
    >>> app.add_middleware(AuthMiddleware, auth=auth, public=["/health"])
    """

    def __init__(self, app: ASGIApp, auth: Auth, *, default: Default = "deny", public: Iterable[str] = ()) -> None:
        super().__init__(
            app,
            auth,
            default=default,
            public=public,
            requirement_of=self._requirement_of,
            own_credentials=self._reads_own_credentials,
            carry=carry,
        )
        self._table = app if declares(app) else None
        self._walked = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection.

        Raises:
            ConfigurationError: an endpoint lacks its enforcing wrapper. Nothing is served then.
        """
        if not self._walked:
            mistakes = self._mistakes(scope)
            if scope["type"] == "lifespan":
                # This check is repeated at the first request: the start-up may add routes.
                if mistakes:
                    await receive()
                    await send({"type": "lifespan.startup.failed", "message": "\n".join(mistakes)})
                    raise ConfigurationError(*mistakes)
            elif mistakes:
                raise ConfigurationError(*mistakes)
            else:
                self._walked = True
        await super().__call__(scope, receive, send)

    def _mistakes(self, scope: Scope) -> tuple[str, ...]:
        """The mistakes for which the application must not be served. Called before the first connection."""
        return registered_without_wrapper(self._routing(scope))

    def _requirement_of(self, request: RequestHead) -> Requirement | None:
        if not isinstance(request, ASGIRequest):
            return None
        return declared(self._routing(request.scope), request.scope, self.auth)

    def _reads_own_credentials(self, request: RequestHead) -> bool:
        # The paths of such endpoints have known ends, and comparing these is cheaper than the route table.
        if not request.path.endswith(PATHS):
            return False
        requirement = self._requirement_of(request)
        return requirement is not None and requirement.access is Access.OWN_CREDENTIALS

    def _routing(self, scope: Scope) -> object:
        """The application whose routes are read: the wrapped one, or else the one to which this was added.

        Inside of a router (``router`` is in the scope), ``app`` may be an application around the wrapped one.
        """
        if self._table is not None:
            return self._table
        return scope.get("app") if "router" not in scope else None
