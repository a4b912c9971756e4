"""Responses that authmw makes itself, with the two ways to serve them (WSGI and ASGI)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from authmw.http.request import Environ, Receive, Scope, Send

StartResponse = Callable[..., Callable[[bytes], object]]
"""``start_response`` of PEP 3333."""
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]
"""An application of PEP 3333."""
RawHeaders = list[tuple[bytes, bytes]]
"""Headers in the form of ASGI: names in lower case, in order."""

POLICY_VIOLATION: Final = 1008
"""The close code of a websocket that is not allowed (RFC 6455 §7.4.1)."""
TRY_AGAIN_LATER: Final = 1013
"""The close code of a websocket that may be opened again later. IANA registered it for RFC 6455."""
_SERVER_ERROR: Final = 500
WITHOUT_CONTENT: Final = frozenset({204, 304})
"""The statuses of responses that have no content, nor a ``Content-Length`` (RFC 9110 §8.6)."""


def is_sent_to_preflight(name: str) -> bool:
    """Whether the header `name` of the application's response to a CORS preflight is sent to the client.

    A preflight has no credentials, so that only the headers that browsers need for CORS are sent.

    >>> is_sent_to_preflight("Access-Control-Allow-Origin"), is_sent_to_preflight("Set-Cookie")
    (True, False)
    """
    return is_for_cors(name) or name.lower() in ("allow", "cache-control", "vary")


def is_for_cors(name: str) -> bool:
    """Whether the header `name` of a response is one of CORS (Fetch §3.2.3). Those say nothing of the content."""
    return name.lower().startswith("access-control-")


@lru_cache(maxsize=64)
def phrase_of(status: int) -> str:
    """The phrase of a status (RFC 9110 §15).

    >>> phrase_of(401)
    'Unauthorized'
    """
    from http import HTTPStatus

    return HTTPStatus(status).phrase


def close_code_of(status: int) -> int:
    """The code by which a websocket is closed in place of a response with `status` (RFC 6455 §7.4).

    >>> close_code_of(401), close_code_of(503)
    (1008, 1013)
    """
    return TRY_AGAIN_LATER if status >= _SERVER_ERROR else POLICY_VIOLATION


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response, with `serve_wsgi` and `serve_asgi` to send it.

    Args:
        status: the status code, such as 401.
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
        """The status with its phrase, such as ``401 Unauthorized``."""
        return f"{self.status} {phrase_of(self.status)}"

    @property
    def raw_headers(self) -> RawHeaders:
        """The headers in the form of ASGI."""
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]

    def content_for(self, method: str) -> list[bytes]:
        """The body in the form of PEP 3333; empty for a HEAD request (RFC 9110 §9.3.2)."""
        return [] if method == "HEAD" else [self.body]

    @property
    def close_code(self) -> int:
        """The code by which a websocket is closed in place of this response (RFC 6455 §7.4)."""
        return close_code_of(self.status)

    def serve_wsgi(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        """Start the response to a WSGI request (PEP 3333), and return its body."""
        start_response(self.status_line, list(self.headers))
        return self.content_for(environ["REQUEST_METHOD"])

    async def serve_asgi(self, scope: Scope, receive: Receive, send: Send, *, connected: bool = False) -> None:
        """Send the response to an ASGI connection.

        A websocket gets a denial response if the server has that extension. Otherwise the websocket is closed.

        Args:
            scope: the scope of the connection, of type ``http`` or ``websocket``.
            receive: the receive channel of the connection.
            send: the send channel of the connection.
            connected: whether ``websocket.connect`` was already received.
        """
        kind, headers = "http.response", self.raw_headers
        if scope["type"] == "websocket":
            if not connected:
                await receive()
            if "websocket.http.response" not in (scope.get("extensions") or {}):
                await send({"type": "websocket.close", "code": self.close_code})
                return
            kind, headers = "websocket.http.response", joined(headers)
        await send({"type": f"{kind}.start", "status": self.status, "headers": headers})
        await send({"type": f"{kind}.body", "body": b"" if scope.get("method") == "HEAD" else self.body})


def joined(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """`headers` with each name once, its values joined by commas (RFC 9110 §5.3).

    For denial responses to websockets: granian 2 crashes if one of them repeats a name. ``Set-Cookie`` cannot be
    joined, so the first one stays.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in found:
            found[name] = value
        elif name != b"set-cookie":
            found[name] += b", " + value
    return list(found.items())
