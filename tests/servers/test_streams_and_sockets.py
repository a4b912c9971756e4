"""Over real sockets: bodies both ways, HEAD, hang-ups, connections that are used twice, and websockets."""

from __future__ import annotations

import socket
import time
from contextlib import closing

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.contract.cases import MISSING, SCOPE_MISSING
from tests.servers.running import SERVERS, Serve, exchange, raw_request, read_reply

pytestmark = pytest.mark.servers

AUTHORIZATION = (b"Authorization", b"Bearer alice-token")
CLOSE = (b"Connection", b"close")
PREFLIGHT = ((b"Origin", b"https://a.example"), (b"Access-Control-Request-Method", b"GET"))
CHUNKED = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"


@pytest.mark.parametrize("server", SERVERS)
def test_bodies_and_connections_are_as_they_would_be_without_the_middleware(server: str, serve: Serve) -> None:
    port = serve(server, "tests.servers.apps")
    streamed = exchange(port, raw_request("GET", "/stream", [AUTHORIZATION, CLOSE]))
    posted = exchange(port, raw_request("POST", "/echo", [AUTHORIZATION, CLOSE], b"hello world"))
    chunked_headers = [AUTHORIZATION, CLOSE, (b"Transfer-Encoding", b"chunked")]
    chunked = exchange(port, raw_request("POST", "/echo", chunked_headers) + CHUNKED)
    refused = exchange(port, raw_request("POST", "/echo", [CLOSE], b"hello world"))
    head = exchange(port, raw_request("HEAD", "/echo", [CLOSE]), method="HEAD")
    get = exchange(port, raw_request("GET", "/echo", [CLOSE]))
    twice = _twice_on_one_connection(port)
    preflight = exchange(port, raw_request("OPTIONS", "/stream", [*PREFLIGHT, CLOSE]))
    assert (streamed.status, streamed.body) == (200, b"alice;alice;alice;")
    assert (posted.status, posted.body) == (200, b"hello world")
    assert (chunked.status, chunked.body) == (200, b"hello world")
    assert (refused.status, refused.header("content-type")) == (401, "application/problem+json")
    assert (head.status, head.body, head.header("content-length")) == (401, b"", str(len(get.body)))
    assert twice == (401, 200)
    assert (preflight.status, preflight.body) == (204, b"")


def _twice_on_one_connection(port: int) -> tuple[int, int]:
    """What a client does that waits for a challenge."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        connection.sendall(raw_request("GET", "/stream"))
        first = read_reply(connection)
        if first.header("connection") == "close":  # Werkzeug closes after each answer
            return first.status, exchange(port, raw_request("GET", "/stream", [AUTHORIZATION, CLOSE])).status
        connection.sendall(raw_request("GET", "/stream", [AUTHORIZATION]))
        return first.status, read_reply(connection).status


@pytest.mark.parametrize("server", [name for name, (interface, _) in SERVERS.items() if interface == "wsgi"])
def test_write_still_writes(server: str, serve: Serve) -> None:
    if server == "granian-wsgi":
        pytest.skip("granian has no write(), with or without the middleware")
    port = serve(server, "tests.servers.apps")
    assert exchange(port, raw_request("GET", "/write", [AUTHORIZATION, CLOSE])).body == b"alice!"


ASGI_SERVERS = [name for name, (interface, _) in SERVERS.items() if interface == "asgi"]


@pytest.mark.parametrize("server", ASGI_SERVERS)
def test_the_application_still_hears_that_the_client_hung_up_and_who_it_was(server: str, serve: Serve) -> None:
    port = serve(server, "tests.servers.apps")
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        connection.sendall(raw_request("GET", "/wait", [AUTHORIZATION]))
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert _seen_to_hang_up(port) == b"alice"


def _seen_to_hang_up(port: int) -> bytes:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        seen = exchange(port, raw_request("GET", "/disconnected", [AUTHORIZATION, CLOSE])).body
        if seen:
            return seen
    return b""


@pytest.mark.parametrize("server", ASGI_SERVERS)
def test_websockets_are_guarded_before_they_are_accepted(server: str, serve: Serve) -> None:
    port = serve(server, "tests.servers.apps")
    allowed = _greeting(port, "/any", "Bearer alice-token")
    public = _greeting(port, "/public", None)
    refused = {
        "nobody": _refusal(port, "/any", None),
        "a bad token": _refusal(port, "/any", "Bearer revoked"),
        "a bad token on a public path": _refusal(port, "/public", "Bearer revoked"),
        "a scope missing": _refusal(port, "/orders", "Bearer reader-token"),
        "a store down": _refusal(port, "/any", "Bearer store-down"),
    }
    closed = _closed_while_speaking(port)
    assert (allowed, public) == ("alice", "")
    assert {name: status for name, (status, _) in refused.items()} == {
        "nobody": 401,
        "a bad token": 401,
        "a bad token on a public path": 401,
        "a scope missing": 403,
        "a store down": 503,
    }
    # Of a denial response each header name stands once: several challenges share one line.
    assert refused["nobody"][1] == ", ".join(MISSING.challenges)
    assert refused["a scope missing"][1] == ", ".join(SCOPE_MISSING.challenges)
    assert closed == 1008


def _headers(authorization: str | None) -> dict[str, str]:
    return {} if authorization is None else {"Authorization": authorization}


def _greeting(port: int, path: str, authorization: str | None) -> str | bytes:
    with connect(f"ws://127.0.0.1:{port}{path}", additional_headers=_headers(authorization), proxy=None) as websocket:
        websocket.send("who am I?")
        return websocket.recv(timeout=10)


def _refusal(port: int, path: str, authorization: str | None) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refused:
        _greeting(port, path, authorization)
    response = refused.value.response
    return response.status_code, response.headers.get("WWW-Authenticate", "")


def _closed_while_speaking(port: int) -> int | None:
    headers = _headers("Bearer alice-token")
    with connect(f"ws://127.0.0.1:{port}/any", additional_headers=headers, proxy=None) as websocket:
        websocket.send("admin")
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv(timeout=10)
    return closed.value.rcvd.code if closed.value.rcvd is not None else None
