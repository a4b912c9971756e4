"""Real servers on loopback, each in a process of its own that is stopped by its own pid, and a client of raw bytes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Final

from tests.support import ROOT

_START_SECONDS: Final = 30.0

# {port} and {app} are filled in. One worker each: the suite shares two cores.
_GUNICORN = "-m gunicorn --workers 1 --threads 2 --log-level error --no-control-socket --bind 127.0.0.1:{port} {app}"
_UVICORN = "-m uvicorn --log-level error --host 127.0.0.1 --port {port} --http {parser} {app}"
_GRANIAN = "-m granian --no-log --workers 1 --host 127.0.0.1 --port {port} --interface {interface} {app}"
_WERKZEUG = "-m tests.servers.werkzeug {port} {app}"

SERVERS: Final[Mapping[str, tuple[str, str]]] = {
    "gunicorn": ("wsgi", _GUNICORN),
    "werkzeug": ("wsgi", _WERKZEUG),
    "granian-wsgi": ("wsgi", _GRANIAN.replace("{interface}", "wsgi")),
    "granian-asgi": ("asgi", _GRANIAN.replace("{interface}", "asgi")),
    "uvicorn-h11": ("asgi", _UVICORN.replace("{parser}", "h11")),
    "uvicorn-httptools": ("asgi", _UVICORN.replace("{parser}", "httptools")),
}
"""The interface each server speaks, and how it is started."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer off the wire."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """The values of one header, joined."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)


@contextmanager
def running(server: str, app: str) -> Generator[int]:
    """The port of `server` serving `app` (``module:name``); it is stopped when the block ends."""
    port = _free_port()
    arguments = SERVERS[server][1].format(port=port, app=app).split()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a group of its own, with its workers
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, and end it and its workers after a while: one that is left would hold our pipe open."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            output = process.communicate()[0].decode(errors="replace")
            raise RuntimeError(f"the server ended with {process.returncode}:\n{output}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            time.sleep(0.05)  # a process, not a clock, is waited for
        else:
            return
    raise RuntimeError("the server did not start")


def raw_request(
    method: str, target: str | bytes, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b""
) -> bytes:
    """A request as bytes, with nothing checked."""
    target = target.encode("latin-1") if isinstance(target, str) else target
    lines = [b"%s %s HTTP/1.1" % (method.encode(), target), b"Host: localhost"]
    lines += [name + b": " + value for name, value in headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", b""]) + body


def exchange(port: int, request: bytes, *, method: str = "GET") -> Reply:
    """Send `request` on a connection of its own and read one whole answer."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        connection.sendall(request)
        return read_reply(connection, method=method)


def read_reply(connection: socket.socket, *, method: str = "GET") -> Reply:
    """Read one answer and leave the connection open."""
    response = HTTPResponse(connection, method=method)
    response.begin()
    reply = Reply(response.status, response.getheaders(), response.read())
    response.close()
    return reply
