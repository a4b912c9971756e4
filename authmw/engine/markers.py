"""What was declared on a view, kept on the view: written by decorators, read by whatever routes to it.

A marker says what is needed; a guard is what enforces that when it is called. One without the other is a view that was
registered in the wrong place, or an application that its adapter has to look after.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Final, TypeVar

from authmw.errors import ConfigurationError
from authmw.identity.requirement import AUTHENTICATED, Requirement

if TYPE_CHECKING:
    from authmw.engine.guard import RequirementOf
    from authmw.http.request import RequestHead

_MARKER: Final = "__authmw_requirement__"
_GUARD: Final = "__authmw_guard__"

C = TypeVar("C")


def marked_requirement(target: object) -> Requirement | None:
    """What was declared on a view, a class, a blueprint or an application; None for nothing."""
    if not hasattr(target, "__dict__") and not hasattr(target, "__func__"):
        return None
    marker: object = getattr(target, _MARKER, None)
    if not isinstance(marker, Requirement):
        return None
    # A hole is explicit: a subclass inherits what a view needs, and not that it needs nothing.
    return None if marker.public and isinstance(target, type) and _MARKER not in vars(target) else marker


def requirement_of(target: object) -> Requirement:
    """What calling `target` needs: what was declared on it, or anyone authenticated."""
    return marked_requirement(target) or AUTHENTICATED


def declared_on(app: object) -> RequirementOf | None:
    """What a whole application asks for, as the answer to what any request of it needs; None for nothing."""
    requirement = marked_requirement(app)
    if requirement is None:
        return None

    def known(_: RequestHead) -> Requirement | None:
        return requirement

    return known


def is_guarded(target: object) -> bool:
    """Whether calling `target` enforces what was declared on it: False for a view registered below its decorator."""
    # A subclass inherits the marker, and may have replaced the method that enforces it.
    if isinstance(target, type):
        entry = entry_of(target)
        # What calls a class makes an instance, and asks nothing of its __call__.
        target = None if entry in (None, "__call__") else getattr(target, entry)
    elif hasattr(type(target), _GUARD) and _GUARD not in getattr(target, "__dict__", ()):
        target = type(target).__call__
    return getattr(target, _GUARD, None) is not None


def is_own_guard(target: object) -> bool:
    """Whether `target` itself is a guard, and not something that wraps one."""
    return getattr(target, _GUARD, None) is target


def entry_of(target: type) -> str | None:
    """The method by which a framework enters a class-based view; None for none that is known."""
    for entry in ("dispatch_request", "dispatch", "__call__"):
        if isinstance(getattr(target, entry, None), FunctionType):
            return entry
    return None


def as_guard(guard: C, requirement: Requirement) -> C:
    """`guard`, marked as what enforces `requirement` when it is called."""
    setattr(guard, _MARKER, requirement)
    setattr(guard, _GUARD, guard)
    return guard


def mark(target: object, requirement: Requirement) -> None:
    """Declare on `target` what it needs.

    Raises:
        ConfigurationError: it cannot have attributes.
    """
    try:
        setattr(target, _MARKER, requirement)
    except AttributeError:
        raise ConfigurationError(f"{name_of(target)} takes no marker: decorate the function it was made from") from None


def name_of(target: object) -> str:
    """What `target` is called in a sentence."""
    return getattr(target, "__qualname__", type(target).__name__)
