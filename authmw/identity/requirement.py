"""Requirement of an operation: public, authenticated, all or any of some scopes, predicates. Requirements add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import Any, Final

from authmw.errors import ConfigurationError
from authmw.http.request import RequestHead
from authmw.identity.principal import Principal
from authmw.identity.scopes import checked_scopes
from authmw.identity.step_up import StepUp

Predicate = Callable[[Principal, RequestHead], bool]
"""A function of the principal and the request that returns a bool. It must not block."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Scopes of which the caller needs only one. Made by `any_of`."""

    scopes: tuple[str, ...]


def any_of(*scopes: str) -> AnyOf:
    """Require only one of `scopes`: ``@requires_scopes(any_of("orders:admin", "orders:write"))``.

    Raises:
        ConfigurationError: there is no scope, or one that RFC 6749 §3.3 does not allow.
    """
    if not scopes:
        raise ConfigurationError('any_of() needs at least one scope: any_of("orders:admin", "orders:write")')
    return AnyOf(checked_scopes(scopes))


class Access(IntEnum):
    """The callers that may call an operation. Of two combined values the greater, stricter one applies."""

    PUBLIC = 0
    """All callers."""
    OPTIONAL = 1
    """All callers. A caller that presents credentials is authenticated, and documents offer the schemes."""
    OWN_CREDENTIALS = 2
    """All callers. The view itself reads the credentials. At a token endpoint they belong to a client and not to a
    user, so that the middleware does not verify, refuse or count them."""
    AUTHENTICATED = 3
    """Authenticated callers."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """The requirement of an operation. ``a & b`` requires what `a` requires and what `b` requires.

    Args:
        access: the callers that may call. An access for all callers has an effect only if nothing else is required.
        scopes: scopes that the caller needs, all of them.
        alternatives: groups of scopes. The caller needs one scope of each group.
        predicates: functions that all have to return True.

    >>> needed = Requirement.all_of("orders:read") & Requirement.all_of("orders:write")
    >>> needed.missing(frozenset({"orders:read"}))
    ('orders:write',)
    """

    access: Access = Access.AUTHENTICATED
    scopes: tuple[str, ...] = ()
    alternatives: tuple[AnyOf, ...] = ()
    predicates: tuple[Predicate, ...] = ()

    @classmethod
    def all_of(cls, *scopes: str | AnyOf) -> Requirement:
        """The requirement of all `scopes`. Of each `AnyOf` among them, one scope is enough.

        Raises:
            ConfigurationError: an argument is neither a scope nor an `AnyOf`. To ignore it would require nothing.
        """
        return cls(
            scopes=checked_scopes(scope for scope in scopes if not isinstance(scope, AnyOf)),
            alternatives=tuple(scope for scope in scopes if isinstance(scope, AnyOf)),
        )

    @classmethod
    def together(cls, asked: Iterable[Requirement]) -> Requirement | None:
        """The requirements in `asked` combined, in their order; None if there are none.

        >>> Requirement.together([Requirement.all_of("a"), Requirement.all_of("b")]).scopes
        ('a', 'b')
        """
        all_asked = tuple(asked)
        if len(all_asked) < 2:
            return all_asked[0] if all_asked else None
        # A predicate need not be hashable.
        predicates: list[Predicate] = []
        for each in chain.from_iterable(asked.predicates for asked in all_asked):
            if each not in predicates:
                predicates.append(each)
        return cls(
            access=max(each.access for each in all_asked),
            scopes=tuple(dict.fromkeys(chain.from_iterable(each.scopes for each in all_asked))),
            alternatives=tuple(dict.fromkeys(chain.from_iterable(each.alternatives for each in all_asked))),
            predicates=tuple(predicates),
        )

    def __and__(self, other: Requirement) -> Requirement:
        together = Requirement.together((self, other))
        return self if together is None else together

    def includes(self, other: Requirement) -> bool:
        """Whether this requirement contains all that `other` requires.

        >>> Requirement.all_of("a", "b").includes(Requirement.all_of("b"))
        True
        """
        return self & other == self & self

    @property
    def public(self) -> bool:
        """Whether the access was declared to be for all callers."""
        return self.access is not Access.AUTHENTICATED

    @property
    def is_open(self) -> bool:
        """Whether all callers are let in: the access is for all callers, and nothing else is required."""
        return self.public and not (self.scopes or self.alternatives or self.predicates)

    @property
    def all_scopes(self) -> tuple[str, ...]:
        """All scopes that the operation names, in the order of declaration. A challenge lists them."""
        named = [*self.scopes, *(scope for group in self.alternatives for scope in group.scopes)]
        return tuple(dict.fromkeys(named))

    @property
    def step_ups(self) -> tuple[StepUp, ...]:
        """The predicates that ask for a login of some age or level."""
        return tuple(each for each in self.predicates if isinstance(each, StepUp))

    def missing(self, granted: frozenset[str]) -> tuple[str, ...]:
        """The required scopes that `granted` lacks. If no scope of a group is granted, the whole group is missing."""
        lacking = [scope for scope in self.scopes if scope not in granted]
        for group in self.alternatives:
            if granted.isdisjoint(group.scopes):
                lacking.extend(group.scopes)
        return tuple(dict.fromkeys(lacking)) if lacking else ()


def predicate_name(predicate: Callable[..., Any]) -> str:
    """The name of a predicate for the log."""
    if isinstance(predicate, StepUp):
        return str(predicate)
    return getattr(predicate, "__qualname__", type(predicate).__name__)


AUTHENTICATED: Final = Requirement()
"""Authentication is required, and no scope."""

PUBLIC: Final = Requirement(Access.PUBLIC)
"""Nothing is required."""

OPTIONAL: Final = Requirement(Access.OPTIONAL)
"""As `PUBLIC`, for an operation that uses the identity of a caller that presents credentials."""

OWN_CREDENTIALS: Final = Requirement(Access.OWN_CREDENTIALS)
"""As `PUBLIC`, for a view that itself authenticates its callers."""
