"""A response serves itself: the same status, headers and body to a WSGI and to an ASGI server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from authmw.http.response import Response

HEADERS: Final = (
    ("Content-Type", "text/plain"),
    ("WWW-Authenticate", "Bearer"),
    ("WWW-Authenticate", 'Basic realm="é"'),
)
REFUSED: Final = Response(401, HEADERS, b"no")
RAW: Final = [
    (b"content-type", b"text/plain"),
    (b"www-authenticate", b"Bearer"),
    (b"www-authenticate", b'Basic realm="\xe9"'),
]
DENIAL: Final[dict[str, Any]] = {"type": "websocket", "extensions": {"websocket.http.response": {}}}


def sent(response: Response, scope: dict[str, Any], *, connected: bool = False) -> tuple[list[dict[str, Any]], int]:
    """What is sent to the server, and how many messages were received before."""
    messages: list[Any] = []
    received: list[str] = []

    async def receive() -> Any:
        received.append("websocket.connect")
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(response.serve_asgi(scope, receive, send, connected=connected))
    return messages, len(received)


@pytest.mark.parametrize("method, body", [("GET", [b"no"]), ("POST", [b"no"]), ("HEAD", [])])
def test_a_wsgi_server_gets_status_headers_and_body(method: str, body: list[bytes]) -> None:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> Callable[[bytes], object]:
        started.append((status, headers))
        return started.append

    served = REFUSED.serve_wsgi({"REQUEST_METHOD": method}, start_response)
    assert (started, served) == ([("401 Unauthorized", list(HEADERS))], body)


@pytest.mark.parametrize("method, body", [("GET", b"no"), ("POST", b"no"), ("HEAD", b"")])
def test_an_asgi_server_gets_the_same(method: str, body: bytes) -> None:
    messages, received = sent(REFUSED, {"type": "http", "method": method})
    assert messages == [
        {"type": "http.response.start", "status": 401, "headers": RAW},
        {"type": "http.response.body", "body": body},
    ]
    assert received == 0


def test_a_websocket_is_denied_where_the_server_can_with_each_header_once() -> None:
    messages, received = sent(REFUSED, DENIAL)
    assert messages == [
        {
            "type": "websocket.http.response.start",
            "status": 401,
            "headers": [(b"content-type", b"text/plain"), (b"www-authenticate", b'Bearer, Basic realm="\xe9"')],
        },
        {"type": "websocket.http.response.body", "body": b"no"},
    ]
    assert received == 1


@pytest.mark.parametrize("status, code", [(401, 1008), (429, 1008), (499, 1008), (500, 1013), (503, 1013)])
@pytest.mark.parametrize("extensions", [{}, {"extensions": None}, {"extensions": {"tls": {}}}])
def test_a_websocket_is_closed_where_the_server_cannot(extensions: dict[str, Any], status: int, code: int) -> None:
    messages, received = sent(Response(status, (), b""), {"type": "websocket", **extensions})
    assert (messages, received) == ([{"type": "websocket.close", "code": code}], 1)


@pytest.mark.parametrize("scope", [DENIAL, {"type": "websocket"}])
def test_a_websocket_that_is_connected_has_nothing_to_receive(scope: dict[str, Any]) -> None:
    assert sent(REFUSED, scope, connected=True)[1] == 0
