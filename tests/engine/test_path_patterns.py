"""The table of path patterns: it finds what reading all patterns one by one finds, at a cost that does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authmw import Auth, ConfigurationError, HTTPBearer
from authmw.engine.path_patterns import PathPattern, PatternTable
from authmw.engine.path_rules import PathRules
from authmw.engine.public_paths import PublicPaths
from authmw.http.request import ASGIRequest, RequestHead, WSGIRequest
from authmw.wsgi import AuthMiddleware


class OneByOne:
    """A `PatternTable` that reads all patterns for each path."""

    def __init__(self, values: Iterable[tuple[PathPattern, Any]]) -> None:
        self._values = list(values)

    def exact(self, path: str) -> Mapping[str, Any]:
        return {each.method: value for each, value in self._values if not each.below and each.path == path}

    def below(self, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        below = [(each, value) for each, value in self._values if each.below and path.startswith(each.path)]
        for beginning in sorted({each.path for each, _ in below}, key=len, reverse=True):
            yield beginning, {each.method: value for each, value in below if each.path == beginning}

    def containing(self, pattern: PathPattern) -> Iterator[Any]:
        for each, value in self._values:
            if each.method in ("", pattern.method) and (
                pattern.path.startswith(each.path) if each.below else not pattern.below and each.path == pattern.path
            ):
                yield value


SEGMENTS = ("a", "b", "A", "a.b", "a_b", "admin", "users")
METHODS = ("", "GET ", "POST ", "HEAD ")


def written(methods: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Patterns that are well formed."""
    paths = st.lists(st.sampled_from(SEGMENTS), max_size=4).map("/".join)
    ends = st.sampled_from(("", "/", "/*"))
    return st.builds(_pattern, st.sampled_from(methods), paths, ends)


def _pattern(method: str, path: str, end: str) -> str:
    return f"{method}/{path}{end}" if path else f"{method}/{end.removeprefix('/')}"


PATTERNS = st.lists(written(METHODS), max_size=12, unique=True)
PATHS = st.lists(st.sampled_from((*SEGMENTS, "..", ".", "", "%61", "a;b", "USERS", "é")), max_size=6).map("/".join)
REQUESTS = st.tuples(
    st.sampled_from(("GET", "HEAD", "POST", "DELETE", "TRACE", "MOVE", "PROPFIND")),
    PATHS,
    st.sampled_from(("", "", "/a", "/a/b")),
    st.booleans(),
)


def head(method: str, path: str, root: str, *, is_asgi: bool) -> RequestHead:
    """The head of a request to `path` below `root`."""
    if not is_asgi:
        return WSGIRequest({"REQUEST_METHOD": method, "SCRIPT_NAME": root, "PATH_INFO": f"/{path}"})
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "root_path": root,
        "path": f"{root}/{path}",
        "headers": [],
    }
    return ASGIRequest({**scope, "headers": [], "raw_path": f"{root}/{path}".encode()})


def knows_all(request: RequestHead) -> bool:
    """A router that reads every path as authmw does."""
    return True


def of_one_by_one(make: Any, given_: Any) -> Any:
    """What `make` makes of `given_` with tables that read one by one."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("public_paths", "path_rules"):
            patch.setattr(f"authmw.engine.{module}.PatternTable", OneByOne)
        return make(given_)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, REQUESTS)
@example(["/a/*", "/a"], ("GET", "a/", "", False))
def test_the_same_paths_are_public_as_when_all_patterns_are_read(
    patterns: list[str], request_: tuple[str, str, str, bool]
) -> None:
    table, one_by_one = PublicPaths(patterns), of_one_by_one(PublicPaths, patterns)
    request = head(*request_[:3], is_asgi=request_[3])
    assert table.matches(request) is one_by_one.matches(request)
    assert table.matches(request, knows_all) is one_by_one.matches(request, knows_all)
    assert table.covers(request.method, f"/{request_[1]}") is one_by_one.covers(request.method, f"/{request_[1]}")


@settings(max_examples=300, deadline=None)
@given(st.lists(written(("", "GET ", "POST ", "DELETE ")), max_size=12, unique_by=str.lower), REQUESTS)
def test_a_request_needs_the_same_as_when_all_rules_are_read(
    patterns: list[str], request_: tuple[str, str, str, bool]
) -> None:
    needs = {pattern: f"s{number}" for number, pattern in enumerate(patterns)}
    rules, one_by_one = PathRules(needs), of_one_by_one(PathRules, needs)
    request = head(*request_[:3], is_asgi=request_[3])
    needed, expected = rules.requirement(request), one_by_one.requirement(request)
    assert _scopes(needed) == _scopes(expected)
    method, template = request.method, f"/{request_[1]}"
    assert rules.covering(method, template) == one_by_one.covering(method, template)
    assert rules.covering("", f"{template}/*") == one_by_one.covering("", f"{template}/*")


def _scopes(needed: Any) -> set[str]:
    return set() if needed is None else set(needed.scopes)


@given(PATTERNS, written(METHODS))
def test_the_patterns_that_contain_another_are_those_that_are_found_one_by_one(patterns: list[str], other: str) -> None:
    (pattern,) = PublicPaths([other]).patterns
    values = [(each, each) for each in PublicPaths(patterns).patterns]
    found = list(PatternTable(values).containing(pattern))
    assert len(found) == len(set(found))
    assert set(found) == set(OneByOne(values).containing(pattern))


def test_every_pattern_that_contains_a_rule_is_told() -> None:
    with pytest.raises(ConfigurationError) as error:
        AuthMiddleware(
            lambda environ, start_response: [],
            Auth(HTTPBearer(lambda token: None)),
            public=["/a/*", "POST /*", "/a/b"],
            leave=["/c/*"],
            needs={"/a/b": "x", "GET /c/d/*": "y", "/d": "z", "/a": "z"},
        )
    assert sorted(error.value.mistakes) == [
        "needs pattern '/a/b' never applies, since public has '/a/*': take one of them out",
        "needs pattern '/a/b' never applies, since public has '/a/b': take one of them out",
        "needs pattern 'GET /c/d/*' never applies, since leave has '/c/*': take one of them out",
    ]


def test_what_contains_a_rule_is_found_without_reading_all_patterns() -> None:
    asked = 0

    class Counting(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            nonlocal asked
            asked += 1
            return super().get(key, default)

    table = PatternTable((PathPattern("", f"/p{index}/", below=True), index) for index in range(10_000))
    vars(table)["_below"] = Counting(vars(table)["_below"])
    assert list(table.containing(PathPattern("GET", "/p5/a/b", below=False))) == [5]
    assert asked <= 3
