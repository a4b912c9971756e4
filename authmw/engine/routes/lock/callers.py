"""Set of the callers that a requirement lets pass, and whether one such set is in another.

A caller is authenticated or not, has some scopes, and passes some predicates. A requirement lets a caller pass who has
at least one member of each of its clauses: of a scope alone, of a group of `any_of`, of a predicate alone. So it is a
conjunction of disjunctions without negation, and one such set is in another exactly if each clause of the other one
contains a clause of this one: otherwise the caller who lacks that clause, and has everything else, passes here only.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from authmw.engine.routes.lock.predicates import LockedPredicate
from authmw.engine.routes.route import Protection, Route
from authmw.identity.requirement import Requirement


class Identity(Enum):
    """The member of a clause that every authenticated caller has."""

    AUTHENTICATED = "authenticated"


Member = str | LockedPredicate | Identity
"""A scope, a predicate, or being authenticated."""

Clause = frozenset[Member]


class Callers(NamedTuple):
    """The callers that have a member of each clause.

    Args:
        clauses: none for everyone. A clause without members lets nobody pass.
    """

    clauses: frozenset[Clause]

    def unlike(self, other: Callers) -> Clause | None:
        """What a caller lacks who is among these and not among `other`; None if there is no such caller.

        >>> one, other = callers_by(Requirement.all_of("a")), callers_by(Requirement.all_of("a", "b"))
        >>> one.unlike(other), other.unlike(one)
        (frozenset({'b'}), None)
        """
        lacking = (each for each in other.clauses if not any(own <= each for own in self.clauses))
        return min(lacking, key=_order, default=None)

    def __and__(self, other: Callers) -> Callers:
        return Callers(self.clauses | other.clauses)


def _order(clause: Clause) -> tuple[bool, bool, list[str]]:
    """Being authenticated first, then scopes, then predicates."""
    is_scopes = all(isinstance(each, str) for each in clause)
    return Identity.AUTHENTICATED not in clause, not is_scopes, sorted(map(str, clause))


EVERYONE: Final = Callers(frozenset())
NOBODY: Final = Callers(frozenset({frozenset[Member]()}))


def callers_by(requirement: Requirement) -> Callers:
    """The callers that meet `requirement`."""
    if requirement.is_open:
        return EVERYONE
    clauses: list[Clause] = [frozenset({Identity.AUTHENTICATED})]
    clauses += [frozenset({scope}) for scope in requirement.scopes]
    clauses += [frozenset(group.scopes) for group in requirement.alternatives if group.scopes]
    clauses += [frozenset({LockedPredicate.of(each)}) for each in requirement.predicates]
    return Callers(frozenset(clauses))


def callers_of(route: Route) -> Callers:
    """The callers that authmw lets pass to `route`."""
    return callers_behind(route.protection, route.requirement)


def callers_behind(protection: Protection, requirement: Requirement) -> Callers:
    """The callers that pass where there is this protection and this requirement."""
    if protection in (Protection.UNPROTECTED, Protection.MISPLACED, Protection.LEFT_ALONE):
        return EVERYONE
    return NOBODY if protection is Protection.UNREACHABLE else callers_by(requirement)
