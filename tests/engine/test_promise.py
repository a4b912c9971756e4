"""Promises to strangers: what may begin before an endpoint is reached, and where a promise for a path still holds."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import Auth, HTTPBearer
from authmw.engine.authentication import NOBODY
from authmw.engine.context import Call
from authmw.engine.promise import PROMISES, PathPromise, Promise, promise_for, promises_of
from authmw.engine.public_paths import PublicPaths
from authmw.http.request import ASGIRequest, RequestHead, WSGIRequest
from authmw.identity.calling import current_call

PUBLIC = PublicPaths(["GET /health", "/open/*"])


def _wsgi(root: str, path: str, method: str = "GET") -> RequestHead:
    return WSGIRequest({"REQUEST_METHOD": method, "SCRIPT_NAME": root, "PATH_INFO": path})


def _asgi(root: str, path: str, method: str = "GET", **scope: Any) -> RequestHead:
    return ASGIRequest(
        {"type": "http", "method": method, "root_path": root, "path": root + path, "headers": [], **scope}
    )


def _asgi_without_root(root: str, path: str, method: str = "GET") -> RequestHead:
    """As servers send it whose ``path`` does not begin with ``root_path``."""
    return ASGIRequest({"type": "http", "method": method, "root_path": root, "path": path, "headers": []})


@pytest.mark.parametrize("request_of", [_wsgi, _asgi, _asgi_without_root])
@pytest.mark.parametrize("root", ["", "/shop"])
@pytest.mark.parametrize(
    "moved, path, method, holds",
    [
        ("", "/health", "GET", True),
        ("", "/health", "POST", False),
        ("", "/closed", "GET", False),
        ("", "/open/x", "POST", True),
        ("", "/open/x;y", "GET", False),
        ("/open", "/x", "GET", True),
        ("/closed", "/x", "GET", False),
        ("/health", "", "GET", True),
        ("/health", "/x", "GET", False),
    ],
)
def test_a_promise_for_a_path_holds_for_that_path_and_for_others_that_are_public(
    request_of: Any, root: str, moved: str, path: str, method: str, holds: bool
) -> None:
    promise = PathPromise(PUBLIC, request_of(root, "/health"))
    assert promise.holds(request_of(root + moved, path, method)) is holds


@pytest.mark.parametrize("request_of", [_wsgi, _asgi])
def test_a_promise_for_a_path_does_not_hold_outside_of_where_the_application_is_mounted(request_of: Any) -> None:
    promise = PathPromise(PUBLIC, request_of("/shop", "/health"))
    for root in ("/other", "/mops"):  # the latter is as long as the right one
        assert not promise.holds(request_of(root, "/open/x"))
    assert not promise.holds(request_of("", "/shopopen/x"))


@pytest.mark.parametrize("request_of", [_wsgi, _asgi])
def test_a_promise_for_a_path_holds_where_only_the_prefix_is_told(request_of: Any) -> None:
    promise = PathPromise(PUBLIC, request_of("/api", "/health"))
    assert promise.holds(request_of("/shop", "/health"))
    assert not promise.holds(request_of("/shop", "/health", "POST"))


@pytest.mark.parametrize("name", ["REQUEST_URI", "RAW_URI"])
def test_what_the_client_sent_says_nothing_about_the_path_that_it_was_moved_to(name: str) -> None:
    promise = PathPromise(PUBLIC, _wsgi("", "/health"))
    assert promise.holds(WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/open/x", name: "/health"}))
    assert promise.holds(_asgi("", "/open/x", raw_path=b"/health"))


def _naming(name: str, value: str, root: str, path: str) -> list[RequestHead]:
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": root, "PATH_INFO": path, f"HTTP_{name}": value}
    header = (name.lower().replace("_", "-").encode(), value.encode())
    return [WSGIRequest(environ), _asgi(root, path, headers=[header])]


@pytest.mark.parametrize("name", ["X_FORWARDED_PREFIX", "X_SCRIPT_NAME", "X_ANY"])
@pytest.mark.parametrize("value", ["/open", "open", " /open/ ", "/a, /open", "/open,/b"])
@pytest.mark.parametrize("root", ["", "/shop"])
def test_a_prefix_that_a_header_names_opens_nothing_that_is_not_public_below_it(
    name: str, value: str, root: str
) -> None:
    promise = PathPromise(PUBLIC, _wsgi(root, "/open/x"))
    for arrived in _naming(name, value, f"{root}/open", "/x"):
        assert not promise.holds(arrived)
    for arrived in _naming(name, "/other", f"{root}/open", "/x"):
        assert promise.holds(arrived)
    for arrived in _naming(name, value, f"{root}/open", "/open/x"):
        assert promise.holds(arrived)


@pytest.mark.parametrize("name", ["X_FORWARDED_PREFIX", "X_SCRIPT_NAME"])
def test_where_another_path_arrives_the_headers_of_the_request_still_count(name: str) -> None:
    # Routers differ in a path that has the prefix of a header in it, wherever the path was moved to.
    promise = PathPromise(PUBLIC, _wsgi("", "/health"))
    for arrived in _naming(name, "/files", "", "/open/files/x"):
        assert not promise.holds(arrived)
    for arrived in _naming(name, "/elsewhere", "", "/open/files/x"):
        assert promise.holds(arrived)


def test_a_part_of_the_prefix_that_a_header_names_counts() -> None:
    promise = PathPromise(PUBLIC, _wsgi("", "/open/x/y"))
    for value in ("/x", "/open", "/open/x"):
        assert not any(promise.holds(each) for each in _naming("X_SCRIPT_NAME", value, "/open/x", "/y"))
    assert not promise.holds(_naming("X_SCRIPT_NAME", "/ope", "/ope", "n/x/y")[0])


@pytest.mark.parametrize("status", [101, 200, 204, 206, 299, 304])
def test_before_an_endpoint_is_reached_nothing_is_served(status: int) -> None:
    promise = Promise()
    assert not promise.allows(status)
    promise.routed = True
    assert not promise.allows(status)
    promise.kept = True
    assert promise.allows(status)


@pytest.mark.parametrize("status", [300, 302, 308, 400, 401, 404, 429, 500, 503])
def test_functions_before_a_public_endpoint_may_redirect_and_refuse(status: int) -> None:
    promise = Promise()
    assert not promise.allows(status)
    promise.routed = True
    assert promise.allows(status)


def test_an_adapter_may_make_the_promise() -> None:
    request = _wsgi("", "/")
    assert not promise_for(request).kept
    request.promise = made = PathPromise(PUBLIC, request)
    assert promise_for(request) is made


def test_the_promises_of_a_call_that_has_ended_are_no_longer_found() -> None:
    call = Call(Auth(HTTPBearer()), NOBODY)
    vars(call)["promises"] = promises = (Promise(),)
    token = current_call.set(call)
    try:
        assert promises_of({}) == promises
        assert promises_of({PROMISES: ()}) == ()
        call.end()
        assert promises_of({}) == ()
    finally:
        current_call.reset(token)
