"""Responses that authmw makes itself, and how WSGI and ASGI servers are given them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from authmw.http.request import Environ, Receive, Scope, Send

StartResponse = Callable[..., Callable[[bytes], object]]
"""``start_response`` of PEP 3333."""
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]
"""An application of PEP 3333."""
RawHeaders = list[tuple[bytes, bytes]]
"""Headers as ASGI has them: names in lower case, in order."""

POLICY_VIOLATION: Final = 1008
"""The code that closes a websocket which is not allowed (RFC 6455 §7.4.1)."""
_TRY_AGAIN_LATER: Final = 1013  # registered with IANA for RFC 6455
_SERVER_ERROR: Final = 500
WITHOUT_CONTENT: Final = frozenset({204, 304})
"""The statuses of responses that have no content, nor a ``Content-Length`` (RFC 9110 §8.6)."""


def is_told_to_preflight(name: str) -> bool:
    """Whether the header `name` of the application's answer to a CORS preflight goes to the client, who is nobody.

    >>> is_told_to_preflight("Access-Control-Allow-Origin"), is_told_to_preflight("Set-Cookie")
    (True, False)
    """
    name = name.lower()
    return name.startswith("access-control-") or name in ("allow", "cache-control", "vary")


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response, which serves itself by `serve_wsgi` and `serve_asgi`.

    Args:
        status: as ``401``.
        headers: names and values, in order.
        body: the bytes of the body.

    >>> response = Response(200, (("Content-Type", "text/plain"),), b"hello")
    >>> response.serve_wsgi({"REQUEST_METHOD": "GET"}, print)
    200 OK [('Content-Type', 'text/plain')]
    [b'hello']
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def status_line(self) -> str:
        """As ``401 Unauthorized``."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"

    @property
    def raw_headers(self) -> RawHeaders:
        """The headers as ASGI has them."""
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]

    def content_for(self, method: str) -> list[bytes]:
        """The body as PEP 3333 has it: nothing of it for a HEAD request (RFC 9110 §9.3.2)."""
        return [] if method == "HEAD" else [self.body]

    def serve_wsgi(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        """Answer a WSGI request (PEP 3333): start the response, and return its body."""
        start_response(self.status_line, list(self.headers))
        return self.content_for(environ["REQUEST_METHOD"])

    async def serve_asgi(self, scope: Scope, receive: Receive, send: Send, *, connected: bool = False) -> None:
        """Answer an ASGI connection. A websocket is denied where the server can do that, and closed otherwise.

        Args:
            scope: of the connection, of type ``http`` or ``websocket``.
            receive: its channel.
            send: its channel.
            connected: whether ``websocket.connect`` was received.
        """
        kind, headers = "http.response", self.raw_headers
        if scope["type"] == "websocket":
            if not connected:
                await receive()
            if "websocket.http.response" not in (scope.get("extensions") or {}):
                code = _TRY_AGAIN_LATER if self.status >= _SERVER_ERROR else POLICY_VIOLATION
                await send({"type": "websocket.close", "code": code})
                return
            kind, headers = "websocket.http.response", folded(headers)
        await send({"type": f"{kind}.start", "status": self.status, "headers": headers})
        await send({"type": f"{kind}.body", "body": b"" if scope.get("method") == "HEAD" else self.body})


def folded(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """Each name once, its values joined by commas (RFC 9110 §5.3): granian 2 dies of a denial that repeats a name."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found[name] = found[name] + b", " + value if name in found else value
    return list(found.items())
