"""The current principal, for code that has no request in hand: a view, a service, a log filter.

A context variable holds the `Call` that is being served, so that threads, tasks and greenlets each see their own, and
streaming bodies still do. The caller ends with the request: what copied the context (a task, a worker that a request
happened to start, the next request of a connection) holds the same `Call`, and finds nobody once it has ended.

`enforce` decides by the engine and raises a refusal as the exception that the framework in between carries
(`Call.carry`; adapters set it). Code that catches the exception has dealt with it: no later response is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from authmw.engine.authentication import ENDED, NOBODY
from authmw.engine.error_pages import caught_by_framework, is_error_page, log_missing_handler
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import RequestHead, WSGIRequest
from authmw.identity.calling import current_call, kept_call, outside_of_a_call
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.requirement import Requirement

if TYPE_CHECKING:
    from authmw.engine.auth import Auth
    from authmw.engine.authentication import Authentication

_CO_COROUTINE: Final = 0x80  # inspect.CO_COROUTINE, without the import

P = ParamSpec("P")
R = TypeVar("R")


class Call:
    """One request on its way through the application, below the middleware.

    Args:
        auth: the engine that authenticated it.
        authentication: what it found.
        request: the head of the request; a middleware makes it when it is asked for.
    """

    refused: AccessRefused | None = None
    """The refusal that was raised last, until the request ends."""
    left_wrapper: bool = False
    """`refused` came out of an enforcing wrapper."""
    carry: Callable[[Refusal], AccessRefused] | None = None
    """Makes the exception that the framework in between carries; None without an adapter."""

    def __init__(self, auth: Auth, authentication: Authentication, request: RequestHead | None = None) -> None:
        self.auth = auth
        self.authentication: Authentication = authentication
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
        self.left_wrapper = False
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
        if self.left_wrapper or self.has_adapter:
            return refused.refusal
        log_missing_handler(refused, framework)
        return None

    @property
    def ended(self) -> bool:
        """Whether the application is done with the request: who still holds this call finds nobody in it."""
        return self.authentication is ENDED

    def end(self) -> None:
        """Forget the caller: the application is done with the request."""
        self.authentication = ENDED
        if self.refused is not None:
            self.refused = None  # its traceback refers to this call


# Only this module makes calls. It is looked at on each request, which a cast would cost a function call.
_current_call: Final[ContextVar[Call | None]] = current_call  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def call_here() -> Call | None:
    """The request being served here; None outside of one, and where it has ended."""
    call = _current_call.get()
    return cast("Call | None", kept_call(call)) if call is None or call.authentication is ENDED else call


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


def leave_wrapper(refused: AccessRefused) -> None:
    """Note that `refused` comes out of an enforcing wrapper."""
    call = call_here()
    if call is not None:
        call.refused, call.left_wrapper = refused, True


@contextmanager
def acting_as(principal: Principal, auth: Auth | None = None) -> Generator[Principal, None, None]:
    """Run code as `principal`: background jobs, command lines, tests. It ends with the block.

    >>> with acting_as(Principal("alice", scopes={"orders:read"})):
    ...     current_principal().id
    'alice'
    """
    from authmw.engine.authentication import Authentication

    with _serving(Call(auth or _nobodys_auth(), Authentication(principal))):
        yield principal


def carry_caller(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, run as who is calling now: wherever and whenever it is called, also after the request has ended.

    It is how a request passes its caller on to a thread, a task or a queue. Without it, these find nobody once the
    request has ended. Whether the credentials are still valid is not asked again.

    Args:
        function: a function or a coroutine function.

    >>> with acting_as(Principal("alice")):
    ...     job = carry_caller(lambda: current_principal().id)
    >>> current_principal().id, job()
    ('', 'alice')
    """
    make_call = copies_of(call_here())
    code = getattr(function, "__code__", None)
    if code is not None and code.co_flags & _CO_COROUTINE:

        @wraps(function)
        async def carried_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            with _serving(make_call()):
                return await cast("Any", function(*args, **kwargs))

        return cast("Callable[P, R]", carried_async)

    @wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        with _serving(make_call()):
            return function(*args, **kwargs)

    return carried


def copies_of(call: Call | None) -> Callable[[], Call]:
    """Makes calls that are as `call` is now, each of which ends by itself; those of nobody for None."""
    if call is None:
        call = Call(_nobodys_auth(), NOBODY)
    auth, authentication, request, carry = call.auth, call.authentication, call.request, call.refuse_with

    def make_call() -> Call:
        copy = Call(auth, authentication, request)
        copy.carry = carry
        return copy

    return make_call


@contextmanager
def _serving(call: Call) -> Generator[None, None, None]:
    outer = call_here()
    if outer is not None:
        call.carry = outer.refuse_with  # what is raised here travels through the same framework
    token = current_call.set(call)
    try:
        yield
    finally:
        current_call.reset(token)
        call.end()


def _nobodys_auth() -> Auth:
    # Imported here: most programs that import this have an Auth of their own.
    from authmw.engine.auth import Auth
    from authmw.schemes.http_bearer import HTTPBearer

    return Auth(HTTPBearer())
