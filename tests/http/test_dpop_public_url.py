"""``htu`` against the URL of the request: RFC 9449 §4.3, normalised by RFC 3986 §6.2.2 and §6.2.3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.errors import ConfigurationError
from authmw.http.public_url import PublicURLs
from authmw.http.request import ASGIRequest, RequestHead, WSGIRequest
from tests.requests import wsgi_request

API = PublicURLs("https://api.example")


def wsgi(target: str, **more: str) -> WSGIRequest:
    """A request as a server hands it over that keeps the raw target."""
    return WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/decoded", "REQUEST_URI": target, **more})


def asgi(target: str, kind: str = "http") -> ASGIRequest:
    path, _, query = target.partition("?")
    scope: dict[str, Any] = {"type": kind, "path": "/decoded", "query_string": query.encode("latin-1"), "headers": []}
    return ASGIRequest({**scope, "raw_path": path.encode("latin-1")})


BOTH = pytest.mark.parametrize("make", [wsgi, asgi])


@BOTH
@pytest.mark.parametrize(
    "target, htu",
    [
        ("/orders", "https://api.example/orders"),
        ("/orders", "HTTPS://API.EXAMPLE/orders"),
        ("/orders", "https://api.example:443/orders"),
        ("/orders", "https://api.example:0443/orders"),
        ("/orders", "https://api.example:/orders"),
        ("/orders", "https://api.example/orders?page=2"),
        ("/orders", "https://api.example/orders#top"),
        ("/orders", "https://api.example/orders?a=b#c?d"),
        ("/orders?page=2", "https://api.example/orders"),
        ("/orders?page=2", "https://api.example/orders?page=3"),
        ("/", "https://api.example"),
        ("/", "https://api.example/"),
        ("/", "https://api.example?x"),
        ("/a", "https://api.example/./a"),
        ("/a", "https://api.example/b/../a"),
        ("/a", "https://api.example/../a"),
        ("/a/", "https://api.example/a/."),
        ("/a/", "https://api.example/a/b/.."),
        ("/a/b", "https://api.example/a//../b"),
        ("/a", "https://api.example/b/%2e%2E/a"),
        ("/%61", "https://api.example/a"),
        ("/a", "https://api.example/%61"),
        ("/~a-b._", "https://api.example/%7Ea%2Db%2E%5F"),
        ("/stra%c3%9fe", "https://api.example/stra%C3%9Fe"),
        ("/a%2Fb", "https://api.example/a%2fb"),
        ("/a|b", "https://api.example/a|b"),
        ("/100%", "https://api.example/100%"),
        ("//a", "https://api.example//a"),
        ("/a;b=c", "https://api.example/a;b=c"),
        # Absolute-form (RFC 9112 §3.2.2). Like ``Host``, its authority is not compared.
        ("https://api.example/a", "https://api.example/a"),
        ("http://10.0.0.1:8000/a?page=2", "https://api.example/a"),
        ("HTTP://api.example/%61", "https://api.example/a"),
    ],
)
def test_s4_an_htu_that_is_the_same_url_matches(make: Callable[[str], RequestHead], target: str, htu: str) -> None:
    assert API.matches(htu, make(target))


@BOTH
@pytest.mark.parametrize(
    "target, htu",
    [
        ("/orders", "http://api.example/orders"),
        ("/orders", "https://api.example.evil/orders"),
        ("/orders", "https://evil.example/orders"),
        ("/orders", "https://api.example@evil.example/orders"),
        ("/orders", "https://user@api.example/orders"),
        ("/orders", "https://api.example:8443/orders"),
        ("/orders", "https://api.example:80/orders"),
        ("/orders", "https://api.example./orders"),
        ("/orders", "https://api.example/orders/"),
        ("/orders", "https://api.example/Orders"),
        ("/orders", "https://api.example/"),
        ("/orders", "https://api.example"),
        ("/orders", "https://api.example//orders"),
        ("/orders", "//api.example/orders"),
        ("/orders", "/orders"),
        ("/orders", "orders"),
        ("/orders", ""),
        ("/orders", "https:///orders"),
        ("/orders", "https://api.example\\orders"),
        ("/orders", "https://api.example/orders "),
        ("/orders", " https://api.example/orders"),
        ("/orders", "https://api.example/orders\n"),
        ("/orders", "https://api.example/ordérs"),
        ("/orders", "wss://api.example/orders"),
        ("/orders", "javascript://api.example/orders"),
        ("/a%2Fb", "https://api.example/a/b"),
        ("/a/b", "https://api.example/a%2Fb"),
        ("/a%3Fb", "https://api.example/a?b"),
        # The application does not take dot segments out, so the request is for what it says.
        ("/a/../b", "https://api.example/b"),
        ("/a/../b", "https://api.example/a/../b"),
        ("/a/%2e%2e/b", "https://api.example/b"),
        ("/./b", "https://api.example/b"),
        # Other forms of the request target (RFC 9112 §3.2).
        ("*", "https://api.example/*"),
        ("*", "https://api.example*"),
        ("a", "https://api.example/a"),
        ("", "https://api.example/"),
        ("https://api.example/a", "https://api.example/b"),
        ("https://me@api.example/a", "https://api.example/a"),
        ("ftp://api.example/a", "https://api.example/a"),
        ("https:/a", "https://api.example/a"),
        ("https://a\\b/a", "https://api.example/a"),
    ],
)
def test_s4_an_htu_that_is_another_url_does_not_match(
    make: Callable[[str], RequestHead], target: str, htu: str
) -> None:
    assert not API.matches(htu, make(target))


def test_the_path_that_a_proxy_takes_away_is_configured() -> None:
    shop = PublicURLs("https://example.com/shop/")
    assert shop.matches("https://example.com/shop/orders", wsgi("/orders"))
    assert not shop.matches("https://example.com/orders", wsgi("/orders"))
    assert not shop.matches("https://example.com/shop/../orders", wsgi("/orders"))
    assert not shop.matches("https://example.com/shop*", wsgi("*"))
    assert not shop.matches("https://example.com/shopping", wsgi("ping"))


def test_the_path_that_the_server_was_told_of_is_in_the_target_already() -> None:
    request = WSGIRequest({"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/shop", "PATH_INFO": "/orders"})
    assert API.matches("https://api.example/shop/orders", request)
    assert not API.matches("https://api.example/orders", request)
    received: dict[str, Any] = {"type": "http", "path": "/shop/orders", "root_path": "/shop", "headers": []}
    for scope_request in (ASGIRequest({**received, "raw_path": b"/shop/orders"}), ASGIRequest(received)):
        assert API.matches("https://api.example/shop/orders", scope_request)
        assert not API.matches("https://api.example/orders", scope_request)


_SHOP = "https://example.com/shop"


@pytest.mark.parametrize("public_url", [_SHOP, f"{_SHOP}/", "https://example.com"])
@pytest.mark.parametrize("raw", ["/shop/orders", "/orders"], ids=["in front", "left out"])
@pytest.mark.parametrize("path", ["/shop/orders", "/orders"], ids=["in front", "left out"])
def test_a_prefix_that_the_framework_was_told_of_counts_once(public_url: str, raw: str, path: str) -> None:
    urls = PublicURLs(public_url)
    scope: dict[str, Any] = {
        "type": "http",
        "path": path,
        "raw_path": raw.encode(),
        "root_path": "/shop",
        "headers": [],
    }
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/shop", "PATH_INFO": "/orders"}
    for request in (ASGIRequest(scope), WSGIRequest({**environ, "REQUEST_URI": raw}), WSGIRequest(environ)):
        assert urls.matches(f"{_SHOP}/orders", request)
        for wrong in (f"{_SHOP}/shop/orders", "https://example.com/orders", f"{_SHOP}/orders/", f"{_SHOP}/admin"):
            assert not urls.matches(wrong, request)


def test_a_prefix_that_was_configured_stands_in_front_of_the_one_that_the_framework_knows() -> None:
    urls = PublicURLs(_SHOP)
    for root in ("/api", "/shopping"):
        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": root,
            "PATH_INFO": "/orders",
            "REQUEST_URI": f"{root}/orders",
        }
        assert urls.matches(f"{_SHOP}{root}/orders", WSGIRequest(environ))
        assert not urls.matches(f"https://example.com{root}/orders", WSGIRequest(environ))
    told = WSGIRequest({"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/shop/api", "PATH_INFO": "/orders"})
    assert urls.matches(f"{_SHOP}/api/orders", told)
    escaped = PublicURLs("https://example.com/stra%c3%9fe")
    street: dict[str, Any] = {"type": "http", "path": "/orders", "root_path": "/straße", "headers": []}
    assert escaped.matches("https://example.com/stra%C3%9Fe/orders", ASGIRequest({**street, "raw_path": b"/orders"}))


@pytest.mark.parametrize(
    "path, htu, same",
    [
        ("/a b", "https://api.example/a%20b", True),
        ("/stra\xc3\x9fe", "https://api.example/stra%C3%9Fe", True),
        ("/a/b", "https://api.example/a%2Fb", True),
        ("/a|b", "https://api.example/a|b", True),
        ("/a|b", "https://api.example/a%7Cb", True),
        ("/a%b", "https://api.example/a%25b", True),
        ("/a", "https://api.example/b", False),
        ("/a/../b", "https://api.example/b", False),
        ("/a", "https://evil.example/a", False),
    ],
)
def test_without_a_raw_path_the_decoded_ones_are_compared(path: str, htu: str, same: bool) -> None:
    assert API.matches(htu, wsgi_request(path)) is same


def test_the_handshake_of_a_websocket_is_for_the_url_of_either_scheme() -> None:
    for htu in ("wss://api.example/feed", "https://api.example/feed", "wss://api.example:443/feed"):
        assert API.matches(htu, asgi("/feed", "websocket"))
    for htu in ("ws://api.example/feed", "wss://evil.example/feed", "wss://api.example:80/feed"):
        assert not API.matches(htu, asgi("/feed", "websocket"))


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:80", "https://[2001:DB8::1]:8443/a"]
)
def test_a_url_that_clients_may_use_is_taken(url: str) -> None:
    assert PublicURLs(url).matches(f"{url}/orders", wsgi("/orders"))


@pytest.mark.parametrize(
    "url, words",
    [
        ("http://api.example", "use https"),
        ("http://localhost.evil.example", "use https"),
        ("api.example", "is no URL"),
        ("", "is no URL"),
        ("https://", "is no URL"),
        ("https://api.example?x", "is no URL"),
        ("https://api.example/#x", "is no URL"),
        ("https://user:secret@api.example", "is no URL"),
        ("wss://api.example", "is no URL"),
        ("ftp://api.example", "is no URL"),
        (None, "is no URL"),
        (7, "is no URL"),
    ],
)
def test_a_url_that_is_none_is_refused_with_its_fix(url: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        PublicURLs([url])


def test_no_url_is_a_mistake_and_several_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="the URL of the application for clients"):
        PublicURLs([])
    with pytest.raises(ConfigurationError) as refused:
        PublicURLs(["x", "http://a.example"])
    assert len(refused.value.mistakes) == 2


@given(st.text(), st.text(alphabet=st.characters(max_codepoint=255)))
def test_any_htu_and_any_target_are_compared(htu: str, target: str) -> None:
    assert isinstance(API.matches(htu, wsgi(target)), bool)


def without_dots(path: str) -> str:
    """RFC 3986 §5.2.4, step by step."""
    output = ""
    while path:
        if path.startswith("/./") or path == "/.":
            path = "/" + path[3:]
        elif path.startswith("/../") or path == "/..":
            path, output = "/" + path[4:], output.rpartition("/")[0]
        else:
            end = path.find("/", 1)
            end = len(path) if end < 0 else end
            path, output = path[end:], output + path[:end]
    return output


@given(st.lists(st.sampled_from([".", "..", "a", "bc", "", "...", ".a"]), min_size=1, max_size=7))
def test_dot_segments_are_taken_out_as_rfc_3986_does(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    assert API.matches(f"https://api.example{path}", wsgi(without_dots(path)))
