"""ASGI applications on loopback sockets, on threads of this process, so that a test sees what they saw."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from authmw.asgi.middleware import ASGIApp

_SECONDS = 20.0


@contextmanager
def listening() -> Generator[tuple[socket.socket, str]]:
    """A socket that listens on a free port of this machine, and its URL: known before its application is made."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def serving(app: ASGIApp, listener: socket.socket) -> Generator[None]:
    """Serve `app` on `listener` until the block ends."""
    config = uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=2)
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        assert server.is_up.wait(_SECONDS), "the server did not start"
        yield
    finally:
        server.should_exit = True
        thread.join(_SECONDS)
        assert not thread.is_alive()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.is_up.set()
