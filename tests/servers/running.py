"""Real servers on loopback, each in a process of its own that is stopped by its own pid, and a client of raw bytes."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

from tests.support import ROOT, unmeasured

_START_SECONDS: Final = 120.0

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

Serve = Callable[[str, str], int]
"""The port of a server by its name, and the module of its application, which has one by the name of each interface."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer off the wire."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """The values of one header, joined."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: its port, and the file that it prints into."""

    port: int
    printed: IO[bytes]

    def output(self) -> str:
        """What it has printed so far."""
        self.printed.seek(0)
        return self.printed.read().decode(errors="replace")


@contextmanager
def running(server: str, app: str, environment: Mapping[str, str] = MappingProxyType({})) -> Generator[int]:
    """The port of `server` serving `app` (``module:name``); it is stopped when the block ends. See `started`."""
    with started(SERVERS[server][1], app, environment) as serving:
        yield serving.port


@contextmanager
def started(
    command: str,
    app: str,
    environment: Mapping[str, str] = MappingProxyType({}),
    *,
    python: Path | str = sys.executable,
    folder: Path = ROOT,
    patience: float = _START_SECONDS,
) -> Generator[Server]:
    """A server of `app`, started by the arguments for Python in `command`; it is stopped when the block ends.

    Args:
        command: has ``{port}`` and ``{app}`` in it.
        app: ``module:name``.
        environment: what it is told beside what this process was; ``{port}`` in a value is its port.
        python: the interpreter.
        folder: where it runs, and imports `app` from.
        patience: seconds in which it has to start.
    """
    port = _free_port()
    told = {name: value.replace("{port}", str(port)) for name, value in environment.items()}
    with tempfile.TemporaryFile() as printed:  # a pipe would be full some time, and the server wait
        process = subprocess.Popen(
            [python, *shlex.split(command.format(port=port, app=app))],
            cwd=folder,
            env={**unmeasured(), "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **told},
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, with its workers
        )
        server = Server(port, printed)
        try:
            _wait_for(server, process, patience)
            yield server
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, and end it and its workers after a while."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(server: Server, process: subprocess.Popen[bytes], patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{server.output()}")
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=0.2).close()
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
