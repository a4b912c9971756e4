"""Public patterns: only what every layer reads alike is public."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authmw import Auth, ConfigurationError, HTTPBearer
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.public_paths import PublicPaths
from authmw.http.request import ASGIRequest, Message, Receive, Scope, Send, WSGIRequest
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.paths import PUBLIC, TARGETS

PATTERNS = ["/health", "/docs/*"]
PIECES = "/ health docs admin .. . %2e %2f %5c \\ ; %00 %25 ? # a %c0%af é".split()


def _nobody(token: str) -> None:
    return None


AUTH = Auth(HTTPBearer(_nobody))


def _resolved(path: str) -> str:
    """The most obliging reading of a path that an application might have."""
    for _ in range(3):
        path = unquote(path, errors="replace")
    path = path.replace("\\", "/").replace("\x00", "").partition("#")[0].partition("?")[0].strip().lower()
    path = "/".join(segment.partition(";")[0] for segment in path.split("/"))
    resolved = posixpath.normpath("/" + path.lstrip("/"))
    return resolved + "/" if path.endswith("/") and resolved != "/" else resolved


def _content(path: str) -> bytes:
    resolved = _resolved(path)
    is_public = resolved == "/health" or resolved.startswith("/docs/")
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
    assert len(TARGETS) > 180


@pytest.mark.parametrize("way", ["wsgi, REQUEST_URI", "wsgi, RAW_URI", "asgi, raw_path"])
def test_path_1_only_canonical_paths_are_public(way: str) -> None:
    let_through = {target for target in TARGETS if ASKERS[way](target) == b"public"}
    # What stands below /docs/ as it is written, and nothing that has to be resolved to get there.
    assert let_through <= {target for target in TARGETS if target.startswith("/docs/")}
    assert all(_resolved(target) == target for target in let_through)


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
        ("/docs/*", "GET", "/docs/", True),
        ("/docs/*", "GET", "/docs/a/b.html", True),
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
