"""Public patterns: only what every layer reads alike is public."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authmw import Auth, ConfigurationError, HTTPBearer
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.public_paths import PublicPaths
from authmw.http.request import ASGIRequest, Message, Receive, RequestHead, Scope, Send, WSGIRequest
from authmw.http.target import path_of
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.paths import PUBLIC, TARGETS, resolved

PATTERNS = ["/health", "/docs/*"]
PIECES = "/ health docs admin .. . %2e %2f %5c \\ ; %00 %25 ? # a %c0%af é".split()


def _nobody(token: str) -> None:
    return None


AUTH = Auth(HTTPBearer(_nobody))


def _content(path: str) -> bytes:
    read = resolved(path)
    is_public = read == "/health" or read.startswith("/docs/")
    return b"public" if is_public else b"PROTECTED"


def _wsgi(target: str, *, keeps_raw: str | None) -> bytes:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [_content(environ["PATH_INFO"].encode("latin-1", "replace").decode("utf-8", "replace"))]

    raw = target.encode("utf-8").decode("latin-1")
    path = unquote_to_bytes(urlsplit_path(raw).encode("latin-1")).decode("latin-1")
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""}
    if keeps_raw is not None:
        environ[keeps_raw] = raw
    return b"".join(WSGIMiddleware(app, AUTH, public=PATTERNS)(environ, lambda *_: lambda _: None))


def urlsplit_path(raw: str) -> str:
    """The path as gunicorn and Werkzeug take it out of a target, which may be in absolute form."""
    if raw.startswith(("http:", "https:")):
        return urlsplit(raw).path
    return raw.partition("?")[0].partition("#")[0]


def _asgi(target: str, *, keeps_raw: bool) -> bytes:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": _content(scope["path"])})

    raw = target.partition("?")[0]
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(raw, errors="replace"),
        "query_string": b"",
        "root_path": "",
        "headers": [],
    }
    if keeps_raw:
        scope["raw_path"] = raw.encode()
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nothing is received")

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        await ASGIMiddleware(app, AUTH, public=PATTERNS)(scope, receive, send)

    asyncio.run(main())
    body: bytes = sent[1]["body"]
    return body


ASKERS: dict[str, Callable[[str], bytes]] = {
    "wsgi, REQUEST_URI": lambda target: _wsgi(target, keeps_raw="REQUEST_URI"),
    "wsgi, RAW_URI": lambda target: _wsgi(target, keeps_raw="RAW_URI"),
    "wsgi": lambda target: _wsgi(target, keeps_raw=None),
    "asgi, raw_path": lambda target: _asgi(target, keeps_raw=True),
    "asgi": lambda target: _asgi(target, keeps_raw=False),
}
every_way = pytest.mark.parametrize("ask", ASKERS.values(), ids=ASKERS)


@every_way
def test_path_4_no_answer_without_credentials_holds_protected_content(ask: Callable[[str], bytes]) -> None:
    leaks = [target for target in TARGETS if b"PROTECTED" in ask(target)]
    assert leaks == []
    assert len(TARGETS) > 800


@pytest.mark.parametrize("way", ["wsgi, REQUEST_URI", "wsgi, RAW_URI", "asgi, raw_path"])
def test_path_1_only_canonical_paths_are_public(way: str) -> None:
    let_through = {path_of(target) for target in TARGETS if ASKERS[way](target) == b"public"}
    # What stands below /docs/ as it is written, and nothing that has to be resolved to get there.
    assert let_through <= {"/health"} | {path for path in let_through if path.startswith("/docs/")}
    odd = {path for path in let_through if resolved(path) != unquote(path).lower()}
    assert odd == set()


@every_way
def test_what_is_public_is_public(ask: Callable[[str], bytes]) -> None:
    assert {ask(target) for target in PUBLIC} == {b"public"}


@every_way
@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=8))
def test_class_22_no_mixture_of_them_reaches_protected_content(ask: Callable[[str], bytes], pieces: list[str]) -> None:
    assert b"PROTECTED" not in ask("/" + "".join(pieces))


# Patterns


def _wsgi_head(path: str, method: str = "GET", **environ: str) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": method, "PATH_INFO": path, **environ})


@pytest.mark.parametrize(
    "pattern, method, path, public",
    [
        ("/health", "GET", "/health", True),
        ("/health", "POST", "/health", True),
        ("/health", "GET", "/health/", False),
        ("/health", "GET", "/healthy", False),
        ("/health", "GET", "/Health", False),
        ("/health", "TRACE", "/health", False),
        ("/health", "get", "/health", False),
        ("GET /health", "GET", "/health", True),
        ("GET /health", "HEAD", "/health", True),
        ("GET /health", "POST", "/health", False),
        ("GET /health", "TRACE", "/health", False),
        ("HEAD /health", "HEAD", "/health", True),
        ("HEAD /health", "GET", "/health", False),
        ("OPTIONS /health", "OPTIONS", "/health", True),
        ("/docs/", "GET", "/docs/", True),
        ("/docs/*", "GET", "/docs/", False),
        ("/docs/*", "GET", "/docs/a/", True),
        ("/docs/*", "GET", "/docs/a/b.html", True),
        ("/*", "GET", "/", True),
        ("/docs/*", "GET", "/docs", False),
        ("/docs/*", "GET", "/docsecret", False),
        ("GET /docs/*", "PUT", "/docs/a", False),
        ("/*", "GET", "/anything", True),
        ("/*", "GET", "/any//thing", False),
        ("/", "GET", "/", True),
        ("/", "GET", "", True),
        ("/", "GET", "/a", False),
        ("/a-b_c.~!$&'()+,:@=/0", "GET", "/a-b_c.~!$&'()+,:@=/0", True),
    ],
)
def test_what_a_pattern_means(pattern: str, method: str, path: str, public: bool) -> None:
    assert PublicPaths([pattern]).matches(_wsgi_head(path, method)) is public


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "health",
        "*",
        "GET",
        "GET ",
        "get /health",
        "GET  /health",
        "FETCH /health",
        "TRACE /health",
        "/docs*",
        "/*/docs",
        "/docs/**",
        "/a//b",
        "//a",
        "/a/../b",
        "/a/.",
        "/.",
        "/a%20b",
        "/a;b",
        "/a\\b",
        "/a b",
        "/a?b",
        "/a#b",
        "/é",
        "/a\n",
        "http://localhost/a",
    ],
)
def test_a_pattern_that_could_mean_something_else_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="public pattern"):
        PublicPaths([pattern])


def test_one_pattern_may_stand_alone() -> None:
    assert PublicPaths("/health").matches(_wsgi_head("/health"))


def _told(path: str, method: str = "GET", query: str = "", root: str = "", **headers: str) -> list[RequestHead]:
    """A request as both interfaces hand it over."""
    environ = {"QUERY_STRING": query, "SCRIPT_NAME": root, **{f"HTTP_{name}": headers[name] for name in headers}}
    told = [(name.lower().replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope: Scope = {"type": "http", "method": method, "path": root + path, "root_path": root, "headers": told}
    return [_wsgi_head(path, method, **environ), ASGIRequest({**scope, "query_string": query.encode()})]


TELLS_METHOD: dict[str, Callable[[str], dict[str, str]]] = {
    "a header": lambda method: {"X_HTTP_METHOD_OVERRIDE": method},
    "another header": lambda method: {"X_HTTP_METHOD": method},
    "a third header": lambda method: {"X_METHOD_OVERRIDE": method.lower()},
    "the first of two": lambda method: {"X_HTTP_METHOD_OVERRIDE": f"{method}, GET"},
    "the last of two": lambda method: {"X_HTTP_METHOD_OVERRIDE": f"GET, {method}"},
    "one of two headers": lambda method: {"X_HTTP_METHOD_OVERRIDE": "GET", "X_HTTP_METHOD": method},
    "the query": lambda method: {"query": f"a=1&_method={method.lower()}"},
    "the query in escapes": lambda method: {"query": f"%5fmethod={method}"},
    "another parameter": lambda method: {"query": f"__METHOD_OVERRIDE__={method}"},
    "behind a semicolon": lambda method: {"query": f"a=1;_method={method}"},
}


@pytest.mark.parametrize("tells", TELLS_METHOD.values(), ids=TELLS_METHOD)
@pytest.mark.parametrize(
    "patterns, method, other, public",
    [
        (["GET /items/*"], "GET", "DELETE", False),
        (["GET /items/*"], "HEAD", "POST", False),
        (["POST /items/*"], "POST", "DELETE", False),
        (["GET /items/1"], "GET", "PUT", False),
        (["HEAD /items/1"], "HEAD", "POST", False),
        (["GET /items/*", "DELETE /other/*"], "GET", "DELETE", False),
        (["GET /items/*", "DELETE /items/1", "POST /items/1"], "GET", "DELETE", True),
        (["GET /items/*"], "GET", "HEAD", True),
        (["GET /items/*"], "HEAD", "GET", True),
        (["/items/*"], "GET", "DELETE", True),
        (["/items/*"], "GET", "TRACE", False),
        (["/items/*"], "GET", "FETCH", False),
    ],
)
def test_the_method_that_a_layer_takes_instead_has_to_be_public_too(
    patterns: list[str], method: str, other: str, public: bool, tells: Callable[[str], dict[str, str]]
) -> None:
    paths = PublicPaths(patterns)
    for request in _told("/items/1", method, **tells(other)):
        assert paths.matches(request) is public
        assert paths.matches(request, lambda _: True) is public  # that the router reads the path alike says nothing


@pytest.mark.parametrize(
    "told",
    [{"X_HTTP_METHOD": ",".join(["GET"] * 9)}, {"query": "%41=1&" * 1000}, {"query": "_method=GET&" + "a" * 65536}],
    ids=["header", "fields", "length"],
)
def test_more_methods_than_a_client_names_are_not_public(told: dict[str, str]) -> None:
    assert [PublicPaths(["/*"]).matches(request) for request in _told("/items/1", **told)] == [False, False]


@pytest.mark.parametrize("query", ["method=DELETE", "payment_method=DELETE", "a=_method", "a=:method", "at=10:30%3A00"])
def test_a_query_that_tells_no_layer_anything_changes_nothing(query: str) -> None:
    assert all(PublicPaths(["GET /items/1"]).matches(request) for request in _told("/items/1", query=query))


@pytest.mark.parametrize("name", [b"x_http_method_override", b"x-http_method-override", b"x_method-override"])
def test_a_header_counts_as_a_wsgi_application_inside_of_asgi_reads_its_name(name: bytes) -> None:
    scope: Scope = {"type": "http", "method": "GET", "path": "/items/1", "headers": [(name, b"DELETE")]}
    assert not PublicPaths(["GET /items/*"]).matches(ASGIRequest(scope))
    scope["headers"] = [(name, b"GET"), (name.replace(b"_", b"-"), b"DELETE")]
    assert not PublicPaths(["GET /items/*"]).matches(ASGIRequest(scope))
    scope["headers"] = [(b"x_forwarded-prefix", b"/items")]
    assert not PublicPaths(["/items/*"]).matches(ASGIRequest(scope))


@pytest.mark.parametrize(
    "patterns, path, told, public",
    [
        # Pyramid's traversal begins at this resource.
        (["/"], "/", {"X_VHM_ROOT": "/private/report"}, False),
        (["/", "/private"], "/", {"X_VHM_ROOT": "/private"}, False),
        (["/robots.txt"], "/robots.txt", {"X_VHM_ROOT": "private"}, False),
        (["/docs/*"], "/docs/a", {"X_VHM_ROOT": "/private"}, False),
        (["/docs/*", "/private/*"], "/docs/a", {"X_VHM_ROOT": "/private"}, True),
        (["/*"], "/docs/a", {"X_VHM_ROOT": "/private"}, True),
        (["/*"], "/docs/a", {"X_VHM_ROOT": "/x/../private"}, False),
        (["/*"], "/docs/a", {"X_VHM_ROOT": "/\xc3\xbc"}, False),
        (["/docs/*"], "/docs/a", {"X_VHM_ROOT": ""}, True),
        (["/docs/*"], "/docs/a", {"X_VHM_ROOT": "/"}, True),
        (["/*"], "/a" * 65, {"X_VHM_ROOT": "/private"}, False),
        # Zope adds a name to the path.
        *((["/"], "/", {"query": f"report:{mark}=1"}, False) for mark in ("method", "action")),
        *((["/"], "/", {"query": f"report:default_{mark}=1"}, False) for mark in ("method", "action")),
        (["/"], "/", {"query": "a=1&report%3Ame%74hod"}, False),
        (["/"], "/", {"query": "a=1&report%3amethod"}, False),
        (["/"], "/", {"query": "a=1;report:method"}, False),
        (["/"], "/", {"query": "report:method:utf8=1"}, False),
        (["/"], "/", {"query": "report:method.x=1"}, False),
        (["/"], "/", {"query": ":method=report"}, False),
        (["/health"], "/health", {"query": "report:method"}, False),
        (["/health/"], "/health/", {"query": "report:method"}, False),
        (["/docs/*"], "/docs/a", {"query": "report:method"}, True),
        (["/docs/*"], "/docs/a", {"query": "../report:method"}, False),
        (["/docs/*"], "/docs/a", {"query": "&".join(["a:method"] * 65)}, False),
        (["/docs/*"], "/docs/a", {"query": "a:b&" * 1000}, False),
        (["/"], "/", {"query": "report:methods=1&report:method-b=1&method:report=1"}, True),
    ],
)
def test_the_path_that_a_router_takes_instead_has_to_be_public_too(
    patterns: list[str], path: str, told: dict[str, str], public: bool
) -> None:
    paths = PublicPaths(patterns)
    for root in ("", "/app"):
        for request in _told(path, root=root, **told):
            assert paths.matches(request) is public
            assert paths.matches(request, lambda _: True)  # an adapter that knows its router


BELOW = PublicPaths(["/static/*", "/", "GET /files/a/*", "/exact"])


def _both_heads(raw: str) -> list[RequestHead]:
    """A request as servers hand it over that decode the path once and keep the raw one."""
    path = unquote_to_bytes(raw)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path.decode("latin-1"), "REQUEST_URI": raw}
    scope: Scope = {"type": "http", "method": "GET", "path": path.decode("utf-8", "replace"), "headers": []}
    return [WSGIRequest(environ), ASGIRequest({**scope, "raw_path": raw.encode(), "root_path": ""})]


@pytest.mark.parametrize(
    "raw",
    [
        "/static/Price%20list.pdf",
        "/static/%C3%BCber.pdf",
        "/static/%c3%bcber.pdf",
        "/static/chunks/pages/%5Bid%5D.js",
        "/static/chunks/pages/[id].js",  # as browsers write it
        "/static/%5B...slug%5D.js",
        "/static/%F0%9F%98%80/a",
        "/static/a%20b/",
        "/static/%41%7E%7e",
        "/static/%22%26%2B%2C%3A%3C%3D%3E%40%5E%60%7B%7C%7D",
        "/files/a/b%20c",
    ],
)
def test_a_name_below_a_pattern_may_have_encoded_octets(raw: str) -> None:
    assert [BELOW.matches(request) for request in _both_heads(raw)] == [True, True]
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": unquote_to_bytes(raw).decode("latin-1")}
    assert BELOW.matches(WSGIRequest(environ))  # as waitress hands it over
    assert BELOW.matches(WSGIRequest({**environ, "REQUEST_URI": f"http://shop.example{raw}?v=1"}))


@pytest.mark.parametrize(
    "raw",
    [
        *(f"/static/a%{octet:02X}b" for octet in [*range(0x20), *b"%/\\;?#.", 0x7F, *range(0x80, 0x100)]),
        *("/static/a%c2%80b", "/static/a%C2%9F", "/static/%EF%BF%BD", "/static/%C0%AE%C0%AE/admin"),
        *("/static/%20", "/static/%20/a", "/static/..%20/a", "/static/%C2%A0..", "/static/.%E3%80%80./a"),
        *("/static/a%2", "/static/a%", "/static/a%zz", "/static/a%2525", "/static/a%u002e"),
        *("/static/a b", "/static/\xfc", "/static/{a}.js", "/static/a%20b/../c", "/static//a%20b"),
        # Escapes in front of the prefix, or where no pattern ends in /*.
        *(
            "/%73tatic/a",
            "/static%2Fa",
            "/stati%63/a%20b",
            "/ex%61ct",
            "/exact%20",
            "/%20",
            "/files%2Fa/b",
            "/files/%61/b",
        ),
        "/static/" + "%41" * 8192,
    ],
)
def test_all_other_escapes_are_closed(raw: str) -> None:
    assert [BELOW.matches(request) for request in _both_heads(raw)] == [False, False]


@pytest.mark.parametrize("path", ["/static/a%20b", "/static/a b;c", "/static/../x y", "/static/x y//z", "/static/\xff"])
def test_a_decoded_path_that_could_be_decoded_or_resolved_again_is_closed(path: str) -> None:
    assert not BELOW.matches(_wsgi_head(path))
    assert not BELOW.matches(_wsgi_head("/static/a b", REQUEST_URI="/static/a%2520b"))
    assert not BELOW.matches(_wsgi_head("/static/a b", REQUEST_URI="/static/a%20c"))


@given(st.lists(st.sampled_from([f"%{octet:02x}" for octet in range(256)] + list("/.;\\ab")), max_size=8))
def test_what_is_public_below_a_pattern_decodes_to_a_name_below_it_however_often(parts: list[str]) -> None:
    raw = "/static/" + "".join(parts)
    for request in _both_heads(raw):
        if BELOW.matches(request):
            assert resolved(raw).startswith("/static/")
            assert unquote(unquote(raw)) == unquote(raw)


def test_a_long_run_of_spaces_costs_nothing() -> None:
    begun = time.perf_counter()
    assert BELOW.matches(_wsgi_head("/static/" + "\u00a0".encode().decode("latin-1") * 4000 + "a"))
    assert not BELOW.matches(_wsgi_head("/static/" + " " * 8000))
    assert time.perf_counter() - begun < 0.5


def test_path_2_patterns_are_relative_to_the_mount_point() -> None:
    paths = PublicPaths(["/health"])
    assert paths.matches(_wsgi_head("/health", SCRIPT_NAME="/api", REQUEST_URI="/api/health"))
    assert not paths.matches(_wsgi_head("/api/health", SCRIPT_NAME=""))
    mounted: Scope = {"type": "http", "method": "GET", "path": "/api/health", "root_path": "/api", "headers": []}
    assert paths.matches(ASGIRequest(mounted))
    assert paths.matches(ASGIRequest({**mounted, "raw_path": b"/api/health"}))
    assert not paths.matches(ASGIRequest({**mounted, "root_path": ""}))
    assert not paths.matches(ASGIRequest({**mounted, "path": "/apihealth"}))
    assert not paths.matches(ASGIRequest({**mounted, "raw_path": b"/api//health"}))


def test_path_3_an_unknown_path_without_credentials_is_a_401() -> None:
    def not_found(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise AssertionError("the application was asked")

    started: list[str] = []

    def start_response(status: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
        started.append(status)
        return bytes

    WSGIMiddleware(not_found, AUTH)({"REQUEST_METHOD": "GET", "PATH_INFO": "/nowhere"}, start_response)
    assert started == ["401 Unauthorized"]


@pytest.mark.parametrize(
    "pattern, method, template, covered",
    [
        ("/health", "GET", "/health", True),
        ("/health", "", "/health", True),
        ("/health", "TRACE", "/health", False),
        ("/health", "get", "/health", False),
        ("GET /health", "GET", "/health", True),
        ("GET /health", "HEAD", "/health", True),
        ("GET /health", "POST", "/health", False),
        ("GET /health", "", "/health", True),  # a websocket begins with GET
        ("POST /health", "", "/health", False),
        ("/docs/*", "GET", "/docs/{page}", True),
        ("/docs/*", "GET", "/docs/", True),
        ("/docs/*", "GET", "/docs", False),
        ("/docs/*", "GET", "/docs{page}", False),
        ("/docs/*", "GET", "/docs-{page}", False),
        ("/docs/*", "GET", "/{docs}/*", False),
        ("/docs/intro", "GET", "/docs/{page}", False),  # one of its paths is public, and the others are not
        ("/*", "GET", "/{page}", True),
        ("/admin/*", "", "/admin/*", True),
    ],
)
def test_a_route_is_covered_when_every_path_of_it_is_public(
    pattern: str, method: str, template: str, covered: bool
) -> None:
    assert PublicPaths([pattern]).covers(method, template) is covered


def test_without_patterns_nothing_is_covered() -> None:
    assert not PublicPaths().covers("GET", "/")


@given(
    pattern=st.sampled_from(["/docs/*", "GET /docs/*", "/docs/a", "POST /docs/a", "/*", "/"]),
    method=st.sampled_from(["GET", "HEAD", "POST", "TRACE"]),
    template=st.sampled_from(["/", "/docs/{x}", "/docs/a", "/docs/{x}/b", "/{x}", "/docs{x}", "/{x}/a"]),
    value=st.text("abdocs-.~", min_size=1, max_size=5).filter(lambda value: value.strip(".")),
)
def test_what_is_said_to_be_covered_is_public_by_every_path(
    pattern: str, method: str, template: str, value: str
) -> None:
    paths = PublicPaths([pattern])
    request = WSGIRequest({"REQUEST_METHOD": method, "PATH_INFO": template.replace("{x}", value), "QUERY_STRING": ""})
    if paths.covers(method, template):
        assert paths.matches(request)
