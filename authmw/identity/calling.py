"""Current call: its context variable, and the Protocol by which `Principal.require` asks it for scopes.

The engine implements the Protocol (`authmw.engine.context`). It is declared here, so that `authmw.identity.principal`
does not have to import from the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, Protocol

from authmw.http.reasons import Reason
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import RequestHead


class Call(Protocol):
    """One request while the application serves it."""

    @property
    def ended(self) -> bool:
        """Whether the application has finished the request."""
        ...

    @property
    def request(self) -> RequestHead:
        """The head of the request."""
        ...

    def require(self, scopes: tuple[str, ...], principal: Any) -> None:
        """Refuse the request unless `principal` has all of `scopes`.

        Raises:
            AccessRefused: a scope is missing, or the principal is anonymous.
        """

    def refuse(self, refusal: Refusal) -> AccessRefused:
        """The exception that carries `refusal` through the framework. Raise it."""
        ...


current_call: Final[ContextVar[Call | None]] = ContextVar("authmw_current_call", default=None)
"""The request of this context, which may have ended; None outside of a request. Most code needs `active_call`."""

FindCall = Callable[[Call | None], Call | None]
"""A function that finds the call which a framework keeps for this context; None if there is none.

Its argument is the value of `current_call`: None, or a call that has ended.
"""

_finders: Final[list[FindCall]] = []


def find_calls_by(find: FindCall) -> None:
    """Register `find` for `active_call`, which uses it if `current_call` is None or has ended.

    For adapters. To register the same function again has no effect.
    """
    if find not in _finders:
        _finders.append(find)


_guards: Final[dict[str, None]] = {}


def guarded_by(line: str) -> None:
    """Register the line by which an application gets its guard, for the error where it has none. For adapters."""
    _guards[line] = None


def active_call() -> Call | None:
    """The request that is served in this context; None outside of a request, and after the request has ended."""
    call = current_call.get()
    return kept_call(call) if call is None or call.ended else call


def kept_call(ended: Call | None) -> Call | None:
    """The call that a framework keeps for this context; None if there is none.

    Args:
        ended: the value of `current_call`: None, or a call that has ended.
    """
    for find in _finders:
        call = find(ended)
        if call is not None:
            return call
    return None


def require(scopes: tuple[str, ...], principal: Any) -> None:
    """Refuse the request that is served in this context unless `principal` has all of `scopes`.

    Raises:
        AccessRefused: a scope is missing, the principal is anonymous, or no request is served in this context.
    """
    call = active_call()
    if call is None:
        raise outside_of_a_call()
    call.require(scopes, principal)


def outside_of_a_call() -> AccessRefused:
    """The refusal outside of a request: without the middleware no caller is authenticated, so this fails closed."""
    lines = " or ".join(_guards) or "application = AuthMiddleware(application, auth)"
    detail = f"nothing authenticates the callers of this application: write {lines}"
    if current_call.get() is not None:
        detail = "the request that started this has ended: pass its caller on with carry_caller"
    return AccessRefused(Refusal(Reason.CREDENTIALS_MISSING, detail=detail))
