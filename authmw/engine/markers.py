"""Declarations on views: what a wrapper declares, and what was declared above the function that it wraps.

A declaration belongs to the wrapper that the decorator returned. All that is below that wrapper keeps a record of it:
a function that was registered bare, for another endpoint, looks exactly like one whose decorator stands above the
decorator of the framework. So an endpoint needs what is declared on the object that it registered, and all that was
declared above that object. What was declared on another wrapper of the same function is not above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from threading import Lock
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from authmw.errors import ConfigurationError
from authmw.flow.forks import in_each_child
from authmw.identity.requirement import AUTHENTICATED, Requirement

if TYPE_CHECKING:
    from authmw.engine.guard import RequirementOf
    from authmw.http.request import RequestHead
    from authmw.identity.principal import Principal

_MARKER: Final = "__authmw_requirement__"
_GUARD: Final = "__authmw_guard__"
# `functools.wraps` copies attributes: a wrapper of authmw is the one that is its own value here.
_WRAPPER: Final = "__authmw_wrapper__"
_ABOVE: Final = "__authmw_declared_above__"

_DEEPEST_CHAIN: Final = 1000
_MOST_RECORDED: Final = 100

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


def chain_of(target: object) -> Iterator[object]:
    """`target` and what it wraps, one inside the other: by `functools.wraps`, as a partial, as a bound method."""
    for _ in range(_DEEPEST_CHAIN):
        if target is None:
            return
        yield target
        if isinstance(target, partial):
            target = target.func
        elif isinstance(target, MethodType):
            target = target.__func__
        else:
            target = getattr(target, "__wrapped__", None)


def declared_by(target: object) -> Requirement | None:
    """What `target` declares: itself, or by the wrapper of authmw that it wraps; None for nothing."""
    return _declarations(target)[0]


def needed_by(target: object) -> Requirement | None:
    """What an endpoint needs that registered `target`; None where nothing was declared.

    That is what `target` declares, and all that was declared above it. A bare function declares nothing itself, so it
    needs everything that was declared on any wrapper of it. It is open only if nothing but ``@public`` and
    ``@optionally_authenticated`` was.
    """
    declared, above = _declarations(target)
    return _both(declared, above)


def requirement_of(target: object) -> Requirement:
    """What an endpoint needs that registered `target`; anyone authenticated where nothing was declared."""
    return needed_by(target) or AUTHENTICATED


def enforced_by(target: object) -> Requirement | None:
    """What calling `target` asks for, with nothing in front of it; None for nothing."""
    return declared_by(target) if is_guarded(target) else None


def lacks_guard(target: object) -> bool:
    """Whether an endpoint that registered `target` needs something that calling it does not ask for."""
    needed = needed_by(target)
    if needed is None or needed.is_open:
        return False
    enforced = enforced_by(target)
    return enforced is None or not enforced.includes(needed)


def declared_on(app: object) -> RequirementOf | None:
    """What a whole application asks for, as the answer to what any request of it needs; None for nothing.

    Raises:
        ConfigurationError: a wrapper of `app` declares what calling `app` does not ask for.
    """
    if callable(app) and lacks_guard(app):
        raise ConfigurationError(
            f"{name_of(app)} is guarded without its decorator: give AuthMiddleware what the decorator returned, "
            "or authenticated(app) if anyone authenticated may call it"
        )
    requirement = needed_by(app)
    if requirement is None:
        return None

    def known(_: RequestHead) -> Requirement | None:
        return requirement

    return known


def is_guarded(target: object) -> bool:
    """Whether calling `target` enforces what it declares: False for a view registered below its decorator."""
    # A subclass inherits the marker, and may have replaced the method that enforces it.
    if isinstance(target, type):
        entry = entry_of(target)
        # What calls a class makes an instance, and asks nothing of its __call__.
        target = None if entry in (None, "__call__") else getattr(target, entry)
    elif hasattr(type(target), _GUARD) and _GUARD not in getattr(target, "__dict__", ()):
        target = type(target).__call__
    return any(getattr(link, _GUARD, None) is not None for link in chain_of(target))


def is_own_guard(target: object) -> bool:
    """Whether `target` itself is a guard, and not something that wraps one."""
    return getattr(target, _GUARD, None) is target


def is_own_wrapper(target: object) -> bool:
    """Whether `target` itself is what a decorator of authmw returned, and not something that wraps it."""
    return getattr(target, _WRAPPER, None) is target


def entry_of(target: type) -> str | None:
    """The method by which a framework enters a class-based view; None for none that is known."""
    for entry in ("dispatch_request", "dispatch", "__call__"):
        if isinstance(getattr(target, entry, None), FunctionType):
            return entry
    return None


def as_guard(guard: C, requirement: Requirement) -> C:
    """`guard`, marked as what enforces `requirement` when it is called."""
    setattr(guard, _GUARD, guard)
    return as_wrapper(guard, requirement)


def as_wrapper(wrapper: C, requirement: Requirement) -> C:
    """`wrapper`, marked as what a decorator returned that declares `requirement`."""
    setattr(wrapper, _MARKER, requirement)
    setattr(wrapper, _WRAPPER, wrapper)
    if not isinstance(wrapper, type):
        # A copy by `functools.wraps`, of what was declared above the wrapped function: other wrappers of it.
        vars(wrapper).pop(_ABOVE, None)
    return wrapper


def mark(target: object, requirement: Requirement) -> None:
    """Declare on `target` itself what it needs: a blueprint, a class, an application.

    Raises:
        ConfigurationError: it cannot have attributes.
    """
    try:
        setattr(target, _MARKER, requirement)
    except AttributeError:
        raise ConfigurationError(f"{name_of(target)} takes no marker: decorate the function it was made from") from None


class _Records:
    """The one place where records are written: threads that declare at once lose nothing of each other."""

    def __init__(self) -> None:
        self._renew()
        in_each_child(self._renew)

    def _renew(self) -> None:
        self._lock = Lock()

    def add(self, target: object, requirement: Requirement) -> None:
        with self._lock:
            setattr(target, _ABOVE, _bounded(_both(_above(target), requirement) or requirement))


_records: Final = _Records()


def record_above(target: object, requirement: Requirement) -> None:
    """Keep on `target`, and on all that it wraps, that a wrapper of it declares `requirement`.

    What was declared is merged and the wrapper is not kept, so wrappers may be made in every request.

    Raises:
        ConfigurationError: `target` cannot have attributes.
    """
    for depth, link in enumerate(chain_of(target), 1):
        if isinstance(link, type):
            return
        if depth == _DEEPEST_CHAIN:  # or it wraps itself
            raise ConfigurationError(f"{name_of(target)} is wrapped {depth} times: decorate the function once")
        try:
            _records.add(link, requirement)
        except AttributeError:
            if link is target:
                raise ConfigurationError(
                    f"{name_of(target)} takes no marker: decorate the function it was made from"
                ) from None


def name_of(target: object) -> str:
    """What `target` is called in a sentence."""
    return getattr(target, "__qualname__", type(target).__name__)


def too_many_declarations(principal: Principal, request: RequestHead) -> bool:
    """Stands for more different declarations than are kept of one function: nobody would have met them all."""
    return False


def _bounded(requirement: Requirement) -> Requirement:
    parts: tuple[Any, ...] = (*requirement.scopes, *requirement.alternatives, *requirement.predicates)
    return requirement if len(parts) <= _MOST_RECORDED else Requirement(predicates=(too_many_declarations,))


def _declarations(target: object) -> tuple[Requirement | None, Requirement | None]:
    """What `target` declares, and what was declared above it."""
    declared = above = None
    is_partial = False
    for link in chain_of(target):
        declared = _both(declared, marked_requirement(link))
        above = _both(above, _above(link))
        if is_own_wrapper(link):
            break  # what is further in belongs to other wrappers, or is part of what this one declares
        is_partial = is_partial or isinstance(link, partial)
    # A hole is explicit: a partial inherits what a view needs, and not that it needs nothing.
    return (_closed(declared), _closed(above)) if is_partial else (declared, above)


def _closed(requirement: Requirement | None) -> Requirement | None:
    return None if requirement is None or requirement.is_open else requirement


def _above(target: object) -> Requirement | None:
    record: object = getattr(target, _ABOVE, None)
    return record if isinstance(record, Requirement) else None


def _both(one: Requirement | None, other: Requirement | None) -> Requirement | None:
    if one is None or other is None or one is other:
        return other if one is None else one
    return one & other
