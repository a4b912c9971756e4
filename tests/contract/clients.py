"""Asks an application in this process, and sees of the answer what a client would see."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote_to_bytes
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from authmw.asgi.middleware import ASGIApp
from authmw.http.request import Message, Scope
from authmw.http.response import WSGIApp
from tests.contract.cases import Answer, Case

Headers = list[tuple[str, str]]

SINGLE: Final = ("content-type", "cache-control", "retry-after")


def answer_of(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
    """What the contract speaks about."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    content_type, cache_control, retry_after = (", ".join(found.get(name, [])) for name in SINGLE)
    return Answer(
        status=status,
        challenges=tuple(found.get("www-authenticate", ())),
        body=body,
        content_type=content_type,
        cache_control=cache_control,
        vary=", ".join(found.get("vary", [])),
        retry_after=retry_after,
        location=", ".join(found.get("location", [])),
        cookies=tuple(found.get("set-cookie", ())),
    )


def environ_of(case: Case) -> dict[str, Any]:
    """The environ a server would make: header lines of one name are joined by a comma."""
    path, _, query = case.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": case.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": case.target,
    }
    setup_testing_defaults(environ)
    for name, value in case.headers:
        key = "HTTP_" + name.decode().upper().replace("-", "_")
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def scope_of(case: Case, kind: str = "http") -> Scope:
    """The scope a server would make."""
    path, _, query = case.target.partition("?")
    scope: Scope = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": case.method,
        "scheme": "http",
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), *((name.lower(), value) for name, value in case.headers)],
        "client": ("127.0.0.1", 12345),
        "server": ("127.0.0.1", 80),
    }
    if kind == "websocket":
        del scope["method"]
    return scope


def ask_wsgi(app: WSGIApp, case: Case) -> Answer:
    """One request, with the whole protocol checked by the standard library's validator."""
    started: list[tuple[str, Headers]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Any:
        started.append((status, headers))
        return written.append

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about methods it has not heard of
        body = validator(app)(environ_of(case), start_response)
        try:
            content = b"".join([*written, *body])
        finally:
            body.close()  # type: ignore[attr-defined]  # the validator's iterator has one
    (status, headers) = started[-1]
    return answer_of(int(status[:3]), headers, content)


def ask_asgi(app: ASGIApp, case: Case) -> Answer:
    """One request on an event loop of its own."""
    sent: list[Message] = []

    async def call() -> None:
        answered = asyncio.Event()
        waiting: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if waiting:
                return waiting.pop()
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        await app(scope_of(case), receive, send)

    asyncio.run(call())
    (start,) = [message for message in sent if message["type"] == "http.response.start"]
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return answer_of(start["status"], headers, body)
