"""A connection that many people share, as a reverse proxy makes it: the caller of one request is not that of the next.

asyncio resumes reading in the context of the request whose body was large, and servers start the next request from
there: what a request put into a context variable is still there then (uvicorn #2167, CPython #140947).
"""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from tests.servers.running import raw_request, read_reply, running

pytestmark = pytest.mark.servers

AUTHORIZATION = (b"Authorization", b"Bearer alice-token")
LARGE = b"x" * 3_000_000


@pytest.mark.parametrize("app", ["mounted", "by_dependency"])
@pytest.mark.parametrize("server", ["uvicorn-h11", "uvicorn-httptools"])
def test_the_next_request_of_a_connection_finds_nobody(server: str, app: str) -> None:
    look, last = raw_request("GET", "/beside"), raw_request("GET", "/beside", [(b"Connection", b"close")])
    with (
        running(server, f"tests.servers.keep_alive_apps:{app}") as port,
        closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection,
    ):
        connection.sendall(raw_request("POST", "/api/upload", [AUTHORIZATION], LARGE))
        assert read_reply(connection).body == b"%d alice" % len(LARGE)
        connection.sendall(look)
        assert read_reply(connection).body == b"nobody refused"
        # Pipelined: the second request waits behind the first one.
        connection.sendall(raw_request("POST", "/api/upload", [AUTHORIZATION], b"abc") + last)
        replies = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"\r\n\r\n3 alice" in replies
    assert replies.endswith(b"\r\n\r\nnobody refused")


@pytest.mark.parametrize("body", [b"abc", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("is_pipelined", [False, True], ids=["after the answer", "pipelined"])
@pytest.mark.parametrize("server", ["uvicorn-h11", "uvicorn-httptools"])
def test_the_next_request_finds_nobody_while_a_background_task_of_the_one_before_still_runs(
    server: str, is_pipelined: bool, body: bytes
) -> None:
    last = raw_request("GET", "/beside", [(b"Connection", b"close")])
    with (
        running(server, "tests.servers.keep_alive_apps:mounted") as port,
        closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection,
    ):
        connection.sendall(raw_request("POST", "/api/upload?stay", [AUTHORIZATION], body) + last * is_pipelined)
        if not is_pipelined:
            assert read_reply(connection).body == b"%d alice" % len(body)
            connection.sendall(last)
        replies = b"".join(iter(lambda: connection.recv(65536), b""))
    assert replies.endswith(b"\r\n\r\nnobody refused")
