"""Context of the request that is being served: the current principal, and `enforce`, for code without a request.

A context variable holds the `Call`, so each thread, task and greenlet sees its own, and so do streaming bodies. The
caller ends with the request. A copy of the context (in a task, in a worker that a request started, in the next request
of a connection) holds the same `Call`, and finds no caller after its end.

`enforce` decides by the engine. It raises a refusal as the exception that the framework carries (`Call.carry`, which
adapters set). If code catches that exception, no later response is changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from logging import DEBUG
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from authmw.engine import audit
from authmw.engine.authentication import ENDED, NOBODY, Authentication
from authmw.engine.error_pages import caught_by_framework, is_error_page, log_missing_handler, refusal_in
from authmw.errors import ConfigurationError, Unavailable
from authmw.http.reasons import Reason
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import RequestHead, WSGIRequest
from authmw.identity.calling import current_call, kept_call, outside_of_a_call
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.requirement import AUTHENTICATED, Requirement

if TYPE_CHECKING:
    from authmw.engine.auth import Auth

_CO_GENERATOR: Final = 0x20  # the flags of inspect, without the import
_CO_COROUTINE: Final = 0x80
_CO_ASYNC_GENERATOR: Final = 0x200

P = ParamSpec("P")
R = TypeVar("R")


class Call:
    """One request on its way through the application, below the middleware.

    Args:
        auth: the engine that authenticated the request.
        authentication: its result.
        request: the head of the request; a middleware makes it on first use.
    """

    _request: RequestHead | None = None
    refused: AccessRefused | None = None
    """The last refusal that was raised; None after the end of the request."""
    left_wrapper: bool = False
    """`refused` came out of an enforcing wrapper."""
    own_user: tuple[Principal, object] | None = None
    """The principal that `load_user` was asked for, and its answer; None before that, and after the end."""
    met: Requirement | None = None
    """The last requirement without predicates that the caller was found to meet: a check in front of a view, and the
    decorator of the view, ask for the same one."""
    carry: Callable[[Refusal], AccessRefused] | None = None
    """Makes the exception that carries a refusal through the framework; None without an adapter."""

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

    @property
    def arrived(self) -> RequestHead:
        """The head that predicates judge: that of the request as it arrived at the endpoint."""
        return self.request

    def _make_request(self) -> RequestHead:
        return WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": ""})

    def require(self, scopes: tuple[str, ...], principal: Principal) -> None:
        """Refuse the request unless `principal` has all of `scopes`; see `authmw.identity.calling.Call`."""
        self.enforce(Requirement.all_of(*scopes), principal)

    def enforce(self, requirement: Requirement, principal: Principal | None = None) -> None:
        """Refuse the request unless `principal`, by default its caller, meets `requirement`."""
        if principal is None:
            if requirement is self.met and self.authentication is not ENDED:
                return
            caller = self.authentication.principal
            if (  # as `Auth.decide` decides; but it takes the head of the request, which is not made yet
                not requirement.predicates
                and caller.is_authenticated
                and not requirement.missing(caller.scopes)
                and self.auth.decides_by_scopes
            ):
                if audit.logger.isEnabledFor(DEBUG):
                    audit.allowed(caller, self.request)
                self.met = requirement
                return
        decision = self.auth.decide(self.authentication, requirement, self.arrived, principal=principal)
        if isinstance(decision, Refusal):
            raise self.refuse(decision)
        if principal is None and not requirement.predicates:
            self.met = requirement

    def refuse(self, refusal: Refusal) -> AccessRefused:
        """The exception that carries `refusal`. It is recorded as raised, so raise it."""
        self.left_wrapper = False
        self.refused = self.refuse_with(refusal)
        return self.refused

    def refuse_with(self, refusal: Refusal) -> AccessRefused:
        """The exception that carries `refusal` through the framework."""
        return AccessRefused(refusal) if self.carry is None else self.carry(refusal)

    @property
    def has_adapter(self) -> bool:
        """Whether an adapter carries refusals through the framework."""
        return self.carry is not None

    def refusal_of(self, error: BaseException) -> Refusal | None:
        """The refusal that answers `error`, which left the application; None for an error of its own.

        A store that the application asks itself may be down as well: that is a 503 too.
        """
        return self.unavailable(error) if isinstance(error, Unavailable) else refusal_in(error)

    def unavailable(self, error: Unavailable) -> Refusal:
        """The 503 for what the application raised. It is logged."""
        return self.auth.unavailable(error, self.request, reached=True)

    def refusal_for(self, status: int) -> Refusal | None:
        """The refusal from which a framework made this error page; None when the response is the application's own.

        Args:
            status: of the response that starts now.
        """
        refused = self.refused
        if not is_error_page(status):
            return None
        if refused is None:
            error = sys.exc_info()[1]
            return self.refusal_of(error) if isinstance(error, Unavailable) and caught_by_framework(error) else None
        framework = caught_by_framework(refused)
        if framework is None:
            return None
        if self.left_wrapper or self.has_adapter:
            return refused.refusal
        log_missing_handler(refused, framework)
        return None

    def refusal_of_stranger(self) -> Refusal:
        """The refusal of a stranger who did not reach the public endpoint: the last that was raised, or a 401."""
        if self.refused is not None:
            return self.refused.refusal
        decision = self.auth.decide(self.authentication, AUTHENTICATED, self.request)
        missing = Refusal(Reason.CREDENTIALS_MISSING, pages=self.auth.reason_pages)
        return decision if isinstance(decision, Refusal) else missing

    @property
    def ended(self) -> bool:
        """Whether the application is done with the request. Then this call has no caller any more."""
        return self.authentication is ENDED

    def end(self) -> None:
        """Forget the caller: the application is done with the request."""
        self.authentication = ENDED
        if self.own_user is not None:
            self.own_user = None
        if self.refused is not None:
            self.refused = None  # its traceback refers to this call: no reference cycle


# Only this module makes calls. It is read on each request, so no cast, which would cost a function call.
_current_call: Final[ContextVar[Call | None]] = current_call  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def call_here() -> Call | None:
    """The request that is being served here; None outside of a request, and after its end."""
    call = _current_call.get()
    return cast("Call | None", kept_call(call)) if call is None or call.authentication is ENDED else call


def current_principal() -> Principal:
    """The principal of the request that is being served here; `ANONYMOUS` outside of a request.

    >>> current_principal().is_authenticated
    False
    """
    call = call_here()
    return ANONYMOUS if call is None else call.authentication.principal


def enforce(requirement: Requirement, *, principal: Principal | None = None) -> None:
    """Refuse the request that is being served here, unless its caller meets `requirement`.

    Args:
        requirement: the requirement to meet.
        principal: the principal that has to meet it; by default the current one.

    Raises:
        AccessRefused: the principal does not meet it, or no middleware authenticated the request. The middleware
            makes the response from it.
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
    """Run a block as `principal`, in a background job, a command or a test.

    >>> with acting_as(Principal("alice", scopes={"orders:read"})):
    ...     current_principal().id
    'alice'
    """
    with _serving(Call(auth or _auth_without_callers(), Authentication(principal))):
        yield principal


def carry_caller(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, which will run as the present caller: in any thread or task, also after the end of the request.

    By this a request hands its caller to a thread, a task or a queue. Without it, they find no caller after the end of
    the request. The credentials are not verified again.

    Args:
        function: a function or a coroutine function. One that returns a coroutine is awaited as the caller too.

    Raises:
        ConfigurationError: `function` is a generator function. Its code would run after the call.

    >>> with acting_as(Principal("alice")):
    ...     job = carry_caller(lambda: current_principal().id)
    >>> current_principal().id, job()
    ('', 'alice')
    """
    make_call = copies_of(call_here())
    code = getattr(function, "__code__", None)
    if code is not None and code.co_flags & (_CO_GENERATOR | _CO_ASYNC_GENERATOR):
        raise ConfigurationError(
            f"{function.__qualname__} is a generator function: give carry_caller the function that iterates over it"
        )
    if code is not None and code.co_flags & _CO_COROUTINE:

        @wraps(function)
        async def carried_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            with _serving(make_call()):
                return await cast("Any", function(*args, **kwargs))

        return cast("Callable[P, R]", carried_async)

    @wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        with _serving(make_call()):
            result = function(*args, **kwargs)
        if isinstance(result, CoroutineType):
            return cast("R", _awaited(cast("Any", result), make_call()))
        return result

    return carried


async def _awaited(coroutine: Any, call: Call) -> Any:
    with _serving(call):
        return await coroutine


def copies_of(call: Call | None) -> Callable[[], Call]:
    """A factory of copies of `call` as it is now. Each copy ends separately. For None, the copies have no caller."""
    if call is None:
        call = Call(_auth_without_callers(), NOBODY)
    auth, authentication, request, carry = call.auth, call.authentication, call.arrived, call.refuse_with

    def make_call() -> Call:
        copy = Call(auth, authentication, request)
        copy.carry = carry
        return copy

    return make_call


@contextmanager
def _serving(call: Call) -> Generator[None, None, None]:
    outer = call_here()
    if outer is not None:
        call.carry = outer.refuse_with  # the same framework carries what is raised here
    token = current_call.set(call)
    try:
        yield
    except AccessRefused as refused:
        if outer is not None and call.refused is refused:
            outer.refused, outer.left_wrapper = refused, call.left_wrapper
        raise
    finally:
        call.end()  # first: the reset fails where the block spans a `yield` and ends in another context
        current_call.reset(token)


def _auth_without_callers() -> Auth:
    # Imported here: most programs have an Auth and never need this one.
    from authmw.engine.auth import Auth
    from authmw.schemes.http_bearer import HTTPBearer

    return Auth(HTTPBearer())
