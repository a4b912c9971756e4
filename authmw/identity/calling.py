"""The call being served here: its context variable, and what `Principal.require` asks of it.

The engine implements `Call` (`authmw.engine.context`). It is declared here, below the engine, so that a principal can
ask for scopes without an import upward.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, Protocol

from authmw.http.reasons import Reason
from authmw.http.refusal import AccessRefused, Refusal


class Call(Protocol):
    """One request on its way through the application, below the middleware."""

    @property
    def ended(self) -> bool:
        """Whether the application is done with the request."""
        ...

    def require(self, scopes: tuple[str, ...], principal: Any) -> None:
        """Refuse the request unless `principal` has all of `scopes`.

        Raises:
            AccessRefused: a scope is missing, or the principal is anonymous.
        """


current_call: Final[ContextVar[Call | None]] = ContextVar("authmw_current_call", default=None)
"""The request being served here, or one that has ended, or None outside of one. Most code wants `active_call`."""

FindCall = Callable[[Call | None], Call | None]
"""Finds the call that a framework keeps here by itself; it is given what `current_call` has: None, or an ended call."""

_finders: Final[list[FindCall]] = []


def find_calls_by(find: FindCall) -> None:
    """Have `active_call` ask `find` where no request is being served. For adapters, which may say so repeatedly."""
    if find not in _finders:
        _finders.append(find)


def active_call() -> Call | None:
    """The request being served here; None outside of one, and where it has ended."""
    call = current_call.get()
    return kept_call(call) if call is None or call.ended else call


def kept_call(ended: Call | None) -> Call | None:
    """The call that a framework keeps here; None for none.

    Args:
        ended: what `current_call` has.
    """
    return next((call for find in _finders if (call := find(ended)) is not None), None)


def require(scopes: tuple[str, ...], principal: Any) -> None:
    """Refuse the request being served here unless `principal` has all of `scopes`.

    Raises:
        AccessRefused: a scope is missing, the principal is anonymous, or no request is being served here.
    """
    call = active_call()
    if call is None:
        raise outside_of_a_call()
    call.require(scopes, principal)


def outside_of_a_call() -> AccessRefused:
    """The refusal where no request is being served: it fails closed."""
    detail = "no AuthMiddleware in front of this call"
    if current_call.get() is not None:
        detail = "the request that started this has ended: pass its caller on with carry_caller"
    return AccessRefused(Refusal(Reason.CREDENTIALS_MISSING, detail=detail))
