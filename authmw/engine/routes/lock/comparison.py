"""Comparison of two locks: where access got looser, where tighter, and what is new.

Access to a route got looser if some caller passes now who did not before: a caller without credentials, one with some
scopes, one whom a predicate lets pass. A predicate whose code has changed counts as another one, since nobody can tell
which callers it lets pass. Patterns of guards are compared where no route has exactly their path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Final

from authmw.engine.path_patterns import COMMON_METHODS, PathPattern, parsed
from authmw.engine.routes.lock.callers import EVERYONE, Callers, Clause, Identity, callers_behind
from authmw.engine.routes.lock.lock import Lock, LockedRoute, written
from authmw.engine.routes.lock.predicates import LockedPredicate
from authmw.engine.routes.patterns import PlacedGuard
from authmw.engine.routes.route import protected
from authmw.identity.requirement import PUBLIC, Requirement

_ANY_NAME: Final = "{any}"


class Direction(Enum):
    """How access to a route differs."""

    LOOSER = "looser"
    """Some caller passes now who did not before."""
    TIGHTER = "tighter"
    """Some caller passed before who does not now, and nobody passes now who did not before."""
    CHANGED = "changed"
    """The same callers pass, by another protection."""
    NEW = "new"
    """The lock does not have the route."""
    GONE = "gone"
    """The lock has the route, and the application does not."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference.

    Args:
        direction: the kind of it.
        label: the route, or what a guard has for a path.
        before: what protected it; empty for a new one.
        now: what protects it; empty for one that is gone.
        why: who passes now, of a looser one.
    """

    direction: Direction
    label: str
    before: str = ""
    now: str = ""
    why: str = ""

    def __str__(self) -> str:
        words = f"{self.direction.value}: {self.label}: "
        words += " -> ".join(each for each in (self.before, self.now) if each)
        return f"{words}: {self.why}" if self.why else words


def changes(before: Lock, now: Lock) -> list[Change]:
    """Every difference between two locks, the looser ones first.

    >>> from authmw import Auth, HTTPBearer
    >>> from authmw.wsgi import AuthMiddleware
    >>> def app(environ, start_response): ...
    >>> closed, opened = (
    ...     Lock.of(AuthMiddleware(app, Auth(HTTPBearer()), public=public)) for public in ([], ["/docs/*"])
    ... )
    >>> for change in changes(closed, opened):
    ...     print(change)
    looser: paths /docs/*: authenticated -> anyone: a caller without credentials passes now
    """
    found = [*_of_routes(before, now), *_of_patterns(before, now)]
    return sorted(found, key=lambda change: list(Direction).index(change.direction))


def _of_routes(before: Lock, now: Lock) -> Iterator[Change]:
    old, new = _by_place(before.routes), _by_place(now.routes)
    for place in dict.fromkeys((*old, *new)):
        was, has = old.get(place, []), new.get(place, [])
        if not was or not has:
            for each in was or has:
                yield (
                    Change(Direction.GONE, each.label, each.words)
                    if was
                    else Change(Direction.NEW, each.label, now=each.words)
                )
            continue
        words = " | ".join(each.words for each in was), " | ".join(each.words for each in has)
        if words[0] != words[1]:
            yield _change(has[0].label, *words, _together(was, has), _together(has, was))


def _by_place(routes: Iterable[LockedRoute]) -> dict[str, list[LockedRoute]]:
    ordered = sorted(routes, key=lambda route: (route.place, route.words))
    return {place: list(group) for place, group in groupby(ordered, lambda route: route.place)}


def _together(routes: Iterable[LockedRoute], others: Iterable[LockedRoute]) -> list[Callers]:
    """The callers of each of `routes` that is not among `others`; of all of them where that leaves none.

    Several routes of one place differ in what a path does not show, such as the host.
    """
    known = [each.words for each in others]
    listed = list(routes)
    differing = [each for each in listed if each.words not in known] or listed
    return [callers_behind(each.protection, each.requirement) for each in differing]


def _change(label: str, before: str, now: str, was: list[Callers], has: list[Callers]) -> Change:
    lacking = next((found for new in has for old in was if (found := new.unlike(old)) is not None), None)
    if lacking is not None:
        return Change(Direction.LOOSER, label, before, now, _who(lacking, has))
    is_tighter = any(old.unlike(new) is not None for new in has for old in was)
    return Change(Direction.TIGHTER if is_tighter else Direction.CHANGED, label, before, now)


def _who(lacking: Clause, has: list[Callers]) -> str:
    """Who passes now: the caller who has everything but the members of `lacking`."""
    if Identity.AUTHENTICATED in lacking:
        return "a caller without credentials passes now"
    scopes = sorted(each for each in lacking if isinstance(each, str))
    if scopes:
        return (
            f"a caller without {scopes[0]} passes now"
            if len(scopes) == 1
            else (f"a caller with none of {' '.join(scopes)} passes now")
        )
    [predicate] = (each for each in lacking if isinstance(each, LockedPredicate))
    members = (each for callers in has for clause in callers.clauses for each in clause)
    if any(isinstance(each, LockedPredicate) and each.name == predicate.name for each in members):
        return f"{predicate.name}() has changed, and may let more callers pass now: read it"
    return f"a caller whom {predicate.name}() refuses passes now"


def _of_patterns(before: Lock, now: Lock) -> Iterator[Change]:
    known = {route.path for lock in (before, now) for route in lock.routes}
    for pattern, group in groupby(_points(before, now), lambda point: point[0]):
        compared = [
            (method, _enforced(before.guards, method, path), _enforced(now.guards, method, path))
            for _, method, path in group
            if path not in known
        ]
        for (was, has), methods in _by_result(compared):
            label = " ".join(
                ("paths" if pattern.endswith("*") else "path", *filter(None, [",".join(methods)]), pattern)
            )
            yield _change(label, written(was[1]), written(has[1]), [was[0]], [has[0]])


_Enforced = tuple[Callers, Requirement]


def _by_result(
    compared: list[tuple[str, _Enforced, _Enforced]],
) -> Iterator[tuple[tuple[_Enforced, _Enforced], list[str]]]:
    """What differs, each with its methods; without methods if it is the same for all of them."""
    found: dict[tuple[str, str], tuple[tuple[_Enforced, _Enforced], list[str]]] = {}
    for method, was, has in compared:
        words = written(was[1]), written(has[1])
        if was[0] != has[0]:
            found.setdefault(words, ((was, has), []))[1].append(method)
    for result, methods in found.values():
        yield result, [] if len(methods) == len(compared) else methods


def _points(before: Lock, now: Lock) -> list[tuple[str, str, str]]:
    """For each pattern of a guard, and for the paths that no pattern names: it, a method, and a path."""
    patterns: dict[str, PathPattern] = {}
    for guard in (*before.guards, *now.guards):
        for pattern in (*_patterns_of(guard), PathPattern("", "/", below=True)):
            placed = pattern._replace(path=guard.prefix + pattern.path)
            patterns.setdefault(str(placed), placed)
    named = {each.method for each in patterns.values() if each.method}
    all_methods = [*sorted(named | COMMON_METHODS - {"HEAD"})]
    return [
        (text, method, pattern.path + (_ANY_NAME if pattern.below else ""))
        for text, pattern in patterns.items()
        for method in ([pattern.method] if pattern.method else all_methods)
    ]


def _patterns_of(guard: PlacedGuard) -> Iterator[PathPattern]:
    settings = guard.settings
    yield from parsed(settings.public, "public", [])
    yield from parsed(settings.leave, "leave", [])
    yield from parsed((text for text, _ in settings.needs), "needs", [])


def _enforced(guards: Iterable[PlacedGuard], method: str, path: str) -> _Enforced:
    """What all guards in front of `path` enforce where the view declares nothing."""
    callers, needed = EVERYONE, PUBLIC
    for guard in guards:
        if path.startswith(f"{guard.prefix}/"):
            protection, requirement = protected(
                None, guard.settings, method=method, path=path.removeprefix(guard.prefix)
            )
            callers, needed = callers & callers_behind(protection, requirement), needed & requirement
    return callers, needed
