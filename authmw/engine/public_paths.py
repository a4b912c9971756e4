"""Public paths: the patterns of paths that need no authentication.

A pattern is compared with the path below ``SCRIPT_NAME`` or ``root_path``, as the server gives it. Only a canonical
path can be public: one without escapes, dot segments, empty segments and other bytes that two layers may read in
different ways. Below a pattern that ends in ``/*`` there may be escapes of octets that no layer takes for anything but
a part of a name. Where the router is not known, every router that is known to differ has to read the path as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

from authmw.engine.path_patterns import COMMON_METHODS, PathPattern, PatternTable, parsed, patterns_in
from authmw.engine.path_readings import told_methods, told_paths
from authmw.errors import ConfigurationError
from authmw.http.login_page import LoginPage
from authmw.http.request import RequestHead
from authmw.http.target import is_canonical, is_canonical_once_decoded

KnowsRouter = Callable[[RequestHead], bool]
"""Says of a request whether the router that finds its view is known to read the path as authmw does: by ``PATH_INFO``,
or by ``path`` below ``root_path``, and with the slash at its end."""

Default = Literal["deny", "allow"]
"""The decision on a request without credentials, for views without a declaration."""

_MOST_ROOTS: Final = 16


class PublicPaths:
    """The paths that need no authentication.

    Args:
        patterns: each ``/health`` (that path), ``/docs/*`` (everything below ``/docs/``), or the same after a
            method: ``GET /docs/*``. ``GET`` includes ``HEAD``. A pattern without a method means all common methods;
            ``TRACE``, ``get`` and any other method are never public.
        setting: the argument that has them, for the messages.
        login: the login page, which is public too; its path is that from the root of the host.

    Raises:
        ConfigurationError: every pattern that could be read in two ways.
    """

    def __init__(
        self, patterns: Iterable[str] = (), setting: str = "public", *, login: LoginPage | None = None
    ) -> None:
        mistakes: list[str] = []
        self.patterns: list[PathPattern] = parsed(patterns_in(patterns), setting, mistakes)
        if mistakes:
            raise ConfigurationError(*mistakes)
        self._table = PatternTable((each, each) for each in self.patterns)
        self._login = login
        self._of_login: dict[str, PublicPaths] = {}

    def matches(self, request: RequestHead, knows_router: KnowsRouter | None = None) -> bool:
        """Whether the path of the request is public, for its method.

        Args:
            request: its path counts both as the server decoded it and as the client sent it.
            knows_router: is asked about a path that not all routers read in the same way. Without it such a path is
                not public.
        """
        if self._matches(request, knows_router):
            return True
        return self._login is not None and self._login_below(request.root).matches(request, knows_router)

    def is_login(self, request: RequestHead, knows_router: KnowsRouter | None = None) -> bool:
        """Whether `request` is for the login page, and no pattern names it."""
        return not self._matches(request, knows_router) and self.matches(request, knows_router)

    def _login_below(self, root: str) -> PublicPaths:
        """The paths of the login page below `root`, where the application is mounted."""
        found = self._of_login.get(root)
        if found is None:
            found = PublicPaths(() if self._login is None else self._login.paths_below(root))
            if len(self._of_login) < _MOST_ROOTS:  # a layer may take the root from a header of the client
                self._of_login[root] = found
        return found

    def _matches(self, request: RequestHead, knows_router: KnowsRouter | None) -> bool:
        """Whether patterns name the path, for the method and for all others that a layer may take instead of it."""
        if not self.patterns or not self._opens(request, request.method, knows_router):
            return False
        told = told_methods(request)
        return told is not None and all(self._opens(request, method, knows_router) for method in told)

    def _opens(self, request: RequestHead, method: str, knows_router: KnowsRouter | None) -> bool:
        if method not in COMMON_METHODS:
            return False
        path = request.path or "/"
        methods = _methods_naming(method)
        if self._names(path, methods):
            is_public, is_read_alike = request.is_canonical, True
        else:
            prefixes = self._prefixes(path, methods)
            is_public = bool(prefixes) and (request.is_canonical or any(_is_name_below(p, request) for p in prefixes))
            # Many routers read /docs/ as /docs, which is not below /docs/.
            name = path.removesuffix("/")
            is_read_alike = name in (path, "") or self._has(name, methods)
        if not is_public:
            return False
        is_read_alike = is_read_alike and request.is_read_alike and self._has_told_paths(request, path, methods)
        return is_read_alike or (knows_router is not None and knows_router(request))

    def _has_told_paths(self, request: RequestHead, path: str, methods: tuple[str, ...]) -> bool:
        told = told_paths(request, path)
        return told is not None and all(
            is_canonical(each) and self._has(each, methods) and self._has(each.rstrip("/"), methods) for each in told
        )

    def _has(self, path: str, methods: tuple[str, ...]) -> bool:
        return self._names(path, methods) or bool(self._prefixes(path, methods))

    def containing(self, pattern: PathPattern) -> Iterator[PathPattern]:
        """The patterns of these paths that name every request which `pattern` names."""
        return self._table.containing(pattern)

    def _names(self, path: str, methods: tuple[str, ...]) -> bool:
        return not self._table.exact(path).keys().isdisjoint(methods)

    def _prefixes(self, path: str, methods: tuple[str, ...]) -> list[str]:
        return [prefix for prefix, by_method in self._table.below(path) if not by_method.keys().isdisjoint(methods)]

    def covers(self, method: str, template: str) -> bool:
        """Whether every path of a route is public.

        Args:
            method: of the route, in capitals; empty for a websocket.
            template: its path, with ``{name}`` for each parameter.

        >>> PublicPaths(["/static/*"]).covers("GET", "/static/{filename}")
        True
        """
        if self._login is not None and self._login_below("").covers(method, template):
            return True
        known = method in COMMON_METHODS or not method
        methods = _methods_naming(method or "GET")
        fixed = template.partition("{")[0]
        return known and (self._names(template, methods) or bool(self._prefixes(fixed, methods)))


def _methods_naming(method: str) -> tuple[str, ...]:
    """The methods of the patterns that name requests with `method`; empty for a pattern without one."""
    return ("", method, "GET") if method == "HEAD" else ("", method)


def _is_name_below(prefix: str, request: RequestHead) -> bool:
    """Whether the rest of the path after `prefix` is a name that every layer reads in the same way, once decoded."""
    path, raw = request.path, request.raw_path
    if not is_canonical_once_decoded(path.encode(request.encoding, "replace"), raw):
        return False
    if raw is None:
        return True
    # No layer has to decode anything to find the prefix.
    root = request.raw_root
    front = None if root is None else root.decode("latin-1") + prefix
    return front is not None and raw.startswith(front) and is_canonical(front)
