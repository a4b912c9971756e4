"""Readings of a path: every path for which a proxy, a server, a layer or a router may take the path of a request.

A rule that restricts has to hold for all of them, since the router of the program behind is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import punctuation
from typing import Final, NamedTuple
from unicodedata import normalize
from urllib.parse import unquote

from authmw.http.request import MOST_PREFIXES, ASGIRequest, RequestHead
from authmw.http.target import query_fields, query_values

MOST_READINGS: Final = 64
"""A path with more readings than these is one that no client sends by mistake."""
LONGEST_READ: Final = 8 * 1024
"""The longest path that is read, in characters (nginx: 8 KiB for the whole request line)."""
MOST_READ: Final = 64 * 1024
"""The most characters of all readings together, so that no path takes more than some milliseconds."""
_COST_OF_OTHERS: Final = 8  # to fold a character that is not ASCII costs so much more
_MOST_METHODS: Final = 8
_OVERRIDES: Final = ("x-http-method-override", "x-http-method", "x-method-override")
_OVERRIDING_PARAMETERS: Final = ("_method", "__METHOD_OVERRIDE__")  # of Routes; of a layer in Flask's documentation
_NO_METHODS: Final = frozenset[str]()
_VIRTUAL_ROOT: Final = "x-vhm-root"

# A path that everything reads alike, apart from a slash at its end.
_PLAIN: Final = re.compile(r"(?:/(?!@@|\+\+)[a-z0-9_\-.~@:!$&'()*+,=]*[a-z0-9_\-~@:!$&'()*+,=])+/?|/")
_REPEATED: Final = re.compile(r"/{2,}")
_AUTHORITY: Final = re.compile(r"\A(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//[^/]*")
_SCHEME: Final = re.compile(r"\A[\x00-\x20]*[A-Za-z][A-Za-z0-9+.\-]*:")  # as urllib.parse.urlsplit finds it
_PARAMETERS: Final = re.compile(r";[^/]*")
# Besides control characters: what stands for octets that are no UTF-8, which Bottle leaves out, and characters without
# a width, which the file system HFS+ leaves out.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffd]")
_VIEW_MARKS: Final = re.compile(r"/(?:@@|\+\+view\+\+)")  # of Pyramid's and Zope's traversal
_VIRTUAL_HOSTS: Final = re.compile(r"/VirtualHostBase/[^/]*/[^/]*|/VirtualHostRoot(?:/_vh_[^/]*)*")  # of Zope
_TRAVERSED: Final = re.compile(r":(?:default_)?(?:method|action)(?![-\w])")
_SLASH: Final = re.compile("/")
_NAME_ENDS: Final = re.compile(r"(?<=[^/.\s])[.\s]+(?=/|\Z)")
_DOTS_AND_SPACES: Final = re.compile(r"/[.\s]+(?=/|\Z)")  # Windows takes some of them for dot segments
_PUNCTUATION: Final = dict.fromkeys(map(ord, punctuation.replace("/", "")), "_")
_PATH_ENDS: Final = re.compile(r"[?#\x00]")


class Reading(NamedTuple):
    """One reading of a path.

    Args:
        path: as it is read.
        root: the beginning of `path` that is the prefix where the application is mounted; empty for none. A program
            that reads the prefix too has routes that begin with it, and so only rules that do are about them.
    """

    path: str
    root: str = ""


class Readings(NamedTuple):
    """All readings of a path.

    Args:
        with_case: those of programs for which case counts.
        without_case: those of programs for which it does not, in the form of `folded`.
    """

    with_case: frozenset[Reading]
    without_case: frozenset[Reading]


class _Prefixes(NamedTuple):
    """The prefixes that a layer may cut off a path.

    Args:
        anywhere: those that Litestar cuts off with all that stands before them.
        at_start: `root`, where the path as it came in begins with it: its first occurrence is the right one.
    """

    anywhere: tuple[str, ...]
    at_start: tuple[str, ...]

    def may_be_in(self, path: str) -> bool:
        """Whether a layer may cut one of them off `path`."""
        return path.startswith(self.at_start) or any(prefix in path for prefix in self.anywhere)

    def cut_off(self, path: str) -> Iterator[str]:
        """What layers may read in the place of `path`."""
        for prefix in self.anywhere:
            if prefix in path:
                yield f"/{path.partition(prefix)[2].lstrip('/')}"
        for prefix in self.at_start:
            if path.startswith(prefix):
                yield f"/{path.removeprefix(prefix).lstrip('/')}"


def _prefixes_of(request: RequestHead) -> _Prefixes | None:
    """The prefixes of `request`; None for too many."""
    told, root = request.told_prefixes, request.root
    if len(told) > MOST_PREFIXES:
        return None
    # Under WSGI the path has no prefix in it that a layer would look for.
    begins = not isinstance(request, ASGIRequest) or request.scope["path"].startswith(f"{root.rstrip('/')}/")
    at_start = (root,) if root in told and begins else ()
    return _Prefixes(tuple(each for each in told if each not in at_start), at_start)


def readings_of(request: RequestHead) -> Readings | None:
    """The readings of the path of `request`, with and without ``SCRIPT_NAME`` or ``root_path``; None for too many."""
    path, root, raw = request.path, request.root, request.raw_path
    whole = root + path
    if len(whole) > LONGEST_READ:
        return None
    prefixes, told = _prefixes_of(request), told_paths(request, path)
    told_above = told_paths(request, whole) if told and root else []
    if prefixes is None or told is None or told_above is None:
        return None
    is_plain = not told and _PLAIN.fullmatch(path) and (not root or _PLAIN.fullmatch(whole))
    if is_plain and (raw is None or raw in (path, whole)) and not prefixes.may_be_in(path):
        plain = frozenset(map(Reading, (path, path.rstrip("/") or "/")))
        if root:
            plain |= {_above(each, root) for each in (whole, whole.rstrip("/"))}
        return Readings(plain, plain)
    below = {text for each in (path, *told) for text in _texts(each, request.encoding)}
    above = {text for each in (whole, *told_above) for text in _texts(each, request.encoding)} if root else set[str]()
    if raw is not None:
        (above if root and raw.startswith(f"{root.rstrip('/')}/") else below).add(raw)
    return _readings(below, above, root, prefixes)


def destinations_of(request: RequestHead) -> Readings | None:
    """The readings of the path to which a ``COPY`` or a ``MOVE`` writes (RFC 4918 §10.3); None for too many."""
    value = request.header("destination") or ""
    prefixes = _prefixes_of(request)
    if prefixes is None:
        return None
    return _readings(set[str](), set(_texts(value, "latin-1")) if value else set(), request.root, prefixes)


def _readings(below: set[str], above: set[str], root: str, prefixes: _Prefixes) -> Readings | None:
    """The readings of the paths `below` that are below `root`, and of those `above` that may contain it."""
    found: list[frozenset[Reading]] = []
    for folds in (False, True):
        of_path = _closure(below, prefixes, folds=folds)
        of_whole = _closure(above, prefixes, folds=folds)
        if of_path is None or of_whole is None:
            return None
        prefix = folded(root) if folds else root
        readings = {*map(Reading, of_path), *(_above(each, prefix) for each in of_whole - of_path)}
        found.append(frozenset(each for each in readings if not folds or each.path == folded(each.path)))
    return Readings(*found)


def _above(path: str, root: str) -> Reading:
    """A reading of the whole path. If something has led out of `root`, it is one as any other."""
    return Reading(path, root if path.startswith(f"{root.rstrip('/')}/") else "")


def told_methods(request: RequestHead) -> frozenset[str] | None:
    """The methods that headers and the query name instead of that of `request`; None if they are too many."""
    values = request.told(*_OVERRIDES)
    query = request.query_string
    if "_method" in query or "__METHOD" in query or "%" in query:
        try:
            for each in _as_separated(query):
                values += [value for name in _OVERRIDING_PARAMETERS for value in query_values(each, name)]
        except ValueError:
            return None
    if not values:
        return _NO_METHODS
    if any(value.count(",") >= _MOST_METHODS for value in values):
        return None
    return frozenset(method for value in values for each in value.split(",") if (method := each.strip().upper()))


def methods_of(request: RequestHead) -> frozenset[str] | None:
    """The methods for which a layer may take the method of `request`; None if they are too many.

    ``GET`` for ``HEAD``. A ``MOVE`` deletes what it moves (RFC 4918 §9.9).
    """
    told, method = told_methods(request), request.method
    if told is None:
        return None
    found = {method, method.upper(), *told}
    if "MOVE" in found:
        found.add("DELETE")
    return frozenset("GET" if each == "HEAD" else each for each in found if each)


def told_paths(request: RequestHead, path: str) -> list[str] | None:
    """The paths that a header or the query names instead of `path`, for some routers; None if they are too many.

    Pyramid's traversal begins at the resource that ``X-Vhm-Root`` names, at the root of the host or where a route ends.
    Zope adds the name before ``:method`` in the name of a parameter, or its value, to the path.
    """
    found: list[str] = []
    for value in request.told(_VIRTUAL_ROOT):
        begins = value.strip("/")
        if path.count("/") > MOST_READINGS:
            return None
        ends = {*(each.start() for each in _SLASH.finditer(path)), len(path.rstrip("/"))} if begins else ()
        found += [f"{path[:end]}/{each}{path[end:]}" for end in ends for each in _texts(begins, "latin-1")]
    query = request.query_string
    if ":" in query or "%3" in query:
        try:
            fields = [field for each in _as_separated(query) for field in query_fields(each)]
        except ValueError:
            return None
        for key, value in fields:
            names = (key[: mark.start()] or value for mark in _TRAVERSED.finditer(key))
            found += [f"{path.rstrip('/')}/{each}" for name in names for each in _texts(name, "latin-1")]
            if len(found) > MOST_READINGS:
                return None
    return found


def _as_separated(query: str) -> tuple[str, ...]:
    """`query` as it is read: Bottle ends a parameter at a semicolon too."""
    return (query, query.replace(";", "&")) if ";" in query else (query,)


def folded(path: str) -> str:
    """`path` without the differences that file systems and routers without case ignore.

    >>> folded("/ADMIN/\N{KELVIN SIGN}eys")
    '/admin/keys'
    """
    if path.isascii():
        return path.lower()
    # By way of capitals, since some compare these, and then a dotless i is an i.
    return normalize("NFKC", normalize("NFKC", path).casefold().upper().casefold())


def without_punctuation(path: str) -> str:
    """`path` as CherryPy looks for a handler: each punctuation mark counts as an underscore.

    >>> without_punctuation("/my-page.html/x")
    '/my_page_html/x'
    """
    return path.translate(_PUNCTUATION)


def _texts(path: str, encoding: str) -> Iterator[str]:
    """`path` as text. Under WSGI its octets came as latin-1."""
    yield path
    if not path.isascii() and encoding == "latin-1":
        yield path.encode("latin-1", "replace").decode("utf-8", "replace")


def _closure(paths: set[str], prefixes: _Prefixes, *, folds: bool) -> frozenset[str] | None:
    """`paths`, and all that follow from them by any of the steps, in any order; also by `folded`, if `folds`."""
    found: set[str] = set()
    waiting = list(paths)
    read = 0
    while waiting:
        path = waiting.pop()
        if path not in found:
            read += len(path) if path.isascii() else _COST_OF_OTHERS * len(path)
            if len(path) > LONGEST_READ or read > MOST_READ or len(found) > MOST_READINGS:
                return None
            found.add(path)
            waiting.extend(_next(path, prefixes))
            if folds:
                waiting.append(folded(path))
    return frozenset(found)


def _next(path: str, prefixes: _Prefixes) -> Iterator[str]:
    """What follows from `path` by one step, apart from its case."""
    if not path.startswith("/"):
        yield from _with_slash(path)
    if path.endswith("/"):
        yield path.rstrip("/") or "/"
    if "%" in path:
        yield unquote(path)
        if not path.isascii() or not unquote(path).isascii():
            yield unquote(path, "latin-1")
    if "\\" in path:
        yield path.replace("\\", "/")
    if "//" in path:
        yield _REPEATED.sub("/", path)
        yield _AUTHORITY.sub("", path)
    if _DOTS_AND_SPACES.search(path):
        yield _without_dot_segments(path)
        yield _DOTS_AND_SPACES.sub("/..", path)
        yield _DOTS_AND_SPACES.sub("/", path)
    if ";" in path:
        yield _PARAMETERS.sub("", path)
    if "/@@" in path or "/++" in path:
        yield _VIEW_MARKS.sub("/", path)
    if "/VirtualHost" in path:
        yield _VIRTUAL_HOSTS.sub("", path)
    yield _CONTROLS.sub("", path)
    yield _NAME_ENDS.sub("", path)
    yield _PATH_ENDS.split(path, maxsplit=1)[0]
    yield from prefixes.cut_off(path)


def _with_slash(path: str) -> Iterator[str]:
    """What programs take for the path of a target without a slash at its beginning, as ``*`` and ``x:/admin``."""
    yield f"/{path}"
    yield f"/{path[1:]}"  # Sanic
    yield _SCHEME.sub("", path)  # Quart
    if "/" in path:
        yield path[path.index("/") :]  # Werkzeug's DispatcherMiddleware


def _without_dot_segments(path: str) -> str:
    """`path` with its dot segments removed (RFC 3986 §5.2.4), without a slash for one at its end: no rule needs it."""
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)
