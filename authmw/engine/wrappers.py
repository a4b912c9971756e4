"""Wrappers that the decorators return: a guard asks before it calls what it wraps, an open copy asks nothing.

Each is an object of its own, with its own declaration: so one function can stand under several endpoints that need
different things. Classes, blueprints and objects that are opened are declared on in place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper, wraps
from types import FunctionType
from typing import Any, Final, TypeVar, cast

from authmw.engine.context import call_here, enforce, leave_guard
from authmw.engine.declarations import declared_by
from authmw.engine.markers import as_guard, as_wrapper, entry_of, is_own_guard, mark, name_of, record_above
from authmw.errors import ConfigurationError
from authmw.http.refusal import AccessRefused
from authmw.identity.requirement import Requirement

T = TypeVar("T")

_CO_COROUTINE: Final = 0x80  # inspect.CO_COROUTINE, without the import


def guarded(target: T, requirement: Requirement) -> T:
    """A guard around `target` that asks for `requirement`, and for what `target` declares already.

    Raises:
        ConfigurationError: `target` is declared to be public, or cannot be guarded.
    """
    declared = declared_by(target)
    if declared is not None and declared.public:
        raise _contradiction(target)
    requirement = requirement if declared is None else declared & requirement
    if isinstance(target, type):
        return cast("T", _guard_class(target, requirement))
    if not callable(target):
        if hasattr(target, "__get__"):
            raise ConfigurationError(f"{name_of(target)} hides its function: decorate the function below @classmethod")
        mark(target, requirement)  # a blueprint: its adapter reads the marker
        return target
    record_above(target, requirement)
    return cast("T", _guard(target, requirement))


def opened(target: T, requirement: Requirement) -> T:
    """A copy of the function `target` that declares `requirement`, which is public; anything else is marked in place.

    Raises:
        ConfigurationError: `target` is declared to need something, or takes no marker.
    """
    declared = declared_by(target)
    if declared is not None and not declared.public:
        raise _contradiction(target)
    requirement = requirement if declared is None else declared & requirement
    known: Any = target
    if not isinstance(known, FunctionType | partial):
        mark(target, requirement)
        return target
    record_above(target, requirement)
    made = _copy_of(known) if isinstance(known, FunctionType) else _copy_of_partial(target)
    return cast("T", as_wrapper(made, requirement))


def _contradiction(target: object) -> ConfigurationError:
    return ConfigurationError(f"{name_of(target)} is @public and needs something: remove one of the two decorators")


def _copy_of(function: FunctionType) -> FunctionType:
    """The same code as an object of its own: it stays a coroutine function or a generator, and costs no call."""
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


def _guard(target: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    inner = _unguarded(target)
    function = _function_of(inner)
    if function is None:
        return _GuardedCallable(target, inner, requirement)
    if function.__code__.co_flags & _CO_COROUTINE:

        @wraps(function)
        async def guard_async(*args: Any, **kwargs: Any) -> Any:
            try:
                _enforce(requirement, args)
                return await inner(*args, **kwargs)
            except AccessRefused as refused:
                leave_guard(refused)
                raise

        return _around(target, guard_async, requirement)

    @wraps(function)
    def guard(*args: Any, **kwargs: Any) -> Any:
        try:
            _enforce(requirement, args)
            return inner(*args, **kwargs)
        except AccessRefused as refused:
            leave_guard(refused)
            raise

    return _around(target, guard, requirement)


def _unguarded(target: Any) -> Callable[..., Any]:
    """What the guards of authmw around `target` call: the next guard asks for what they ask for."""
    while is_own_guard(target):
        target = target.__wrapped__
    return cast("Callable[..., Any]", target)


def _function_of(target: object) -> FunctionType | None:
    """The function that `target` is, or that it is a partial of: frameworks take a guard of those for a function."""
    while isinstance(target, partial):
        target = target.func
    return target if isinstance(target, FunctionType) else None


def _around(target: Callable[..., Any], guard: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    vars(guard)["__wrapped__"] = target
    return as_guard(guard, requirement)


class _GuardedCallable:
    """A guarded application or other callable object. It offers nothing but the call, so nothing goes around it."""

    def __init__(self, target: Callable[..., Any], inner: Callable[..., Any], requirement: Requirement) -> None:
        self.__wrapped__ = target
        self._inner = inner
        self._requirement = requirement
        as_guard(self, requirement)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            _enforce(self._requirement, args)
            return self._inner(*args, **kwargs)
        except AccessRefused as refused:
            leave_guard(refused)
            raise


def _guard_class(target: type, requirement: Requirement) -> type:
    """A class-based view is guarded where its framework enters it."""
    entry = entry_of(target)
    if entry is None:
        raise ConfigurationError(f"{name_of(target)} has no dispatch method to guard: decorate its methods instead")
    setattr(target, entry, _guard(getattr(target, entry), requirement))
    return as_guard(target, requirement)


def _enforce(requirement: Requirement, args: tuple[Any, ...]) -> None:
    if not _is_lifespan(args):
        enforce(requirement)


def _is_lifespan(args: tuple[Any, ...]) -> bool:
    """Whether an ASGI application is being told about start-up and shutdown, by nobody.

    A view may be called with a dict that a client wrote: so only the whole shape counts, and only outside a request.
    """
    match args[-3:]:
        case ({"type": "lifespan"}, receive, send):
            return callable(receive) and callable(send) and call_here() is None
        case _:
            return False
