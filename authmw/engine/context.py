"""The current principal, for code that has no request in hand: a view, a service, a log filter.

`enforce` decides by the engine and raises a refusal as the exception that the framework in between carries
(`Call.carry`; adapters set it). Code that catches the exception has dealt with it: no later response is changed.

A context variable, so that threads, tasks and greenlets each see their own, and streaming bodies still do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from authmw.engine.error_pages import caught_by_framework, is_error_page, log_missing_handler
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
        request: the head of the request; a middleware makes it when it is asked for.
    """

    refused: AccessRefused | None = None
    """The refusal that was raised last, until the request ends."""
    left_guard: bool = False
    """`refused` came out of a guarded function."""
    carry: Callable[[Refusal], AccessRefused] | None = None
    """Makes the exception that the framework in between carries; None without an adapter."""

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
            raise self.refuse(decision)

    def refuse(self, refusal: Refusal) -> AccessRefused:
        """The exception by which `refusal` travels from here. It is noted as raised, so raise it."""
        self.left_guard = False
        self.refused = self.refuse_with(refusal)
        return self.refused

    def refuse_with(self, refusal: Refusal) -> AccessRefused:
        """The exception by which `refusal` travels."""
        return AccessRefused(refusal) if self.carry is None else self.carry(refusal)

    @property
    def has_adapter(self) -> bool:
        """Whether an adapter carries refusals through the framework."""
        return self.carry is not None

    def refusal_for(self, status: int) -> Refusal | None:
        """The refusal that a framework made an error page of; None when the response is the application's own.

        Args:
            status: of the response that starts now.
        """
        refused = self.refused
        if refused is None or not is_error_page(status):
            return None
        framework = caught_by_framework(refused)
        if framework is None:
            return None
        if self.left_guard or self.has_adapter:
            return refused.refusal
        log_missing_handler(refused, framework)
        return None


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


def leave_guard(refused: AccessRefused) -> None:
    """Note that `refused` comes out of a guarded function."""
    call = call_here()
    if call is not None:
        call.refused, call.left_guard = refused, True


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

    call, outer = Call(auth or Auth(HTTPBearer()), Authentication(principal)), call_here()
    if outer is not None:
        call.carry = outer.refuse_with  # what is raised here travels through the same framework
    token = current_call.set(call)
    try:
        yield principal
    finally:
        current_call.reset(token)
