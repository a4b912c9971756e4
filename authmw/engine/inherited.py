"""`InheritedAuth`: the engine of a program that runs inside of another one, which authenticates the callers."""

from __future__ import annotations

import dataclasses

from authmw.engine.auth import Auth
from authmw.engine.authentication import NOBODY, Authentication
from authmw.engine.context import Call
from authmw.engine.message import MessageHead
from authmw.errors import ConfigurationError
from authmw.http.refusal import Decision, Refusal
from authmw.http.request import RequestHead
from authmw.identity.calling import current_call
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.requirement import Requirement


class InheritedAuth(Auth):
    """An `Auth` for a program that is mounted inside of another one: the caller is that of the outer program.

    A Flask application in a FastAPI application, or the reverse, is guarded like any other, and verifies nothing::

        FastAPIAuth(api, auth)
        FlaskAuth(old, InheritedAuth(auth))
        api.mount("/old", a2wsgi.WSGIMiddleware(old))

    The caller comes from the context of the request, and from no header or variable that a client or a server could
    set. So it gets through each bridge that copies the context to its threads, as those of asgiref, a2wsgi and
    Starlette do. Without such a caller there is nobody, and a guarded path is a 401: where nothing guards the outer
    program, where another `Auth` does, and behind a bridge that does not copy the context. So is a request with other
    credentials than the outer one has: only code of the application can send it, inside of that one.

    A second verification would not be the same: HTTP Digest and DPoP take each response and each proof once.

    Args:
        auth: the `Auth` that guards the outer program.

    Raises:
        ConfigurationError: `auth` is no `Auth`.

    >>> from authmw import HTTPBearer
    >>> auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None))
    >>> inner = InheritedAuth(auth)
    """

    def __init__(self, auth: Auth) -> None:
        if not isinstance(auth, Auth):  # pyright: ignore[reportUnnecessaryIsInstance] - not all callers check types
            raise ConfigurationError(f"InheritedAuth takes the Auth of the outer program, not {type(auth).__name__}")
        super().__init__(
            auth.accept,
            realm=auth.realm,
            remember=0,
            scopes=auth.scopes,
            resource=auth.resource,
            reason_pages=auth.reason_pages,
            render=auth.render,
            load_user=auth.load_user,
            login=None if auth.login is None else auth.login.url,
        )
        self.outer: Auth = auth.outer if isinstance(auth, InheritedAuth) else auth
        """The `Auth` that guards the outer program."""
        self._compared = [name.lower() for name in auth.vary.split(", ") if name and name != "Cookie"]
        self.vary = ""  # the outer middleware adds the header to each response

    def authenticate(self, request: RequestHead) -> Authentication | Refusal:
        """The caller of the outer program. A token in a message is verified."""
        return self.outer.authenticate(request) if isinstance(request, MessageHead) else self._inherited(request)

    async def authenticate_async(self, request: RequestHead) -> Authentication | Refusal:
        """As `authenticate`, on an event loop."""
        if isinstance(request, MessageHead):
            return await self.outer.authenticate_async(request)
        return self._inherited(request)

    def decide(
        self,
        authentication: Authentication,
        requirement: Requirement,
        request: RequestHead,
        *,
        principal: Principal | None = None,
    ) -> Decision:
        """As the `Auth` of the outer program decides."""
        decision = self.outer.decide(authentication, requirement, request, principal=principal)
        return dataclasses.replace(decision, vary="") if isinstance(decision, Refusal) else decision

    def forget(self, *, principal: str = "", credential: str = "", client: str = "") -> None:
        """As `Auth.forget` of the outer program."""
        self.outer.forget(principal=principal, credential=credential, client=client)

    def _inherited(self, request: RequestHead) -> Authentication:
        call = current_call.get()  # the outer middleware has set it; what a framework keeps of a call is older
        if not isinstance(call, Call) or call.ended or not self._is_of_outer(call):
            return NOBODY
        if not self._has_credentials_of(call, request):
            return Authentication(ANONYMOUS, presented=True)
        # The outer middleware adds the headers.
        return call.authentication._replace(headers=())

    def _is_of_outer(self, call: Call) -> bool:
        auth = call.auth
        return auth is self.outer or (isinstance(auth, InheritedAuth) and auth.outer is self.outer)

    def _has_credentials_of(self, call: Call, request: RequestHead) -> bool:
        """Whether the headers with credentials are those of the outer request, or were taken away.

        Cookies are left out: servers and bridges join several lines of them in different ways (RFC 9113 §8.2.3).
        """
        return all(request.header(name) in (None, call.request.header(name)) for name in self._compared)
