"""Asks an application in this process, and sees what a client would see, also where the server gets an exception."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, NamedTuple
from wsgiref.util import setup_testing_defaults

from authmw.http.request import Message, Scope

TOKEN = "t0ken"


class Seen(NamedTuple):
    """A response, as a client sees it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def wire(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """What has to be the same everywhere: status, body, and the headers that authmw writes."""
        written = ("www-authenticate", "content-type", "content-length", "cache-control", "vary", "retry-after")
        return self.status, sorted(each for each in self.headers if each[0] in written), self.body


def ask_wsgi(app: Any, path: str, *, token: str = TOKEN, method: str = "GET") -> Seen:
    """One request as a server makes it: the body is read, then closed."""
    started: list[tuple[int, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        assert not started or exc_info, "started twice"
        started.append((int(status[:3]), [(name.lower(), value) for name, value in headers]))
        return written.append

    environ: dict[str, Any] = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""}
    setup_testing_defaults(environ)
    environ["wsgi.errors"] = sys.stderr
    if token:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    body = app(environ, start_response)
    try:
        content = b"".join([*written, *body])
    finally:
        getattr(body, "close", lambda: None)()
    return Seen(*started[-1], content)


def ask_asgi(app: Any, path: str, *, token: str = TOKEN, method: str = "GET") -> Seen:
    """One request on an event loop of its own."""
    return asyncio.run(ask_asgi_here(app, path, token=token, method=method))


async def ask_asgi_here(app: Any, path: str, *, token: str = TOKEN, method: str = "GET") -> Seen:
    """One request on the event loop that is running. What the application raises after its answer is dropped."""
    sent: list[Message] = []
    try:
        await exchange(app, scope_of(path, token, method), sent)
    except LookupError:
        assert sent, "nothing was answered"
    (start,) = [message for message in sent if message["type"] == "http.response.start"]
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
    return Seen(start["status"], headers, b"".join(message.get("body", b"") for message in sent))


async def exchange(app: Any, scope: Scope, sent: list[Message]) -> None:
    """Call `app` once, as a server does for a request without a body; `sent` gets its messages."""
    received = False
    gone = asyncio.Event()

    async def receive() -> Message:
        nonlocal received
        if received:
            await gone.wait()
            return {"type": "http.disconnect"}
        received = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            gone.set()  # as a server does: newer Quart waits for it

    try:
        await app(scope, receive, send)
    finally:
        gone.set()


def scope_of(path: str, token: str = TOKEN, method: str = "GET") -> Scope:
    """The scope that a server makes."""
    headers = [(b"host", b"localhost")]
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 12345),
        "server": ("127.0.0.1", 80),
    }
