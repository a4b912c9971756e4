"""Which path needs what: default deny with public patterns.

A pattern is compared with the path below ``SCRIPT_NAME`` or ``root_path`` as the server gives it, and only when that
path is canonical (PATH-1): one that two layers may read differently is not public, whatever it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from authmw.errors import ConfigurationError
from authmw.request import RequestHead

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
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
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


def _problem(pattern: str, match: re.Match[str] | None) -> str:
    if match is None:
        return "write a path as /health or /docs/*, with a method before it if need be: GET /docs/*"
    if match["method"] and match["method"] not in _METHODS:
        return f"{match['method']} is no method; use one of {', '.join(sorted(_METHODS))}"
    if match["below"] and not match["path"].endswith("/"):
        return f"* stands behind a slash only: write {pattern[:-1]}/* for everything below, {pattern[:-1]} for itself"
    if "//" in match["path"] or re.search(r"/\.{1,2}(?:/|$)", match["path"]):
        return "empty and dot segments never match: write the path without them"
    return ""
