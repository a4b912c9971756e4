"""Public paths: the patterns of paths that need no authentication.

A pattern is compared with the path below ``SCRIPT_NAME`` or ``root_path``, as the server gives it. Only a canonical
path can be public: one without escapes, dot segments, empty segments and other bytes that two layers may read in
different ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, cast

from authmw.errors import ConfigurationError
from authmw.http.request import RequestHead

Default = Literal["deny", "allow"]
"""The decision on a request without credentials, for views without a declaration."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})
_PATTERN = re.compile(r"(?:(?P<method>[A-Z]+) )?(?P<path>/[!$&'()+,\-./0-9:=@A-Z_a-z~]*)(?P<below>\*)?")


class PublicPaths:
    """The paths that need no authentication.

    Args:
        patterns: each ``/health`` (that path), ``/docs/*`` (everything below ``/docs/``), or the same after a
            method: ``GET /docs/*``. ``GET`` includes ``HEAD``. A pattern without a method means all common methods;
            ``TRACE``, ``get`` and any other method are never public.

    Raises:
        ConfigurationError: every pattern that could be read in two ways.
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._exact: set[tuple[str, str]] = set()
        self._below: list[tuple[str, str]] = []
        mistakes: list[str] = []
        for pattern in patterns_in(patterns):
            if not isinstance(pattern, str):
                mistakes.append(f'public holds paths, not {pattern!r}: write public=["/health", "GET /docs/*"]')
                continue
            match = _PATTERN.fullmatch(pattern)
            problem = _problem(pattern, match)
            if match is None or problem:
                mistakes.append(f"public pattern {pattern!r}: {problem}")
            elif match["below"]:
                self._below.append((match["method"] or "", match["path"]))
            else:
                self._exact.add((match["method"] or "", match["path"]))
        if mistakes:
            raise ConfigurationError(*mistakes)

    def matches(self, request: RequestHead) -> bool:
        """Whether the path of the request is public, for its method."""
        if not self._exact and not self._below:
            return False
        if request.method not in _METHODS or not request.is_canonical:
            return False
        method, path = request.method, request.path or "/"
        methods = ("", method, "GET") if method == "HEAD" else ("", method)
        return any((each, path) in self._exact for each in methods) or any(
            path.startswith(prefix) for each, prefix in self._below if each in methods
        )

    def covers(self, method: str, template: str) -> bool:
        """Whether every path of a route is public.

        Args:
            method: of the route, in capitals; empty for a websocket.
            template: its path, with ``{name}`` for each parameter.

        >>> PublicPaths(["/static/*"]).covers("GET", "/static/{filename}")
        True
        """
        known = method in _METHODS or not method
        methods = ("", method or "GET", "GET" if method == "HEAD" else "")
        fixed = template.partition("{")[0]
        return known and (
            any((each, template) in self._exact for each in methods)
            or any(fixed.startswith(prefix) for each, prefix in self._below if each in methods)
        )


def patterns_in(given: object) -> tuple[object, ...]:
    """The patterns in `given`, one by one: a string is one pattern, and so is an object that is no collection."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        return (given,)
    return tuple(cast("Iterable[object]", given))


def _problem(pattern: str, match: re.Match[str] | None) -> str:
    if match is None:
        method, space, path = pattern.rpartition(" ")
        if space and method.isalpha() and not method.isupper() and path.startswith("/"):
            return f"a method is written in capitals: write {method.upper()} {path}"
        if re.search(r"[{}<>]", path):
            return "patterns have no placeholders: write /docs/* for everything below /docs/"
        if "*" in path[:-1]:
            return "* is allowed at the end only: write /docs/* for everything below /docs/"
        return "write a path as /health or /docs/*, or a method and a path as GET /docs/*"
    if match["method"] and match["method"] not in _METHODS:
        return f"{match['method']} is no known method: use one of {', '.join(sorted(_METHODS))}"
    if match["below"] and not match["path"].endswith("/"):
        return f"* needs a slash before it: write {pattern[:-1]}/* for everything below, {pattern[:-1]} for itself"
    if "//" in match["path"] or re.search(r"/\.{1,2}(?:/|$)", match["path"]):
        return "empty and dot segments never match: write the path without them"
    return ""
