"""Requests to the Django project of the tests, as servers make them, under WSGI and ASGI."""

from __future__ import annotations

import asyncio
import json
import sys
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

from authmw.http.request import Message
from tests.adapters.django.site import handler
from tests.frameworks.clients import Seen

KINDS = ("wsgi", "asgi")


def ask(
    kind: str,
    target: str,
    token: str = "",
    *,
    method: str = "GET",
    body: bytes = b"",
    app: Any = None,
    root: str = "",
    **headers: str,
) -> Seen:
    """One request to the project, or to `app`. Headers are named with underscores."""
    path, _, query = target.partition("?")
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        sent["authorization"] = f"Bearer {token}"
    if body:
        sent.setdefault("content-length", str(len(body)))
        sent.setdefault("content-type", "application/x-www-form-urlencoded")
    app = handler(kind) if app is None else app
    make = _ask_wsgi if kind == "wsgi" else _ask_asgi
    return make(app, method, root, path, query, sent, body)


def said(seen: Seen) -> Any:
    """The JSON of a response."""
    return json.loads(seen.body)


def _ask_wsgi(app: Any, method: str, root: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Seen:
    from urllib.parse import unquote_to_bytes

    started: list[tuple[int, list[tuple[str, str]]]] = []

    def start_response(status: str, lines: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((int(status[:3]), [(name.lower(), value) for name, value in lines]))

    below = unquote_to_bytes(path).decode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": root,
        "PATH_INFO": below.removeprefix(root),
        "RAW_URI": f"{path}?{query}" if query else path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
    }
    setup_testing_defaults(environ)
    environ |= {"wsgi.errors": sys.stderr, "wsgi.input": BytesIO(body)}
    for name, value in headers.items():
        variable = name.upper().replace("-", "_")
        environ[variable if variable in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{variable}"] = value
    chunks = app(environ, start_response)
    try:
        content = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    return Seen(*started[-1], content)


def _ask_asgi(app: Any, method: str, root: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Seen:
    from urllib.parse import unquote

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": root,
        "headers": [(b"host", b"localhost"), *((name.encode(), value.encode()) for name, value in headers.items())],
        "client": ("127.0.0.1", 12345),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Message] = []

    async def exchange() -> None:
        gone = asyncio.Event()
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if waiting:
                return waiting.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                gone.set()

        await app(scope, receive, send)

    asyncio.run(exchange())
    (start,) = [message for message in sent if message["type"] == "http.response.start"]
    lines = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
    return Seen(start["status"], lines, b"".join(message.get("body", b"") for message in sent))
