"""Wrappers that the decorators return: enforcing wrappers, and open copies.

An enforcing wrapper decides before it calls the function that it wraps. An open copy decides nothing. Each wrapper is
an object with its own declaration, so one function can stand under several endpoints with different requirements. A
class, a blueprint, or an object that is opened gets its declaration in place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from types import FunctionType
from typing import Any, Final, TypeVar, cast

from authmw.engine.context import call_here, enforce, leave_wrapper
from authmw.engine.declarations import declared_in
from authmw.engine.markers import (
    as_enforcing_wrapper,
    as_wrapper,
    entry_of,
    is_enforcing_wrapper,
    mark,
    name_of,
)
from authmw.engine.reached import chain_of
from authmw.engine.records import forget_records, record_above
from authmw.errors import ConfigurationError
from authmw.http.refusal import AccessRefused
from authmw.identity.requirement import Requirement

T = TypeVar("T")

_CO_COROUTINE: Final = 0x80  # inspect.CO_COROUTINE, without the import


def enforcing(target: T, requirement: Requirement) -> T:
    """An enforcing wrapper of `target`: it enforces `requirement`, and what `target` declares already.

    Raises:
        ConfigurationError: `target` is declared to be public, or cannot be wrapped.
    """
    declared = declared_in(target)
    if declared is not None and declared.public:
        raise _contradiction(target)
    requirement = requirement if declared is None else declared & requirement
    if isinstance(target, type):
        return cast("T", _enforce_in_class(target, requirement))
    if not callable(target):
        if hasattr(target, "__get__"):
            raise ConfigurationError(f"{name_of(target)} hides its function: decorate the function below @classmethod")
        mark(target, requirement)  # a blueprint: its adapter reads the marker
        return target
    record_above(target, requirement)
    return cast("T", _wrapped(target, requirement))


def opened(target: T, requirement: Requirement) -> T:
    """An open copy of the function `target` that declares `requirement`; any other object is marked in place.

    Raises:
        ConfigurationError: `target` is declared to need credentials, or it cannot have attributes.
    """
    declared = declared_in(target)
    if declared is not None and not declared.public:
        raise _contradiction(target)
    requirement = requirement if declared is None else declared & requirement
    known: Any = target
    if type(known) in (FunctionType, partial):  # `isinstance` would take a proxy for what it stands for
        record_above(target, requirement)
        made: Any = _copy_of(known) if type(known) is FunctionType else _copy_of_partial(target)
        forget_records(made)
        return cast("T", as_wrapper(made, requirement))
    if _function_of(target) is not None:  # a bound method, or the proxy of a function: it has no attributes of its own
        return cast("T", _wrapped(known, requirement))
    mark(target, requirement)
    return target


def _contradiction(target: object) -> ConfigurationError:
    return ConfigurationError(f"{name_of(target)} is @public and needs something: remove one of the two decorators")


def _copy_of(function: FunctionType) -> FunctionType:
    """Another function object with the same code: it stays a coroutine function or a generator, and costs no call."""
    made = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    update_wrapper(made, function)
    return made


def _copy_of_partial(target: Any) -> partial[Any]:
    made: partial[Any] = partial(target.func, *target.args, **target.keywords)
    made.__dict__.update(target.__dict__)  # `copy` would share them
    return made


def _wrapped(target: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    inner = _unwrapped(target)
    function = _function_of(inner)
    if function is None:
        make_callable = _AsyncEnforcingCallable if _is_awaited(inner) else _EnforcingCallable
        return make_callable(target, inner, requirement)
    make = _enforcing_async if function.__code__.co_flags & _CO_COROUTINE else _enforcing_sync
    made = make(inner, requirement, _enforce, leave_wrapper, AccessRefused)
    # Frameworks look up annotations that are strings in the globals of what they call (FastAPI before 0.123).
    wrapper = FunctionType(made.__code__, function.__globals__, closure=made.__closure__)
    update_wrapper(wrapper, function)
    vars(wrapper)["__wrapped__"] = target
    forget_records(wrapper)
    return as_enforcing_wrapper(wrapper, requirement)


# The wrappers get the names that they use as arguments, since their globals are replaced.


def _enforcing_async(
    inner: Callable[..., Any],
    requirement: Requirement,
    enforce: Callable[[Requirement, tuple[Any, ...]], None],
    leave: Callable[[AccessRefused], None],
    refused_by: type[AccessRefused],
) -> FunctionType:
    async def enforcing(*args: Any, **kwargs: Any) -> Any:
        try:
            enforce(requirement, args)
            return await inner(*args, **kwargs)
        except refused_by as refused:
            leave(refused)
            raise

    return cast("FunctionType", enforcing)


def _enforcing_sync(
    inner: Callable[..., Any],
    requirement: Requirement,
    enforce: Callable[[Requirement, tuple[Any, ...]], None],
    leave: Callable[[AccessRefused], None],
    refused_by: type[AccessRefused],
) -> FunctionType:
    def enforcing(*args: Any, **kwargs: Any) -> Any:
        try:
            enforce(requirement, args)
            return inner(*args, **kwargs)
        except refused_by as refused:
            leave(refused)
            raise

    return cast("FunctionType", enforcing)


def _unwrapped(target: Any) -> Callable[..., Any]:
    """The function inside the enforcing wrappers around `target`: the new wrapper enforces what they enforce."""
    while is_enforcing_wrapper(target):
        target = target.__wrapped__
    return cast("Callable[..., Any]", target)


def _function_of(target: Any) -> FunctionType | None:
    """The function in a function, a method, a partial or a cache: then the wrapper is one, as frameworks expect."""
    for each in chain_of(target):
        if isinstance(each, FunctionType):
            return each
    return None


class _EnforcingCallable:
    """Enforcing wrapper of an application or other callable object. It offers the call only: nothing goes around it."""

    def __init__(self, target: Callable[..., Any], inner: Callable[..., Any], requirement: Requirement) -> None:
        self.__wrapped__ = target
        self._inner = inner
        self._requirement = requirement
        as_enforcing_wrapper(self, requirement)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            _enforce(self._requirement, args)
            return self._inner(*args, **kwargs)
        except AccessRefused as refused:
            leave_wrapper(refused)
            raise


class _AsyncEnforcingCallable(_EnforcingCallable):
    """The same for an object whose call is awaited: frameworks look at the ``__call__`` of what they are given."""

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            _enforce(self._requirement, args)
            return await self._inner(*args, **kwargs)
        except AccessRefused as refused:
            leave_wrapper(refused)
            raise


def _is_awaited(target: Any) -> bool:
    """Whether a callable object, or the one in a partial, has an asynchronous ``__call__``."""
    while isinstance(target, partial):
        target = cast("partial[object]", target).func
    kind = cast("type[object]", type(target))
    call: object = getattr(kind, "__call__", None)  # noqa: B004 - of the class
    return type(call) is FunctionType and bool(call.__code__.co_flags & _CO_COROUTINE)


def _enforce_in_class(target: type, requirement: Requirement) -> type:
    """A class-based view is enforced in the method by which its framework enters it."""
    entry = entry_of(target)
    if entry is None:
        raise ConfigurationError(f"{name_of(target)} has no dispatch method to wrap: decorate its methods instead")
    setattr(target, entry, _wrapped(getattr(target, entry), requirement))
    return as_enforcing_wrapper(target, requirement)


def _enforce(requirement: Requirement, args: tuple[Any, ...]) -> None:
    call = call_here()
    if call is not None:
        if requirement is not call.met:
            call.enforce(requirement)
    elif not _is_lifespan(args):
        enforce(requirement)


def _is_lifespan(args: tuple[Any, ...]) -> bool:
    """Whether the call is the lifespan of an ASGI application (start-up and shutdown), which has no caller.

    A view may be called with a dict that a client wrote. So all three arguments have to fit, and it is asked only
    outside of a request.
    """
    match args[-3:]:
        case ({"type": "lifespan"}, receive, send):
            return callable(receive) and callable(send)
        case _:
            return False
