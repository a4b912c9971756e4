"""Scope with which a router inside of the guard calls its endpoint, in the context of that call."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from authmw.engine.context import Call
    from authmw.http.request import Scope


class Routed:
    """A scope, and the call below which a router got it. Both are gone when the router has answered.

    An application may ask several routers for one request, also at the same time.
    """

    __slots__ = ("call", "scope")

    def __init__(self, call: Call, scope: Scope) -> None:
        self.call: Call | None = call
        self.scope: Scope | None = scope

    def end(self) -> None:
        """Forget both: a context that was copied may live longer."""
        self.call = self.scope = None


routed_here: Final[ContextVar[Routed | None]] = ContextVar("authmw_routed_here", default=None)
"""What the innermost router of this context was called with; None where no adapter has noted it."""


def needs_note(call: Call, scope: Scope) -> bool:
    """Whether `scope` is another one than that of `call`, or was hidden by one that was noted further out."""
    return scope is not getattr(call, "scope", None) or routed_here.get() is not None


def scope_of(call: Call) -> Scope | None:
    """The scope with which the innermost router below `call` was called; None if it is not known."""
    routed = routed_here.get()
    return None if routed is None or routed.call is not call else routed.scope
