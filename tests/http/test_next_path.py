"""`safe_next` never returns what a browser would resolve to another origin."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote, urljoin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authmw import safe_next
from authmw.http.next_path import MAX_NEXT, leads_back, mount_seen, next_of, path_seen
from authmw.http.request import ASGIRequest, RequestHead, WSGIRequest
from authmw.http.target import path_of
from tests.requests import asgi_request, wsgi_request

SAME: list[str] = [
    "/",
    "/orders",
    "/orders/",
    "/orders?page=2&sort=-date",
    "/orders/7;v=1/@me",
    "/a/./b",
    "/caf%C3%A9?q=%26",
    "/login?next=https://evil.example/",
    "/?a[]=1",
    "/%5Cevil.example",
]
OTHER: list[object] = [
    *("", " ", "orders", "?a", "#a", ".", "..", None, b"/", 7, ["/"]),
    *(
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\\/evil.example",
    ),
    *(
        "https://evil.example",
        "https:evil.example",
        "https:/evil.example",
        "http:/evil.example",
        "HTTPS://evil.example",
    ),
    *("javascript:alert(1)", "data:text/html,a", "mailto:a@b", "//user@evil.example", "/a/..//evil.example"),
    *("/.//evil.example", "/a//b", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example"),
    *(
        " //evil.example",
        " /orders",
        "/orders ",
        "/or ders",
        "/orders\x00",
        "/orders\x7f",
        "/orders%00",
        "/orders%0D%0Aa",
    ),
    *("/orders%7f", "/orders?a=%00", "/orders%", "/orders%2", "/orders%zz", "/a\\b", "/a?b=\\", '/a"b', "/a<b", "/a#b"),
    *("/ördérs", "/orders\u2028", "/\uff0fevil.example", "/\u3002evil", "/" + "a" * MAX_NEXT, "/?" + "a" * MAX_NEXT),
]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


def is_of_the_origin(text: str) -> bool:
    """Whether `text` resolves to https://app.example from any page of it: the WHATWG URL parser, as far as this asks.

    https://url.spec.whatwg.org/#concept-basic-url-parser, with a base of a special scheme.
    """
    text = re.sub("[\t\n\r]", "", text.strip("".join(map(chr, range(0x21)))))
    scheme = _SCHEME.match(text)
    if scheme is not None:
        if scheme[0].lower() != "https:":
            return False  # another scheme: another origin, or an opaque one
        text = text[scheme.end() :]  # special relative or authority state
    # Relative slash state: a second slash, of either kind, begins a host.
    return not (text[:1] in ("/", "\\") and text[1:2] in ("/", "\\"))


@pytest.mark.parametrize("text", SAME)
def test_a_path_of_this_origin_is_returned(text: str) -> None:
    assert is_of_the_origin(text)
    assert safe_next(text) == text


@pytest.mark.parametrize("text", OTHER, ids=repr)
def test_class_31_anything_else_is_the_default(text: object) -> None:
    assert safe_next(text) == "/"
    assert safe_next(text, "/home") == "/home"


PIECES = st.sampled_from(
    [*"/\\:?#@.%;\t\r\n \x00aé", "//", "..", "https", "http:", "evil.example", "%2F", "%5c", "%0a", "javascript:"]
)


@given(st.one_of(st.text(max_size=20), st.lists(PIECES, max_size=8).map("".join)))
@example("/\t/evil.example")
@example("https:/evil.example")
def test_class_31_what_is_returned_is_of_the_origin_and_printable(text: str) -> None:
    found = safe_next(text, "")
    assert found in (text, "")
    if found:
        assert is_of_the_origin(found)
        assert found.isascii()
        assert found.isprintable()
        assert " " not in found


LATIN_1 = st.text(st.characters(max_codepoint=0xFF), max_size=20)


@given(LATIN_1, LATIN_1)
def test_the_next_of_any_request_is_safe_or_missing(path: str, query: str) -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query}
    for request in (
        WSGIRequest(environ),
        WSGIRequest({**environ, "REQUEST_URI": f"{path}?{query}", "SCRIPT_NAME": path}),
    ):
        found = next_of(request)
        assert safe_next(found, "") == found


@given(st.text(max_size=20))
@example("/\ud800")
def test_so_is_that_of_any_path_under_asgi(path: str) -> None:
    found = next_of(asgi_request(path))
    assert safe_next(found, "") == found


@pytest.mark.parametrize(
    "path, query, expected",
    [
        ("/orders", "", "/orders"),
        ("/orders", "page=2", "/orders?page=2"),
        ("/orders/Caf\xc3\xa9", "", "/orders/Caf%C3%A9"),
        ("/search", "q=100%&r=\\|", "/search?q=100%25&r=%5C%7C"),
        ("/search", "q=\xe9", "/search?q=%E9"),
        ("//evil.example/", "", ""),
        ("/a\x00b", "", ""),
        ("/long", "a" * MAX_NEXT, ""),
        ("*", "", ""),
        ("", "", ""),
    ],
)
def test_the_next_of_a_request_is_its_path_and_query(path: str, query: str, expected: str) -> None:
    assert next_of(WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query})) == expected


def test_what_no_server_sends_is_no_error() -> None:
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/a", "REQUEST_URI": "/\u0100"}
    assert next_of(WSGIRequest(environ)) == "/%3F"
    assert path_seen(asgi_request("/\ud800")) == ""


def test_the_next_has_the_path_that_the_client_sees() -> None:
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/shop", "PATH_INFO": "/orders", "REQUEST_URI": "/orders"}
    assert next_of(WSGIRequest(environ)) == "/shop/orders"
    assert next_of(WSGIRequest({**environ, "REQUEST_URI": "http://evil.example/shop/orders"})) == "/shop/orders"


@pytest.mark.parametrize(
    "query, expected",
    [
        ("next=/orders", True),
        ("next=/orders?next=/a", True),
        ("next=/orders%3Fa%3D1", True),
        ("next=/other", False),
        ("next=", False),
        ("page=/orders", False),
        ("", False),
        ("&" * 1000 + "next=/a", True),
    ],
)
def test_a_next_that_leads_back_is_seen(query: str, expected: bool) -> None:
    request = wsgi_request("/orders")
    request.environ["QUERY_STRING"] = query
    assert leads_back(request) is expected


SEGMENTS = st.sampled_from(
    ["", ".", "..", ";", "evil.example", "auth", "%2f", "%5C", "%09", "%6Cogin", "@evil", "\u00fc", "a b"]
)


@given(st.lists(SEGMENTS, max_size=6), st.sampled_from(["raw", "root", "asgi"]))
def test_links_of_a_page_stay_on_its_origin_whatever_was_asked_for(segments: list[str], place: str) -> None:
    front = "".join(f"/{segment}" for segment in segments)
    raw = quote(front, safe="/%;@") + "/login"
    path = unquote(raw)
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": path.encode().decode("latin-1")}
    request: RequestHead
    if place == "asgi":
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "raw_path": raw.encode(), "headers": []}
        request = ASGIRequest(scope)
    elif place == "raw":
        request = WSGIRequest({**environ, "RAW_URI": raw})
    else:
        request = WSGIRequest({**environ, "SCRIPT_NAME": front.encode().decode("latin-1"), "PATH_INFO": "/login"})
    mount = mount_seen(request, "/login")
    assert safe_next(f"{mount}/login", "") == f"{mount}/login"
    assert urljoin("https://shop.example/", f"{mount}/login").startswith("https://shop.example/")


@pytest.mark.parametrize(
    "raw, mount",
    [
        ("/login", ""),
        ("/auth/login", "/auth"),
        ("//auth/login", "/auth"),
        ("//evil.example/login", "/evil.example"),
        ("/auth/%6Cogin", "/auth"),
        ("/b%C3%BCro/login", "/b%C3%BCro"),
        ("http://evil.example/auth/login", "/auth"),
        ("http://evil.example//auth/login", "/auth"),
    ],
)
def test_the_mount_of_a_page_is_what_stands_in_front_of_it(raw: str, mount: str) -> None:
    path = unquote(path_of(raw))
    merged = re.sub("/+", "/", path).encode().decode("latin-1")  # as gunicorn tells it to Flask
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": merged, "RAW_URI": raw}
    assert mount_seen(WSGIRequest(environ), "/login") == mount
    raw_path = path_of(raw).encode()
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "raw_path": raw_path, "headers": []}
    assert mount_seen(ASGIRequest(scope), "/login") == mount
