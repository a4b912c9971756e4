"""Which path needs what: default deny with public patterns.

A pattern is compared with the path below ``SCRIPT_NAME`` or ``root_path`` as the server gives it, and only when that
path is canonical (PATH-1): one that two layers may read differently is not public, whatever it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, cast

from authmw.errors import ConfigurationError
from authmw.http.request import RequestHead

Default = Literal["deny", "allow"]
"""What happens to a request without credentials where nothing else is said."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})
_PATTERN = re.compile(r"(?:(?P<method>[A-Z]+) )?(?P<path>/[!$&'()+,\-./0-9:=@A-Z_a-z~]*)(?P<below>\*)?")


class PublicPaths:
    """The paths that nobody needs to be authenticated for.

    Args:
        patterns: each ``/health`` (that path), ``/docs/*`` (everything below ``/docs/``), or the same behind a
            method: ``GET /docs/*``. ``GET`` stands for ``HEAD`` too. Without a method all common ones are meant;
            ``TRACE``, ``get`` and whatever else a client thinks of are never public.

    Raises:
        ConfigurationError: every pattern that could mean something else than it says.
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
        """Whether the request asks for a public path."""
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
            template: its path, with ``{name}`` where something is filled in.

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
    """What was given for patterns, one by one: text is one pattern, and what is no collection is looked at as one."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        return (given,)
    return tuple(cast("Iterable[object]", given))


def _problem(pattern: str, match: re.Match[str] | None) -> str:
    if match is None:
        method, space, path = pattern.rpartition(" ")
        if space and method.isalpha() and not method.isupper() and path.startswith("/"):
            return f"the method stands in capitals: write {method.upper()} {path}"
        if re.search(r"[{}<>]", path):
            return "there are no placeholders: write /docs/* for everything below /docs/"
        if "*" in path[:-1]:
            return "* stands at the end only: write /docs/* for everything below /docs/"
        return "write a path as /health or /docs/*, with a method before it if need be: GET /docs/*"
    if match["method"] and match["method"] not in _METHODS:
        return f"{match['method']} is no method; use one of {', '.join(sorted(_METHODS))}"
    if match["below"] and not match["path"].endswith("/"):
        return f"* stands behind a slash only: write {pattern[:-1]}/* for everything below, {pattern[:-1]} for itself"
    if "//" in match["path"] or re.search(r"/\.{1,2}(?:/|$)", match["path"]):
        return "empty and dot segments never match: write the path without them"
    return ""
