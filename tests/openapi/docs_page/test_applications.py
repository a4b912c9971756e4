"""The docs page as a WSGI and as an ASGI application: the same answers, wherever it is mounted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from wsgiref.validate import validator

import pytest

from authmw.asgi import AuthMiddleware as ASGIAuthMiddleware
from authmw.asgi import Mount as ASGIMount
from authmw.engine.auth import Auth
from authmw.openapi import DocsPage
from authmw.schemes.http_bearer import HTTPBearer
from authmw.wsgi import AuthMiddleware as WSGIAuthMiddleware
from authmw.wsgi import Mount as WSGIMount

PAGE = DocsPage(document={"openapi": "3.1.1", "info": {"title": "Shop", "version": "1"}, "paths": {}})
Answer = tuple[int, dict[str, str], bytes]
PATHS = ["", "/", "/docs.js", "/openapi.json", "/oauth2-redirect.html", "/nothing", "/../x"]


def by_wsgi(app: Any, path: str, method: str = "GET", script_name: str = "/shop/docs") -> Answer:
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": _Nothing(),
        "wsgi.errors": _Nothing(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    started: list[Any] = []

    def start_response(*start: Any) -> Any:
        started.extend(start[:2])
        return started.append

    body = app(environ, start_response)
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    return int(started[0].split()[0]), {name.lower(): value for name, value in started[1]}, content


class _Nothing:
    """A stream without anything in it."""

    def read(self, size: int = -1) -> bytes:
        return b""

    readline = read

    def readlines(self, hint: int = -1) -> list[bytes]:
        return []

    def __iter__(self) -> Any:
        return iter(())

    def write(self, text: str) -> None: ...

    def writelines(self, lines: list[str]) -> None: ...

    def flush(self) -> None: ...


def by_asgi(app: Any, path: str, method: str = "GET", root_path: str = "/shop/docs") -> Answer:
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "root_path": root_path,
        "path": root_path + path,
        "query_string": b"",
        "headers": [],
    }
    sent = _exchange(app, scope)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


def _exchange(app: Any, scope: Mapping[str, Any], *received: Mapping[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    waiting = iter(received)

    async def receive() -> Any:
        return next(waiting)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", PATHS)
def test_both_interfaces_answer_alike(path: str, method: str) -> None:
    wsgi = by_wsgi(validator(WSGIMount(PAGE)), path, method)
    assert wsgi == by_asgi(ASGIMount(PAGE), path, method)
    assert wsgi[2] == b"" if method == "HEAD" else len(wsgi[2]) == int(wsgi[1]["content-length"])


@pytest.mark.parametrize("prefix", ["/docs", "/shop/docs", "/a/b/c"])
def test_a_page_redirects_below_any_prefix(prefix: str) -> None:
    location = f"./{prefix.rpartition('/')[2]}/"
    assert by_wsgi(WSGIMount(PAGE), "", script_name=prefix)[1]["location"] == location
    assert by_asgi(ASGIMount(PAGE), "", root_path=prefix)[1]["location"] == location


def test_a_page_deeper_down_is_told_the_way_up() -> None:
    shown = DocsPage("openapi.json", root="../../")
    for _, _, body in (
        by_wsgi(WSGIMount(shown), "/"),
        by_asgi(ASGIMount(shown), "/"),
    ):
        assert b'data-openapi="../../openapi.json"' in body


def test_a_guarded_page_is_refused_and_a_public_one_is_not() -> None:
    auth = Auth(HTTPBearer())
    wsgi, asgi = WSGIMount(PAGE), ASGIMount(PAGE)
    for path in ("/docs/", "/docs/docs.js"):
        assert by_wsgi(WSGIAuthMiddleware(wsgi, auth), path, script_name="")[0] == 401
        assert by_asgi(ASGIAuthMiddleware(asgi, auth), path, root_path="")[0] == 401
        public = ["/docs", "/docs/*"]
        assert by_wsgi(WSGIAuthMiddleware(wsgi, auth, public=public), path, script_name="")[0] == 404
        assert by_asgi(ASGIAuthMiddleware(asgi, auth, public=public), path, root_path="")[0] == 404


def test_a_websocket_is_closed_and_start_up_is_answered() -> None:
    app = ASGIMount(PAGE)
    closed = _exchange(app, {"type": "websocket"}, {"type": "websocket.connect"})
    assert closed == [{"type": "websocket.close", "code": 1008}]
    told = _exchange(app, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert [each["type"] for each in told] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(ValueError, match="carrier pigeon"):
        _exchange(app, {"type": "carrier pigeon"})
