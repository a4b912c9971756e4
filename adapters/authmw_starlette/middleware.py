"""ASGI middleware for Starlette: that of the core, which also reads the route table."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from authmw.asgi import AuthMiddleware as ASGIAuthMiddleware
from authmw.asgi.middleware import GrantedScopes
from authmw.engine.adapter import Adapter
from authmw.engine.promise import PathPromise, Promise
from authmw.engine.undeclared_scopes import warn_of_undeclared
from authmw.errors import ConfigurationError, explains_arguments
from authmw.http.refusal import AccessRefused
from authmw.http.request import ASGIRequest, RequestHead
from authmw.identity.calling import guarded_by
from authmw.identity.principal import ANONYMOUS
from authmw.identity.requirement import Access, Requirement
from authmw.login.paths import PATHS as PAGES
from authmw.oauth2.paths import PATHS
from authmw_starlette.cors import next_cors_middleware
from authmw_starlette.error_pages import page_of
from authmw_starlette.listing import undeclared_scopes
from authmw_starlette.promises import WayPromise, close_misplaced, hiding_routers, place_everywhere, warn_of_dispatch
from authmw_starlette.refusing import carry
from authmw_starlette.routers import routes_in
from authmw_starlette.routes import Step, asked_at, declares, inwards, needed, places_on_way, registered_without_wrapper
from authmw_starlette.table_changes import TableChanges
from authmw_starlette.walk import foreign_prefixes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from authmw.engine.auth import Auth
    from authmw.engine.guard import Preflights
    from authmw.engine.path_rules import Needs
    from authmw.engine.public_paths import Default
    from authmw.http.refusal import Refusal
    from authmw.http.response import Response

logger: Final = logging.getLogger("authmw")
_OWN: Final = (*PATHS, *PAGES)
"""The ends of the paths of views that authenticate their callers themselves."""


@explains_arguments('app.add_middleware(AuthMiddleware, auth=auth, public=["/health"])')
class AuthMiddleware(ASGIAuthMiddleware):
    """Guards a Starlette or FastAPI application, by ``add_middleware`` or from outside.

    It is `authmw.asgi.AuthMiddleware`, and it knows the routes. An endpoint marked ``@public`` is open. The challenge
    of a 401 names the scopes of the requested endpoint. If an endpoint was registered without its enforcing wrapper,
    because ``@requires_scopes`` stands above ``@app.get``, the application does not serve any request. A ``@public``
    method opens its ``HTTPEndpoint`` only where that class leaves it to Starlette which method answers.

    A stranger is let in for the public endpoint alone. What answers before it is reached, or a layer inside that
    rewrites the path to another endpoint, gives the stranger a 401.

    Args:
        app: the application, given by ``add_middleware``.
        auth: verifies credentials.
        default: ``deny`` requires credentials except at `public` paths; ``allow`` leaves it to decorators.
        public: path patterns, as ``/health``, ``/docs/*`` or ``GET /docs/*``, below ``root_path``.
        preflights: ``guard`` answers the CORS preflights of strangers, by Starlette's ``CORSMiddleware`` if that is the
            next layer; ``application`` hands them on.
        needs: rules from outside, ``{"GET /api/*": "read", "/api/*": "write"}``, which add to what endpoints declare.
        leave: path patterns of the parts that authenticate their callers themselves.
        hide_credentials: whether the application sees requests without the credentials that `auth` reads.
        end_connections: whether websockets and streams end with the credentials that opened them.

    Raises:
        ConfigurationError: every mistake at once. At start-up: every endpoint that lacks its enforcing wrapper.

    >>> from authmw import Auth, HTTPBearer, Principal
    >>> from starlette.applications import Starlette
    >>> app = Starlette()
    >>> auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None))
    >>> app.add_middleware(AuthMiddleware, auth=auth, public=["/health"])
    """

    def __init__(
        self,
        app: ASGIApp,
        auth: Auth,
        *,
        default: Default = "deny",
        public: Iterable[str] = (),
        preflights: Preflights = "guard",
        needs: Needs | None = None,
        leave: Iterable[str] = (),
        hide_credentials: bool = False,
        end_connections: bool = True,
    ) -> None:
        super().__init__(
            app,
            auth,
            default=default,
            public=public,
            preflights=preflights,
            needs=needs,
            leave=leave,
            hide_credentials=hide_credentials,
            end_connections=end_connections,
            _adapter=_StarletteAdapter(self),
        )
        self._table = app if declares(app) else None
        self._framework = next((each for each in inwards(app) if routes_in(each) is not None), None)
        self._changes = TableChanges()
        self._warned: set[str] = set()
        self._closes = False

    if not TYPE_CHECKING:

        def __iter__(self) -> None:
            """What Starlette does with ``middleware=[AuthMiddleware(app, auth)]``: raise the line to write."""
            raise ConfigurationError(
                "a list of middleware holds no applications: write middleware=[Middleware(AuthMiddleware, auth=auth)]"
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection.

        Raises:
            ConfigurationError: an endpoint lacks its enforcing wrapper. Nothing is served then.
        """
        if self._changes.are_there:
            mistakes = self._look(scope)
            if mistakes:
                if scope["type"] == "lifespan":
                    await receive()
                    await send({"type": "lifespan.startup.failed", "message": "\n".join(mistakes)})
                raise ConfigurationError(*mistakes)
        root = getattr(self._framework, "root_path", "")
        if root and scope.get("root_path") != root:
            scope = {**scope, "root_path": root}  # as FastAPI does it before it routes
        await super().__call__(scope, receive, send)

    def promise(self, request: ASGIRequest) -> Promise:
        """The promise by which a stranger passes. For a public path it holds behind the layers of each router too."""
        promise = super().promise(request)
        if isinstance(promise, PathPromise):
            setattr(promise, "places", partial(places_on_way, self.routing(request.scope), request.scope))  # noqa: B010
        return promise

    async def response_to(self, refusal: Refusal, scope: Scope, receive: Receive) -> Response:
        """The response to `refusal`; for a navigation, the page of an exception handler that the application has."""
        if not refusal.is_navigation:
            return refusal.response()
        app = scope.get("app") or self._framework
        scope = {"user": ANONYMOUS, "auth": GrantedScopes(ANONYMOUS), "app": app, **scope}
        page = await page_of(refusal, scope, receive, getattr(app, "exception_handlers", {}))
        return page or refusal.response()

    def answer_preflight(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a CORS preflight, by the ``CORSMiddleware`` that is the next layer if there is one."""
        cors = next_cors_middleware(self.app)
        return super().answer_preflight(scope, receive, send) if cors is None else cors(scope, receive, send)

    def _look(self, scope: Scope) -> tuple[str, ...]:
        """Look at the route table, or at what was added to it: the mistakes for which nothing must be served.

        An endpoint without its enforcing wrapper that comes up while the application serves is closed, and logged.
        """
        app = self.routing(scope) or self.app
        changed = self._changes.read(app)
        mistakes, misplaced = self._mistakes(changed, scope), registered_without_wrapper(changed)
        warn_of_undeclared(undeclared_scopes(changed, self.auth), self.auth, self._warned)
        warn_of_dispatch(changed, self._warned)
        self._closes = self._closes or (self._changes.were_noted and bool(misplaced))
        if not self._closes or not close_misplaced(app):
            mistakes = misplaced + mistakes
        if not mistakes:
            for each in misplaced:
                logger.error("%s; it is closed for all until then", each)
            if scope["type"] != "lifespan":  # the start-up may change routes, also without another number of them
                self._changes.note(app)
                place_everywhere(app)
        return mistakes

    def _mistakes(self, changed: object, scope: Scope) -> tuple[str, ...]:
        """The mistakes in `changed`, but for endpoints without their enforcing wrapper.

        A router that hides its routes and is added while the application serves is no mistake: no stranger reaches
        anything in it.
        """
        opens = self.guard_settings.public or self.auth.login is not None
        hiding = hiding_routers(changed) if opens and not self._changes.were_noted else ()
        return hiding + self._repeated()

    def _repeated(self) -> tuple[str, ...]:
        """The mistake if a layer inside of this one is the same guard again."""
        inside = (each for each in inwards(self.app) if isinstance(each, ASGIAuthMiddleware))
        if not any(each.auth is self.auth for each in inside):
            return ()
        return (
            "the application is guarded twice by the same Auth: write app.add_middleware(AuthMiddleware, ...) once",
        )

    def routing(self, scope: Scope) -> object:
        """The application whose routes are read: the wrapped one, or else the one to which this was added.

        Inside of a router (``router`` is in the scope), ``app`` may be an application around the wrapped one.
        """
        if self._table is not None:
            return self._table
        return scope.get("app") if "router" not in scope else None


guarded_by("app.add_middleware(AuthMiddleware, auth=auth)")


class _StarletteAdapter(Adapter):
    """Knows the routes of the application behind `middleware`."""

    keeps_promises = True
    own_ends: ClassVar[tuple[str, ...]] = _OWN

    def __init__(self, middleware: AuthMiddleware) -> None:
        self._middleware = middleware
        self._foreign: tuple[str, ...] | None = None

    def requirement_of(self, request: RequestHead) -> Requirement | None:
        if not isinstance(request, ASGIRequest):
            return None
        way: list[Step] = []
        auth = self._middleware.auth
        requirement = needed(asked_at(self._middleware.routing(request.scope), request.scope, way), auth)
        if requirement is not None and requirement.is_open:
            request.promise = WayPromise(way, auth)
        return requirement

    def reads_own_credentials(self, request: RequestHead) -> bool:
        # The paths of such endpoints have known ends, and comparing these is cheaper than the route table. A path below
        # a root_path ends as the whole path does.
        if isinstance(request, ASGIRequest) and not request.scope["path"].endswith(_OWN):
            return False
        if not request.path.endswith(_OWN) or not request.is_canonical:
            return False
        requirement = self.requirement_of(request)
        return requirement is not None and requirement.access is Access.OWN_CREDENTIALS

    def knows_router(self, request: RequestHead) -> bool:
        if self._foreign is None:
            app = self._middleware.routing(request.scope) if isinstance(request, ASGIRequest) else None
            self._foreign = foreign_prefixes(app)
        return not request.path.startswith(self._foreign)

    def carry(self, refusal: Refusal, request: RequestHead) -> AccessRefused:
        return carry(request.scope, refusal) if isinstance(request, ASGIRequest) else AccessRefused(refusal)
