"""The current principal, for code that has no request in hand: a view, a service, a log filter.

How a refusal from below travels: `enforce` decides by the engine, leaves the refusal on the `Call` of the request, and
raises it as the exception that the framework in between carries best (`Call.refuse_with`; adapters set it). Whatever
response the framework makes of that exception, as long as it has the refusal's status or is a server error, the
middleware replaces by the refusal's own; so the answer is the same under every framework.

A context variable, so that threads, tasks and greenlets each see their own, and streaming bodies still do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import RequestHead, WSGIRequest
from authmw.identity.calling import current_call, outside_of_a_call
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.requirement import Requirement

if TYPE_CHECKING:
    from authmw.engine.auth import Auth
    from authmw.engine.authentication import Authentication


class Call:
    """One request on its way through the application, below the middleware.

    Args:
        auth: the engine that authenticated it.
        authentication: what it found.
        request: the head of the request; a middleware makes it when somebody asks.
    """

    refusal: Refusal | None = None
    """The refusal raised below and not yet answered: what the framework makes of it is replaced."""
    refuse_with: Callable[[Refusal], Exception] = AccessRefused
    """Makes the exception that the framework in between carries best."""

    def __init__(self, auth: Auth, authentication: Authentication, request: RequestHead | None = None) -> None:
        self.auth = auth
        self.authentication = authentication
        self._request = request

    @property
    def request(self) -> RequestHead:
        """The head of the request."""
        if self._request is None:
            self._request = self._make_request()
        return self._request

    def _make_request(self) -> RequestHead:
        return WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": ""})

    def require(self, scopes: tuple[str, ...], principal: Principal) -> None:
        """Refuse the request unless `principal` has all of `scopes`; see `authmw.identity.calling.Call`."""
        self.enforce(Requirement.all_of(*scopes), principal)

    def enforce(self, requirement: Requirement, principal: Principal | None = None) -> None:
        """Refuse the request unless `principal`, by default its caller, meets `requirement`."""
        decision = self.auth.decide(self.authentication, requirement, self.request, principal=principal)
        if isinstance(decision, Refusal):
            self.refusal = decision
            raise self.refuse_with(decision)


def call_here() -> Call | None:
    """The request being served here, or None outside of one. Only this module makes calls."""
    return cast("Call | None", current_call.get())


def current_principal() -> Principal:
    """Who is calling: the principal of the request being served here, `ANONYMOUS` outside of one.

    >>> current_principal().is_authenticated
    False
    """
    call = call_here()
    return ANONYMOUS if call is None else call.authentication.principal


def enforce(requirement: Requirement, *, principal: Principal | None = None) -> None:
    """Refuse the request being served here unless it meets `requirement`.

    Args:
        requirement: what is asked for.
        principal: who has to meet it; the current principal by default.

    Raises:
        AccessRefused: it does not, or no middleware authenticated anybody. The middleware answers it.
    """
    call = call_here()
    if call is not None:
        call.enforce(requirement, principal)
    elif principal is not None or not requirement.is_open:
        raise outside_of_a_call()


@contextmanager
def acting_as(principal: Principal, auth: Auth | None = None) -> Generator[Principal, None, None]:
    """Run code as `principal`: background jobs, command lines, tests.

    >>> with acting_as(Principal("alice", scopes={"orders:read"})):
    ...     current_principal().id
    'alice'
    """
    from authmw.engine.auth import Auth
    from authmw.engine.authentication import Authentication
    from authmw.schemes.http_bearer import HTTPBearer

    call = Call(auth or Auth(HTTPBearer()), Authentication(principal))
    token = current_call.set(call)
    try:
        yield principal
    finally:
        current_call.reset(token)
