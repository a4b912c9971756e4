"""Rules from outside: what the paths of a program need that cannot be edited.

A rule restricts, so that it matches generously: the caller has to meet the rules of all readings of the path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final, TypeAlias, cast

from authmw.engine.decorators import Requires, authenticated, optionally_authenticated, public, requires_scopes
from authmw.engine.path_patterns import PathPattern, PatternTable, parsed
from authmw.engine.path_readings import (
    Reading,
    Readings,
    destinations_of,
    folded,
    methods_of,
    readings_of,
    without_punctuation,
)
from authmw.errors import ConfigurationError
from authmw.http.request import RequestHead
from authmw.identity.requirement import AUTHENTICATED, PUBLIC, AnyOf, Requirement, predicate_name

Needed: TypeAlias = object
"""What a rule needs: a scope, an `any_of`, several of these as a list or a tuple, what `requires` or `requires_scopes`
returned, or the decorator `authenticated`."""

Needs: TypeAlias = Mapping[str, Needed]
"""What the paths of an application need: patterns, each with what it needs."""

# Methods of WebDAV (RFC 4918 §9) that concern more than the path of the request.
_WRITES_ELSEWHERE: Final = frozenset({"COPY", "MOVE"})
_OF_TREES: Final = frozenset({"COPY", "MOVE", "DELETE"})
_LISTS: Final = frozenset({"PROPFIND", "REPORT", "SEARCH"})
_NEEDS: Final = 'needs={"/admin/*": "admin"}'


class PathRules:
    """The rules of a middleware.

    Args:
        needs: pattern → what it needs. The longest path wins, and of one path the pattern with a method. ``GET`` means
            ``HEAD`` too.

    Raises:
        ConfigurationError: every pattern and every requirement that cannot be read, and patterns that differ only in
            their case.

    >>> rules = PathRules({"/api/*": "write", "GET /api/*": "read"})
    >>> rules.covering("GET", "/api/orders").scopes, rules.covering("POST", "/api/orders").scopes
    (('read',), ('write',))
    """

    def __init__(self, needs: Needs | None = None) -> None:
        mistakes: list[str] = []
        self.by_pattern: dict[PathPattern, Requirement] = {}
        if needs is not None and not isinstance(needs, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"needs= is a mapping of patterns to what they need: write {_NEEDS}")
        for given, needed in (needs or {}).items():
            for pattern in parsed((given,), "needs", mistakes):
                try:
                    self.by_pattern[pattern] = _requirement(needed)
                except ConfigurationError as error:
                    mistakes += [f"needs pattern {given!r}: {each}" for each in error.mistakes]
        alike: dict[PathPattern, PathPattern] = {}
        for pattern in self.by_pattern:
            first = alike.setdefault(pattern._replace(path=folded(pattern.path)), pattern)
            if first != pattern:
                mistakes.append(f"needs has the patterns {first} and {pattern}: paths count without case, so keep one")
        if mistakes:
            raise ConfigurationError(*mistakes)
        self._written = PatternTable(self.by_pattern.items())
        self._without_case = (
            self._written
            if alike.keys() == self.by_pattern.keys()
            else PatternTable((each, self.by_pattern[pattern]) for each, pattern in alike.items())
        )
        self._spelled = self._without_punctuation()
        self._methods = frozenset(pattern.method for pattern in self.by_pattern)

    def __bool__(self) -> bool:
        return bool(self.by_pattern)

    def requirement(self, request: RequestHead) -> Requirement | None:
        """What the rules need for `request`; None if no rule names it. Of each reading of its path, the rule counts."""
        readings, methods = readings_of(request), methods_of(request)
        if readings is None or methods is None:
            return self._all
        found: dict[int, Requirement] = {}
        self._find(readings, methods, found)
        reached = [readings]
        if not methods.isdisjoint(_WRITES_ELSEWHERE):
            destinations = destinations_of(request)
            if destinations is None:
                return self._all
            self._find(destinations, methods | {"PUT"}, found)
            reached.append(destinations)
        if not methods.isdisjoint(_OF_TREES) or (not methods.isdisjoint(_LISTS) and not _is_shallow(request)):
            for each in reached:
                self._find_below(each, methods, found)
        return Requirement.together(found.values())

    def _find(self, readings: Readings, methods: Iterable[str], found: dict[int, Requirement]) -> None:
        """Add to `found` what the rules need for any of `readings` and any of `methods`, by its identity."""
        # The rules as they are written count for a path in its own case, so that a rule for /RPC2 is an exception from
        # one for /*; and without case, those of all paths that differ in nothing else.
        looked_up = [(self._written, readings.with_case)]
        if self._without_case is not self._written or readings.without_case is not readings.with_case:
            looked_up.append((self._without_case, readings.without_case))
        if self._spelled is not None:
            spelled = frozenset(Reading(without_punctuation(path), root) for path, root in readings.without_case)
            looked_up.append((self._spelled, spelled))
        named = self._named(methods)
        for table, paths in looked_up:
            for reading in paths:
                for method in named:
                    rule = _rule(table, reading, method)
                    if rule is not None:
                        found[id(rule)] = rule

    def _find_below(self, readings: Readings, methods: Iterable[str], found: dict[int, Requirement]) -> None:
        """Add to `found` what the rules need for anything below any of `readings`."""
        for path, _ in readings.without_case:
            prefix = path if path.endswith("/") else f"{path}/"
            for method in self._named(methods):
                rule = self._below.get((prefix, method))
                if rule is not None:
                    found[id(rule)] = rule

    def _named(self, methods: Iterable[str]) -> set[str]:
        """The members of `methods` that patterns name, and one empty for all others, which need the same."""
        return {method if method in self._methods else "" for method in methods}

    @cached_property
    def _below(self) -> dict[tuple[str, str], Requirement | None]:
        """By path and method: what all patterns below the path need together."""
        found: dict[tuple[str, str], list[Requirement]] = {}
        for pattern, needed in self.by_pattern.items():
            path = folded(pattern.path)
            for method in (pattern.method,) if pattern.method else self._methods | {""}:
                if method != pattern.method and pattern._replace(method=method) in self.by_pattern:
                    continue
                end = path.find("/") + 1
                while end:
                    found.setdefault((path[:end], method), []).append(needed)
                    end = path.find("/", end) + 1
        return {place: Requirement.together(each) for place, each in found.items()}

    def covering(self, method: str, template: str) -> Requirement | None:
        """What the rules need for every path of a route; None if no rule names all of them.

        Args:
            method: of the route, in capitals; empty for a websocket or a mount.
            template: its path, with ``{name}`` for each parameter; of a mount ``/admin/*``.

        >>> PathRules({"/orders/*": "read"}).covering("GET", "/orders/{number}").scopes
        ('read',)
        """
        if template.endswith("/*"):
            method = ""  # a mount: its rule has to be one for all methods
        elif method in ("", "HEAD"):
            method = "GET"
        return _rule(self._written, Reading(template), method)

    def _without_punctuation(self) -> PatternTable[Requirement] | None:
        """The rules by their paths without punctuation and case; None if no path has punctuation.

        Of patterns that are the same then, the caller has to meet all.
        """
        alike: dict[PathPattern, list[Requirement]] = {}
        for pattern, needed in self.by_pattern.items():
            path = without_punctuation(folded(pattern.path))
            alike.setdefault(pattern._replace(path=path), []).append(needed)
        if not any("_" in pattern.path for pattern in alike):
            return None
        together = ((pattern, Requirement.together(each)) for pattern, each in alike.items())
        return PatternTable((pattern, needed) for pattern, needed in together if needed is not None)

    @cached_property
    def _all(self) -> Requirement | None:
        """What all rules need together, for a path that cannot be read."""
        return Requirement.together(dict.fromkeys(self.by_pattern.values()))


def _rule(table: PatternTable[Requirement], reading: Reading, method: str) -> Requirement | None:
    """The requirement of the longest pattern that names the path and, of one path, of the pattern with the method."""
    path, root = reading
    for exact in (table.exact(path), table.exact(f"{path}/")):  # a router redirects to the slash, or serves the same
        if method in exact or "" in exact:
            return exact.get(method) or exact.get("")
    for beginning, by_method in table.below(path if path.endswith("/") else f"{path}/"):
        if len(beginning) < len(root):
            return None
        if method in by_method or "" in by_method:
            return by_method.get(method) or by_method.get("")
    return None


def _is_shallow(request: RequestHead) -> bool:
    """Whether a listing ends at the members of its path (RFC 4918 §10.2). Without this header it does not (§9.1)."""
    return request.header("depth") in ("0", "1")


def _requirement(needed: Needed) -> Requirement:
    if needed is authenticated:
        return AUTHENTICATED
    if isinstance(needed, Requires):
        return needed.requirement
    if isinstance(needed, Requirement) and not needed.public:
        return needed
    if isinstance(needed, str | AnyOf):
        return Requirement.all_of(needed)
    if isinstance(needed, Iterable):
        scopes = tuple(cast("Iterable[str | AnyOf]", needed))
        if scopes:
            return Requirement.all_of(*scopes)
        # It may be meant as nothing, or as anyone who is authenticated.
        raise ConfigurationError(f"an empty {type(cast('object', needed)).__name__} says nothing: {_OPEN_OR_CLOSED}")
    raise ConfigurationError(_instead_of(needed))


_OPEN_OR_CLOSED: Final = "write authenticated for anyone who is logged in, or name the path in public="


def _instead_of(needed: object) -> str:
    """The sentence for a value of ``needs=`` that is nothing which a caller can need."""
    if any(needed is each for each in (public, optionally_authenticated, None, False, PUBLIC)):
        return f"a rule says what a caller needs: {_OPEN_OR_CLOSED}"
    if needed is requires_scopes:
        return 'requires_scopes needs its scopes: write "orders:read", or requires_scopes("orders:read")'
    if needed is True:
        return "True names no caller: write authenticated"
    if callable(needed):
        name = predicate_name(needed) if predicate_name(needed).isidentifier() else "lambda principal, request: ..."
        return f"a function is given to requires: write requires({name})"
    return (
        f"a {type(needed).__name__} is nothing that a caller can need: write a scope, a list of scopes, any_of(...), "
        "requires(...) or authenticated"
    )
