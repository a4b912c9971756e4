"""Over real sockets: websockets and streams end with the credentials that opened them, and no others do."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Final, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.servers.ending_apps import BOUND
from tests.servers.running import SERVERS, started

pytestmark = [pytest.mark.servers, pytest.mark.slow]

_HYPERCORN: Final = "-m hypercorn --bind 127.0.0.1:{port} --worker-class WORKERS --workers 0 {app}"
_GTHREAD: Final = (
    "-m gunicorn --worker-class gthread --workers 1 --threads 16 --log-level error --no-control-socket "
    "--bind 127.0.0.1:{port} {app}"
)
_ASGI: Final = {name: command for name, (interface, command) in SERVERS.items() if interface == "asgi"} | {
    "hypercorn-asyncio": _HYPERCORN.replace("WORKERS", "asyncio"),
    "hypercorn-trio": _HYPERCORN.replace("WORKERS", "trio"),
}
_WSGI: Final = {
    "gunicorn": _GTHREAD,
    "werkzeug": SERVERS["werkzeug"][1],
    "granian-wsgi": SERVERS["granian-wsgi"][1].replace("--workers 1", "--workers 1 --blocking-threads 16"),
}
SLACK: Final = 3.0
"""Seconds that a busy machine may take besides."""
CAUSES: Final = ("token", "user", "expiry")
LIFETIME: Final = 5
"""Seconds within which all connections are opened, on a busy machine too."""


class Token(NamedTuple):
    """A token as the server has issued it."""

    user: str
    text: str
    id: str
    expires_at: float

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.text}"}


class Served:
    """A server of the applications, and what its public paths do."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, target: str) -> str:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", target, headers={"Connection": "close"})
        answer = connection.getresponse().read().decode()
        connection.close()
        return answer

    def tokens(self) -> dict[str, Token]:
        """A token for each cause, and one that stays good."""
        issued: dict[str, Token] = {}
        for cause in ("none", *CAUSES):  # that which expires last
            lifetime = LIFETIME if cause == "expiry" else 600
            text, number, expires_at = self.ask(f"/issue?user=user-{cause}&lifetime={lifetime}").split()
            issued[cause] = Token(f"user-{cause}", text, number, float(expires_at))
        return issued

    def end(self, tokens: dict[str, Token]) -> dict[str, float]:
        """End all but one of them, and say when."""
        self.ask(f"/end?token={tokens['token'].id}")
        began = {"token": time.time()}
        self.ask(f"/end?user={tokens['user'].user}")
        return {**began, "user": time.time(), "expiry": tokens["expiry"].expires_at}

    @contextmanager
    def stream(self, path: str, token: Token) -> Generator[HTTPResponse]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers=token.headers)
        response = connection.getresponse()
        assert response.status == 200
        try:
            yield response
        finally:
            response.close()
            connection.close()


def _closed(websocket: ClientConnection) -> tuple[object, float]:
    """The code by which a websocket is closed, and when that was."""
    with pytest.raises(ConnectionClosed) as closed:
        websocket.recv(timeout=20)
    at = time.time()
    return (None if closed.value.rcvd is None else closed.value.rcvd.code), at


def _read(response: HTTPResponse) -> tuple[object, float]:
    """Whether a response ended as if it was complete, and when."""
    try:
        response.read()
    except (IncompleteRead, ConnectionError):
        return "cut", time.time()
    return "complete", time.time()


@pytest.mark.parametrize("server", [*_ASGI, *_WSGI])
def test_connections_end_with_what_opened_them_and_no_others(server: str) -> None:
    command, interface = (_ASGI[server], "asgi") if server in _ASGI else (_WSGI[server], "wsgi")
    with ExitStack() as stack, ThreadPoolExecutor(32) as threads:
        running = stack.enter_context(started(command, f"tests.servers.ending_apps:{interface}"))
        served = Served(running.port)
        tokens = served.tokens()
        opened: dict[tuple[str, str], Callable[[], tuple[object, float]]] = {}
        sockets: dict[str, ClientConnection] = {}
        for cause, token in tokens.items():
            for path in ("/events", "/text"):
                stream = stack.enter_context(served.stream(path, token))
                assert stream.readline() == b"data: part\n"
                opened[cause, path] = partial(_read, stream)
            if interface == "asgi":
                url = f"ws://127.0.0.1:{served.port}/"
                sockets[cause] = stack.enter_context(connect(url, additional_headers=token.headers, proxy=None))
                opened[cause, "websocket"] = partial(_closed, sockets[cause])
        # The websocket that stays is asked in the end, by this thread.
        ends = {each: threads.submit(wait) for each, wait in opened.items() if each != ("none", "websocket")}
        began = served.end(tokens)
        ended = {each: end.result(timeout=30) for each, end in ends.items() if each[0] != "none"}
        late = {
            each: at - began[each[0]]
            for each, (_, at) in ended.items()
            if not -0.1 <= at - began[each[0]] <= BOUND + SLACK
        }
        assert late == {}
        assert not any(end.done() for (cause, _), end in ends.items() if cause == "none")
        if sockets:
            sockets["none"].send("still here")
            assert sockets["none"].recv(timeout=20) == "still here"
        served.ask(f"/end?token={tokens['none'].id}")
        printed = running.output()
    assert "Traceback" not in printed
    how = {"/events": "complete", "/text": "cut", "websocket": 1008}
    assert {each: outcome for each, (outcome, _) in ended.items()} == {each: how[each[1]] for each in ended}
