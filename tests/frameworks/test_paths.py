"""Public paths behind the plain middleware: what is let in for its path has that path for every router (row 22)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authmw import Auth, HTTPBearer
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.public_paths import PublicPaths
from authmw.http.request import ASGIRequest, Message, Scope
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.frameworks.clients import exchange, scope_of
from tests.frameworks.path_readers import READERS
from tests.support import examples

PATTERNS: Final = PublicPaths(["/health", "/docs/*"])


def _is_named(path: str) -> bool:
    """Whether `PATTERNS` name this path, as a person reads them."""
    return path == "/health" or (path.startswith("/docs/") and path != "/docs/")


def _puts_in_front(root: str, raw: str) -> dict[str, Any]:
    """As uvicorn hands a request over."""
    return {"path": root + unquote(raw), "raw_path": (root + raw).encode()}


def _leaves_out(root: str, raw: str) -> dict[str, Any]:
    """As hypercorn, granian and daphne do."""
    return {"path": unquote(raw), "raw_path": raw.encode()}


def _keeps_no_raw_path(root: str, raw: str) -> dict[str, Any]:
    return {"path": unquote(raw)}


def _rewrites(root: str, raw: str) -> dict[str, Any]:
    """As middleware does that takes a prefix off the path alone."""
    return {"path": unquote(raw).removeprefix("/admin"), "raw_path": raw.encode()}


SERVERS: Final = (_puts_in_front, _leaves_out, _keeps_no_raw_path, _rewrites)


def _scope(root: str, parts: Mapping[str, Any], **headers: str) -> Scope:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    plain = scope_of("/", token="")
    plain.pop("raw_path")
    return {**plain, **parts, "root_path": root, "headers": [*plain["headers"], *lines]}


def _readings(scope: Scope) -> dict[str, str]:
    """What each router reads; also below a layer that takes a header of the client for ``root_path``."""
    found: dict[str, str] = {}
    for header in (None, "x-forwarded-prefix", "x-script-name"):
        told = [value.decode() for name, value in scope["headers"] if name.decode() == header]
        if header is None or told:
            inner = {**scope, "root_path": told[0]} if told else scope
            each = {f"{name} {header or ''}": reader(inner) for name, reader in READERS.items()}
            found |= {name: path for name, path in each.items() if path is not None}
    return found


SAME: Final = [
    (_puts_in_front, "/api", "/health"),
    (_puts_in_front, "/api", "/docs/a.html"),
    (_puts_in_front, "/api", "/docs/a%20%C3%BC%5B1%5D"),
    (_leaves_out, "/api", "/health"),
    (_leaves_out, "/api", "/api/health"),
    (_leaves_out, "/api", "/docs/a/"),
    (_leaves_out, "/api", "/docs/a%20b"),
    (_keeps_no_raw_path, "/api", "/health"),
    (_keeps_no_raw_path, "", "/docs/a%20b"),
    (_leaves_out, "", "/docs/api/x"),
    (_leaves_out, "/", "/docs/api/x"),
]


@pytest.mark.parametrize("server, root, raw", SAME)
def test_what_every_router_reads_alike_is_public(server: Any, root: str, raw: str) -> None:
    scope = _scope(root, server(root, raw))
    assert PATTERNS.matches(ASGIRequest(scope))
    assert {name: path for name, path in _readings(scope).items() if not _is_named(path)} == {}


DIFFERENT: Final = [
    ("root path in the middle", _scope("/api", _leaves_out("/api", "/docs/api/admin")), "Litestar"),
    ("root path before other letters", _scope("/api", _leaves_out("/api", "/docs/apiadmin")), "Litestar"),
    ("root path at the front, as a word", _scope("/do", _leaves_out("/do", "/docs/admin")), "Quart"),
    ("root path that ends in a slash", _scope("/docs/", _leaves_out("/docs/", "/docs/admin")), "Quart"),
    ("root path without a slash", _scope("docs", _leaves_out("docs", "/docs/admin")), "Litestar"),
    ("raw path of another resource", _scope("", _rewrites("", "/admin/health")), "BlackSheep"),
    ("slash at the end of the prefix", _scope("", _leaves_out("", "/docs/")), "lenient"),
    ("header that becomes the root", _scope("", _leaves_out("", "/docs/x/admin"), x_forwarded_prefix="/x"), "Litestar"),
    ("header that cuts the front", _scope("", _leaves_out("", "/docs/admin"), x_script_name="/docs"), "Django"),
]


@pytest.mark.parametrize("scope, router", [row[1:] for row in DIFFERENT], ids=[row[0] for row in DIFFERENT])
def test_what_some_router_reads_as_another_path_is_public_only_for_an_adapter(scope: Scope, router: str) -> None:
    request = ASGIRequest(scope)
    assert not PATTERNS.matches(request)
    assert PATTERNS.matches(request, lambda request: True)
    others = {name.partition(" ")[0] for name, path in _readings(scope).items() if not _is_named(path)}
    assert router in others


SEGMENTS: Final = (
    "health docs api admin a apix Docs a%20b %C3%BC [id] %5Bid%5D .. . %2e%2e %2F %5c %25 ; %00 %c0".split()
)
ROOTS: Final = ("", "/", "/api", "/api/", "api", "/docs", "/docs/", "/do", "/health", "/a", "/api/docs", "/admin")


@settings(max_examples=examples(250), deadline=None)
@given(
    server=st.sampled_from(SERVERS),
    root=st.sampled_from(ROOTS),
    front=st.sampled_from(["", "/docs", "/docs", "/health", "/api/docs", "/admin/docs"]),
    segments=st.lists(st.sampled_from([*SEGMENTS, ""]), max_size=4),
    header=st.sampled_from(["x_forwarded_prefix", "x_script_name"]),
)
def test_no_router_reads_another_path_where_the_guard_lets_nobody_in(
    server: Any, root: str, front: str, segments: list[str], header: str
) -> None:
    raw = "/".join([front, *segments]) or "/"
    for scope in (_scope(root, server(root, raw)), _scope("", server("", raw), **({header: root} if root else {}))):
        if PATTERNS.matches(ASGIRequest(scope)):
            assert {name: path for name, path in _readings(scope).items() if not _is_named(path)} == {}


# The same in front of applications


async def _app(scope: Scope, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return []


def _nobody(token: str) -> None:
    return None


AUTH: Final = Auth(HTTPBearer(_nobody))


def _wsgi_status(**environ: str) -> str:
    started: list[str] = []

    def start_response(status: str, *rest: object) -> Any:
        started.append(status[:3])

    request = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "", **environ}
    list(WSGIMiddleware(_wsgi_app, AUTH, public=["/docs/*"])(request, start_response))
    return started[0]


@pytest.mark.parametrize(
    "environ, status",
    [
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/docs/a", "REQUEST_URI": "/api/docs/a"}, "200"),
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/docs/a", "REQUEST_URI": "/docs/a"}, "200"),
        ({"SCRIPT_NAME": "/shop/api", "PATH_INFO": "/docs/a", "REQUEST_URI": "/api/docs/a?b=c"}, "200"),
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/docs/a", "REQUEST_URI": "http://shop.example/api/docs/a"}, "200"),
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/docs/a"}, "200"),
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/docs/api/a"}, "401"),
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/docs/a", "REQUEST_URI": "/admin"}, "401"),
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/docs/a", "RAW_URI": "/v1/docs/a"}, "401"),
        ({"PATH_INFO": "/docs/x/a", "HTTP_X_FORWARDED_PREFIX": "/y, /x"}, "401"),
        ({"PATH_INFO": "/docs/a", "HTTP_X_FORWARDED_PREFIX": "/shop"}, "200"),
        ({"PATH_INFO": "/docs/a", "HTTP_X_SCRIPT_NAME": "/docs"}, "401"),
        ({"PATH_INFO": "/docs/"}, "401"),
    ],
)
def test_a_wsgi_application_is_reached_by_what_every_router_reads_alike(environ: dict[str, str], status: str) -> None:
    assert _wsgi_status(**environ) == status


def _asgi_status(scope: Scope) -> int:
    sent: list[Message] = []
    asyncio.run(exchange(ASGIMiddleware(_app, AUTH, public=["/health", "/docs/*"]), scope, sent))
    status: int = sent[0]["status"]
    return status


def test_an_asgi_application_is_reached_by_what_every_router_reads_alike() -> None:
    assert {_asgi_status(_scope(root, server(root, raw))) for server, root, raw in SAME} == {200}
    assert {_asgi_status(row[1]) for row in DIFFERENT} == {401}
