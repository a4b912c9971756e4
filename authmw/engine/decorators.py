"""What a view needs, said on the view: ``@requires_scopes`` and its family.

One decorator for sync and async functions, Flask views, Starlette and FastAPI endpoints, class-based views, plain WSGI
and ASGI callables, and any function called below the middleware. It wraps the function, and it leaves a marker on the
function that was there before: so the route table shows what is needed, and a decorator in the wrong place is found.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, Final, NoReturn, TypeVar, cast, overload

from authmw.engine.context import enforce
from authmw.engine.markers import as_guard, entry_of, is_own_guard, mark, marked_requirement, name_of, requirement_of
from authmw.errors import ConfigurationError
from authmw.identity.calling import current_call
from authmw.identity.requirement import (
    AUTHENTICATED,
    OPTIONAL,
    OWN_CREDENTIALS,
    PUBLIC,
    AnyOf,
    Predicate,
    Requirement,
    predicate_name,
)

T = TypeVar("T")

_CO_VARARGS: Final = 0x04  # inspect.CO_VARARGS, without the import
_CO_COROUTINE: Final = 0x80


class Requires:
    """A decorator that asks for a requirement; made by `requires_scopes` and `requires`."""

    __slots__ = ("requirement",)

    def __init__(self, requirement: Requirement) -> None:
        self.requirement: Requirement = requirement

    def __call__(self, target: T, /) -> T:
        """Guard `target`; stacked decorators accumulate."""
        return _guarded(target, self.requirement)


def requires_scopes(*scopes: str | AnyOf) -> Requires:
    """All of `scopes` are needed; `any_of` stands for one of several.

    Raises:
        ConfigurationError: no scope, or one that RFC 6749 §3.3 does not allow.

    >>> @requires_scopes("orders:read")
    ... def orders() -> list[str]:
    ...     return []
    >>> requirement_of(orders).scopes
    ('orders:read',)
    """
    if not scopes:
        raise ConfigurationError("requires_scopes() needs a scope; for anyone who is authenticated, use @authenticated")
    if callable(scopes[0]):
        raise ConfigurationError('write @requires_scopes("orders:read"), with the scopes in parentheses')
    return Requires(Requirement.all_of(*scopes))


def requires(predicate: Predicate) -> Requires:
    """The predicate has to answer True: ``@requires(lambda principal, request: ...)``. Not True is a 403."""
    if not callable(predicate):
        raise ConfigurationError(f"requires({predicate!r}) needs a function of a principal and a request")
    if not _takes_two(predicate):
        raise ConfigurationError(
            f"{predicate_name(predicate)} does not take a principal and a request: "
            "write @requires(lambda principal, request: ...) above the view"
        )
    code = getattr(predicate, "__code__", None)
    if code is not None and code.co_flags & _CO_COROUTINE:
        raise ConfigurationError(f"the predicate {predicate_name(predicate)} is async: decide from what is at hand")
    return Requires(Requirement(predicates=(predicate,)))


@overload
def authenticated(target: T, /) -> T: ...
@overload
def authenticated() -> NoReturn: ...
def authenticated(target: Any = None, /) -> Any:
    """Anyone may call this, as long as they are authenticated."""
    _check_no_parentheses(target, "authenticated")
    return _guarded(target, AUTHENTICATED)


@overload
def public(target: T, /) -> T: ...
@overload
def public() -> NoReturn: ...
def public(target: Any = None, /) -> Any:
    """Anybody may call this: an explicit hole in default deny.

    Raises:
        ConfigurationError: the same view asks for something.
    """
    _check_no_parentheses(target, "public")
    return _opened(target, PUBLIC)


@overload
def optionally_authenticated(target: T, /) -> T: ...
@overload
def optionally_authenticated() -> NoReturn: ...
def optionally_authenticated(target: Any = None, /) -> Any:
    """Anybody may call this, and who presents credentials is known: `public`, whose document offers the schemes.

    Raises:
        ConfigurationError: the same view asks for something.
    """
    _check_no_parentheses(target, "optionally_authenticated")
    return _opened(target, OPTIONAL)


def own_credentials(target: T) -> T:
    """Mark an endpoint that anybody may call and that authenticates its callers itself. For adapters."""
    mark(target, OWN_CREDENTIALS)
    return target


def _takes_two(predicate: object) -> bool:
    """Whether two arguments can be given to `predicate`, as far as it can be told: False for most views."""
    function = getattr(predicate, "__func__", predicate)
    if not isinstance(function, FunctionType):
        return True
    code = function.__code__
    most = code.co_argcount - (function is not predicate)
    needed = most - len(function.__defaults__ or ())
    return needed <= 2 and (most >= 2 or bool(code.co_flags & _CO_VARARGS))


def _check_no_parentheses(target: object, decorator: str) -> None:
    if target is None:
        raise ConfigurationError(f"write @{decorator} without parentheses, above the view")


def _opened(target: T, requirement: Requirement) -> T:
    so_far = marked_requirement(target)
    if so_far is not None and not so_far.public:
        raise ConfigurationError(f"{name_of(target)} is @public and needs something: remove one of the two decorators")
    mark(target, requirement if so_far is None else so_far & requirement)
    return target


def _guarded(target: T, requirement: Requirement) -> T:
    so_far = marked_requirement(target)
    if so_far is not None and so_far.public:
        raise ConfigurationError(f"{name_of(target)} is @public and needs something: remove one of the two decorators")
    requirement = requirement if so_far is None else so_far & requirement
    if isinstance(target, type):
        return cast("T", _guard_class(target, requirement))
    if not callable(target):
        if hasattr(target, "__get__"):
            raise ConfigurationError(f"{name_of(target)} hides its function: decorate the function below @classmethod")
        mark(target, requirement)  # a blueprint: its adapter reads the marker
        return target
    # A guard of ours is replaced, not wrapped again: what it asked for is in `requirement`.
    inner = _unguarded(target)
    # The function that a route was given may be any of those below: the marker is on them all.
    below: object = inner
    while below is not None:
        mark(below, requirement)
        below = getattr(below, "__wrapped__", None)
    return cast("T", _guard_function(inner, requirement))


def _unguarded(target: Callable[..., Any]) -> Callable[..., Any]:
    return cast("Callable[..., Any]", vars(target)["__wrapped__"]) if is_own_guard(target) else target


def _guard_function(target: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    if not isinstance(target, FunctionType):
        return _GuardedCallable(target, requirement)
    if target.__code__.co_flags & _CO_COROUTINE:

        @wraps(target)
        async def guard_async(*args: Any, **kwargs: Any) -> Any:
            _enforce(requirement, args)
            return await target(*args, **kwargs)

        return as_guard(guard_async, requirement)

    @wraps(target)
    def guard(*args: Any, **kwargs: Any) -> Any:
        _enforce(requirement, args)
        return target(*args, **kwargs)

    return as_guard(guard, requirement)


class _GuardedCallable:
    """A guarded application or other callable object. It offers nothing but the call, so nothing goes around it."""

    def __init__(self, target: Callable[..., Any], requirement: Requirement) -> None:
        self.__wrapped__ = target
        as_guard(self, requirement)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _enforce(requirement_of(self), args)
        return self.__wrapped__(*args, **kwargs)


def _guard_class(target: type, requirement: Requirement) -> type:
    """A class-based view is guarded where its framework enters it."""
    entry = entry_of(target)
    if entry is None:
        raise ConfigurationError(f"{name_of(target)} has no dispatch method to guard: decorate its methods instead")
    setattr(target, entry, _guard_function(_unguarded(getattr(target, entry)), requirement))
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
            return callable(receive) and callable(send) and current_call.get() is None
        case _:
            return False
