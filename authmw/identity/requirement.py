"""What a route asks for: nothing (public), anyone, all of or any of some scopes, a predicate. They accumulate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from authmw.http.request import RequestHead
from authmw.identity.principal import Principal
from authmw.identity.scopes import checked_scopes

Predicate = Callable[[Principal, RequestHead], bool]
"""A question about the principal and the request. It answers a bool, and it does not block."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Scopes of which one is enough; made by `any_of`."""

    scopes: tuple[str, ...]


def any_of(*scopes: str) -> AnyOf:
    """One of `scopes` is enough: ``@requires_scopes(any_of("orders:admin", "orders:write"))``.

    Raises:
        ConfigurationError: no scope, or one that RFC 6749 §3.3 does not allow.
    """
    from authmw.errors import ConfigurationError

    if not scopes:
        raise ConfigurationError("any_of() needs at least one scope: nobody can have one of none")
    return AnyOf(checked_scopes(scopes))


class Access(IntEnum):
    """Who may call at all. Of two that are combined the stricter one holds, which is the greater."""

    PUBLIC = 0
    """Anybody."""
    OPTIONAL = 1
    """Anybody; a caller who presents credentials is authenticated, and documents offer the schemes."""
    OWN_CREDENTIALS = 2
    """Anybody; the view reads the credentials itself. Those of a client at a token endpoint are no user's, so the
    middleware neither verifies, refuses nor counts them."""
    AUTHENTICATED = 3
    """Anyone who is authenticated."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an operation asks of its caller. Combine two with ``&``: the result asks for both.

    Args:
        access: who may call at all. What lets anybody in holds only while nothing else is asked for.
        scopes: all of these are needed.
        alternatives: of each of these groups, one scope is needed.
        predicates: each has to answer True.

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
        """All of `scopes`, an `AnyOf` among them standing for one of its own.

        Raises:
            ConfigurationError: something among them is neither. Dropped in silence, it would ask for nothing.
        """
        return cls(
            scopes=checked_scopes(scope for scope in scopes if not isinstance(scope, AnyOf)),
            alternatives=tuple(scope for scope in scopes if isinstance(scope, AnyOf)),
        )

    @classmethod
    def together(cls, asked: Iterable[Requirement]) -> Requirement | None:
        """All of what is asked for, in that order; None when nothing was.

        >>> Requirement.together([Requirement.all_of("a"), Requirement.all_of("b")]).scopes
        ('a', 'b')
        """
        found: Requirement | None = None
        for each in asked:
            found = each if found is None else found & each
        return found

    def __and__(self, other: Requirement) -> Requirement:
        return Requirement(
            access=max(self.access, other.access),
            scopes=tuple(dict.fromkeys(self.scopes + other.scopes)),
            alternatives=tuple(dict.fromkeys(self.alternatives + other.alternatives)),
            predicates=self.predicates + tuple(each for each in other.predicates if each not in self.predicates),
        )

    def includes(self, other: Requirement) -> bool:
        """Whether `other` asks for nothing that this does not ask for.

        >>> Requirement.all_of("a", "b").includes(Requirement.all_of("b"))
        True
        """
        return self & other == self & self

    @property
    def public(self) -> bool:
        """Whether it was declared that anybody may call."""
        return self.access is not Access.AUTHENTICATED

    @property
    def is_open(self) -> bool:
        """Whether nobody needs to be authenticated: it is public, and asks for nothing else."""
        return self.public and not (self.scopes or self.alternatives or self.predicates)

    @property
    def all_scopes(self) -> tuple[str, ...]:
        """Every scope the operation names, in the order of declaration: what a challenge lists."""
        named = [*self.scopes, *(scope for group in self.alternatives for scope in group.scopes)]
        return tuple(dict.fromkeys(named))

    def missing(self, granted: frozenset[str]) -> tuple[str, ...]:
        """The scopes that `granted` lacks; of a group with none granted, all."""
        lacking = [scope for scope in self.scopes if scope not in granted]
        for group in self.alternatives:
            if granted.isdisjoint(group.scopes):
                lacking.extend(group.scopes)
        return tuple(dict.fromkeys(lacking))


def predicate_name(predicate: Callable[..., Any]) -> str:
    """What to call a predicate in a log."""
    return getattr(predicate, "__qualname__", type(predicate).__name__)


AUTHENTICATED: Final = Requirement()
"""Anyone, as long as they are authenticated."""

PUBLIC: Final = Requirement(Access.PUBLIC)
"""Nobody needs to be authenticated."""

OPTIONAL: Final = Requirement(Access.OPTIONAL)
"""As `PUBLIC`, for an operation that tells its callers apart when they present credentials."""

OWN_CREDENTIALS: Final = Requirement(Access.OWN_CREDENTIALS)
"""As `PUBLIC`, for a view that authenticates its callers itself."""
