"""Path patterns: the one language of ``public=``, ``leave=`` and ``needs=``, as ``GET /docs/*``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

_METHOD: Final = r"(?:(?P<method>[A-Z]+(?:-[A-Z]+)*) )?"
# A pattern that opens has to be a canonical path. One that restricts may have any name in it, as it is after decoding.
_OPENING: Final = re.compile(_METHOD + r"(?P<path>/[!$&'()+,\-./0-9:=@A-Z_a-z~]*)(?P<below>\*)?")
_RESTRICTING: Final = re.compile(_METHOD + r"(?P<path>/[^*{}<>%\\;?#\x00-\x1f\x7f-\x9f\ufffd]*)(?P<below>\*)?")
COMMON_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})
"""The methods that a pattern without a method opens."""

_NO_VALUES: Final[Mapping[str, Any]] = MappingProxyType({})

T = TypeVar("T")


class PathPattern(NamedTuple):
    """A parsed pattern.

    Args:
        method: in capitals; empty for all.
        path: ``/health``, or the beginning ``/docs/`` of all paths below.
        below: whether it names the paths below `path`.
    """

    method: str
    path: str
    below: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}{'*' if self.below else ''}".lstrip()


class PatternTable(Generic[T]):
    """Values by pattern. What a path costs depends on its length and not on the number of patterns.

    Args:
        values: for each pattern, its value.
    """

    def __init__(self, values: Iterable[tuple[PathPattern, T]]) -> None:
        self._exact: dict[str, dict[str, T]] = {}
        self._below: dict[str, dict[str, T]] = {}
        for pattern, value in values:
            table = self._below if pattern.below else self._exact
            table.setdefault(pattern.path, {})[pattern.method] = value
        self._depth = max((path.count("/") for path in self._below), default=0)

    def exact(self, path: str) -> Mapping[str, T]:
        """The values of the patterns that are `path`, by method."""
        return self._exact.get(path, _NO_VALUES)

    def below(self, path: str) -> Iterator[tuple[str, Mapping[str, T]]]:
        """The beginnings of `path` that are patterns with a star, the longest first, each with its values by method."""
        ends: list[int] = []
        end = path.find("/") + 1
        while end and len(ends) < self._depth:
            ends.append(end)
            end = path.find("/", end) + 1
        for end in reversed(ends):
            found = self._below.get(path[:end])
            if found is not None:
                yield path[:end], found

    def containing(self, pattern: PathPattern) -> Iterator[T]:
        """The values of the patterns that name every request which `pattern` names, by their plain paths.

        >>> table = PatternTable([(PathPattern("", "/docs/", True), "docs"), (PathPattern("POST", "/", True), "posts")])
        >>> list(table.containing(PathPattern("GET", "/docs/intro", False)))
        ['docs']
        """
        found = [by_method for _, by_method in self.below(pattern.path)]
        if not pattern.below:
            found.insert(0, self.exact(pattern.path))
        for by_method in found:
            yield from (by_method[method] for method in dict.fromkeys(("", pattern.method)) if method in by_method)


def patterns_in(given: object) -> tuple[object, ...]:
    """The patterns in `given`, one by one: a string is one pattern, and so is an object that is no collection."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        return (given,)
    return tuple(cast("Iterable[object]", given))


def parsed(patterns: Iterable[object], setting: str, mistakes: list[str]) -> list[PathPattern]:
    """The `patterns` that are well formed. A sentence for each other one is added to `mistakes`.

    Args:
        patterns: as they were given.
        setting: the argument that has them: ``public``, ``leave`` or ``needs``.
        mistakes: gets the sentences.
    """
    restricts = setting == "needs"
    found: list[PathPattern] = []
    for pattern in patterns:
        if not isinstance(pattern, str):
            example = '{"/admin/*": "admin"}' if restricts else '["/health", "GET /docs/*"]'
            mistakes.append(f"{setting} holds paths, not {pattern!r}: write {setting}={example}")
            continue
        match = (_RESTRICTING if restricts else _OPENING).fullmatch(pattern)
        problem = _problem(pattern, match, restricts=restricts)
        if match is None or problem:
            mistakes.append(f"{setting} pattern {pattern!r}: {problem}")
        else:
            found.append(PathPattern(match["method"] or "", match["path"], bool(match["below"])))
    return found


def _problem(pattern: str, match: re.Match[str] | None, *, restricts: bool) -> str:
    if match is None:
        method, space, path = pattern.rpartition(" ")
        several = [each for each in re.split(r"[,| ]+", method) if each]
        if path.startswith("/") and len(several) > 1 and all(each.isalpha() for each in several):
            if {each.upper() for each in several} == {"GET", "HEAD"}:
                return f"GET means HEAD too: write GET {path}"
            return f"a pattern has one method: write {' and '.join(f'{each.upper()} {path}' for each in several)}"
        if method.isalpha() and not method.isupper() and path.startswith("/"):
            return f"a method is written in capitals: write {method.upper()} {path}"
        if re.search(r"[{}<>]", path):
            before = re.split(r"[{<]", pattern)[0]
            return f"patterns have no placeholders: write {before[: before.rindex('/') + 1]}* for everything below"
        if "*" in path[:-1]:
            return "* is allowed at the end only: write /docs/* for everything below /docs/"
        if restricts and "%" in path:
            return "a name is written as it is after decoding: write /my files/* for /my%20files/*"
        if not space and re.fullmatch(r"[\w.-]+", path):
            return f"a path begins with a slash: write /{path}"
        return "write a path as /health or /docs/*, or a method and a path as GET /docs/*"
    if restricts and match["method"] == "HEAD":
        return f"HEAD needs what GET needs: write GET {pattern.removeprefix('HEAD ')}"
    if not restricts and match["method"] and match["method"] not in COMMON_METHODS:
        return f"{match['method']} is no known method: use one of {', '.join(sorted(COMMON_METHODS))}"
    if match["below"] and not match["path"].endswith("/"):
        return f"* needs a slash before it: write {pattern[:-1]}/* for everything below, {pattern[:-1]} for itself"
    if "//" in match["path"] or re.search(r"/\.{1,2}(?:/|$)", match["path"]):
        return "empty and dot segments never match: write the path without them"
    return ""
