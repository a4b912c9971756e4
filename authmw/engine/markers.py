"""Markers: attributes of one object with its declaration, and with a record of what was declared above it.

`functools.wraps` copies attributes, and so do decorators of other packages. So a wrapper of authmw refers to itself in
a marker: in a copy, that marker refers to another object.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from threading import Lock
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from authmw.errors import ConfigurationError
from authmw.flow.forks import in_each_child
from authmw.identity.requirement import Requirement

if TYPE_CHECKING:
    from authmw.http.request import RequestHead
    from authmw.identity.principal import Principal

_MARKER: Final = "__authmw_requirement__"
_ENFORCING: Final = "__authmw_enforcing_wrapper__"
_WRAPPER: Final = "__authmw_wrapper__"
_ABOVE: Final = "__authmw_declared_above__"
_OPENED: Final = "__authmw_opened__"

_DEEPEST_CHAIN: Final = 1000
_MOST_RECORDED: Final = 100

C = TypeVar("C")


def marked_requirement(target: object) -> Requirement | None:
    """The requirement declared on a view, a class, a blueprint or an application; None for none."""
    if not hasattr(target, "__dict__") and not hasattr(target, "__func__"):
        return None
    marker: object = getattr(target, _MARKER, None)
    if not isinstance(marker, Requirement):
        return None
    # Public access has to be explicit: a subclass inherits what a view needs, but never @public.
    return None if marker.public and isinstance(target, type) and _MARKER not in vars(target) else marker


def recorded_above(target: object) -> Requirement | None:
    """The requirement that all wrappers of `target` declared together; None for none."""
    record: object = getattr(target, _ABOVE, None)
    return record if isinstance(record, Requirement) else None


def is_opened_itself(target: object) -> bool:
    """Whether an open record was written on `target` itself, and not copied from what it wraps."""
    return getattr(target, _OPENED, None) is target


def refers_to_enforcing_wrapper(target: object) -> bool:
    """Whether `target` is an enforcing wrapper, or has the attributes of one that it wraps."""
    return getattr(target, _ENFORCING, None) is not None


def is_instance_of_enforcing_class(target: object) -> bool:
    """Whether the class of `target` enforces what it declares, and `target` itself is no enforcing wrapper."""
    return hasattr(type(target), _ENFORCING) and _ENFORCING not in getattr(target, "__dict__", ())


def is_enforcing_wrapper(target: object) -> bool:
    """Whether `target` itself is an enforcing wrapper, and not something that wraps one."""
    return getattr(target, _ENFORCING, None) is target


def is_own_wrapper(target: object) -> bool:
    """Whether `target` itself is what a decorator of authmw returned, and not something that wraps it."""
    return getattr(target, _WRAPPER, None) is target


def chain_of(target: object) -> Iterator[object]:
    """`target` and the objects inside it, from outside in: by `functools.wraps`, as a partial, as a bound method."""
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


def entry_of(target: type) -> str | None:
    """The method by which a framework calls a class-based view; None where there is none."""
    for entry in ("dispatch_request", "dispatch", "__call__"):
        if isinstance(getattr(target, entry, None), FunctionType):
            return entry
    return None


def as_enforcing_wrapper(wrapper: C, requirement: Requirement) -> C:
    """`wrapper`, marked as one that enforces `requirement` when it is called."""
    setattr(wrapper, _ENFORCING, wrapper)
    return as_wrapper(wrapper, requirement)


def as_wrapper(wrapper: C, requirement: Requirement) -> C:
    """`wrapper`, marked as the result of a decorator that declares `requirement`."""
    setattr(wrapper, _MARKER, requirement)
    setattr(wrapper, _WRAPPER, wrapper)
    if not isinstance(wrapper, type):
        vars(wrapper).pop(_ABOVE, None)  # a copy of the record of what it wraps
    return wrapper


def mark(target: object, requirement: Requirement) -> None:
    """Declare `requirement` on `target` itself: a blueprint, a class, an application.

    Raises:
        ConfigurationError: it cannot have attributes.
    """
    try:
        setattr(target, _MARKER, requirement)
    except AttributeError:
        raise _no_attributes(target) from None


def record_above(target: object, requirement: Requirement) -> None:
    """Record on `target`, and on everything that it wraps, that a wrapper of it declares `requirement`.

    Requirements are merged, and wrappers are not kept, so that a program may make wrappers on each request.

    Raises:
        ConfigurationError: `target` cannot have attributes.
    """
    for depth, link in enumerate(chain_of(target), 1):
        if isinstance(link, type):
            return
        if depth == _DEEPEST_CHAIN:  # the chain may also be a circle
            raise ConfigurationError(f"{name_of(target)} is wrapped {depth} times: decorate the function once")
        try:
            _records.add(link, requirement)
        except AttributeError:
            if link is target:
                raise _no_attributes(target) from None
        if requirement.is_open:
            return  # public access has to be explicit: it does not open what `target` wraps


class _Records:
    """Writer of all records. It locks, so that no record is lost when several threads declare at once."""

    def __init__(self) -> None:
        self._renew()
        in_each_child(self._renew)

    def _renew(self) -> None:
        self._lock = Lock()

    def add(self, target: object, requirement: Requirement) -> None:
        with self._lock:
            known = recorded_above(target)
            if requirement.is_open:
                setattr(target, _OPENED, target)
            setattr(target, _ABOVE, requirement if known is None else _bounded(known & requirement))


_records: Final = _Records()


def too_many_declarations(principal: Principal, request: RequestHead) -> bool:
    """Always False. It replaces the declarations of a function that has too many: the function refuses every caller."""
    return False


def name_of(target: object) -> str:
    """The name of `target` in an error message."""
    return getattr(target, "__qualname__", type(target).__name__)


def _bounded(requirement: Requirement) -> Requirement:
    parts: tuple[Any, ...] = (*requirement.scopes, *requirement.alternatives, *requirement.predicates)
    return requirement if len(parts) <= _MOST_RECORDED else Requirement(predicates=(too_many_declarations,))


def _no_attributes(target: object) -> ConfigurationError:
    return ConfigurationError(f"{name_of(target)} cannot have attributes: decorate the function it was made from")
