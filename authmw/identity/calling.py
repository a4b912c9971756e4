"""The call being served here: its context variable, and what `Principal.require` asks of it.

The engine implements `Call` (`authmw.engine.context`). It is declared here, below the engine, so that a principal can
ask for scopes without an import upward.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final, Protocol

from authmw.http.reasons import Reason
from authmw.http.refusal import AccessRefused, Refusal


class Call(Protocol):
    """One request on its way through the application, below the middleware."""

    def require(self, scopes: tuple[str, ...], principal: Any) -> None:
        """Refuse the request unless `principal` has all of `scopes`.

        Raises:
            AccessRefused: a scope is missing, or the principal is anonymous.
        """


current_call: Final[ContextVar[Call | None]] = ContextVar("authmw_current_call", default=None)
"""The request being served here, or None outside of one."""


def require(scopes: tuple[str, ...], principal: Any) -> None:
    """Refuse the request being served here unless `principal` has all of `scopes`.

    Raises:
        AccessRefused: a scope is missing, the principal is anonymous, or no request is being served here.
    """
    call = current_call.get()
    if call is None:
        raise outside_of_a_call()
    call.require(scopes, principal)


def outside_of_a_call() -> AccessRefused:
    """The refusal where no middleware authenticated anybody: it fails closed."""
    return AccessRefused(Refusal(Reason.CREDENTIALS_MISSING, detail="no AuthMiddleware in front of this call"))
