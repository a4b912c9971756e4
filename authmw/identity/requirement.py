"""What a route asks for: nothing (public), anyone, all of or any of some scopes, a predicate. They accumulate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an operation asks of its caller. Combine two with ``&``: the result asks for both.

    Args:
        public: nobody needs to be authenticated. Holds only while nothing else is asked for.
        scopes: all of these are needed.
        alternatives: of each of these groups, one scope is needed.
        predicates: each has to answer True.
        optional: with `public`: who presents credentials is treated as somebody, and documents offer the schemes.

    >>> needed = Requirement.all_of("orders:read") & Requirement.all_of("orders:write")
    >>> needed.missing(frozenset({"orders:read"}))
    ('orders:write',)
    """

    public: bool = False
    scopes: tuple[str, ...] = ()
    alternatives: tuple[AnyOf, ...] = ()
    predicates: tuple[Predicate, ...] = ()
    optional: bool = False

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
            public=self.public and other.public,
            scopes=tuple(dict.fromkeys(self.scopes + other.scopes)),
            alternatives=tuple(dict.fromkeys(self.alternatives + other.alternatives)),
            predicates=self.predicates + tuple(each for each in other.predicates if each not in self.predicates),
            optional=self.public and other.public and (self.optional or other.optional),
        )

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

PUBLIC: Final = Requirement(public=True)
"""Nobody needs to be authenticated."""

OPTIONAL: Final = Requirement(public=True, optional=True)
"""As `PUBLIC`, for an operation that tells its callers apart when they present credentials."""

OWN_CREDENTIALS: Final = Requirement(public=True)
"""As `PUBLIC`, from which ``is`` tells it; and what answers the request reads its credentials itself. Those of a client
at a token endpoint are no user's: nobody else is to try them, refuse them or count them."""
