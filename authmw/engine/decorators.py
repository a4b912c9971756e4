"""What a view needs, said on the view: ``@requires_scopes`` and its family.

One decorator for sync and async functions, Flask views, Starlette and FastAPI endpoints, class-based views, plain WSGI
and ASGI callables, and any function called below the middleware. It returns a wrapper that declares what is needed,
and the function below keeps a record of that: so the route table shows what is needed, and a decorator in the wrong
place is found.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, Final, NoReturn, TypeVar, overload

from authmw.engine.markers import mark
from authmw.engine.wrappers import enforcing, opened
from authmw.errors import ConfigurationError
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
        return enforcing(target, self.requirement)


def requires_scopes(*scopes: str | AnyOf) -> Requires:
    """All of `scopes` are needed; `any_of` stands for one of several.

    The declaration belongs to the wrapper that it returns: one function can be wrapped twice, for two endpoints that
    need different scopes. An endpoint that registered the bare function needs all that was declared on any wrapper.

    Raises:
        ConfigurationError: no scope, or one that RFC 6749 §3.3 does not allow.

    >>> @requires_scopes("orders:read")
    ... def orders() -> list[str]:
    ...     return []
    >>> from authmw import requirement_of
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
    """Anyone may call this, as long as they are authenticated.

    Registered as ``authenticated(view)``, an endpoint needs no more than that, whatever else wraps the same view.
    """
    _check_no_parentheses(target, "authenticated")
    return enforcing(target, AUTHENTICATED)


@overload
def public(target: T, /) -> T: ...
@overload
def public() -> NoReturn: ...
def public(target: Any = None, /) -> Any:
    """Anybody may call this: an explicit hole in default deny.

    It opens the copy of the function that it returns; a class, a blueprint or another object it opens in place. What
    another wrapper of the same function needs stays as it is, and so does what the bare function needs by that.

    Raises:
        ConfigurationError: the same view asks for something.
    """
    _check_no_parentheses(target, "public")
    return opened(target, PUBLIC)


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
    return opened(target, OPTIONAL)


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
