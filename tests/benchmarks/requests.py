"""Requests as a server would hand them over: twelve headers, the credential seventh, every string a new object."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

HEADERS = 12
CREDENTIAL = 6
FORM = "application/x-www-form-urlencoded"
BODY = "tests.benchmarks.body"
"""Where a scope holds what `serve_asgi` has the application receive."""


def fresh(text: str) -> str:
    """A new string equal to `text`: it has not remembered its hash."""
    return (text + " ")[:-1]


def environ(header: str, value: str, *, path: str = "/orders", form: str = "") -> dict[str, Any]:
    """A WSGI environ with `value` under `header`; a POST of `form`, if there is one."""
    made: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "REQUEST_URI": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "HTTP_HOST": "localhost",
    }
    for number in range(HEADERS - 1):
        if number == CREDENTIAL and value:
            made["HTTP_" + header.upper().replace("-", "_")] = fresh(value)
        made[f"HTTP_X_HEADER_{number}"] = fresh("a header's value")
    if form:
        body = form.encode()
        made |= {"REQUEST_METHOD": "POST", "wsgi.url_scheme": "https", "wsgi.input": BytesIO(body)}
        made |= {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(body))}
    return made


def scope(header: str, value: str, *, path: str = "/orders", form: str = "") -> dict[str, Any]:
    """An ASGI scope with `value` under `header`; a POST of `form`, if there is one."""
    headers = [(b"x-header-%d" % number, fresh("a header's value").encode()) for number in range(HEADERS)]
    headers[0] = (b"host", b"localhost")
    if value:
        headers[CREDENTIAL] = (header.lower().encode(), fresh(value).encode())
    if form:
        headers += [(b"content-type", FORM.encode()), (b"content-length", str(len(form)).encode())]
    return {
        BODY: form.encode(),
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST" if form else "GET",
        "scheme": "https" if form else "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


def serve_wsgi(app: Callable[..., Any]) -> Callable[[dict[str, Any]], tuple[str, bytes]]:
    """Call a WSGI application as a server does; the status and the body."""

    def serve(made: dict[str, Any]) -> tuple[str, bytes]:
        status = ""

        def start_response(line: str, headers: Any, exc_info: Any = None) -> Any:
            nonlocal status
            status = line

        chunks = app(made, start_response)
        body = b"".join(chunks)
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        return status, body

    return serve


def serve_asgi(app: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    """Call an ASGI application as a server does; the status and the body."""

    async def serve(made: dict[str, Any]) -> tuple[str, bytes]:
        status, body = "", b""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": made[BODY], "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = str(message["status"])
            else:
                body += message.get("body", b"")

        await app(made, receive, send)
        return status, body

    return serve
