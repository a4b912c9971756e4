"""Markers: attributes of one object with its declaration.

`functools.wraps` copies attributes, and so do decorators of other packages. So a wrapper of authmw refers to itself in
a marker: in a copy, that marker refers to another object.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, Final, Protocol, TypeVar
from weakref import ref

from authmw.errors import ConfigurationError
from authmw.identity.requirement import Requirement

_MARKER: Final = "__authmw_requirement__"
_ENFORCING: Final = "__authmw_enforcing_wrapper__"
_WRAPPER: Final = "__authmw_wrapper__"

C = TypeVar("C")


class Watcher(Protocol):
    """Who wants to know of declarations on what is registered already."""

    def declared_on(self, target: object) -> None:
        """Notice that something was declared on `target`. It must not block."""


class _Declarations:
    """All declarations of the process."""

    version: object = object()
    """Another object after each declaration, so that what was read from declarations is known to hold still."""
    _watchers: tuple[ref[Watcher], ...] = ()

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher`, as long as it lives, of each declaration on an object that was there before."""
        self._watchers = (*(each for each in self._watchers if each() is not None), ref(watcher))

    def change(self) -> None:
        """Note that a declaration was written."""
        self.version = object()

    def change_on(self, target: object) -> None:
        """Note that a declaration was written on `target`, which a program may have registered before."""
        self.version = object()
        for each in self._watchers:
            watcher = each()
            if watcher is not None:
                watcher.declared_on(target)


declarations: Final = _Declarations()


def marked_requirement(target: object) -> Requirement | None:
    """The requirement declared on a view, a class, a blueprint or an application; None for none."""
    if not hasattr(target, "__dict__") and not hasattr(target, "__func__"):
        return None
    marker: object = getattr(target, _MARKER, None)
    if not isinstance(marker, Requirement):
        return None
    # Public access has to be explicit: a subclass inherits what a view needs, but never @public.
    return None if marker.public and isinstance(target, type) and _MARKER not in vars(target) else marker


def enforcing_wrapper_of(target: object) -> object:
    """The enforcing wrapper that `target` is, or whose attributes it has; None for none."""
    return getattr(target, _ENFORCING, None)


def is_instance_of_enforcing_class(target: object) -> bool:
    """Whether the class of `target` enforces what it declares, and `target` itself is no enforcing wrapper."""
    return hasattr(type(target), _ENFORCING) and _ENFORCING not in getattr(target, "__dict__", ())


def is_enforcing_wrapper(target: object) -> bool:
    """Whether `target` itself is an enforcing wrapper, and not something that wraps one."""
    return enforcing_wrapper_of(target) is target


def is_own_wrapper(target: object) -> bool:
    """Whether `target` itself is what a decorator of authmw returned, and not something that wraps it."""
    return getattr(target, _WRAPPER, None) is target


def is_proxy(target: Any) -> bool:
    """Whether `target` passes attributes on to what it stands for, as the proxies of wrapt and Werkzeug do."""
    try:
        return target.__class__ is not type(target)
    except Exception:  # it stands for nothing just now
        return True


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
    declarations.change()
    return wrapper


def mark(target: object, requirement: Requirement) -> None:
    """Declare `requirement` on `target` itself: a blueprint, a class, an application.

    Raises:
        ConfigurationError: it cannot have attributes.
    """
    try:
        setattr(target, _MARKER, requirement)
    except AttributeError:
        raise no_attributes(target) from None
    declarations.change_on(target)


def name_of(target: object) -> str:
    """The name of `target` in an error message."""
    return getattr(target, "__qualname__", type(target).__name__)


def no_attributes(target: object) -> ConfigurationError:
    """The mistake of a decorator on an object that can have no attributes."""
    return ConfigurationError(f"{name_of(target)} cannot have attributes: decorate the function it was made from")
