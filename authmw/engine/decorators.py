"""Decorators that declare the requirement of a view: ``@requires_scopes`` and its family.

Each works on sync and async functions, Flask views, Starlette and FastAPI endpoints, class-based views, plain WSGI and
ASGI callables, and any function that is called below the middleware. It returns a wrapper with the declaration, and the
function keeps a record of it. So the route table shows the requirement, and a decorator in the wrong place is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, overload

from authmw.engine.markers import mark
from authmw.engine.wrappers import enforcing, opened
from authmw.errors import ConfigurationError, NoDependency
from authmw.flow.application_code import takes
from authmw.flow.durations import Seconds
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
from authmw.identity.step_up import StepUp

T = TypeVar("T")

_CO_COROUTINE: Final = 0x80  # inspect.CO_COROUTINE, without the import


class Requires(NoDependency):
    """A decorator that enforces a requirement; made by `requires_scopes` and `requires`."""

    __slots__ = ("requirement",)

    if not TYPE_CHECKING:

        @property
        def dependency(self) -> None:
            """What FastAPI asks each of ``dependencies=[...]`` for."""
            raise ConfigurationError(self._instead())

    def __init__(self, requirement: Requirement) -> None:
        self.requirement: Requirement = requirement

    def __call__(self, target: T, /) -> T:
        """Wrap `target`. The requirements of several decorators add up."""
        return enforcing(target, self.requirement)

    def _instead(self) -> str:
        scopes = ", ".join(f'"{scope}"' for scope in self.requirement.scopes) or "..."
        return (
            f"a decorator is no dependency: write Scopes({scopes}), of authmw_fastapi, or the decorator below "
            "@app.get, next to the function"
        )


def requires_scopes(*scopes: str | AnyOf) -> Requires:
    """Require all of `scopes`; `any_of` stands for one of several.

    The declaration belongs to the wrapper that it returns. So one function can be wrapped twice, for two endpoints
    that need different scopes. An endpoint that registers the bare function needs what any wrapper of it declares.

    Raises:
        ConfigurationError: there is no scope, or RFC 6749 §3.3 does not allow one.

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


def requires(
    predicate: Predicate | None = None, *, max_age: Seconds | None = None, acr: str | Iterable[str] = ()
) -> Requires:
    """Require that a predicate returns True: ``@requires(lambda principal, request: ...)``. False is a 403.

    Or require a recent login, ``@requires(max_age=300)``, or one of a level: for what a person should confirm by a
    password, as a change of the password. A caller whose login is older gets a 401 with the error
    ``insufficient_user_authentication`` (RFC 9470 §3); a navigation is sent to ``Auth(login=...)`` with ``next`` and
    ``reauthenticate=1``. The time is `Principal.auth_time`, so a caller whose credential does not say it never passes.

    Args:
        predicate: a function of the principal and the request. It must not block.
        max_age: the most seconds since the user was authenticated, or a timedelta.
        acr: the level by which the user was authenticated, or several of which one is enough; see `Principal.acr`.

    Raises:
        ConfigurationError: `predicate` is no function of a principal and a request, or it is async; `max_age` or `acr`
            is wrong; or there is no argument.

    >>> @requires(max_age=300)
    ... def change_password() -> None: ...
    """
    asked = () if max_age is None and acr == () else (StepUp.of(max_age, acr),)
    if predicate is None and asked:
        return Requires(Requirement(predicates=asked))
    given: object = predicate
    if isinstance(given, str):
        raise ConfigurationError(f'{given!r} is a scope: write @requires_scopes("{given}")')
    if not callable(predicate):
        raise ConfigurationError(
            f"requires() needs a function of a principal and a request, not {type(predicate).__name__}: "
            "write @requires(lambda principal, request: ...)"
        )
    if not takes(predicate, 2):
        raise ConfigurationError(
            f"{predicate_name(predicate)} does not take a principal and a request: "
            "write @requires(lambda principal, request: ...) above the view"
        )
    code = getattr(predicate, "__code__", None)
    if code is not None and code.co_flags & _CO_COROUTINE:
        raise ConfigurationError(f"the predicate {predicate_name(predicate)} is async: write it as a plain function")
    return Requires(Requirement(predicates=(predicate, *asked)))


@overload
def authenticated(target: T, /) -> T: ...
@overload
def authenticated() -> NoReturn: ...
def authenticated(target: Any = None, /) -> Any:
    """Require authentication, and no scope.

    An endpoint that registers ``authenticated(view)`` needs only that, also if other wrappers of `view` declare more.
    """
    _check_no_parentheses(target, "authenticated")
    return enforcing(target, AUTHENTICATED)


@overload
def public(target: T, /) -> T: ...
@overload
def public() -> NoReturn: ...
def public(target: Any = None, /) -> Any:
    """Allow access without credentials: an explicit exception from default deny.

    Of a function it opens the copy that it returns. A class, a blueprint or another object is opened in place. The
    requirements of other wrappers of the same function stay, and so does what the bare function needs by them. Without
    such requirements an endpoint that registers the bare function is open too, since ``@public`` above ``@app.get``
    looks the same; what the function itself wraps is not.

    Raises:
        ConfigurationError: the same view declares a requirement.
    """
    _check_no_parentheses(target, "public")
    return opened(target, PUBLIC)


@overload
def optionally_authenticated(target: T, /) -> T: ...
@overload
def optionally_authenticated() -> NoReturn: ...
def optionally_authenticated(target: Any = None, /) -> Any:
    """Allow access without credentials, and authenticate callers who present them. Documents list the schemes.

    Raises:
        ConfigurationError: the same view declares a requirement.
    """
    _check_no_parentheses(target, "optionally_authenticated")
    return opened(target, OPTIONAL)


def declared_by_decorator(decorator: object) -> Requirement | None:
    """The requirement that `decorator` declares; None for one of another package. For adapters."""
    if isinstance(decorator, Requires):
        return decorator.requirement
    return next((requirement for each, requirement in _DECLARE if each is decorator), None)


_DECLARE: Final = ((authenticated, AUTHENTICATED), (public, PUBLIC), (optionally_authenticated, OPTIONAL))


def own_credentials(target: T) -> T:
    """Mark an endpoint that is open and authenticates its callers itself. For adapters."""
    mark(target, OWN_CREDENTIALS)
    return target


def _check_no_parentheses(target: object, decorator: str) -> None:
    if target is None:
        raise ConfigurationError(f"write @{decorator} without parentheses, above the view")
    if isinstance(target, str):
        raise ConfigurationError(f'@{decorator} takes no scopes: write @requires_scopes("{target}")')
